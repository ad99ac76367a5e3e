//! What is decided whatever an attribute is, against decisions with the attribute, without it and with other values.

use super::fixtures::{folders, read};
use parapet::engine::Unknown;
use parapet::fixture::Requests;
use parapet::{Request, compile_text};
use serde_json::{Map, Value};

/// The attributes of a part of a request.
fn part<'r>(request: &'r mut Request, name: &str) -> Option<&'r mut Map<String, Value>> {
    match name {
        "principal" => Some(&mut request.principal_attributes),
        "action" => Some(&mut request.action_attributes),
        "resource" => request.resource_attributes.as_mut(),
        _ => Some(&mut request.context),
    }
}

fn without(part: &str, name: &str) -> Unknown {
    let mut unknown = Unknown::default();
    let attributes = match part {
        "principal" => &mut unknown.principal,
        "action" => &mut unknown.action,
        "resource" => &mut unknown.resource,
        _ => &mut unknown.context,
    };
    attributes.insert(name.to_owned());
    unknown
}

#[test]
fn what_is_settled_is_decided_so_whatever_the_value_is() {
    let (mut settled, mut open, mut compared) = (0, 0, 0);
    for folder in folders() {
        let (document, compiled) = compile_text(&read(&folder.join("tenant.json"))).unwrap();
        let engine = compiled.engine().unwrap();
        let requests = Requests::read(&read(&folder.join("requests.json"))).unwrap();
        let cases: Vec<(Request, _)> = (requests.requests.iter())
            .map(|case| (case.engine_request(&document).unwrap(), case.now.unwrap_or(requests.now)))
            .collect();
        for (request, now) in &cases {
            // What does not fit its type is an error before any policy is asked: there is nothing to be settled.
            if engine.decide(request, *now).at.is_some() {
                continue;
            }
            for of in ["principal", "action", "resource", "context"] {
                let mut rest = request.clone();
                let names: Vec<String> = part(&mut rest, of).map_or(vec![], |its| its.keys().cloned().collect());
                for name in names {
                    let mut rest = request.clone();
                    part(&mut rest, of).unwrap().remove(&name);
                    let record = engine.principal(&request.principal);
                    let answer = engine.without(&without(of, &name)).allows(record.as_ref(), &rest, *now);
                    let Some(allowed) = answer else {
                        open += 1;
                        continue;
                    };
                    settled += 1;
                    // Values of the same attribute in other requests, its own among them.
                    let values =
                        cases.iter().filter_map(|(other, _)| part(&mut other.clone(), of)?.get(&name).cloned());
                    let with = |value: Value| {
                        let mut asked = rest.clone();
                        part(&mut asked, of).unwrap().insert(name.clone(), value);
                        asked
                    };
                    for asked in values.map(with).chain([rest.clone()]) {
                        let decision = engine.decide(&asked, *now);
                        let told = format!("{} without {of}.{name}: {asked:?}: {decision:?}", folder.display());
                        assert!(decision.is_allow() == allowed || decision.at.is_some(), "{told}");
                        compared += 1;
                    }
                }
            }
        }
    }
    println!("{settled} settled, {open} open, {compared} compared");
    assert!(settled > 50 && open > 50, "{settled} settled, {open} open");
}

//! Everything that an engine is asked: decisions, explanations, searches and the matrix, by the snapshot's own schema.

use parapet::directory::EntityRef;
use parapet::engine::{Candidate, Candidates, PageRequest};
use parapet::schema::{Attributes, SERVICE_ACCOUNT, Type, USER};
use parapet::{Engine, Request, Timestamp};
use serde_json::{Map, Value as Json, json};

/// How many of a kind are asked about: an input must not take long because its snapshot has much in it.
const MOST: usize = 3;

/// Asks an engine, and writes every answer as the program and the edge do.
pub fn ask(engine: &Engine) {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let page = PageRequest { limit: Some(MOST as u64), ..PageRequest::default() };
    let rows: Vec<_> = engine.matrix(now).take(MOST).collect();
    said(&rows);
    let mut principals: Vec<EntityRef> = rows.into_iter().map(|row| row.principal).collect();
    principals.push(EntityRef::new(USER, "nobody"));
    for (name, action) in engine.schema().actions.iter().take(2 * MOST) {
        let Some(short) = name.strip_prefix(action.resource.as_str()).and_then(|rest| rest.strip_prefix(':')) else {
            continue;
        };
        for (position, principal) in principals.iter().enumerate() {
            let mut request = Request::new(principal.clone(), short, EntityRef::new(&action.resource, "one"));
            if position % 2 == 0 {
                fill(engine, &mut request, position % 4 == 0);
            }
            let found = engine.search_resources(&request, Candidates::Registered, now, &page);
            if let Some(found) = found.ok().and_then(|page| page.items.into_iter().next()) {
                request.resource = found;
            }
            said(&engine.decide(&request, now));
            said(&engine.explain(&request, now));
            let record = engine.principal(principal);
            said(&engine.decide_with(record.as_ref(), &request, now));
            drop(engine.search_actions(&request, now, &page));
            drop(engine.search_subjects(&request, now, &page));
            let given = [Candidate { id: "one".to_owned(), attributes: request.resource_attributes.clone() }];
            drop(engine.search_resources(&request, Candidates::Given(&given), now, &page));
            engine.decide_batch([&request, &request], now).for_each(|decision| said(&decision));
        }
    }
}

/// Writes an answer, as the program and the edge do.
pub fn said(answer: &impl serde::Serialize) {
    serde_json::to_string(answer).expect("every answer can be written");
}

/// Fills in what the schema declares.
fn fill(engine: &Engine, request: &mut Request, registered: bool) {
    let schema = engine.schema();
    let of = |attributes: &Attributes| -> Map<String, Json> {
        attributes.iter().map(|(name, ty)| (name.clone(), value(ty, 4))).collect()
    };
    let own = if request.principal.r#type == SERVICE_ACCOUNT { &schema.service_account } else { &schema.user };
    request.principal_attributes = of(own);
    request.context = of(&schema.context);
    if let Some(Type::Record(attributes)) = schema.context.get("action") {
        request.action_attributes = of(attributes);
    }
    if !registered {
        request.resource_attributes = schema.types.get(&request.resource.r#type).map(|ty| of(&ty.attributes));
    }
    request.scopes = registered.then(|| schema.actions.keys().take(MOST).cloned().collect());
}

/// A value of a type, as a caller would write it.
fn value(ty: &Type, depth: u8) -> Json {
    match ty {
        _ if depth == 0 => Json::Null,
        Type::Bool => json!(true),
        Type::Long => json!(7),
        Type::String => json!("one"),
        Type::Decimal => json!("1.5"),
        Type::Ip => json!("10.0.0.1/8"),
        Type::Datetime => json!("2026-01-31T08:00:00Z"),
        Type::Duration => json!("1d2h"),
        Type::Entity(ty) => json!({"type": ty, "id": "one"}),
        Type::Set(element) => json!([value(element, depth - 1), value(element, depth - 1)]),
        Type::Record(attributes) => {
            Json::Object(attributes.iter().map(|(name, ty)| (name.clone(), value(ty, depth - 1))).collect())
        }
    }
}

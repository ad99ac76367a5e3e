//! Which decisions are logged, what of them, and that the row asks again what was asked.

use super::*;
use crate::directory::EntityRef;
use crate::engine::{Decision, Outcome, Reason, Request};
use crate::model::{DecisionCaller, DecisionLog, Row, SettingCategory};
use crate::schema::{ResourceType, Schema, Type};
use serde_json::{Value as Json, json};
use uuid::Uuid;

fn schema() -> Schema {
    let mut schema = Schema::default();
    let attribute = |name: &str, ty| (name.to_owned(), ty);
    schema.user.insert("device_trust".to_owned(), Type::Long);
    schema.caller.insert("device_trust".to_owned());
    let attributes =
        [attribute("owner", Type::String), attribute("salary", Type::Long), attribute("text", Type::String)];
    schema.types.insert(
        "document".to_owned(),
        ResourceType { attributes: attributes.into_iter().collect(), ..ResourceType::default() },
    );
    schema
}

fn read(json: Json) -> (Logging, Vec<(String, &'static str, bool)>) {
    let mut faults = Vec::new();
    let logging = Logging::read(&json, &schema(), &mut faults);
    (logging, faults.into_iter().map(|fault| (fault.pointer, fault.code, fault.is_error)).collect())
}

fn id(last: u128) -> Uuid {
    Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + last)
}

fn row(logging: &Logging, request: &Request) -> DecisionLog {
    let reason = Some(Reason::UnknownAction);
    let decision = Decision { outcome: Outcome::NoPermit, reason, at: None, policies: vec![], errors: vec![] };
    let decided = Decided {
        id: id(7),
        tenant: id(1),
        request_id: "r-1",
        caller: DecisionCaller::Evaluation,
        request,
        principal: None,
        decision: &decision,
        policy_version: 3,
        directory_version: 4,
        age: 250,
        now: "2026-03-02T10:00:00Z".parse().unwrap(),
    };
    logging.row(&decided, &schema())
}

fn asked() -> Request {
    let map = |json: Json| json.as_object().unwrap().clone();
    Request {
        principal_attributes: map(json!({ "device_trust": 3 })),
        resource_attributes: Some(map(json!({ "owner": "anna", "salary": 7 }))),
        context: map(json!({ "mfa": true, "ip": "192.0.2.1" })),
        scopes: Some(vec!["document:read".to_owned()]),
        ..Request::new(EntityRef::new("User", "u1"), "read", EntityRef::new("document", "d1"))
    }
}

#[test]
fn where_nothing_is_set_every_denial_is_logged_and_no_allow() {
    let logging = Logging::default();
    for last in [0, 7, u128::from(u32::MAX)] {
        assert!(!logging.wants(Outcome::Allow, id(last)));
        for outcome in [Outcome::Forbidden, Outcome::NoPermit, Outcome::Error] {
            assert!(logging.asks(outcome) && logging.wants(outcome, id(last)));
        }
    }
    assert!(!logging.asks(Outcome::Allow));
    // What the catalogue of settings says counts is what counts.
    let known = crate::setting::find(SettingCategory::Auth, Logging::SETTING).unwrap();
    let mut faults = Vec::new();
    assert_eq!(Logging::read(&known.default_value(), &schema(), &mut faults), logging);
    assert_eq!(read(json!({})), (logging, vec![]));
}

#[test]
fn a_share_is_taken_by_the_id_and_a_greater_one_holds_it() {
    let tenth = read(json!({ "allow": 0.1 })).0;
    let half = read(json!({ "allow": 0.5 })).0;
    let spread = |number: u32| u128::from(number.wrapping_mul(2_654_435_761));
    let ids: Vec<Uuid> = (0..10_000).map(|number| id(spread(number))).collect();
    let taken = |logging: &Logging| ids.iter().filter(|id| logging.wants(Outcome::Allow, **id)).count();
    assert!((900..1100).contains(&taken(&tenth)), "{}", taken(&tenth));
    assert!((4800..5200).contains(&taken(&half)), "{}", taken(&half));
    assert!(ids.iter().all(|id| !tenth.wants(Outcome::Allow, *id) || half.wants(Outcome::Allow, *id)));
    let all = read(json!({ "allow": 1, "no_permit": 0 })).0;
    assert_eq!(taken(&all), ids.len());
    assert!(!all.asks(Outcome::NoPermit) && all.asks(Outcome::Forbidden));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mask =
        json!(["resource.owner", "resource.salery", "*.nothing", "salary", "resource.sa*", "place.x", "*.*a*", 7]);
    let (_, faults) = read(json!({ "allow": 1.5, "forbidden": "all", "sometimes": 1, "mask": mask }));
    let fault = |pointer: &str, code, is_error| (pointer.to_owned(), code, is_error);
    let mut faults = faults;
    faults.sort();
    assert_eq!(
        faults,
        [
            fault("/allow", "decision_log.share", true),
            fault("/forbidden", "decision_log.share", true),
            fault("/mask/1", "decision_log.unknown_attribute", true),
            fault("/mask/2", "decision_log.unknown_attribute", false),
            fault("/mask/3", "decision_log.pattern", true),
            fault("/mask/5", "decision_log.pattern", true),
            fault("/mask/6", "decision_log.pattern", true),
            fault("/mask/7", "decision_log.pattern", true),
            fault("/sometimes", "decision_log.unknown_field", true),
        ]
    );
    assert_eq!(read(json!([])).1, [fault("", "decision_log.wrong_type", true)]);
    assert_eq!(read(json!({ "mask": {} })).1, [fault("/mask", "decision_log.wrong_type", true)]);
    let many = vec!["resource.owner"; 101];
    assert_eq!(read(json!({ "mask": many })).1, [fault("/mask", "decision_log.too_many", true)]);
    assert!(Logging::of_section(b"{\"allow\": 2}", &schema()).is_err());
    assert!(Logging::of_section(b"{", &schema()).is_err());
}

#[test]
fn a_row_asks_what_was_asked_and_names_what_it_leaves_out() {
    let logging = read(json!({ "mask": [] })).0;
    let whole = row(&logging, &asked());
    assert_eq!(request(&whole), asked());
    assert_eq!(whole.left_out, Vec::<String>::new());
    assert!(unknown(&whole).unwrap().is_empty());
    // And so does what is exported of it.
    let json = serde_json::to_value(&whole).unwrap();
    let read_back = DecisionLog::from_json(json.as_object().unwrap().clone(), "r", &mut vec![]);
    assert_eq!(read_back, Some(whole));

    let masked = row(&Logging::default(), &asked());
    assert_eq!(masked.left_out, ["context.ip"]);
    assert!(!serde_json::to_string(&masked).unwrap().contains("192.0.2.1"));
    assert!(unknown(&masked).unwrap().context.contains("ip"));
    let masked = row(&read(json!({ "mask": ["*.salary", "resource.own*"] })).0, &asked());
    assert_eq!(masked.left_out, ["resource.owner", "resource.salary"]);
    // That the caller said what the resource is counts, even where nothing is left of it.
    assert_eq!(request(&masked).resource_attributes, Some(serde_json::Map::new()));
    assert_eq!(request(&masked).context, asked().context);
}

#[test]
fn what_nobody_declared_is_kept_by_its_name_alone() {
    let mut asked = asked();
    asked.context.insert("note".to_owned(), json!("secret words"));
    asked.context.insert("now".to_owned(), json!("2020-01-01T00:00:00Z"));
    asked.principal_attributes.insert("email".to_owned(), json!("anna@acme.example"));
    asked.context.insert("auth_time".to_owned(), Json::Null);
    let row = row(&Logging::default(), &asked);
    assert_eq!(row.left_out, ["principal.email", "context.ip", "context.note"]);
    let text = serde_json::to_string(&row).unwrap();
    assert!(!text.contains("secret words") && !text.contains("anna@") && !text.contains("2020"), "{text}");
}

#[test]
fn whoever_is_not_known_is_not_named_by_an_address() {
    let mut asked = asked();
    asked.principal.id = "anna@acme.example".to_owned();
    let masked = row(&Logging::default(), &asked);
    assert_eq!((masked.principal_id.as_str(), masked.left_out[1].as_str()), ("*@acme.example", "principal"));
    // So nobody knows who it was.
    assert_eq!(unknown(&masked), None);
}

#[test]
fn a_row_is_bounded_whatever_is_said() {
    let logging = read(json!({ "mask": [] })).0;
    let mut asked = asked();
    let attributes = asked.resource_attributes.as_mut().unwrap();
    attributes.insert("text".to_owned(), json!("\u{1}".repeat(2_000)));
    for number in 0..10_000 {
        asked.context.insert(format!("{number}{}", "x".repeat(300)), json!(1));
    }
    asked.scopes = Some(vec!["s".repeat(100); 1_000]);
    asked.resource.id = "é".repeat(100_000);
    asked.principal.id = "\u{1}".repeat(100_000);
    asked.action = "a".repeat(100_000);
    let cut = row(&logging, &asked);
    assert!(serde_json::to_string(&cut).unwrap().len() < 40_000);
    assert_eq!(unknown(&cut), None);
    assert!(cut.left_out.contains(&"resource.text".to_owned()), "{:?}", cut.left_out);
    assert!(cut.resource_id.ends_with('…') && cut.left_out.contains(&"…".to_owned()));
    let mut many = self::asked();
    many.context.extend((0..100).map(|number| (number.to_string(), json!(1))));
    assert_eq!(row(&logging, &many).left_out.len(), 32);
    assert!(is_short(&many, 4_096) && !is_short(&many, 512) && !is_short(&asked, 16_384));
}

//! Residuals against decisions, one by one: of policies that no validator has seen.

mod generator;
mod nodes;
mod random;
mod steps;

use crate::compile::{Origin, Sourced};
use crate::directory::{
    Edge, EntityRef, Hierarchy, PrincipalRecord, PrincipalState, ResourceNode, RoleNode, RowRef, UnitNode,
};
use crate::engine::{Engine, Request, Residual};
use crate::model::{Effect, TenantStatus, Timestamp};
use crate::schema::{Action, Attributes, ResourceType, Schema, Type, USER};
use crate::snapshot::{SectionKind, SigningKey, Snapshot, SnapshotBuilder};
use crate::store::write::{Content, Sources, write};
use crate::tenant::TenantRecord;
use cedar_policy::PolicySet;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// 2026-03-02T10:00:00Z.
const NOW: i64 = 1_772_445_600_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

fn attributes(written: Json) -> Attributes {
    match Type::read(&written) {
        Ok(Type::Record(attributes)) => attributes,
        other => panic!("{other:?}"),
    }
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.user.extend(attributes(json!({"department": "String", "level": "Long", "teams": "Set<String>",
        "boss": "User", "address": {"street": "String", "zip": "Long"}})));
    let document = attributes(json!({"owner": "User", "parent": "document", "folder": "folder", "size": "Long",
        "rank": "Long", "title": "String", "state": "String", "public": "Bool", "tags": "Set<String>",
        "labels": "Set<String>", "numbers": "Set<Long>", "viewers": "Set<User>", "folders": "Set<folder>",
        "due": "datetime", "created": "datetime", "spent": "duration", "price": "decimal", "limit": "decimal",
        "ip": "ipaddr", "address": {"street": "String", "zip": "Long"}, "if": "Bool", "a \"b\".c": "Long"}));
    let parents = ["folder".to_owned()].into();
    schema.types.insert("document".to_owned(), ResourceType { attributes: document, parents });
    let parents = ["folder".to_owned()].into();
    schema.types.insert("folder".to_owned(), ResourceType { attributes: Attributes::new(), parents });
    for action in ["read", "write"] {
        let action_ = Action { resource: "document".to_owned(), groups: ["user".to_owned()].into() };
        schema.actions.insert(format!("document:{action}"), action_);
    }
    schema
}

fn hierarchy() -> Hierarchy {
    let mut hierarchy = Hierarchy::default();
    hierarchy.roles.insert("reader".to_owned(), RoleNode { name: "Reader".to_owned() });
    let unit = UnitNode { name: "Head office".to_owned(), parent: None };
    hierarchy.organization_units.insert("head".to_owned(), unit);
    let group = crate::directory::GroupNode {
        name: "Staff".to_owned(),
        roles: vec![],
        organization_unit: Some("head".to_owned()),
    };
    hierarchy.groups.insert("staff".to_owned(), group);
    let node = |parent: &[(&str, &str)]| ResourceNode {
        attributes: Map::new(),
        parents: parent.iter().map(|(ty, id)| EntityRef::new(*ty, *id)).collect(),
    };
    let mut resources = |ty: &str, nodes: &[(&str, &[(&str, &str)])]| {
        let nodes = nodes.iter().map(|(id, parents)| ((*id).to_owned(), node(parents)));
        hierarchy.resources.insert(ty.to_owned(), nodes.collect());
    };
    resources("folder", &[("top", &[]), ("inner", &[("folder", "top")]), ("side", &[])]);
    resources(
        "document",
        &[("d1", &[("folder", "inner")]), ("d2", &[("folder", "top")]), ("d3", &[("folder", "side")])],
    );
    hierarchy
}

fn principal() -> PrincipalRecord {
    let edge = |to: &str| Edge { to: to.to_owned(), expires_at: None, source: RowRef::new("user_role", Uuid::nil()) };
    PrincipalRecord {
        r#type: USER.to_owned(),
        id: "ann".to_owned(),
        state: PrincipalState::Active,
        attributes: serde_json::from_value(json!({"department": "sales", "level": 3, "teams": ["a", "b"],
            "boss": {"type": "User", "id": "bob"}, "address": {"street": "High Street"}}))
        .unwrap(),
        roles: vec![edge("reader")],
        groups: vec![edge("staff")],
    }
}

/// An engine with policies as they are written, ill-typed ones too.
fn engine(policies: &str) -> Engine {
    let parsed: PolicySet = policies.parse().unwrap_or_else(|error| panic!("{policies}\n{error}"));
    let mut templates = BTreeMap::new();
    let mut text = String::new();
    for (number, policy) in parsed.policies().enumerate() {
        let id = format!("p{number:02}");
        let policy = policy.new_id(cedar_policy::PolicyId::new(&id));
        let body = policy.to_pst().unwrap().body().clone();
        let annotated = body.clone().with_annotations(BTreeMap::from([("id".to_owned(), id.as_str().into())]));
        let printed = cedar_policy::pst::StaticPolicy::try_from(annotated).unwrap();
        text.push_str(&format!("{printed}\n"));
        templates.insert(id, body);
    }
    let source = |id: &String| Sourced {
        effect: Effect::Allow,
        origin: Arc::new(Origin::Custom { id: Uuid::nil().to_string(), name: id.clone() }),
        condition: None,
        rows: vec![],
        expires_at: None,
    };
    let sources: Vec<Sourced> = templates.keys().map(source).collect();
    let sources = Sources { actions: &[], of: sources.iter().collect() };
    let tenant = TenantRecord {
        id: Uuid::nil().to_string(),
        slug: "t".to_owned(),
        status: TenantStatus::Active,
        flags: vec![],
        flags_off: vec![],
    };
    let (schema, hierarchy) = (schema(), hierarchy());
    let named: Vec<_> = templates.iter().map(|(id, template)| (id.as_str(), template)).collect();
    let content = Content {
        tenant: &tenant,
        schema: &schema,
        policies: &named,
        sources: Some(&sources),
        hierarchy: &hierarchy,
        principals: &[principal()],
    };
    let builder = write(&content, SnapshotBuilder::new(Uuid::nil())).unwrap();
    let builder = builder
        .section(SectionKind::Tenant, serde_json::to_vec(&tenant).unwrap())
        .section(SectionKind::Schema, serde_json::to_vec(&schema).unwrap())
        .section(SectionKind::Cedar, crate::cedar::pack::pack(&text));
    let bytes = builder.build(0, 0, &SigningKey::hmac("local", &[0; 32]).unwrap());
    Engine::new(Snapshot::open_trusted(bytes).unwrap()).unwrap()
}

fn request(id: &str, row: &Map<String, Json>) -> Request {
    let mut request = Request::new(EntityRef::new(USER, "ann"), "read", EntityRef::new("document", id));
    request.resource_attributes = Some(row.clone());
    request
}

fn residual(engine: &Engine) -> Residual {
    engine.residual(&request("", &Map::new()), now())
}

/// Resources of every kind: each attribute of the sample, others, and none.
fn rows(rng: &mut generator::Rng, count: usize) -> Vec<(String, Map<String, Json>)> {
    (0..count).map(|_| generator::row(rng)).collect()
}

/// Holds a residual, in every form that needs no database, against decisions one by one.
fn check(policies: &str, rows: &[(String, Map<String, Json>)]) -> Residual {
    let engine = engine(policies);
    let residual = residual(&engine);
    let written = residual.cedar();
    let again = self::engine(&format!("permit(principal, action, resource) when {{ {written} }};"));
    let declared = &engine.schema().types["document"].attributes;
    let twin = steps::node_by_node(&engine);
    for (id, row) in rows {
        let request = request(id, row);
        assert_eq!(steps::satisfied(engine.view(), &request), steps::satisfied(&twin, &request), "{policies}");
        let decided = engine.decide(&request, now()).is_allow();
        let allowed = residual.allows(id, declared, row).unwrap();
        let about = || format!("{policies}\n{id} {}\n{residual:#?}\n{written}", Json::Object(row.clone()));
        if residual.is_exact() {
            assert_eq!(allowed, decided, "{}", about());
        } else {
            assert!(decided || !allowed, "allowed too much: {}", about());
        }
        let by_text = again.decide_by_cedar(&request, now());
        assert_eq!(by_text.is_allow(), allowed, "as Cedar: {}", about());
        assert!(by_text.errors.is_empty(), "as Cedar: {:?} {}", by_text.errors, about());
    }
    residual
}

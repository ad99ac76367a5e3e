//! The rules of automatic groups: what they may read, and whom they put where.
//!
//! A rule decides like a policy, so it is a program of our engine like any other condition: each rule is carried as a
//! feature flag under the group's id, in a snapshot of its own without policies.

use super::known::{Known, Learning};
use super::{flag, grant, schema, validate};
use crate::condition::{Condition, Operand, Path, Place, Root, Scope};
use crate::directory::{Hierarchy, PrincipalRecord};
use crate::engine::Engine;
use crate::model::{TenantDocument, TenantStatus, Timestamp};
use crate::schema::Schema;
use crate::snapshot::{SectionKind, SigningKey, Snapshot, SnapshotBuilder};
use crate::store::write::{Content, write};
use crate::tenant::{Flag, TenantRecord};
use crate::{Finding, cedar};
use cedar_policy::pst::{Expr, Var};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// Columns that users write themselves, or whose value follows from what they do. A rule that read one would let them
/// put themselves into the group.
pub const SELF_WRITTEN: &[&str] =
    &["avatar_url", "first_name", "force_password_change", "last_name", "phone", "phone_verified", "username"];

/// The rules of a tenant's automatic groups, ready to be asked.
#[derive(Debug, Clone)]
pub struct AutomaticRules {
    /// Nothing where there are no rules.
    engine: Option<Engine>,
}

impl AutomaticRules {
    /// The rules of a tenant's rows, under the schema that the rows make.
    ///
    /// # Errors
    /// All that is wrong with the rules.
    pub fn of(document: &TenantDocument) -> Result<Self, Vec<Finding>> {
        let mut findings = vec![];
        if !document.user_group.iter().any(|group| group.auto_assignment_rules.is_some()) {
            return Ok(Self { engine: None });
        }
        let grants = grant::collect(document, &mut findings);
        let rules = rules(document, &mut findings);
        let targeting = flag::targeting(document, &mut findings);
        let conditions: Vec<Condition> = rules.iter().map(|rule| rule.condition.clone()).collect();
        let schema = schema::of(document, &grants, &conditions, &targeting, &mut findings);
        // What is wrong with other rows is theirs to say.
        findings.retain(|finding| finding.table == "user_group");
        Self::build(document, &schema, &rules, findings)
    }

    /// The same, under a schema that is known already: that of a snapshot of these rows.
    ///
    /// # Errors
    /// All that is wrong with the rules.
    pub fn within(schema: &Schema, document: &TenantDocument) -> Result<Self, Vec<Finding>> {
        let mut findings = vec![];
        let rules = rules(document, &mut findings);
        Self::build(document, schema, &rules, findings)
    }

    fn build(
        document: &TenantDocument,
        schema: &Schema,
        rules: &[Rule],
        mut findings: Vec<Finding>,
    ) -> Result<Self, Vec<Finding>> {
        let nothing = Known::default();
        let expressions = expressions(schema, rules, &mut Learning::after(&nothing), &mut findings);
        if findings.iter().any(Finding::is_error) {
            findings.sort();
            return Err(findings);
        }
        if expressions.is_empty() {
            return Ok(Self { engine: None });
        }
        let flag = |(group, expression): (Uuid, Arc<Expr>)| Flag {
            name: group.to_string(),
            percentage: None,
            condition: Some(expression.to_string()),
        };
        let mut tenant = TenantRecord::of(&document.tenant, expressions.into_iter().map(flag).collect(), vec![]);
        tenant.status = TenantStatus::Active;
        let engine = engine(document.tenant.id, &tenant, schema);
        let engine = engine.map_err(|error| vec![Finding::error("user_group", "user_group.rule", error)])?;
        Ok(Self { engine: Some(engine) })
    }

    /// Whether there are no rules at all.
    pub fn is_empty(&self) -> bool {
        self.engine.is_none()
    }

    /// The groups whose rule a user fulfils, in the order of their ids. A rule that cannot be evaluated puts nobody
    /// anywhere, and whoever has an attribute of the wrong type is in no automatic group.
    pub fn groups(&self, user: &PrincipalRecord) -> Vec<Uuid> {
        // No rule reads the time.
        let met = self.engine.iter().flat_map(|engine| engine.flags(user, Timestamp::from_millis(0)));
        let mut groups: Vec<Uuid> = met.filter_map(|id| Uuid::try_parse(id).ok()).collect();
        groups.sort_unstable();
        groups
    }

    /// The rules as Cedar, with their groups.
    #[cfg(test)]
    fn cedar(&self) -> Vec<(Uuid, String)> {
        let flags = self.engine.iter().flat_map(|engine| &engine.tenant().flags);
        flags.map(|flag| (flag.name.parse().unwrap(), flag.condition.clone().unwrap())).collect()
    }
}

/// An engine without policies, for its flags alone. It never leaves this process, so nothing is there to be signed.
fn engine(id: Uuid, tenant: &TenantRecord, schema: &Schema) -> Result<Engine, String> {
    let hierarchy = Hierarchy::default();
    let content = Content { tenant, schema, policies: &[], sources: None, hierarchy: &hierarchy, principals: &[] };
    let content = write(&content, SnapshotBuilder::new(id)).map_err(|unwritable| unwritable.error.to_string())?;
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| error.to_string());
    let content = content
        .section(SectionKind::Tenant, json(serde_json::to_vec(tenant))?)
        .section(SectionKind::Schema, json(serde_json::to_vec(schema))?)
        .section(SectionKind::Cedar, cedar::pack::pack(""));
    let key = SigningKey::hmac("local", &[0; 32]).map_err(|error| error.to_string())?;
    let snapshot = Snapshot::open_trusted(content.build(0, 0, &key)).map_err(|error| error.to_string())?;
    Engine::new(snapshot).map_err(|error| error.to_string())
}

/// The rule of an automatic group.
pub(super) struct Rule {
    /// Its condition.
    pub condition: Condition,
    group: Uuid,
    id: String,
}

impl Rule {
    fn place(&self) -> Place<'_> {
        Place { table: "user_group", row: &self.id, field: "auto_assignment_rules" }
    }
}

/// Reads the rules of automatic groups.
pub(super) fn rules(document: &TenantDocument, findings: &mut Vec<Finding>) -> Vec<Rule> {
    let mut rules = vec![];
    for group in &document.user_group {
        let Some(json) = &group.auto_assignment_rules else { continue };
        let id = group.id.to_string();
        let place = Place { table: "user_group", row: &id, field: "auto_assignment_rules" };
        if let Some(condition) = Condition::parse(json, place, findings) {
            rules.push(Rule { condition, group: group.id, id });
        }
    }
    rules
}

/// Compiles and validates the rules; those that can be.
pub(super) fn expressions(
    schema: &Schema,
    rules: &[Rule],
    learning: &mut Learning<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<(Uuid, Arc<Expr>)> {
    let nothing = BTreeSet::new();
    let scope = Scope { schema, resource_types: &nothing, roots: &[Root::Principal] };
    let mut expressions = vec![];
    for rule in rules {
        refuse_reads(schema, &rule.condition, rule.place(), findings);
        if let Some(expression) = rule.condition.to_cedar(scope, rule.place(), findings) {
            validate::expression(schema, &expression, rule.place(), learning, findings);
            expressions.push((rule.group, expression));
        }
    }
    expressions
}

/// Finds what a rule must not read: what the user or a caller says, and what the user lies in, which rules decide.
fn refuse_reads(schema: &Schema, condition: &Condition, place: Place<'_>, findings: &mut Vec<Finding>) {
    let mut refuse = |at: &str, attribute: Option<&str>| {
        let (code, message) = match attribute {
            None => (
                "user_group.rule_membership",
                "a rule reads attributes of `principal`, never what it lies in".to_owned(),
            ),
            Some(name) if SELF_WRITTEN.contains(&name) => {
                ("user_group.rule_self_written", format!("users write `{name}` themselves, so no rule may go by it"))
            }
            Some(name) if schema.caller.contains(name) => {
                ("user_group.rule_caller_attribute", format!("callers say `{name}`, so no rule may go by it"))
            }
            Some(_) => return,
        };
        findings.push(place.error(at, code, message));
    };
    for test in condition.tests() {
        let variables = test.values.iter().filter_map(|operand| match operand {
            Operand::Variable(path) => Some(path),
            Operand::Literal(_) => None,
        });
        let paths: Vec<&Path> = [&test.path].into_iter().chain(variables).collect();
        for path in paths.into_iter().filter(|path| path.root == Root::Principal) {
            refuse(&test.at, path.way.first().map(String::as_str));
        }
    }
    for text in condition.expressions() {
        // What is no Cedar is found when it is compiled.
        let Ok(expression) = cedar::expression::parse_expression(&text.text) else { continue };
        for attribute in reads(&expression) {
            refuse(&text.at, attribute.as_deref());
        }
    }
}

/// The attributes of `principal` that an expression reads; `None` for the principal itself.
fn reads(expression: &Expr) -> BTreeSet<Option<String>> {
    let is_principal = |expression: &Arc<Expr>| matches!(**expression, Expr::Var(Var::Principal));
    expression.reduce(
        &|part| match part {
            Expr::GetAttr { expr, attr } if is_principal(expr) => Some(BTreeSet::from([Some(attr.to_string())])),
            Expr::HasAttr { expr, attrs } if is_principal(expr) => Some(BTreeSet::from([Some(attrs.head.to_string())])),
            Expr::Var(Var::Principal) => Some(BTreeSet::from([None])),
            _ => None,
        },
        &|mut one: BTreeSet<Option<String>>, other| {
            one.extend(other);
            one
        },
        BTreeSet::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use cedar_policy::{Context, Entities, Entity, EvalResult, RestrictedExpression};
    use serde_json::{Value as Json, json};

    fn document(rules: &[Json]) -> TenantDocument {
        let groups: Vec<Json> = (rules.iter().zip(0x41_u128..))
            .map(|(rule, id)| {
                json!({ "id": Uuid::from_u128(id), "name": format!("group {id}"), "type": "automatic",
                        "auto_assignment_rules": rule })
            })
            .collect();
        let document = json!({
            "tenant": { "id": Uuid::from_u128(1), "name": "Acme", "slug": "acme",
                        "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z" },
            "permission": [{ "id": Uuid::from_u128(0x21), "name": "read", "resource": "doc", "action": "read",
                             "category": "user" }],
            "tenant_setting": [{ "id": Uuid::from_u128(0x31), "category": "auth", "setting_key": "schema",
                "setting_value": { "user": {
                    "attributes": { "department": "String", "grade": "Long", "tags": "Set<String>",
                                    "hired": "datetime" },
                    "caller_attributes": { "device": "String" } }, "types": { "doc": {} } } }],
            "user_group": groups,
        });
        TenantDocument::from_value(document).unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    fn user(attributes: Json) -> PrincipalRecord {
        PrincipalRecord {
            r#type: "User".to_owned(),
            id: Uuid::from_u128(9).to_string(),
            state: crate::directory::PrincipalState::Active,
            attributes: attributes.as_object().unwrap().clone(),
            roles: vec![],
            groups: vec![],
        }
    }

    #[test]
    fn a_user_is_in_the_groups_whose_rule_holds_as_cedar_says() {
        let document = document(&[
            json!({ "StringEquals": { "principal.department": ["sales", "support"] } }),
            json!({ "all": [{ "NumericGreaterThan": { "principal.grade": 3 } },
                            { "not": { "StringEquals": { "principal.department": "sales" } } }] }),
            json!({ "cedar": "principal has tags && principal.tags.contains(\"night\")" }),
            json!({ "StringNotEquals": { "principal.department": "sales" } }),
            json!({ "StringEquals": { "principal.department": "${principal.email}" } }),
            json!({ "Null": { "principal.grade": true } }),
            json!({ "cedar": "principal has grade && principal.grade * 9223372036854775807 > 1" }),
            json!({ "DateLessThan": { "principal.created_at": "2026-01-01T00:00:00Z" } }),
        ]);
        compile(&document).unwrap();
        let rules = AutomaticRules::of(&document).unwrap();
        assert_eq!(rules.cedar().len(), 8);
        let mut seen = BTreeSet::new();
        for department in [None, Some("sales"), Some("support"), Some("a@b")] {
            for grade in [None, Some(1), Some(4)] {
                for tags in [json!(null), json!([]), json!(["night", "day"])] {
                    let mut attributes = json!({ "department": department, "grade": grade, "tags": tags,
                                                 "email": "a@b", "created_at": "2025-05-05T05:05:05.000Z" });
                    attributes.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                    let user = user(attributes);
                    let groups = rules.groups(&user);
                    assert_eq!(groups, by_cedar(&rules, &user), "{user:?}");
                    seen.extend(groups);
                }
            }
        }
        assert_eq!(seen.len(), 8, "each rule holds for somebody");
    }

    /// The same by Cedar's own evaluator.
    fn by_cedar(rules: &AutomaticRules, user: &PrincipalRecord) -> Vec<Uuid> {
        let attributes = user.attributes.iter().map(|(name, value)| {
            let value = match value {
                Json::String(text) if name == "created_at" => RestrictedExpression::new_datetime(text),
                Json::String(text) => RestrictedExpression::new_string(text.clone()),
                Json::Number(number) => RestrictedExpression::new_long(number.as_i64().unwrap()),
                Json::Array(list) => RestrictedExpression::new_set(
                    list.iter().map(|item| RestrictedExpression::new_string(item.as_str().unwrap().to_owned())),
                ),
                _ => panic!("{value}"),
            };
            (name.clone(), value)
        });
        let uid: cedar_policy::EntityUid = format!("User::\"{}\"", user.id).parse().unwrap();
        let entity = Entity::new(uid.clone(), attributes.collect(), Default::default()).unwrap();
        let entities = Entities::from_entities([entity], None).unwrap();
        let other: cedar_policy::EntityUid = "Action::\"none\"".parse().unwrap();
        let request = cedar_policy::Request::new(uid, other.clone(), other, Context::empty(), None).unwrap();
        let holds = |text: &str| {
            let expression = text.parse().unwrap();
            matches!(cedar_policy::eval_expression(&request, &entities, &expression), Ok(EvalResult::Bool(true)))
        };
        rules.cedar().into_iter().filter(|(_, text)| holds(text)).map(|(group, _)| group).collect()
    }

    #[test]
    fn what_fits_no_type_is_in_no_group() {
        let document = document(&[json!({ "Null": { "principal.department": false } })]);
        let rules = AutomaticRules::of(&document).unwrap();
        assert_eq!(rules.groups(&user(json!({ "department": "x" }))).len(), 1);
        assert!(rules.groups(&user(json!({ "department": 7 }))).is_empty());
    }

    #[test]
    fn a_rule_reads_only_what_users_cannot_write_and_never_the_time() {
        for (rule, code) in [
            (json!({ "StringEquals": { "principal.username": "root" } }), "user_group.rule_self_written"),
            (json!({ "cedar": "principal has first_name" }), "user_group.rule_self_written"),
            (json!({ "cedar": "principal.email == principal.phone" }), "user_group.rule_self_written"),
            (
                json!({ "StringEquals": { "principal.email": "${principal.last_name}" } }),
                "user_group.rule_self_written",
            ),
            (json!({ "StringEquals": { "principal.device": "mine" } }), "user_group.rule_caller_attribute"),
            (json!({ "not": { "cedar": "principal.device == \"x\"" } }), "user_group.rule_caller_attribute"),
            (json!({ "cedar": "principal in Group::\"g\"" }), "user_group.rule_membership"),
            (json!({ "cedar": "[principal].contains(principal)" }), "user_group.rule_membership"),
            (json!({ "EntityIn": { "principal": { "type": "Role", "id": "r" } } }), "user_group.rule_membership"),
            (json!({ "DateLessThan": { "context.now": "2027-01-01T00:00:00Z" } }), "condition.unknown_path"),
            (json!({ "cedar": "context.now < datetime(\"2027-01-01\")" }), "condition.unknown_path"),
            (json!({ "DateLessThan": { "principal.hired": "${context.now}" } }), "condition.unknown_path"),
            (json!({ "cedar": "resource == action" }), "condition.unknown_path"),
        ] {
            let document = document(std::slice::from_ref(&rule));
            for findings in [AutomaticRules::of(&document).unwrap_err(), compile(&document).unwrap_err()] {
                let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
                assert!(codes.contains(&code), "{rule}: {findings:#?}");
                assert!(findings[0].field.as_deref().unwrap().starts_with("auto_assignment_rules"));
            }
        }
    }

    #[test]
    fn without_rules_there_is_nothing_to_ask() {
        let rules = AutomaticRules::of(&document(&[])).unwrap();
        assert!(rules.is_empty() && rules.groups(&user(json!({}))).is_empty());
    }
}

//! What is said of explanations: why a decision is as it is, and what would turn it.

use serde_json::{Value, json};

use super::about::About;
use super::schemas::{Schemas, refer};
use crate::access::explanation::MOST_SCOPES;

const TAG: &str = "Policies";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let question = json!({
        "allOf": [refer("Evaluation")],
        "properties": {
            "now": { "type": "string", "format": "date-time", "description": "When it was asked; now where nothing is said." },
            "scopes": {
                "type": "array", "maxItems": MOST_SCOPES, "items": { "type": "string" },
                "description": "The scopes of the subject's own key, where it came with one.",
            },
        },
    });
    let logged = json!({
        "type": "object",
        "properties": { "decision_id": { "type": "string", "format": "uuid", "description": "A logged decision." } },
        "required": ["decision_id"],
        "additionalProperties": false,
    });
    let question = schemas.add("ExplanationQuestion", json!({ "anyOf": [question, logged] }));
    let entity = schemas.add("ExplainedEntity", entity());
    let clause = schemas.add("Clause", clause());
    let change = schemas.add("Change", change(&entity));
    let answer = schemas.add("Explanation", answer(&entity, &clause, &change));
    let example = json!({
        "subject": { "type": "user", "id": "anna@acme.example" },
        "action": { "name": "read" },
        "resource": { "type": "document", "id": "d1", "properties": { "department": "sales" } },
    });
    let about = About::new("POST", "/v1/decisions/explain", "explainDecision", TAG, "See why a decision is as it is")
        .describe(
            "Nothing is written. It says which clause failed with its values, the way to a role, what nearly permits, and \
             changes that would turn a denial, each of which was decided again. It needs `user.read` as well, since it \
             says what users are and hold. A logged decision is explained by its id, to whoever may read the audit log as \
             well: what was asked then, at the time of then, by the rules of now, with what was decided then in `decided`.",
        )
        .takes(question, example)
        .gives(answer, "Why.")
        .refuses(404)
        .refuses(409)
        .refuses(422);
    vec![about]
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn list(items: &Value, description: &str) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn entity() -> Value {
    object(
        json!({ "type": text("Its type."), "id": text("Its id."), "name": text("Its name, where it is known.") }),
        &["type", "id"],
    )
}

fn clause() -> Value {
    object(
        json!({
            "at": text("Where it stands in the condition as written, as a JSON pointer; empty in Cedar."),
            "holds": { "type": "boolean" },
            "error": text("Why it could not be evaluated."),
            "one_of": text("Where it is one of several of which one is enough: where these stand."),
            "operator": text("The operator."),
            "path": text("What it looks at."),
            "value": { "description": "What the request has there; null where nothing is." },
            "wanted": { "description": "What it is compared with, as written." },
            "variables": { "type": "object", "description": "The values of the variables in `wanted`." },
            "cedar": text("The expression, where it was written as Cedar."),
            "negated": { "type": "boolean", "description": "Whether its opposite is asked for." },
        }),
        &["at", "holds"],
    )
}

fn change(entity: &Value) -> Value {
    let kinds = [
        "second_factor",
        "add_scope",
        "ask_at",
        "extend",
        "set_attribute",
        "assign_role",
        "join_group",
        "remove_denial",
    ];
    object(
        json!({
            "change": { "enum": kinds },
            "scope": text("The scope that the key lacks."),
            "now": { "type": "string", "format": "date-time" },
            "row": { "type": "object", "description": "The row that ended." },
            "to": entity,
            "name": text("The name of the role or group."),
            "ended_at": { "type": ["string", "null"], "format": "date-time" },
            "path": text("The attribute."),
            "value": { "description": "A value that would do; null where it must not be there." },
            "operator": text("The clause's operator."),
            "wanted": { "description": "What the clause compares with." },
            "role": text("The role's id."),
            "actions": { "type": "integer", "minimum": 0, "description": "How many actions the role permits." },
            "group": text("The group's id."),
            "policy": text("The policy that denies."),
            "origin": { "type": "object", "description": "What it was made from." },
            "rows": list(&json!({ "type": "object" }), "The rows that say so."),
        }),
        &["change"],
    )
}

fn answer(entity: &Value, clause: &Value, change: &Value) -> Value {
    let row = object(
        json!({ "table": text("The table."), "id": text("The row's id."), "field": text("The field within it.") }),
        &["table", "id"],
    );
    let step = object(
        json!({ "to": entity, "name": text("Its name."), "expires_at": { "type": "string", "format": "date-time" }, "source": row }),
        &["to", "name", "source"],
    );
    let policy = object(
        json!({
            "policy": text("Its id."),
            "effect": { "enum": ["allow", "deny"] },
            "origin": { "type": "object", "description": "What it was made from, with its name." },
            "condition": { "description": "The condition that held, as written." },
            "clauses": list(clause, "The clauses that made it hold."),
            "cedar": text("The policy, where it was written as Cedar."),
            "rows": list(&row, "The rows that name this action."),
            "path": list(&step, "The way from the principal to the role, group or organization unit."),
        }),
        &["policy", "effect", "origin"],
    );
    let missing = object(
        json!({
            "policy": text("Its id."),
            "origin": { "type": "object", "description": "What it was made from, with its name." },
            "why": { "enum": ["condition", "expired", "error", "not_assigned"] },
            "condition": { "description": "The condition, as written." },
            "clauses": list(clause, "Every clause that did not hold."),
            "cedar": text("The policy, where it was written as Cedar."),
            "resource": entity,
        }),
        &["policy", "origin", "why"],
    );
    let suggestion = object(
        json!({
            "changes": list(change, "All of them are needed."),
            "policies": list(&json!({ "type": "string" }), "The policies that permit then."),
        }),
        &["changes", "policies"],
    );
    let decision = object(
        json!({
            "outcome": { "enum": ["allow", "forbidden", "no_permit", "error"] },
            "reason": text("Why, where no policy decided."),
            "at": text("The value that does not fit its type."),
            "policies": list(&json!({ "type": "string" }), "The determining policies."),
            "errors": list(&json!({ "type": "object" }), "The policies whose evaluation failed."),
        }),
        &["outcome", "policies"],
    );
    let as_of = object(
        json!({
            "policy_version": { "type": "integer", "minimum": 0 },
            "directory_version": { "type": "integer", "minimum": 0 },
            "now": { "type": "string", "format": "date-time" },
        }),
        &["policy_version", "directory_version", "now"],
    );
    let texts = |description: &str| list(&json!({ "type": "string" }), description);
    let decided = object(
        json!({
            "id": { "type": "string", "format": "uuid" },
            "outcome": { "enum": ["allow", "forbidden", "no_permit", "error"] },
            "reason": text("Why, where no policy decided."),
            "policies": texts("The policies that determined it."),
            "errors": texts("The policies whose evaluation failed."),
            "left_out": texts("What the request said and the log does not: the explanation is of a request without it."),
            "as_of": as_of.clone(),
        }),
        &["id", "outcome", "policies", "errors", "left_out", "as_of"],
    );
    object(
        json!({
            "principal": entity,
            "action": text("The action's full name."),
            "resource": entity,
            "now": { "type": "string", "format": "date-time" },
            "sentences": list(&json!({ "type": "string" }), "The same as the rest, in English."),
            "did_you_mean": list(&json!({ "type": "string" }), "Where there is no such action or type: what is spelled alike."),
            "decision": decision,
            "policies": list(&policy, "The determining policies."),
            "missing": list(&missing, "What nearly permits, the nearest first."),
            "suggestions": list(&suggestion, "At most 10, the nearest first."),
            "names": list(entity, "Those of the directory whom values mention by id."),
            "as_of": as_of.clone(),
            "decided": decided,
        }),
        &["principal", "action", "resource", "now", "sentences", "decision", "policies", "as_of"],
    )
}

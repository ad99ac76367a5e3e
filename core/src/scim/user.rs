//! A user's row as a SCIM resource, and back. What a client says that no column is for lies in `scim_attributes`, so that it
//! reads what it wrote.

use super::error::{ErrorType, ScimError};
use super::filter::AttributePath;
use super::patch::Operation;
use super::schema::{CUSTOM, ResourceType, Target, container};
use crate::model::{User, UserState};
use serde_json::{Map, Value, json};

/// By what the client knows the user, in SQL; an index is on it. What it says is kept where neither the username nor the
/// e-mail address says it.
pub const USER_NAME: &str = r#"coalesce(json_extract("scim_attributes", '$.userName'), "username", "email")"#;

/// Whether a client sees the user as active. Who is locked after failures in signing in is: that is not the client's to end.
pub fn is_active(user: &User) -> bool {
    user.is_active && !matches!(user.state, UserState::Suspended | UserState::Deleted)
}

/// By what the client knows the user.
pub fn user_name(user: &User) -> &str {
    let kept = user.scim_attributes.as_ref().and_then(|kept| kept.get("userName")).and_then(Value::as_str);
    kept.or(user.username.as_deref()).unwrap_or(&user.email)
}

/// What a client may change of a user.
pub fn document(resource: &ResourceType, user: &User) -> Map<String, Value> {
    let mut document = user.scim_attributes.clone().unwrap_or_default();
    document.insert("userName".to_owned(), json!(user_name(user)));
    document.insert("active".to_owned(), json!(is_active(user)));
    document.insert("emails".to_owned(), json!([{ "value": user.email, "type": "work", "primary": true }]));
    document.extend(user.external_id.as_ref().map(|id| ("externalId".to_owned(), json!(id))));
    for (part, value) in [("givenName", &user.first_name), ("familyName", &user.last_name)] {
        let Some(value) = value else { continue };
        if let Some(name) = container(&mut document, Some("name")) {
            name.insert(part.to_owned(), json!(value));
        }
    }
    let custom = user.custom_attributes.iter().filter(|(name, _)| is_declared(resource, name));
    let custom: Map<String, Value> = custom.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !custom.is_empty() {
        document.insert(CUSTOM.to_owned(), Value::Object(custom));
    }
    document
}

/// The name that operations give, where they give one: it is looked for before the user's row is read.
pub fn new_user_name(resource: &ResourceType, operations: &[Operation]) -> Option<String> {
    let is_it = |target: Option<Target<'_>>| match target {
        Some(Target::Attribute(target)) => target.extension.is_none() && target.attribute.name == "userName",
        _ => false,
    };
    let named = |operation: &Operation| match &operation.path {
        Some(path) => is_it(resource.target(&path.attribute)).then(|| operation.value.clone()),
        None => {
            let mut members = operation.value.as_object().into_iter().flatten();
            let named =
                members.find(|(key, _)| is_it(AttributePath::parse(key).ok().and_then(|path| resource.target(&path))));
            named.map(|(_, value)| value.clone())
        }
    };
    operations.iter().rev().find_map(named)?.as_str().map(str::to_owned)
}

/// What a resource says of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The columns that it sets, null among them.
    pub columns: Map<String, Value>,
    /// By what the client knows the user.
    pub user_name: String,
    /// Whether the user is to be active; nothing where it says nothing.
    pub active: Option<bool>,
}

/// Reads a resource ([`ResourceType::read`], or a document after PATCH) into the columns of a user.
pub fn written(
    resource: &ResourceType,
    mut document: Map<String, Value>,
    before: Option<&User>,
) -> Result<Written, ScimError> {
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let active = document.remove("active").and_then(|active| active.as_bool());
    let external_id = document.remove("externalId");
    let user_name = text(document.remove("userName")).ok_or_else(|| missing("userName", "a user has one"))?;
    let is_address = user_name.contains('@');
    let email = document.remove("emails").and_then(|emails| address(&emails));
    let email = email.or_else(|| is_address.then(|| user_name.clone()));
    let email = email.ok_or_else(|| missing("emails", "a user has an e-mail address"))?.to_lowercase();
    // Who has a username keeps it: they sign in by it.
    let username = before.and_then(|user| user.username.clone()).filter(|_| is_address);
    let username = username.or_else(|| (!is_address).then(|| user_name.clone()));
    let mut name = match document.remove("name") {
        Some(Value::Object(name)) => name,
        _ => Map::new(),
    };
    let (first_name, last_name) = (name.remove("givenName"), name.remove("familyName"));
    if !name.is_empty() {
        document.insert("name".to_owned(), Value::Object(name));
    }
    if username.as_ref().unwrap_or(&email) != &user_name {
        document.insert("userName".to_owned(), json!(user_name));
    }
    let mut custom = before.map(|user| user.custom_attributes.clone()).unwrap_or_default();
    // What is not declared any more is not shown, so a client that leaves it out does not mean it.
    custom.retain(|name, _| !is_declared(resource, name));
    if let Some(Value::Object(stated)) = document.remove(CUSTOM) {
        custom.extend(stated);
    }
    for kept in ["schemas", "id", "meta", "groups"] {
        document.remove(kept);
    }
    document.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
    let kept = (!document.is_empty()).then_some(Value::Object(document));
    let columns = [
        ("external_id", external_id),
        ("email", Some(Value::String(email))),
        ("username", username.map(Value::String)),
        ("first_name", first_name),
        ("last_name", last_name),
        ("custom_attributes", Some(Value::Object(custom))),
        ("scim_attributes", kept),
    ];
    let columns = columns.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default())).collect();
    Ok(Written { columns, user_name, active })
}

/// The one address that is kept: the primary one, else the one for work, else the first.
fn address(emails: &Value) -> Option<String> {
    let all = emails.as_array()?;
    let is_primary = |email: &&Value| email.get("primary") == Some(&Value::Bool(true));
    let is_work = |email: &&Value| {
        email.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let with_value = || all.iter().filter(|email| email.get("value").is_some_and(Value::is_string));
    let chosen = with_value().find(is_primary).or_else(|| with_value().find(is_work)).or_else(|| with_value().next());
    chosen?.get("value")?.as_str().map(str::to_owned)
}

fn is_declared(resource: &ResourceType, name: &str) -> bool {
    let custom = resource.extensions.iter().filter(|extension| extension.id == CUSTOM);
    custom.flat_map(|extension| &extension.attributes).any(|attribute| attribute.name == name)
}

fn missing(place: &str, why: &str) -> ScimError {
    ScimError::new(ErrorType::InvalidValue, format!("{place}: it is required: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Row;
    use crate::schema::{Attributes, Type};

    fn user(columns: Value) -> User {
        let mut row = json!({
            "id": "01980000-0000-7000-8000-000000000101", "tenant_id": "01980000-0000-7000-8000-000000000001",
            "email": "ada@acme.example", "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
        });
        row.as_object_mut().unwrap().extend(columns.as_object().unwrap().clone());
        User::from_json(row.as_object().unwrap().clone(), "user", &mut Vec::new()).unwrap()
    }

    /// Who sends back what they got changes nothing.
    #[test]
    fn what_is_shown_is_written_back_as_it_was() {
        let declared = Attributes::from_iter([("department".to_owned(), Type::String)]);
        let resource = ResourceType::user(&declared);
        for columns in [
            json!({}),
            json!({ "username": "ada", "first_name": "Ada", "external_id": "1" }),
            json!({ "username": "ada", "scim_attributes": { "userName": "ada@acme.example" } }),
            json!({ "scim_attributes": { "userName": "Ada@Acme.example", "name": { "middleName": "K." }, "title": "T" } }),
            json!({ "last_name": "L", "custom_attributes": { "department": "sales", "other": 1 } }),
            json!({ "is_active": false, "scim_attributes": { super::super::schema::ENTERPRISE: { "division": "d" } } }),
        ] {
            let user = user(columns);
            let shown = document(&resource, &user);
            let mut sent = shown.clone();
            sent.insert("schemas".to_owned(), json!([super::super::schema::USER]));
            assert_eq!(resource.read(&sent), Ok(shown.clone()));
            let written = written(&resource, shown, Some(&user)).unwrap();
            for (column, value) in &written.columns {
                assert_eq!(serde_json::to_value(&user).unwrap()[column], *value, "{column} of {user:?}");
            }
            assert_eq!((written.user_name.as_str(), written.active), (user_name(&user), Some(is_active(&user))));
        }
    }
}

//! What is said of the directory: people, accounts, units, groups and what is registered.

use parapet::model::{OrganizationUnit, Resource, ServiceAccount, User, UserGroup, UserGroupMembership};
use serde_json::{Value, json};

use super::about::About;
use super::schemas::Schemas;
use super::table::{in_path, shown, table};
use crate::administration::Collection;

const TAG: &str = "Directory";

/// Ids of the examples: nobody's.
const USER: &str = "01980000-0000-7000-8000-000000000101";
const GROUP: &str = "01980000-0000-7000-8000-000000000201";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = users(schemas);
    let account = json!({ "name": "importer", "permissions": [{ "permission": "documents.write" }] });
    all.extend(table::<ServiceAccount>(schemas, TAG, account, json!({ "is_active": false })));
    let unit = json!({ "name": "Research", "description": "Finds things out" });
    all.extend(table::<OrganizationUnit>(schemas, TAG, unit, json!({ "parent_id": null })));
    all.extend(groups(schemas));
    let member = json!({ "user_id": USER, "user_group_id": GROUP, "expires_at": "2030-01-31T08:00:00.000Z" });
    all.extend(table::<UserGroupMembership>(schemas, TAG, member, json!({ "expires_at": null })));
    all.extend(resources(schemas));
    all
}

fn users(schemas: &mut Schemas) -> Vec<About> {
    let user = json!({ "email": "ada@acme.example", "username": "ada", "first_name": "Ada", "state": "invited" });
    let mut all = table::<User>(schemas, TAG, user, json!({ "last_name": "Lovelace", "phone": null }));
    let row = schemas.row::<User>();
    let step = |path, id: &str, summary: &str| {
        About::new("POST", path, id, TAG, summary)
            .parameter("IfMatch")
            .answer(200, shown(&row, "The user, as they are now."))
            .refuses(412)
    };
    all.extend([
        step("/v1/users/{id}/lock", "lockUser", "Lock a user"),
        step("/v1/users/{id}/unlock", "unlockUser", "Unlock a user"),
        step("/v1/users/{id}/suspend", "suspendUser", "Suspend a user"),
        step("/v1/users/{id}/reactivate", "reactivateUser", "Reactivate a suspended user"),
        step("/v1/users/{id}/restore", "restoreUser", "Restore a deleted user")
            .describe("They come back suspended: sessions, keys and grants that ended do not come back."),
        step("/v1/users/{id}/purge", "purgeUser", "Purge a deleted user")
            .describe("Removes what is personal of a deleted user, for good; what the log says of them is unreadable."),
        About::new("POST", "/v1/users/{id}/end-sessions", "endSessionsOfUser", TAG, "End a user's sessions")
            .answer(204, json!({ "description": "They are signed out." })),
    ]);
    all
}

fn groups(schemas: &mut Schemas) -> Vec<About> {
    let group = json!({ "name": "Researchers", "type": "automatic",
                        "auto_assignment_rules": { "StringLike": { "principal.email": "*@acme.example" } } });
    let mut all = table::<UserGroup>(schemas, TAG, group, json!({ "description": "Who finds things out" }));
    let rule = json!({
        "type": "object",
        "properties": {
            "user_group_id": { "type": "string", "format": "uuid", "description": "A group that is there; else a new one." },
            "auto_assignment_rules": { "description": "A condition of the condition language, over `principal` alone." },
        },
        "required": ["auto_assignment_rules"],
        "additionalProperties": false,
    });
    let rule = schemas.add("UserGroupRule", rule);
    let count = |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let some = |description: &str| json!({ "type": "array", "items": { "type": "string", "format": "uuid" }, "description": description });
    let preview = json!({
        "type": "object",
        "properties": {
            "join": count("So many would join."),
            "leave": count("So many would leave."),
            "joining": some("The first of them."),
            "leaving": some("The first of them."),
        },
        "required": ["join", "leave", "joining", "leaving"],
        "additionalProperties": false,
    });
    let preview = schemas.add("UserGroupPreview", preview);
    let example = json!({ "auto_assignment_rules": { "StringLike": { "principal.email": "*@acme.example" } } });
    let about = About::new("POST", "/v1/user-groups/preview", "previewUserGroup", TAG, "See what a rule would do")
        .takes(rule, example)
        .gives(preview, "Who would join and leave.")
        .refuses(422);
    all.push(about);
    all
}

/// A resource is registered under the application's own id, so it is put and not made.
fn resources(schemas: &mut Schemas) -> Vec<About> {
    let change = json!({ "attributes": { "owner": "ada" } });
    let mut all = table::<Resource>(schemas, TAG, Value::Null, change);
    all.retain(|about| about.method != "POST");
    let put = schemas.put::<Resource>();
    let row = schemas.row::<Resource>();
    let body = json!({ "attributes": { "owner": "ada" }, "parents": [{ "type": "folder", "id": "7" }] });
    let mut created = shown(&row, "It was not known before.");
    if let Some(headers) = created.get_mut("headers").and_then(Value::as_object_mut) {
        headers.insert("Location".to_owned(), json!({ "$ref": "#/components/headers/Location" }));
    }
    let about = About::new("PUT", Resource::ITEM, "putResource", TAG, "Register a resource, or replace it");
    all.push(
        in_path::<Resource>(about)
            .parameter("IfMatch")
            .takes(put, body)
            .answer(200, shown(&row, "The resource, as it is now."))
            .answer(201, created)
            .refuses(412),
    );
    all
}

//! What is said of notifications: templates, what was sent, where nothing arrives, and what is a user's own.

use parapet::model::{MessageSuppression, NotificationTemplate, NotificationType, UserNotification};
use serde_json::{Value, json};

use super::about::{About, JSON};
use super::schemas::Schemas;
use super::table::{list, shown, table};
use crate::administration::MOST;
use crate::messaging::notification::inbox::{DEFAULT_LIMIT, MOST_IDS};

const TAG: &str = "Notifications";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = templates(schemas);
    all.push(list::<UserNotification>(schemas, TAG).describe(
        "The newest first. A link or a code that was sent is in none of them. `status` is `pending` until the next system \
         has it, `sent` from then on, `delivered` in the application, and `failed` once it is given up; `metadata` has the \
         tries and what was said last.",
    ));
    let row = schemas.row::<UserNotification>();
    all.push(
        About::new("GET", "/v1/user-notifications/{id}", "getUserNotification", TAG, "See a notification")
            .answer(200, shown(&row, "The notification.")),
    );
    let suppressions = table::<MessageSuppression>(schemas, TAG, Value::Null, Value::Null);
    all.extend(suppressions.into_iter().filter(|about| matches!(about.method, "GET" | "DELETE")));
    all.extend(own(schemas));
    all
}

fn texts() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn templates(schemas: &mut Schemas) -> Vec<About> {
    let create = json!({
        "name": "role.assigned", "type": "email", "locale": "de", "subject": "Neue Rolle: {{role}}",
        "template_body": "Hallo {{user_name}},\n\nSie haben bei {{tenant_name}} jetzt die Rolle {{role}}.",
        "variables": { "role": {}, "tenant_name": {}, "user_name": {} },
    });
    let mut all = table::<NotificationTemplate>(schemas, TAG, create, json!({ "subject": "Ihre neue Rolle" }));
    let row = schemas.row::<NotificationTemplate>();
    let path = |end: &str| -> &'static str {
        match end {
            "preview" => "/v1/notification-templates/{id}/preview",
            "test" => "/v1/notification-templates/{id}/test",
            "versions" => "/v1/notification-templates/{id}/versions",
            _ => "/v1/notification-templates/{id}/restore",
        }
    };
    let stated = json!({
        "subject": { "type": ["string", "null"], "maxLength": 255 },
        "template_body": { "type": "string", "maxLength": 16384 },
        "values": texts(),
    });
    let stated = schemas.add("TemplatePreviewAsked", object(&stated, &[]));
    let preview = json!({
        "subject": { "type": ["string", "null"] },
        "text": text("The plain text."),
        "html": { "type": ["string", "null"], "description": "The same in the tenant's branding, of e-mail alone." },
    });
    let preview = schemas.add("TemplatePreview", object(&preview, &["subject", "text", "html"]));
    let queued = object(&json!({ "id": { "type": "string", "format": "uuid" } }), &["id"]);
    let queued = schemas.add("NotificationQueued", queued);
    let version = json!({
        "version": { "type": "integer", "minimum": 1 },
        "subject": { "type": ["string", "null"] },
        "template_body": text("What it said."),
        "variables": { "type": "object" },
        "updated_at": { "type": "string", "format": "date-time" },
    });
    let version = object(&version, &["version", "subject", "template_body", "variables", "updated_at"]);
    let versions = object(&json!({ "items": { "type": "array", "items": version } }), &["items"]);
    let versions = schemas.add("TemplateVersions", versions);
    let restore = object(&json!({ "version": { "type": "integer", "minimum": 1 } }), &["version"]);
    let restore = schemas.add("TemplateRestore", restore);
    all.extend([
        About::new("POST", path("preview"), "previewNotificationTemplate", TAG, "See what a message would say")
            .describe("With samples where no `values` are said, and with another text where one is. Nothing is sent.")
            .takes(stated, json!({ "values": { "role": "editor" } }))
            .or_nothing()
            .gives(preview, "The message.")
            .writes_nothing()
            .refuses(422),
        About::new("POST", path("test"), "testNotificationTemplate", TAG, "Send a template with samples to oneself")
            .answer(202, json!({ "description": "It is on its way.", "content": { JSON: { "schema": queued } } })),
        About::new("GET", path("versions"), "listNotificationTemplateVersions", TAG, "See what a template said before")
            .describe("The newest 50, the newest first; what counts now is none of them.")
            .gives(versions, "The versions.")
            .refuses(400),
        About::new("POST", path("restore"), "restoreNotificationTemplate", TAG, "Bring back what a template said")
            .parameter("IfMatch")
            .takes(restore, json!({ "version": 1 }))
            .answer(200, shown(&row, "The template, as it is now."))
            .refuses(412),
    ]);
    all
}

fn own(schemas: &mut Schemas) -> Vec<About> {
    let id = json!({ "type": "string", "format": "uuid" });
    let time = json!({ "type": ["string", "null"], "format": "date-time" });
    let item = json!({
        "id": id,
        "name": text("What it is about."),
        "subject": { "type": ["string", "null"] },
        "content": text("What it says."),
        "created_at": { "type": "string", "format": "date-time" },
        "read_at": time,
    });
    let item = object(&item, &["id", "name", "subject", "content", "created_at", "read_at"]);
    let page = json!({
        "items": { "type": "array", "items": item, "maxItems": MOST },
        "next_cursor": { "type": "string", "description": "Where the next page begins; absent on the last." },
    });
    let page = schemas.add("OwnNotifications", object(&page, &["items"]));
    let unread = object(&json!({ "unread": { "type": "integer", "minimum": 0 } }), &["unread"]);
    let unread = schemas.add("UnreadNotifications", unread);
    let read = json!({
        "ids": { "type": "array", "items": id, "maxItems": MOST_IDS, "description": "These." },
        "up_to": { "type": "string", "format": "uuid", "description": "This one and all before it." },
    });
    let mut read = object(&read, &[]);
    if let Some(read) = read.as_object_mut() {
        read.insert("oneOf".to_owned(), json!([{ "required": ["ids"] }, { "required": ["up_to"] }]));
    }
    let read = schemas.add("NotificationsRead", read);
    let preference = json!({
        "name": text("What it is about."),
        "type": { "enum": NotificationType::WORDS },
        "is_enabled": { "type": "boolean" },
        "is_security": { "type": "boolean", "description": "Whether it is told whatever the user wants." },
    });
    let preferences = |required: &[&str]| {
        let item = object(&preference, required);
        object(&json!({ "items": { "type": "array", "items": item, "maxItems": 100 } }), &["items"])
    };
    let set = schemas.add("NotificationPreferencesPatch", preferences(&["name", "type", "is_enabled"]));
    let all = preferences(&["name", "type", "is_enabled", "is_security"]);
    let preferences = schemas.add("NotificationPreferences", all);
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT });
    let (path, wishes) = ("/v1/me/notifications", "/v1/me/notification-preferences");
    vec![
        About::new("GET", path, "listOwnNotifications", TAG, "See what one was told in the application")
            .describe("The newest first.")
            .query("limit", limit, "The most of a page.")
            .query("cursor", id, "`next_cursor` of the page before.")
            .query("unread", json!({ "type": "boolean", "default": false }), "Only those that are not read.")
            .gives(page, "A page of notifications.")
            .refuses(400),
        About::new("GET", "/v1/me/notifications/unread", "countUnreadNotifications", TAG, "How many are not read")
            .gives(unread.clone(), "How many.")
            .refuses(400),
        About::new("POST", "/v1/me/notifications/read", "readNotifications", TAG, "Mark notifications as read")
            .describe("What is read stays read at its first time.")
            .takes(read, json!({ "up_to": "01980000-0000-7000-8000-000000000911" }))
            .gives(unread, "How many are left.")
            .refuses(422),
        About::new("GET", wishes, "getNotificationPreferences", TAG, "What one wants to be told of")
            .gives(preferences.clone(), "Everything that one may be told of.")
            .refuses(400),
        About::new("PATCH", wishes, "updateNotificationPreferences", TAG, "Say what one wants to be told of")
            .describe("What is not named stays. What is about who may come as one is told whatever one wants.")
            .takes(set, json!({ "items": [{ "name": "role.assigned", "type": "email", "is_enabled": false }] }))
            .gives(preferences, "Everything, as it is now.")
            .refuses(422),
    ]
}

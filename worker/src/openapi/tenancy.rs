//! What is said of tenancy: tenants, the caller's own tenant and its domain, settings and feature flags.

use parapet::model::{Column, FeatureFlag, Kind, Row as _, Tenant, TenantSetting, User};
use serde_json::{Value, json};

use super::about::{About, JSON, MERGE_PATCH};
use super::schemas::Schemas;
use super::table::{list, shown, table};
use crate::administration::{LONGEST_TEXT, ListOf};
use crate::tenancy::{own, tenant};

const TAG: &str = "Tenancy";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = tenants(schemas);
    all.extend(own(schemas));
    all.extend(domain(schemas));
    all.extend(settings(schemas));
    all.extend(flags(schemas));
    all
}

/// For everybody but operators, there are none.
fn tenants(schemas: &mut Schemas) -> Vec<About> {
    let row = schemas.row::<Tenant>();
    let patch = schemas.stated::<Tenant>(tenant::STATED, &[]);
    let patch = schemas.add("TenantPatch", patch.into());
    let step = |path, id: &str, summary: &str| {
        About::new("POST", path, id, TAG, summary)
            .parameter("IfMatch")
            .answer(200, shown(&row, "The tenant, as it is now."))
            .refuses(412)
    };
    vec![
        list::<Tenant>(schemas, TAG).describe("For operators.").refuses(404),
        create(schemas, &row),
        About::new("GET", "/v1/tenants/{id}", "getTenant", TAG, "See a tenant")
            .describe("For operators.")
            .answer(200, shown(&row, "The tenant.")),
        About::new("PATCH", "/v1/tenants/{id}", "updateTenant", TAG, "Change a tenant")
            .describe("A JSON Merge Patch, for operators.")
            .parameter("IfMatch")
            .takes_as(&[MERGE_PATCH, JSON], patch, json!({ "name": "Globex Corporation" }))
            .answer(200, shown(&row, "The tenant, as it is now."))
            .refuses(412),
        step("/v1/tenants/{id}/suspend", "suspendTenant", "Suspend a tenant")
            .describe("For operators. Every access to it is refused at once; nothing is lost."),
        step("/v1/tenants/{id}/reactivate", "reactivateTenant", "Reactivate a suspended tenant")
            .describe("For operators."),
        step("/v1/tenants/{id}/delete", "deleteTenant", "Mark a tenant as deleted")
            .describe("For operators. Until its grace is over, it can be restored."),
        step("/v1/tenants/{id}/restore", "restoreTenant", "Restore a deleted tenant")
            .describe("For operators. It is again what it was before it was deleted."),
    ]
}

fn create(schemas: &mut Schemas, row: &Value) -> About {
    let user = schemas.row::<User>();
    let owner = schemas.stated::<User>(tenant::OWNER_STATED, &["email"]);
    let owner = schemas.add("FirstOwner", owner.into());
    let mut new = schemas.stated::<Tenant>(tenant::STATED, &["name", "slug"]);
    if let Some(members) = new.get_mut("properties").and_then(Value::as_object_mut) {
        members.insert("owner".to_owned(), owner);
    }
    new.insert("required".to_owned(), json!(["name", "slug", "owner"]));
    let new = schemas.add("TenantCreate", new.into());
    let text = |description: &str| json!({ "type": "string", "description": description });
    let made = json!({
        "type": "object",
        "properties": {
            "tenant": row,
            "owner": user,
            "api_key": {
                "type": "object",
                "description": "The owner's first key.",
                "properties": {
                    "id": { "type": "string", "format": "uuid" },
                    "key_prefix": text("What the key begins with."),
                    "scopes": { "type": "array", "items": { "type": "string" } },
                    "key": text("The key: shown this once, and not where the request comes again."),
                },
                "required": ["id", "key_prefix", "scopes"],
                "additionalProperties": false,
            },
        },
        "required": ["tenant", "owner", "api_key"],
        "additionalProperties": false,
    });
    let made = schemas.add("TenantMade", made);
    let link =
        |operation: &str| json!({ "operationId": operation, "parameters": { "id": "$response.body#/tenant/id" } });
    let answer = json!({
        "description": "The tenant, its first owner and the owner's key.",
        "headers": {
            "Location": { "$ref": "#/components/headers/Location" },
            "Idempotency-Replayed": { "$ref": "#/components/headers/IdempotencyReplayed" },
        },
        "content": { JSON: { "schema": made } },
        "links": { "getTenant": link("getTenant"), "suspendTenant": link("suspendTenant"), "deleteTenant": link("deleteTenant") },
    });
    let example = json!({ "name": "Globex", "slug": "globex", "owner": { "email": "hank@globex.example" } });
    About::new("POST", Tenant::PATH, "createTenant", TAG, "Make a tenant")
        .describe("For operators. It has the roles of the system, an owner and a key for the owner.")
        .takes(new, example)
        .answer(201, answer)
        .refuses(404)
}

fn own(schemas: &mut Schemas) -> Vec<About> {
    let row = schemas.row::<Tenant>();
    let patch = schemas.stated::<Tenant>(own::STATED, &[]);
    let patch = schemas.add("OwnTenantPatch", patch.into());
    let path = "/v1/tenant";
    vec![
        About::new("GET", path, "getOwnTenant", TAG, "See one's own tenant").answer(200, shown(&row, "The tenant.")),
        About::new("PATCH", path, "updateOwnTenant", TAG, "Change one's own tenant")
            .describe(
                "A JSON Merge Patch. `settings` holds defaults of settings, and needs `tenant_setting.write` too.",
            )
            .parameter("IfMatch")
            .takes_as(&[MERGE_PATCH, JSON], patch, json!({ "primary_color": "#0a7cff", "logo_url": null }))
            .answer(200, shown(&row, "The tenant, as it is now."))
            .refuses(412),
    ]
}

fn domain(schemas: &mut Schemas) -> Vec<About> {
    let tenant = schemas.row::<Tenant>();
    let text = |description: &str| json!({ "type": "string", "description": description });
    let domain = json!({ "type": "string", "maxLength": 253, "description": "A host name, in lower case." });
    let stated = json!({
        "type": "object", "properties": { "domain": domain }, "required": ["domain"], "additionalProperties": false,
    });
    let stated = schemas.add("DomainStated", stated);
    let record = json!({
        "type": "object",
        "properties": { "type": { "const": "TXT" }, "name": text("Where it stands."), "value": text("What it says.") },
        "required": ["type", "name", "value"],
        "additionalProperties": false,
    });
    let asked = json!({
        "type": "object",
        "properties": { "domain": text("The host name."), "record": record },
        "required": ["domain", "record"],
        "additionalProperties": false,
    });
    let asked = schemas.add("DomainRecord", asked);
    let example = json!({ "domain": "id.acme.example" });
    let path = "/v1/tenant/domain";
    vec![
        About::new("POST", path, "askForDomain", TAG, "Which DNS record proves that a host name is one's own")
            .describe("Nothing is stored: the record follows from the tenant and the name.")
            .takes(stated.clone(), example.clone())
            .gives(asked, "The record to publish.")
            .writes_nothing()
            .refuses(422),
        About::new("POST", "/v1/tenant/domain/verify", "verifyDomain", TAG, "Store a host name whose record is there")
            .takes(stated, example)
            .answer(200, shown(&tenant, "The tenant, with its domain.")),
        About::new("DELETE", path, "deleteDomain", TAG, "Give up the tenant's host name")
            .answer(204, json!({ "description": "It is gone." }))
            .refuses(404),
    ]
}

fn settings(schemas: &mut Schemas) -> Vec<About> {
    let is_category = |column: &&Column| column.name == "category";
    let categories = match TenantSetting::COLUMNS.iter().find(is_category).map(|column| column.kind) {
        Some(Kind::Enum(words)) => words,
        _ => &[],
    };
    let text = |description: &str| json!({ "type": "string", "description": description });
    let set = json!({
        "type": "object",
        "description": "A setting with the value that counts. Of a secret, `value` is `{\"set\": true}` or false.",
        "properties": {
            "category": { "enum": categories },
            "key": text("Which one."),
            "value": { "description": "The value that counts." },
            "source": { "enum": ["setting", "tenant", "default"], "description": "Where the value comes from." },
            "default": { "description": "What counts where nothing is set." },
            "secret": { "type": "boolean", "description": "Whether it is written and never shown." },
            "needs_owner": { "type": "boolean", "description": "Whether an owner alone changes it." },
            "description": { "type": ["string", "null"], "description": "What the tenant says of it." },
            "about": text("What it is for."),
            "updated_at": { "type": ["string", "null"], "format": "date-time" },
        },
        "required": ["category", "key", "value", "source", "default", "secret", "needs_owner", "description", "about",
                     "updated_at"],
        "additionalProperties": false,
    });
    let setting = schemas.add("Setting", set);
    let all = json!({
        "type": "object",
        "properties": { "items": { "type": "array", "items": setting.clone() } },
        "required": ["items"],
        "additionalProperties": false,
    });
    let all = schemas.add("Settings", all);
    let put = json!({
        "type": "object",
        "properties": {
            "value": {
                "type": ["boolean", "integer", "number", "string", "array", "object"],
                "description": "What the setting may hold: see its description.",
            },
            "description": { "type": ["string", "null"], "maxLength": LONGEST_TEXT },
        },
        "required": ["value"],
        "additionalProperties": false,
    });
    let put = schemas.add("SettingPut", put);
    let one = |method, id: &str, summary: &str| {
        let key = json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,128}$" });
        About::new(method, "/v1/tenant-settings/{category}/{key}", id, TAG, summary)
            .in_path("category", json!({ "enum": categories }), "What it is about.")
            .in_path("key", key, "Which one; one that is not known is not there.")
            .refuses(404)
    };
    vec![
        list::<TenantSetting>(schemas, TAG).describe("The rows that are set. Of a secret, only that it is set."),
        About::new("GET", "/v1/tenant-settings/effective", "listEffectiveSettings", TAG, "List what counts")
            .describe("Every known setting with its value; of those with open keys, the ones that are set.")
            .gives(all, "All settings.")
            .refuses(400),
        one("GET", "getSetting", "See what counts of a setting").answer(200, shown(&setting, "The setting.")),
        one("PUT", "putSetting", "Set a setting")
            .parameter("IfMatch")
            .takes(put, json!({ "value": "dark", "description": "as the brand has it" }))
            .answer(200, shown(&setting, "The setting, as it is now."))
            .answer(201, shown(&setting, "It was not set before."))
            .refuses(412),
        one("DELETE", "deleteSetting", "Take a setting away")
            .parameter("IfMatch")
            .answer(204, json!({ "description": "The default counts again." }))
            .refuses(412),
    ]
}

fn flags(schemas: &mut Schemas) -> Vec<About> {
    let flag = json!({ "flag_name": "new-editor", "is_enabled": true, "configuration": {} });
    let mut all = table::<FeatureFlag>(schemas, TAG, flag, json!({ "is_enabled": false }));
    let on = json!({
        "type": "object",
        "properties": {
            "flags": {
                "type": "object",
                "additionalProperties": { "type": "boolean" },
                "description": "Each flag that is switched on, with whether it is on for the subject.",
            },
        },
        "required": ["flags"],
        "additionalProperties": false,
    });
    let on = schemas.add("FlagsEvaluated", on);
    let answer = json!({
        "description": "What is not among them is off.",
        "headers": { "X-Parapet-Stale": { "$ref": "#/components/headers/Stale" } },
        "content": { JSON: { "schema": on } },
    });
    all.push(
        About::new("GET", "/v1/flags/evaluate", "evaluateFlags", TAG, "Which features are on for somebody")
            .describe("For the subject, or without one for whom the key acts; a key of the tenant alone must say.")
            .query("subject_type", json!({ "enum": ["user", "service_account"] }), "Whose: of which type.")
            .query("subject_id", json!({ "type": "string" }), "Whose: by id, username or e-mail address.")
            .answer(200, answer)
            .refuses(400),
    );
    all
}

//! Attributes that the tenant declares, in the setting `auth/schema`: what rows say of users and resources fits it.

use parapet::model::{Row, SettingCategory, TenantDocument};
use parapet::schema::{Attributes, Schema, Type, Value as Typed, read_setting};
use parapet::{Finding, model::TenantSetting};
use serde_json::{Map, Value};

/// The tenant's setting; without it types are inferred from what uses them, and anything may be said.
pub fn setting(document: &TenantDocument) -> Option<&TenantSetting> {
    let is_it = |row: &&TenantSetting| row.category == SettingCategory::Auth && row.setting_key == "schema";
    document.tenant_setting.iter().find(is_it)
}

/// What the tenant declares; nothing where it declares nothing.
pub fn declared(document: &TenantDocument) -> Option<Schema> {
    let setting = setting(document)?;
    let mut schema = Schema::default();
    for permission in &document.permission {
        schema.types.entry(permission.resource.clone()).or_default();
    }
    // The setting compiled when it was written; what it says wrong by now, it says in vain.
    read_setting(&mut schema, &setting.setting_value, &setting.id.to_string(), &mut Vec::new());
    Some(schema)
}

/// Adds what is not declared, or of another type than declared, of the attributes in `column` that differ from those
/// `before`: what was there before the schema changed does not keep other changes out.
pub fn check<R: Row>(
    declared: &Attributes,
    column: &str,
    attributes: &Map<String, Value>,
    before: Option<&Map<String, Value>>,
    findings: &mut Vec<Finding>,
) {
    for (name, value) in attributes {
        if before.and_then(|before| before.get(name)) == Some(value) {
            continue;
        }
        let place = format!("{column}/{name}");
        let Some(ty) = declared.get(name) else {
            findings.push(undeclared::<R>(&place, name));
            continue;
        };
        undeclared_within::<R>(ty, &place, value, findings);
        if let Err(error) = Typed::read(ty, value) {
            let way: String = error.way.iter().map(|step| format!("/{step}")).collect();
            let finding = Finding::error(R::TABLE, "attribute.wrong_type", error.to_string());
            findings.push(finding.field(format!("{place}{way}")));
        }
    }
}

fn undeclared<R: Row>(place: &str, name: &str) -> Finding {
    let message = format!("the tenant's schema declares no attribute `{name}` here");
    Finding::error(R::TABLE, "attribute.undeclared", message).field(place)
}

/// A decision would drop what is undeclared within a record, so nobody is to think that it counts.
fn undeclared_within<R: Row>(ty: &Type, place: &str, value: &Value, findings: &mut Vec<Finding>) {
    match (ty, value) {
        (Type::Record(inner), Value::Object(object)) => {
            for (name, value) in object {
                let place = format!("{place}/{name}");
                match inner.get(name) {
                    Some(ty) => undeclared_within::<R>(ty, &place, value, findings),
                    None => findings.push(undeclared::<R>(&place, name)),
                }
            }
        }
        (Type::Set(element), Value::Array(items)) => {
            for (index, value) in items.iter().enumerate() {
                undeclared_within::<R>(element, &format!("{place}/{index}"), value, findings);
            }
        }
        _ => {}
    }
}

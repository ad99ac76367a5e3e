//! Cedar that somebody wrote as text: the tenant's own policies, and the guardrails.

use super::policy::Policy;
use super::source::{Origin, Sourced};
use crate::Finding;
use crate::cedar::{first_error, nesting};
use crate::model::{Effect, SettingCategory, TenantDocument, TenantSetting};
use cedar_policy::{PolicySet, pst};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The guardrails' text.
const GUARDRAILS: &str = include_str!("../../../policies/guardrails.cedar");

/// The tenant's own policies (`auth/policy.<name>`), parsed, with the settings.
pub(super) fn policies<'d>(
    document: &'d TenantDocument,
    findings: &mut Vec<Finding>,
) -> Vec<(Policy, &'d TenantSetting)> {
    let mut policies = vec![];
    for row in document.tenant_setting.iter().filter(|row| row.category == SettingCategory::Auth) {
        let Some(name) = row.setting_key.strip_prefix("policy.") else { continue };
        match policy(row, name) {
            Ok(policy) => policies.push((policy, row)),
            Err(finding) => findings.push(*finding),
        }
    }
    policies
}

/// The guardrails.
pub(super) fn guardrails() -> Vec<Policy> {
    // The text is part of the program; a test holds that it parses, has names and is valid.
    let Ok(set) = GUARDRAILS.parse::<PolicySet>().map_err(drop).and_then(|set| set.try_into_pst().map_err(drop)) else {
        return vec![];
    };
    let mut policies = vec![];
    for policy in set.policies.into_iter().map(|(_, policy)| policy) {
        let Some(name) = policy.body().annotations.get("id").map(ToString::to_string) else { continue };
        policies.push(named(format!("guardrail/{name}"), policy.body(), Origin::Guardrail { name }));
    }
    policies
}

fn policy(row: &TenantSetting, name: &str) -> Result<Policy, Box<Finding>> {
    let error = |field: &str, code: &str, message: String| {
        Box::new(Finding::error("tenant_setting", code, message).row(row.id).field(field))
    };
    let in_value = |code: &str, message: String| error("setting_value", code, message);
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("`{name}`: a policy's name is of letters, digits, `_` and `-`");
        return Err(error("setting_key", "policy.name", message));
    }
    let Some(text) = row.setting_value.as_str() else {
        return Err(in_value("policy.wrong_type", "expected a Cedar policy as text".to_owned()));
    };
    if let Some(message) = nesting::too_deep(text) {
        return Err(in_value("policy.too_deep", message));
    }
    let set: PolicySet = text.parse().map_err(|errors| in_value("policy.syntax", first_error(&errors, text)))?;
    let set = set.try_into_pst().map_err(|error| in_value("policy.syntax", error.to_string()))?;
    if !set.templates.is_empty() {
        return Err(in_value("policy.template", "a policy has no `?principal` and no `?resource`".to_owned()));
    }
    let mut policies = set.policies.into_iter().map(|(_, policy)| policy);
    match (policies.next(), policies.next()) {
        (Some(policy), None) => {
            let origin = Origin::Custom { id: row.id.to_string(), name: name.to_owned() };
            Ok(named(format!("custom/{name}"), policy.body(), origin))
        }
        _ => Err(in_value("policy.count", "expected exactly one policy; each has a setting of its own".to_owned())),
    }
}

fn named(id: String, body: &pst::Template, origin: Origin) -> Policy {
    let template = body.clone().with_id(id.as_str().into()).with_annotations(BTreeMap::new());
    let effect = match template.effect {
        pst::Effect::Permit => Effect::Allow,
        pst::Effect::Forbid => Effect::Deny,
    };
    let source = Sourced { effect, origin: Arc::new(origin), condition: None, rows: vec![], expires_at: None };
    Policy { id, template, source }
}

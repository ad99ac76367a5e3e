//! Units of the organisation: `/v1/organization-units`. Where a unit lies follows from its parent.

use parapet::Finding;
use parapet::model::{MAX_LEVELS, OrganizationUnit, TenantDocument};

use crate::administration::{Collection, Edit, ListOf, Plan, State};
use crate::error::ApiError;
use crate::platform::db::Statement;

/// A subtree is a range of paths, `?4` to `?5`: they all begin with the old path of the unit that moves.
const MOVE: &str = "
    UPDATE organization_unit SET path = ?2 || substr(path, ?3), level = level + ?6, updated_at = ?7
    WHERE tenant_id = ?1 AND path > ?4 AND path < ?5";

impl ListOf for OrganizationUnit {
    const PATH: &'static str = "/v1/organization-units";
    const READ: &'static str = "organization_unit.read";
    const FILTERS: &'static [&'static str] = &["parent_id", "name"];
    const SELECTIVE: &'static [&'static str] = &["parent_id", "name"];
    const SORTS: &'static [&'static str] = &["name", "path"];
}

impl Collection for OrganizationUnit {
    const ITEM: &'static str = "/v1/organization-units/{id}";
    const WRITE: &'static str = "organization_unit.write";
    const GIVEN: &'static [&'static str] = &["path", "level"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.organization_unit)
    }

    fn complete(
        row: &mut Self,
        before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        let units = &state.document.organization_unit;
        let mut refuse = |code: &str, message: String| {
            findings.push(Finding::error("organization_unit", code, message).row(row.id).field("parent_id"));
        };
        let (above, level) = match row.parent_id {
            None => ("/", 0),
            Some(parent) => match units.iter().find(|unit| unit.id == parent) {
                Some(parent) => (parent.path.as_str(), parent.level.saturating_add(1)),
                // That there is none was found already.
                None => return Ok(()),
            },
        };
        if before.is_some_and(|before| above.starts_with(&before.path)) {
            refuse("organization_unit.cycle", "a unit does not lie below itself".to_owned());
            return Ok(());
        }
        // Below it everything moves along.
        let height = before.map_or(0, |before| {
            let below = units.iter().filter(|unit| unit.path.starts_with(&before.path));
            below.map(|unit| unit.level.saturating_sub(before.level)).max().unwrap_or(0)
        });
        if level.saturating_add(height) >= MAX_LEVELS {
            refuse("organization_unit.depth", format!("an organisation has at most {MAX_LEVELS} levels"));
        }
        (row.path, row.level) = (format!("{above}{}/", row.id), level);
        Ok(())
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        match (edit.before, edit.after) {
            (Some(before), Some(after)) if before.path != after.path => move_below(edit.state, before, after, plan),
            (Some(before), None) => unused(edit.state.document, before),
            _ => Ok(()),
        }
    }
}

/// Rewrites the path and the level of everything below a unit that moves.
fn move_below(
    state: &State<'_>,
    before: &OrganizationUnit,
    after: &OrganizationUnit,
    plan: &mut Plan,
) -> Result<(), ApiError> {
    // Who is in a group below may gain, or shed, what a policy says of the units above.
    let named = |unit| super::named::unit_by_a_policy(state.document, unit);
    plan.facts().needs_owner |= named(before) || named(after);
    let count = i64::try_from(before.path.len()).map_err(ApiError::internal)?;
    let deeper = after.level.saturating_sub(before.level);
    // `0` is what follows `/`: the range ends where another id would begin.
    let end = format!("{}0", before.path.trim_end_matches('/'));
    plan.also(
        Statement::new(MOVE)
            .bind(state.tenant)
            .bind(after.path.as_str())
            .bind(count.saturating_add(1))
            .bind(before.path.as_str())
            .bind(end)
            .bind(deeper)
            .bind(state.now),
    );
    let (old, new, id, now) = (before.path.clone(), after.path.clone(), after.id, state.now);
    plan.also_apply(move |document| {
        for unit in document.organization_unit.iter_mut().filter(|unit| unit.id != id) {
            if let Some(rest) = unit.path.strip_prefix(&old) {
                unit.path = format!("{new}{rest}");
                unit.level = unit.level.saturating_add(deeper);
                unit.updated_at = now;
            }
        }
    });
    Ok(())
}

/// Refuses to remove a unit that something lies in.
fn unused(document: &TenantDocument, unit: &OrganizationUnit) -> Result<(), ApiError> {
    let units = document.organization_unit.iter().filter(|its| its.parent_id == Some(unit.id)).count();
    let groups = document.user_group.iter().filter(|group| group.organization_unit_id == Some(unit.id)).count();
    if units + groups == 0 {
        return Ok(());
    }
    let detail = format!("in `{}` there are {units} units and {groups} groups", unit.name);
    Err(ApiError::Conflict { code: "organization_unit.in_use", detail, findings: Vec::new() })
}

//! Groups of users: `/v1/user-groups`. A manual group has whom somebody put there; an automatic one also has whom its
//! rule says, and the rule is an owner's to write.

use std::collections::BTreeSet;

use parapet::Finding;
use parapet::model::{AssignmentType, Row, TenantDocument, UserGroup};
use parapet::rights::Rights;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::membership::{self, Evaluated};
use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, after_patch, create_and, routes as table, update_and,
};
use crate::app::App;
use crate::document;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// Of those who join and leave, a preview names so many.
const SHOWN: usize = 100;

impl ListOf for UserGroup {
    const PATH: &'static str = "/v1/user-groups";
    const READ: &'static str = "user_group.read";
    const FILTERS: &'static [&'static str] = &["name", "type", "organization_unit_id"];
    const SELECTIVE: &'static [&'static str] = &["organization_unit_id"];
    const SORTS: &'static [&'static str] = &["name"];
}

impl Collection for UserGroup {
    const ITEM: &'static str = "/v1/user-groups/{id}";
    const WRITE: &'static str = "user_group.write";

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.user_group)
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let (state, document) = (edit.state, edit.state.document);
        let rules = |group: Option<&Self>| group.and_then(|group| group.auto_assignment_rules.clone());
        let unit = |group: Option<&Self>| group.and_then(|group| group.organization_unit_id);
        if rules(edit.before) != rules(edit.after) {
            plan.facts().needs_owner = true;
        }
        let named = |group: Option<&Self>| {
            let units = group.and_then(|group| group.organization_unit_id);
            let mut units = document.organization_unit.iter().filter(|row| Some(row.id) == units);
            units.any(|unit| super::named::unit_by_a_policy(document, unit))
        };
        // Members gain, or shed, what a policy says of the unit that their group lies in.
        if edit.before.is_some() && unit(edit.before) != unit(edit.after) && (named(edit.before) || named(edit.after)) {
            plan.facts().needs_owner = true;
        }
        if let (Some(before), None) = (edit.before, edit.after) {
            // With the group go the denials that it gave.
            let gave = state.rights().group(before.id, state.now);
            plan.gains(state, &Rights::gained(&gave, &Rights::default()));
            plan.facts().needs_owner |= super::named::by_a_policy(document, before.id);
        }
        Ok(())
    }
}

/// The table's routes, of which making and changing evaluates rules; and what a rule would do.
pub fn routes() -> Vec<Route> {
    let mut routes = table::<UserGroup>();
    for route in &mut routes {
        match (route.method, route.path) {
            ("POST", UserGroup::PATH) => {
                route.access =
                    Access::Permission(UserGroup::WRITE, |app, call, actor| Box::pin(create(app, call, actor)));
            }
            ("PATCH", UserGroup::ITEM) => {
                route.access =
                    Access::Permission(UserGroup::WRITE, |app, call, actor| Box::pin(update(app, call, actor)));
            }
            _ => {}
        }
    }
    routes.push(Route {
        method: "POST",
        path: "/v1/user-groups/preview",
        access: Access::Permission(UserGroup::READ, |app, call, actor| Box::pin(preview(app, call, actor))),
    });
    routes
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    // A group that was not there has no id yet, and its members are worked out under one that is only for that.
    let stand_in = Uuid::max();
    let body = call.object()?;
    membership::retried(app, call, actor, async |actor| {
        let evaluated = match proposed(app, &actor, stand_in, &body).await? {
            Some(after) => Some(evaluated(app, &actor, after, stand_in).await?),
            None => None,
        };
        create_and::<UserGroup>(app, call, actor, |edit, plan| {
            let Some(row) = edit.after else { return Ok(()) };
            write(edit, evaluated.as_ref().map(|evaluated| evaluated.renamed(stand_in, row.id)).as_ref(), plan)
        })
        .await
    })
    .await
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (id, patch) = (call.row_id()?, call.object()?);
    membership::retried(app, call, actor, async |actor| {
        let evaluated = match proposed(app, &actor, id, &patch).await? {
            Some(after) => Some(evaluated(app, &actor, after, id).await?),
            None => None,
        };
        update_and::<UserGroup>(app, call, actor, |edit, plan| write(edit, evaluated.as_ref(), plan)).await
    })
    .await
}

/// Adds what a change of a group's rule does to its memberships.
fn write(edit: &Edit<'_, UserGroup>, evaluated: Option<&Evaluated>, plan: &mut Plan) -> Result<(), ApiError> {
    let rules = |group: Option<&UserGroup>| group.and_then(|group| group.auto_assignment_rules.clone());
    match evaluated {
        Some(evaluated) => evaluated.write(edit.state, plan),
        // Somebody else changed the rule since it seemed to stay as it was.
        None if rules(edit.before) != rules(edit.after) => Err(membership::outdated()),
        None => Ok(()),
    }
}

/// The tenant's rules with a group as a body makes it, if that is a group and its rule changes; what is wrong with it
/// is said when it is written.
async fn proposed(
    app: &App,
    actor: &Actor,
    id: Uuid,
    body: &Map<String, Value>,
) -> Result<Option<TenantDocument>, ApiError> {
    let document = document::at(app, actor.tenant, actor.versions().policy).await?;
    let document = document.ok_or_else(membership::outdated)?;
    let mut after = (*document).clone();
    let before = after.user_group.iter().position(|group| group.id == id);
    let row = match before.and_then(|position| after.user_group.get(position)) {
        Some(group) => group.to_object(),
        None => {
            let given = json!({ "id": id, "tenant_id": actor.tenant, "name": "new", "type": "manual",
                                "created_at": app.clock.now(), "updated_at": app.clock.now() });
            given.as_object().cloned().unwrap_or_default()
        }
    };
    let own = body.iter().filter(|(name, _)| matches!(name.as_str(), "type" | "auto_assignment_rules"));
    let own = own.map(|(name, json)| (name.clone(), json.clone())).collect();
    let mut findings = Vec::new();
    let group = UserGroup::from_json(after_patch::<UserGroup>(row, &own), &id.to_string(), &mut findings);
    let Some(group) = group.filter(|_| findings.is_empty()) else { return Ok(None) };
    let was = before.and_then(|position| after.user_group.get_mut(position));
    match was {
        Some(was) if was.auto_assignment_rules == group.auto_assignment_rules => return Ok(None),
        Some(was) => *was = group,
        None if group.r#type == AssignmentType::Manual => return Ok(None),
        None => after.user_group.push(group),
    }
    Ok(Some(after))
}

async fn evaluated(app: &App, actor: &Actor, after: TenantDocument, group: Uuid) -> Result<Evaluated, ApiError> {
    membership::evaluate(app, actor, after, &BTreeSet::from([group]), membership::MOST).await
}

/// `POST /v1/user-groups/preview`: what a rule would do, to a group that is there or to a new one.
async fn preview(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut body = call.object()?;
    let mut findings = Vec::new();
    let mut refuse = |code: &str, field: &str, message: String| {
        findings.push(Finding::error("user_group", code, message).field(field));
    };
    let group = match body.remove("user_group_id") {
        None => None,
        Some(id) => {
            let group = id.as_str().and_then(|id| Uuid::try_parse(id).ok());
            let document = document::at(app, actor.tenant, actor.versions().policy).await?;
            let document = document.ok_or_else(membership::outdated)?;
            if !document.user_group.iter().any(|row| Some(row.id) == group) {
                refuse("reference.not_found", "user_group_id", format!("there is no user group {id}"));
            }
            group
        }
    };
    let rules = body.remove("auto_assignment_rules").filter(|rules| !rules.is_null());
    if rules.is_none() {
        refuse("row.missing", "auto_assignment_rules", "`auto_assignment_rules` is required".to_owned());
    }
    for name in body.keys() {
        refuse("row.unknown_field", name, format!("a preview has no `{name}`"));
    }
    if !findings.is_empty() {
        return Err(ApiError::Invalid { findings });
    }
    let id = group.unwrap_or(Uuid::max());
    let patch = json!({ "type": "automatic", "auto_assignment_rules": rules });
    let patch = patch.as_object().cloned().unwrap_or_default();
    let changes = match proposed(app, &actor, id, &patch).await? {
        Some(after) => {
            membership::evaluate(app, &actor, after, &BTreeSet::from([id]), usize::MAX).await?.changes_or_findings()?
        }
        None => membership::Changes::default(),
    };
    let joining: Vec<Uuid> = changes.joining.iter().take(SHOWN).map(|(_, user)| *user).collect();
    let leaving: Vec<Uuid> = changes.leaving.iter().take(SHOWN).map(|row| row.user_id).collect();
    Response::json(&json!({
        "join": changes.joining.len(),
        "leave": changes.leaving.len(),
        "joining": joining,
        "leaving": leaving,
    }))
}

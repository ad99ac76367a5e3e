//! Groups (RFC 7644, section 3.3 to 3.6): `/scim/v2/Groups`. Their members are memberships like any others, written with the
//! group in one batch; a group's rule is not spoken of here.

use std::collections::{BTreeMap, BTreeSet};

use parapet::Finding;
use parapet::model::{AssignmentType, SqlValue, UserGroup, UserGroupMembership};
use parapet::scim::group::{Member, MemberChange, document, finds, members, split, written};
use parapet::scim::projection::Projection;
use parapet::scim::{ErrorType, ResourceType, ScimError, discovery, patch};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::asked::Asked;
use super::{After, base, body, bound, id, if_match, meta, statement, version};
use crate::administration::{
    Actor, Collection, Edit, Plan, RowChange, State, commit, inserts, plan_change, plan_new, plan_removal,
};
use crate::app::App;
use crate::directory::assignment::lives;
use crate::directory::membership::MOST;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{MOST_PARAMETERS, Row as SqlRow, Statement};
use crate::response::Response;

/// What tells one set of members from another. A membership that goes never comes back under its id, so that their number
/// and the newest of them are enough.
const MEMBERS: &str = r#"(
    SELECT count(*) || ' ' || coalesce(max(m.id), '') FROM user_group_membership m
    WHERE m.tenant_id = ?1 AND m.user_group_id = "user_group"."id" AND (m.expires_at IS NULL OR m.expires_at > ?2)
) AS scim_members"#;

/// Who is in groups.
pub type Members = BTreeMap<Uuid, Vec<Uuid>>;

/// The routes of groups. Who is in a group is a permission of its own, which is asked for where members are named.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    let one = "/scim/v2/Groups/{id}";
    let write = UserGroup::WRITE;
    vec![
        route(
            "POST",
            "/scim/v2/Groups",
            Access::Permission(write, |app, call, actor| Box::pin(create(app, call, actor))),
        ),
        route(
            "GET",
            one,
            Access::Permission("user_group.read", |app, call, actor| {
                Box::pin(async move { get(app, call, actor.tenant, id(call)?).await })
            }),
        ),
        route("PUT", one, Access::Permission(write, |app, call, actor| Box::pin(replace(app, call, actor)))),
        route("PATCH", one, Access::Permission(write, |app, call, actor| Box::pin(change(app, call, actor)))),
        route("DELETE", one, Access::Permission(write, |app, call, actor| Box::pin(remove(app, call, actor)))),
    ]
}

/// What is read of groups.
pub fn columns() -> String {
    super::columns::<UserGroup>(MEMBERS)
}

/// A group as it is shown, and its version.
pub fn shown(
    resource: &ResourceType,
    found: &SqlRow,
    members: &Members,
    base: &str,
) -> Result<(String, Map<String, Value>), ApiError> {
    let group: UserGroup = super::row(found)?;
    let version = version_of(&group, found)?;
    let mut its = document(&group);
    let member = |user: &Uuid| json!({ "value": user, "$ref": format!("{base}/Users/{user}"), "type": "User" });
    if let Some(members) = members.get(&group.id) {
        its.insert("members".to_owned(), members.iter().map(member).collect());
    }
    let meta = meta(group.created_at, group.updated_at, &version);
    Ok((version, discovery::shown(resource, its, &group.id.to_string(), base, meta)))
}

/// The members of these groups.
pub async fn members_of(app: &App, tenant: Uuid, groups: &[Uuid]) -> Result<Members, ApiError> {
    let sql = "SELECT user_group_id, user_id FROM user_group_membership
               WHERE tenant_id = ?1 AND (expires_at IS NULL OR expires_at > ?2)
                 AND user_group_id IN (SELECT value FROM json_each(?3)) ORDER BY user_group_id, assigned_at, id";
    let mut parameters = bound(tenant, app.clock.now());
    parameters.push(SqlValue::Text(json!(groups).to_string()));
    let found = app.db.all(statement(sql.to_owned(), parameters)).await.map_err(ApiError::database)?;
    let mut members = Members::new();
    for row in found {
        let id = |name: &str| row.get(name).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
        if let (Some(group), Some(user)) = (id("user_group_id"), id("user_id")) {
            members.entry(group).or_default().push(user);
        }
    }
    Ok(members)
}

async fn get(app: &App, call: &Call, tenant: Uuid, group: Uuid) -> Result<Response, ApiError> {
    let resource = ResourceType::group();
    let asked = Asked::in_query(call)?;
    let projection = Projection::parse(&resource, asked.attributes.as_deref(), asked.excluded.as_deref())?;
    let found = app.db.first(read_one(app, tenant, group)).await.map_err(ApiError::database)?;
    let found = found.ok_or(ApiError::NotFound)?;
    let members = match projection.shows("members") {
        true => members_of(app, tenant, &[group]).await?,
        false => Members::new(),
    };
    let (version, its) = shown(&resource, &found, &members, &base(call))?;
    super::shown(call, &version, &projection.of(&resource, its))
}

fn read_one(app: &App, tenant: Uuid, group: Uuid) -> Statement {
    let mut parameters = bound(tenant, app.clock.now());
    parameters.push(SqlValue::Text(group.to_string()));
    statement(format!("SELECT {} FROM user_group WHERE tenant_id = ?1 AND id = ?3", columns()), parameters)
}

fn version_of(group: &UserGroup, found: &SqlRow) -> Result<String, ApiError> {
    version(&(group.id, document(group), found.get("scim_members")))
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = ResourceType::group();
    let mut its = resource.read(&body(call)?)?;
    let joining = members(&resource, &mut its)?;
    let columns = written(its)?;
    let actor = super::also(app, call, actor, UserGroupMembership::WRITE, !joining.is_empty()).await?;
    let tenant = actor.tenant;
    let reads = vec![read_users(tenant, joining.iter())];
    let response = commit(app, call, actor, reads, |state| {
        let mut findings = Vec::new();
        let mut stated = columns.clone();
        stated.insert("type".to_owned(), json!(AssignmentType::Manual));
        let mut row = super::read::<UserGroup>(state, stated, &columns, &mut findings)?;
        let mut plan = Plan::new(state, Response::default());
        plan_new(state, &mut row, 0, &mut plan, &mut findings)?;
        let mut after = Roster { group: row.id, now: BTreeMap::new(), wanted: BTreeSet::new() };
        after.apply(&resource, &MemberChange::Add(joining.clone()))?;
        after.check_users(state, 0, &joining)?;
        after.plan(state, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        let location = format!("{}/Groups/{}", base(call), row.id);
        plan.answer(Response { status: 201, ..Response::default() }.with("location", location));
        Ok(plan)
    })
    .await?;
    let (location, made) = super::made(&response)?;
    let answer = get(app, call, tenant, made).await?;
    Ok(Response { status: 201, ..answer }.with("location", location))
}

async fn replace(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = ResourceType::group();
    let mut its = resource.read(&body(call)?)?;
    let changes = vec![MemberChange::Replace(members(&resource, &mut its)?)];
    let tenant = actor.tenant;
    rewrite(app, call, actor, changes, &|_| Ok(its.clone())).await?;
    get(app, call, tenant, id(call)?).await
}

/// Answered with nothing: the members may be many, and only those that the request names were read.
async fn change(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let resource = ResourceType::group();
    let (operations, changes) = split(&resource, patch::operations(&body(call)?)?)?;
    rewrite(app, call, actor, changes, &|before| {
        let mut its = document(before);
        patch::apply(&resource, &mut its, &operations)?;
        Ok(its)
    })
    .await
}

async fn rewrite(
    app: &App,
    call: &Call,
    actor: Actor,
    changes: Vec<MemberChange>,
    after: After<'_, UserGroup>,
) -> Result<Response, ApiError> {
    let (resource, group) = (ResourceType::group(), id(call)?);
    let actor = super::also(app, call, actor, UserGroupMembership::WRITE, !changes.is_empty()).await?;
    let tenant = actor.tenant;
    let named = || changes.iter().flat_map(MemberChange::named);
    let joining: Vec<Member> = (changes.iter())
        .filter(|change| !matches!(change, MemberChange::Remove(_)))
        .flat_map(|change| change.named().iter().cloned())
        .collect();
    let all = changes.iter().any(MemberChange::asks_for_all);
    let of_group = select::<UserGroupMembership>(if all { OF_GROUP } else { OF_NAMED }, tenant).bind(group);
    let of_group = if all { of_group } else { of_group.bind(ids(named())) };
    let reads = vec![read_one(app, tenant, group), of_group, read_users(tenant, joining.iter())];
    commit(app, call, actor, reads, |state| {
        let found = state.sql_rows(0).first().ok_or(ApiError::NotFound)?;
        let before: UserGroup = super::row(found)?;
        if_match(call, &version_of(&before, found)?)?;
        let columns = written(after(&before)?)?;
        let mut findings = Vec::new();
        let mut stated = before.to_object();
        stated.extend(columns.clone());
        let row = super::read::<UserGroup>(state, stated, &columns, &mut findings)?;
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan_change(state, &before, row, 0, &mut plan, &mut findings)?;
        let mut roster = Roster::read(state, group, 1)?;
        for change in &changes {
            roster.apply(&resource, change)?;
        }
        roster.check_users(state, 2, &joining)?;
        roster.plan(state, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        Ok(plan)
    })
    .await
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let reads = vec![read_one(app, actor.tenant, id(call)?)];
    commit(app, call, actor, reads, |state| {
        let found = state.sql_rows(0).first().ok_or(ApiError::NotFound)?;
        let before: UserGroup = super::row(found)?;
        if_match(call, &version_of(&before, found)?)?;
        let mut findings = Vec::new();
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan_removal(state, &before, 0, &mut plan, &mut findings)?;
        ApiError::unless_empty(&findings)?;
        Ok(plan)
    })
    .await
}

const OF_GROUP: &str = "tenant_id = ?1 AND user_group_id = ?2";

const OF_NAMED: &str = "tenant_id = ?1 AND user_group_id = ?2 AND user_id IN (SELECT value FROM json_each(?3))";

/// Those of the users who are there.
fn read_users<'a>(tenant: Uuid, members: impl Iterator<Item = &'a Member>) -> Statement {
    let sql =
        "SELECT id FROM user WHERE tenant_id = ?1 AND deleted_at IS NULL AND id IN (SELECT value FROM json_each(?2))";
    Statement::new(sql).bind(tenant).bind(ids(members))
}

fn ids<'a>(members: impl Iterator<Item = &'a Member>) -> String {
    let ids: BTreeSet<Uuid> = members.map(|member| member.id).collect();
    json!(ids).to_string()
}

/// Who is in a group, as far as a request is about them, and who shall be.
struct Roster {
    group: Uuid,
    now: BTreeMap<Uuid, UserGroupMembership>,
    wanted: BTreeSet<Uuid>,
}

impl Roster {
    fn read(state: &State<'_>, group: Uuid, index: usize) -> Result<Self, ApiError> {
        let rows = state.rows::<UserGroupMembership>(index)?;
        let wanted = rows.iter().filter(|row| lives(row.expires_at, state.now)).map(|row| row.user_id).collect();
        Ok(Self { group, now: rows.into_iter().map(|row| (row.user_id, row)).collect(), wanted })
    }

    fn apply(&mut self, resource: &ResourceType, change: &MemberChange) -> Result<(), ScimError> {
        match change {
            MemberChange::Add(members) => self.wanted.extend(members.iter().map(|member| member.id)),
            MemberChange::Remove(members) => members.iter().for_each(|member| {
                self.wanted.remove(&member.id);
            }),
            MemberChange::Replace(members) => self.wanted = members.iter().map(|member| member.id).collect(),
            MemberChange::RemoveWhere(filter) => {
                for user in self.wanted.clone() {
                    if finds(resource, filter, user)? {
                        self.wanted.remove(&user);
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses members who are no users of the tenant, by the answer of [`read_users`].
    fn check_users(&self, state: &State<'_>, index: usize, joining: &[Member]) -> Result<(), ScimError> {
        let there: BTreeSet<&str> =
            state.sql_rows(index).iter().filter_map(|row| row.get("id").and_then(Value::as_str)).collect();
        match joining.iter().find(|member| !there.contains(member.id.to_string().as_str())) {
            Some(member) => Err(ScimError::value(&member.place, format!("there is no user `{}`", member.id))),
            None => Ok(()),
        }
    }

    /// Adds to a plan who joins and who leaves, each with its rules, event and row of the log.
    fn plan(&self, state: &State<'_>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let lives_now = |user: &Uuid| self.now.get(user).is_some_and(|row| lives(row.expires_at, state.now));
        let joining: Vec<Uuid> = self.wanted.iter().copied().filter(|user| !lives_now(user)).collect();
        let leaving = self.now.values().filter(|row| !self.wanted.contains(&row.user_id));
        let leaving: Vec<&UserGroupMembership> = leaving.filter(|row| lives(row.expires_at, state.now)).collect();
        if joining.len() + leaving.len() > MOST {
            let detail =
                format!("members: {} change, and one request changes at most {MOST}", joining.len() + leaving.len());
            return Err(ScimError::new(ErrorType::TooMany, detail).into());
        }
        let mut rows = Vec::new();
        for user in joining {
            match self.now.get(&user) {
                // It has ended and was not taken away yet.
                Some(ended) => {
                    let again = UserGroupMembership { expires_at: None, ..ended.clone() };
                    plan_change(state, ended, again, NO_ANSWER, plan, findings)?;
                }
                None => rows.push(self.joined(state, user, plan, findings)?),
            }
        }
        inserts(&rows).into_iter().for_each(|statement| plan.also(statement));
        for ids in leaving.chunks(MOST_PARAMETERS - 1) {
            let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("?{place}")).collect();
            let sql =
                format!("DELETE FROM user_group_membership WHERE tenant_id = ?1 AND id IN ({})", places.join(", "));
            plan.also(ids.iter().fold(Statement::new(sql).bind(state.tenant), |sql, row| sql.bind(row.id)));
        }
        for row in leaving {
            let edit = Edit { state, before: Some(row), after: None, first: NO_ANSWER };
            UserGroupMembership::rules(&edit, plan, findings)?;
            plan.change(RowChange::recorded(Some(row), None, UserGroupMembership::EVENTS[2]));
        }
        Ok(())
    }

    fn joined(
        &self,
        state: &State<'_>,
        user: Uuid,
        plan: &mut Plan,
        findings: &mut Vec<Finding>,
    ) -> Result<UserGroupMembership, ApiError> {
        let mut row = UserGroupMembership {
            id: state.fresh_id()?,
            tenant_id: state.tenant,
            user_id: user,
            user_group_id: self.group,
            assigned_by: None,
            assignment_type: AssignmentType::Manual,
            assigned_at: state.now,
            expires_at: None,
        };
        UserGroupMembership::complete(&mut row, None, state, findings)?;
        UserGroupMembership::rules(&Edit { state, before: None, after: Some(&row), first: NO_ANSWER }, plan, findings)?;
        plan.change(RowChange::recorded(None, Some(&row), UserGroupMembership::EVENTS[0]));
        Ok(row)
    }
}

/// The rule that nobody joins who is deleted was asked of all at once ([`Roster::check_users`]).
const NO_ANSWER: usize = usize::MAX;

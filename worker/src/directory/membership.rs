//! Who is in which automatic group: worked out again with every change of a user, and with every change of a rule.
//!
//! The rules are programs of our own engine ([`AutomaticRules`]). What follows from a change is written in its batch,
//! each membership with its rows in the log and the outbox; the membership's group is whose rule put somebody there.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use parapet::Finding;
use parapet::audit::canonical;
use parapet::compile::AutomaticRules;
use parapet::directory::PrincipalRecord;
use parapet::model::{AssignmentType, TenantDocument, TenantEpoch, Timestamp, User, UserGroupMembership, UserState};
use parapet::rights::Rights;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::administration::{Actor, Author, Collection, Deed, Plan, RowChange, State, enact, fresh_id, inserts};
use crate::app::App;
use crate::document::{self, rows, select};
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::Versions;
use crate::platform::db::{MOST_PARAMETERS, Row as SqlRow, Statement};
use crate::response::Response;

/// No change alters more memberships: each brings its rows of the log and of the outbox, and D1 takes a thousand
/// statements a request. With as many rows a statement as it has parameters for, this many changes are a third of that.
pub const MOST: usize = 1000;

/// So many users are read at once.
const PAGE: i64 = 1000;

const OF_USER: &str = "tenant_id = ?1 AND user_id = ?2";

const USERS: &str = "tenant_id = ?1
    AND id IN (SELECT id FROM user WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3)";

const OF_USERS: &str = "tenant_id = ?1
    AND user_id IN (SELECT id FROM user WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3)";

/// What must be read for [`reevaluate`]: the memberships of a user.
pub fn of_user(tenant: Uuid, user: Uuid) -> Statement {
    select::<UserGroupMembership>(OF_USER, tenant).bind(user)
}

/// Adds to a plan what a change of a user does to their automatic memberships. `before` is nothing for a new user,
/// `after` for one whose row goes; `memberships` is what [`of_user`] gave, nothing for a new user.
///
/// Whoever makes the change must hold what the groups give, and cannot make it to themselves.
pub fn reevaluate(
    state: &State<'_>,
    before: Option<&User>,
    after: Option<&User>,
    memberships: &[UserGroupMembership],
    plan: &mut Plan,
) -> Result<(), ApiError> {
    let Some(user) = after.or(before).map(|user| user.id) else { return Ok(()) };
    let rules = state.automatic_rules()?;
    let wanted = after.map(|user| wanted(rules, user)).unwrap_or_default();
    let mut changes = Changes::default();
    changes.of_user(user, &wanted, &automatic(state.document), memberships);
    if changes.is_empty() {
        return Ok(());
    }
    for group in changes.joining.iter().map(|(group, _)| *group) {
        plan.gains(state, &state.rights().group(group, state.now));
        plan.facts().needs_owner |= super::named::by_a_policy(state.document, group);
    }
    for group in changes.leaving.iter().map(|row| row.user_group_id) {
        let gives = state.rights().group(group, state.now);
        plan.gains(state, &Rights::gained(&gives, &Rights::default()));
        plan.facts().needs_owner |= super::named::by_a_policy(state.document, group);
    }
    plan.facts().own_rights |= state.actor.user() == Some(user);
    changes.write(state, state.document, plan)
}

/// The groups that a user should be in by the rules: none once they are deleted.
fn wanted(rules: &AutomaticRules, user: &User) -> BTreeSet<Uuid> {
    if user.state == UserState::Deleted || user.deleted_at.is_some() {
        return BTreeSet::new();
    }
    rules.groups(&PrincipalRecord::of_user(user, &[], &[], &[])).into_iter().collect()
}

/// The groups with rules.
fn automatic(document: &TenantDocument) -> BTreeSet<Uuid> {
    let groups = document.user_group.iter().filter(|group| group.auto_assignment_rules.is_some());
    groups.map(|group| group.id).collect()
}

/// Memberships that come and go.
#[derive(Debug, Default, Clone)]
pub struct Changes {
    /// Group and user.
    pub joining: Vec<(Uuid, Uuid)>,
    /// The rows that go.
    pub leaving: Vec<UserGroupMembership>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.joining.is_empty() && self.leaving.is_empty()
    }

    /// What one user's memberships must become. Whoever was put into a group by hand stays there, and is in it already.
    fn of_user(
        &mut self,
        user: Uuid,
        wanted: &BTreeSet<Uuid>,
        automatic: &BTreeSet<Uuid>,
        memberships: &[UserGroupMembership],
    ) {
        let has: BTreeSet<Uuid> = memberships.iter().map(|row| row.user_group_id).collect();
        self.joining.extend(wanted.intersection(automatic).filter(|group| !has.contains(group)).map(|id| (*id, user)));
        let gone = memberships
            .iter()
            .filter(|row| row.assignment_type == AssignmentType::Automatic && !wanted.contains(&row.user_group_id));
        self.leaving.extend(gone.cloned());
    }

    /// Adds them to a plan; `document` has the rules that they follow from.
    fn write(&self, state: &State<'_>, document: &TenantDocument, plan: &mut Plan) -> Result<(), ApiError> {
        let deed = self.deed(state.tenant, state.now, document)?;
        deed.statements.into_iter().for_each(|statement| plan.also(statement));
        deed.changes.into_iter().for_each(|change| plan.change(change));
        Ok(())
    }

    /// What is written of them.
    fn deed(&self, tenant: Uuid, now: Timestamp, document: &TenantDocument) -> Result<Deed, ApiError> {
        let mut deed = Deed::default();
        let count = self.joining.len() + self.leaving.len();
        if count > MOST {
            let message = format!("this changes {count} memberships, and one change alters at most {MOST}");
            let finding = Finding::error("user_group", "user_group.too_many_changes", message);
            return Err(ApiError::invalid(finding.field("auto_assignment_rules")));
        }
        let mut hashes: BTreeMap<Uuid, Value> = BTreeMap::new();
        let mut by = |group: Uuid| hashes.entry(group).or_insert_with(|| rule(document, group)).clone();
        for ids in self.leaving.chunks(MOST_PARAMETERS - 1) {
            let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("?{place}")).collect();
            let sql =
                format!("DELETE FROM user_group_membership WHERE tenant_id = ?1 AND id IN ({})", places.join(", "));
            deed.statements.push(ids.iter().fold(Statement::new(sql).bind(tenant), |sql, row| sql.bind(row.id)));
        }
        for row in &self.leaving {
            let change = RowChange::recorded(Some(row), None, UserGroupMembership::EVENTS[2]);
            deed.changes.push(change.because(by(row.user_group_id)));
        }
        let rows = self.joining.iter().map(|(group, user)| joined(tenant, now, *group, *user));
        let rows = rows.collect::<Result<Vec<_>, ApiError>>()?;
        deed.statements.extend(inserts(&rows));
        for row in &rows {
            let change = RowChange::recorded(None, Some(row), UserGroupMembership::EVENTS[0]);
            deed.changes.push(change.because(by(row.user_group_id)));
        }
        Ok(deed)
    }
}

fn joined(tenant: Uuid, now: Timestamp, group: Uuid, user: Uuid) -> Result<UserGroupMembership, ApiError> {
    Ok(UserGroupMembership {
        id: fresh_id(now)?,
        tenant_id: tenant,
        user_id: user,
        user_group_id: group,
        assigned_by: None,
        assignment_type: AssignmentType::Automatic,
        assigned_at: now,
        expires_at: None,
    })
}

const READ_ANY_RULE: &str =
    "SELECT id FROM user_group WHERE tenant_id = ?1 AND auto_assignment_rules IS NOT NULL LIMIT 1";

/// The rules of a tenant as they are, for what people do with what is their own; no document where there are none.
struct Rules {
    version: i64,
    known: Option<(Rc<TenantDocument>, AutomaticRules)>,
}

impl Rules {
    async fn read(app: &App, tenant: Uuid) -> Result<Self, ApiError> {
        let reads = vec![select::<TenantEpoch>(EPOCH, tenant), Statement::new(READ_ANY_RULE).bind(tenant)];
        let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
        let version = policy_version(answers.next().unwrap_or_default())?;
        if answers.next().unwrap_or_default().is_empty() {
            return Ok(Self { version, known: None });
        }
        let at = u64::try_from(version).map_err(ApiError::internal)?;
        let document = document::at(app, tenant, at).await?.ok_or_else(outdated)?;
        let rules = AutomaticRules::of(&document).map_err(|findings| ApiError::DoesNotCompile { findings })?;
        Ok(Self { version, known: Some((document, rules)) })
    }
}

const EPOCH: &str = "tenant_id = ?1";

fn policy_version(found: Vec<SqlRow>) -> Result<i64, ApiError> {
    let missing = || ApiError::unavailable("epoch.missing", "the tenant's versions are not known", "no row");
    Ok(rows::<TenantEpoch>(found)?.pop().ok_or_else(missing)?.policy_version)
}

/// [`enact`], for a change that a user brings about themselves: their automatic memberships follow in the same batch. The
/// plan gives the user as they will be beside the deed. Nobody is asked whether they hold what the groups give: it is the
/// rules' word, and rules read nothing that users write.
pub async fn enact_following<T>(
    app: &App,
    author: &Author,
    tenant: Uuid,
    user: Uuid,
    reads: Vec<Statement>,
    plan: impl Fn(Timestamp, Vec<Vec<SqlRow>>) -> Result<(Deed, User, T), ApiError>,
) -> Result<T, ApiError> {
    let mut all = vec![select::<TenantEpoch>(EPOCH, tenant), of_user(tenant, user)];
    all.extend(reads);
    let attempt = async || {
        let rules = Rules::read(app, tenant).await?;
        enact(app, author, tenant, all.clone(), |now, answers| {
            let mut answers = answers.into_iter();
            // The rules are those of the instant that all else is read in.
            if policy_version(answers.next().unwrap_or_default())? != rules.version {
                return Err(outdated());
            }
            let memberships = rows::<UserGroupMembership>(answers.next().unwrap_or_default())?;
            let (mut deed, after, outcome) = plan(now, answers.collect())?;
            if let Some((document, rules)) = &rules.known {
                let mut changes = Changes::default();
                changes.of_user(user, &wanted(rules, &after), &automatic(document), &memberships);
                let follows = changes.deed(tenant, now, document)?;
                deed.statements.extend(follows.statements);
                deed.changes.extend(follows.changes);
            }
            Ok((deed, outcome))
        })
        .await
    };
    let mut result = attempt().await;
    for _ in 1..TRIES {
        match &result {
            Err(ApiError::Unavailable { code, .. }) if *code == OUTDATED => result = attempt().await,
            _ => break,
        }
    }
    result
}

/// The rule that a membership follows from, as the log has it: the group, and the hash of what the rule said then. A
/// group without rules has none any more.
fn rule(document: &TenantDocument, group: Uuid) -> Value {
    let row = document.user_group.iter().find(|row| row.id == group);
    let rules = row.and_then(|row| row.auto_assignment_rules.as_ref());
    let hash = rules.map(|rules| hex::encode(Sha256::digest(canonical(rules))));
    json!({ "user_group_id": group, "rule_hash": hash })
}

/// What a change of rules does to everybody, and as of which versions that is known.
pub struct Evaluated {
    /// Memberships that come and go: all of them, or as many as one change may alter and one more.
    changes: Changes,
    /// What is wrong with the rules; then nothing comes and goes.
    findings: Vec<Finding>,
    /// The rules that they follow from.
    document: TenantDocument,
    versions: Versions,
}

/// Works out what rules as they would be do to all users. `groups` are those whose memberships may change; nothing is
/// kept beyond `most` changes.
pub async fn evaluate(
    app: &App,
    actor: &Actor,
    after: TenantDocument,
    groups: &BTreeSet<Uuid>,
    most: usize,
) -> Result<Evaluated, ApiError> {
    let versions = actor.versions();
    let mut changes = Changes::default();
    let rules = match AutomaticRules::of(&after) {
        Ok(rules) => rules,
        // What cannot be compiled is refused with its findings when it is written, after who may write it at all.
        Err(findings) => return Ok(Evaluated { changes, findings, document: after, versions }),
    };
    let automatic: BTreeSet<Uuid> = automatic(&after).intersection(groups).copied().collect();
    let mut last = Some(Uuid::nil());
    while let Some(from) = last.filter(|_| !groups.is_empty()) {
        let page = |statement: Statement| statement.bind(from).bind(PAGE);
        let statements = vec![
            page(select::<User>(USERS, actor.tenant)),
            page(select::<UserGroupMembership>(OF_USERS, actor.tenant)),
        ];
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
        let users = rows::<User>(answers.next().unwrap_or_default())?;
        let mut memberships: BTreeMap<Uuid, Vec<UserGroupMembership>> = BTreeMap::new();
        for row in rows::<UserGroupMembership>(answers.next().unwrap_or_default())? {
            if groups.contains(&row.user_group_id) {
                memberships.entry(row.user_id).or_default().push(row);
            }
        }
        for user in &users {
            let of_user = memberships.get(&user.id).map_or(&[][..], Vec::as_slice);
            changes.of_user(user.id, &wanted(&rules, user), &automatic, of_user);
        }
        let enough = changes.joining.len() + changes.leaving.len() > most;
        let full = i64::try_from(users.len()).is_ok_and(|count| count == PAGE);
        last = users.last().map(|user| user.id).filter(|_| full && !enough);
    }
    Ok(Evaluated { changes, findings: Vec::new(), document: after, versions })
}

impl Evaluated {
    /// The changes; what is wrong with the rules, where something is.
    pub fn changes_or_findings(self) -> Result<Changes, ApiError> {
        if self.findings.is_empty() { Ok(self.changes) } else { Err(ApiError::Invalid { findings: self.findings }) }
    }

    /// The same, where a group has got another id.
    #[must_use]
    pub fn renamed(&self, from: Uuid, to: Uuid) -> Self {
        let is = |id: Uuid| if id == from { to } else { id };
        let mut document = self.document.clone();
        for group in document.user_group.iter_mut().filter(|group| group.id == from) {
            group.id = to;
        }
        let joining = self.changes.joining.iter().map(|(group, user)| (is(*group), *user)).collect();
        let changes = Changes { joining, leaving: self.changes.leaving.clone() };
        Self { changes, findings: self.findings.clone(), document, versions: self.versions }
    }

    /// Adds them to the plan of the change that they follow from, if they are still what follows: nobody changed the
    /// tenant since they were worked out. Where somebody did, [`retried`] begins anew.
    pub fn write(&self, state: &State<'_>, plan: &mut Plan) -> Result<(), ApiError> {
        if state.actor.versions() != self.versions {
            return Err(outdated());
        }
        self.changes.write(state, &self.document, plan)
    }
}

/// Somebody changed the tenant while rules were evaluated.
pub fn outdated() -> ApiError {
    let detail = "others changed the directory in the meantime";
    ApiError::unavailable(OUTDATED, detail, "the rules were evaluated for another version")
}

const OUTDATED: &str = "directory.changed";

/// How often rules are evaluated anew while others change the tenant.
const TRIES: usize = 5;

/// Makes a change for which rules are evaluated first, and evaluates anew where others came in between.
pub async fn retried(
    app: &App,
    call: &Call,
    actor: Actor,
    attempt: impl AsyncFn(Actor) -> Result<Response, ApiError>,
) -> Result<Response, ApiError> {
    let actions = actor.actions.clone();
    let mut result = attempt(actor).await;
    for _ in 1..TRIES {
        match &result {
            Err(ApiError::Unavailable { code, .. }) if *code == OUTDATED => {}
            _ => break,
        }
        result = attempt(Actor::anew(app, call, &actions).await?).await;
    }
    result
}

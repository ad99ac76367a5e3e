//! What a request would change: the rows before and after, who gains what by it, and the answer.

use std::cell::OnceCell;
use std::rc::Rc;

use parapet::Finding;
use parapet::administration::{Facts, RESOURCE, refusals};
use parapet::audit::{Changes, Head};
use parapet::compile::AutomaticRules;
use parapet::model::{
    AttemptResult, Effect, PermissionEntry, PermissionTarget, Row, Tenant, TenantDocument, Timestamp,
};
use parapet::rights::{Rights, RightsOf};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::actor::{Actor, owner_role};
use super::collection::Collection;
use super::commit::bumps;
use super::record;
use crate::document::{Rule, rows};
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};
use crate::platform::random;
use crate::response::Response;

/// What a plan is made from: rows of one instant.
pub struct State<'a> {
    /// The time.
    pub now: Timestamp,
    /// Whose rows these are.
    pub tenant: Uuid,
    /// Who wants the change.
    pub actor: &'a Actor,
    /// The tenant's rules: every table that is compiled.
    pub document: &'a TenantDocument,
    /// Whether rows come from elsewhere as they were there, many at once: nobody who is new is invited by it.
    pub imports: bool,
    pub(super) answers: Vec<Vec<SqlRow>>,
    followed: Rc<Followed>,
}

/// What follows from the rules, worked out where it is asked for.
#[derive(Default)]
struct Followed {
    held: OnceCell<Rights>,
    automatic: OnceCell<AutomaticRules>,
}

impl<'a> State<'a> {
    pub(super) fn new(
        now: Timestamp,
        actor: &'a Actor,
        document: &'a TenantDocument,
        answers: Vec<Vec<SqlRow>>,
    ) -> Self {
        Self { now, tenant: actor.tenant, actor, document, imports: false, answers, followed: Rc::default() }
    }

    /// The same for one row of an import, with what was read for it.
    #[must_use]
    pub fn importing(&self, answers: Vec<Vec<SqlRow>>) -> Self {
        Self { imports: true, answers, followed: self.followed.clone(), ..*self }
    }

    /// The same once the rules are others.
    pub fn within<'b>(&self, document: &'b TenantDocument) -> State<'b>
    where
        'a: 'b,
    {
        State {
            now: self.now,
            tenant: self.tenant,
            actor: self.actor,
            document,
            imports: self.imports,
            answers: Vec::new(),
            followed: Rc::default(),
        }
    }

    /// The rows that a statement of the request gave, by its position.
    pub fn rows<R: Row>(&self, index: usize) -> Result<Vec<R>, ApiError> {
        rows(self.answers.get(index).cloned().unwrap_or_default())
    }

    /// The same, as the database gave them.
    pub fn sql_rows(&self, index: usize) -> &[SqlRow] {
        self.answers.get(index).map_or(&[], Vec::as_slice)
    }

    /// The number in the only column of the only row.
    pub fn count(&self, index: usize) -> i64 {
        let row = self.sql_rows(index).first();
        row.and_then(|row| row.values().next()).and_then(Value::as_f64).map_or(0, |count| count as i64)
    }

    /// What rows give.
    pub fn rights(&self) -> RightsOf<'a> {
        RightsOf::new(self.document)
    }

    /// What the actor holds.
    pub fn held(&self) -> &Rights {
        self.followed.held.get_or_init(|| self.rights().principal(&self.actor.record, self.now))
    }

    /// The rules of automatic groups, as programs.
    pub fn automatic_rules(&self) -> Result<&AutomaticRules, ApiError> {
        if let Some(known) = self.followed.automatic.get() {
            return Ok(known);
        }
        let rules = AutomaticRules::within(self.actor.published.engine.schema(), self.document);
        let rules = rules.map_err(|findings| ApiError::DoesNotCompile { findings })?;
        Ok(self.followed.automatic.get_or_init(|| rules))
    }

    /// The id of the tenant's role `owner`.
    pub fn owner_role(&self) -> Option<Uuid> {
        owner_role(self.document)
    }

    /// A fresh id, UUIDv7.
    pub fn fresh_id(&self) -> Result<Uuid, ApiError> {
        fresh_id(self.now)
    }
}

/// A fresh id, UUIDv7 (RFC 9562, section 5.7).
pub fn fresh_id(now: Timestamp) -> Result<Uuid, ApiError> {
    let millis = u64::try_from(now.as_millis()).map_err(ApiError::internal)?;
    let random = random::bytes::<10>().map_err(ApiError::internal)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

/// How far a plan has come.
#[derive(Default, Clone, Copy)]
pub struct Extent {
    changes: usize,
    applies: usize,
}

/// What a request would change.
pub struct Plan {
    pub(super) changes: Vec<RowChange>,
    pub(super) statements: Vec<Statement>,
    pub(super) applies: Vec<Apply>,
    pub(super) elsewhere: Option<Elsewhere>,
    pub(super) facts: Facts,
    pub(super) not_held: Vec<String>,
    /// What is refused already of the plans that it consists of.
    pub(super) refused: Vec<Finding>,
    pub(super) answer: Response,
    /// What a repeated request is answered with: the answer without a secret that is shown once.
    pub(super) repeated: Option<Vec<u8>>,
}

impl Plan {
    /// A plan that changes nothing yet.
    pub fn new(state: &State<'_>, answer: Response) -> Self {
        Self {
            changes: Vec::new(),
            statements: Vec::new(),
            applies: Vec::new(),
            elsewhere: None,
            facts: Facts::harmless(state.actor.is_owner(state.document, state.now)),
            not_held: Vec::new(),
            refused: Vec::new(),
            answer,
            repeated: None,
        }
    }

    /// Changes a row.
    pub fn change(&mut self, change: RowChange) {
        self.changes.push(change);
    }

    /// Does something beside, in the same batch, that is not worth an event of its own.
    pub fn also(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    /// Does to the document what such a statement does to the rows.
    pub fn also_apply(&mut self, apply: impl Fn(&mut TenantDocument) + 'static) {
        self.applies.push(Box::new(apply));
    }

    /// Changes another tenant as well, in the same batch.
    pub fn elsewhere(&mut self, elsewhere: Elsewhere) {
        self.elsewhere = Some(elsewhere);
    }

    /// Somebody gains these rights by it.
    pub fn gains(&mut self, state: &State<'_>, rights: &Rights) {
        let missing = state.held().missing(rights);
        self.facts.holds &= missing.is_empty();
        self.not_held.extend(missing.iter().map(ToString::to_string));
    }

    /// Somebody gains by it what an action of this API gives.
    pub fn gains_action(&mut self, state: &State<'_>, action: &str) {
        let target = PermissionTarget::Name { permission: format!("{RESOURCE}.{action}") };
        let entry = PermissionEntry { target, effect: Effect::Allow, conditions: None, resource_id: None };
        self.gains(state, &state.rights().entries(&[entry], None));
    }

    /// Does what another plan of the same request does, which is judged by itself: what is refused of it is found at
    /// `row`. It comes after what this one does already.
    pub fn absorb(&mut self, state: &State<'_>, row: &str, other: Self) {
        let refused = other.judged(state.actor.id(), row);
        self.refused.extend(refused.into_iter().map(|finding| finding.row(row)));
        self.changes.extend(other.changes);
        self.statements.extend(other.statements);
        self.applies.extend(other.applies);
    }

    /// What the rules of administration refuse of it, as a change of `row`.
    pub(super) fn judged(&self, actor: &str, row: &str) -> Vec<Finding> {
        let table = self.changes.first().map_or("request", |change| change.table);
        let mut findings: Vec<Finding> = Vec::new();
        for refusal in refusals(actor, row, self.facts) {
            let code = format!("administration.{}", refusal.policy);
            let messages = match refusal.policy {
                "not_held" => self.not_held.iter().map(|right| format!("you do not hold {right}")).collect(),
                _ => vec![refusal.message.to_owned()],
            };
            findings.extend(messages.into_iter().map(|message| Finding::error(table, &code, message)));
        }
        findings
    }

    /// What is refused of the plans that it consists of.
    pub fn refused(&self) -> &[Finding] {
        &self.refused
    }

    /// Whether rules change, so that they are compiled anew.
    pub fn changes_rules(&self) -> bool {
        self.changes.iter().any(|change| !change.noted && bumps(change.table).0)
    }

    /// What it takes of the statements that D1 allows, in thirds of one: three rows of the widest table that are inserted one
    /// after the other are one statement, and so is what the log and the outbox get of three changes.
    pub fn weight(&self) -> usize {
        let own = self.changes.iter().filter_map(|change| change.statement.as_ref());
        let own: usize = own.map(|statement| if statement.is_insert() { 1 } else { 3 }).sum();
        own + 3 * self.statements.len() + self.changes.len()
    }

    /// How far it has come.
    pub fn extent(&self) -> Extent {
        Extent { changes: self.changes.len(), applies: self.applies.len() }
    }

    /// Does to the rules what has come since.
    pub fn apply_after(&self, extent: Extent, document: &mut TenantDocument) {
        let changes = self.changes.iter().skip(extent.changes).filter_map(|change| change.apply.as_ref());
        for apply in changes.chain(self.applies.iter().skip(extent.applies)) {
            apply(document);
        }
    }

    /// Makes of the rules what they will be.
    pub fn apply(&self, document: &mut TenantDocument) {
        self.apply_after(Extent::default(), document);
    }

    /// What it would do, for the rules of administration.
    pub fn facts(&mut self) -> &mut Facts {
        &mut self.facts
    }

    /// The answer to this request.
    pub fn answer(&mut self, answer: Response) {
        self.answer = answer;
    }

    /// The answer to the same request when it comes again: without the secret that the first answer shows.
    pub fn answer_repeated(&mut self, body: Vec<u8>) {
        self.repeated = Some(body);
    }
}

/// What changes in another tenant than the actor's, as operators alone may: written to that tenant's chain, outbox and
/// versions, beside what the plan says of the actor's own.
pub struct Elsewhere {
    pub(super) tenant: Uuid,
    pub(super) head: Head,
    pub(super) changes: Vec<RowChange>,
    pub(super) statements: Vec<Statement>,
    /// Whether its rules get a new version; those of a tenant that is made begin with one.
    pub(super) bumps: bool,
}

impl Elsewhere {
    /// A tenant that is made: its chain begins with its first change.
    pub fn made(tenant: Uuid) -> Self {
        Self { tenant, head: Head::default(), changes: Vec::new(), statements: Vec::new(), bumps: false }
    }

    /// A tenant that is there, `index` being the answer to [`read_head`].
    pub fn of(state: &State<'_>, tenant: Uuid, index: usize) -> Result<Self, ApiError> {
        Ok(Self { head: record::head(state.sql_rows(index))?, bumps: true, ..Self::made(tenant) })
    }

    /// Changes a row.
    pub fn change(&mut self, change: RowChange) {
        self.bumps &= !change.noted;
        self.changes.push(change);
    }

    /// Does something beside.
    pub fn also(&mut self, statement: Statement) {
        self.statements.push(statement);
    }
}

/// Reads the end of another tenant's chain, for [`Elsewhere::of`].
pub fn read_head(tenant: Uuid) -> Statement {
    Statement::new(record::READ_HEAD).bind(tenant)
}

/// What becomes of one row of the document.
pub(super) type Apply = Box<dyn Fn(&mut TenantDocument)>;

/// One row that is made, changed or removed.
pub struct RowChange {
    pub(super) table: &'static str,
    pub(super) event: String,
    pub(super) id: Option<Uuid>,
    pub(super) changes: Changes,
    pub(super) object: Map<String, Value>,
    pub(super) statement: Option<Statement>,
    pub(super) apply: Option<Apply>,
    /// What it follows from, where that is no caller's wish.
    pub(super) cause: Option<Value>,
    /// It happened, and nothing of the tenant that it is written for changes by it.
    pub(super) noted: bool,
    /// Whether it was done, or tried in vain.
    pub(super) result: AttemptResult,
}

impl RowChange {
    /// A new row. `event` is what happened, in the past: `created`, `assigned`.
    pub fn insert<R: Collection>(row: &R, event: &str) -> Self {
        Self::of(None, Some(row), event, R::told, R::rows)
    }

    /// A row that changes; only what changed is written, and a secret stays.
    pub fn update<R: Collection>(before: &R, after: &R, event: &str) -> Self {
        Self::of(Some(before), Some(after), event, R::told, R::rows)
    }

    /// A row that goes, and with it the rows of the document that refer to it.
    pub fn delete<R: Collection>(row: &R, event: &str) -> Self {
        Self::of(Some(row), None, event, R::told, R::rows)
    }

    /// A row of the rules that becomes what it was at another time.
    pub fn restore<R: Rule>(before: Option<&R>, after: Option<&R>) -> Self {
        Self::of(before, after, "restored", R::object, |document| Some(R::rows_mut(document)))
    }

    /// A row that changes by a statement of the plan's own ([`Plan::also`]); it is recorded like any other.
    pub fn recorded<R: Collection>(before: Option<&R>, after: Option<&R>, event: &str) -> Self {
        Self::of_objects::<R>(before.map(R::told), after.map(R::told), event)
    }

    /// Something that happened without a row of its own being written.
    pub fn happened(table: &'static str, event: &str, object: Map<String, Value>) -> Self {
        Self::of_table(table, None, Some(object), event)
    }

    /// The id of its row.
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The same change, with what it follows from.
    #[must_use]
    pub fn because(mut self, cause: Value) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Something that was tried in vain, which is a row all the same.
    #[must_use]
    pub fn in_vain(mut self) -> Self {
        self.result = AttemptResult::Failure;
        self
    }

    /// The tenant itself, which changes.
    pub fn tenant(before: &Tenant, after: &Tenant, event: &str) -> Self {
        let mut change = Self::of_objects::<Tenant>(Some(object(before)), Some(object(after)), event);
        change.statement = update(before, after);
        let after = after.clone();
        change.apply = Some(Box::new(move |document| document.tenant = after.clone()));
        change
    }

    /// A new row whose table is administered elsewhere, such as one of a tenant that is made.
    pub fn made<R: Row + Serialize>(row: &R, event: &str) -> Self {
        let mut change = Self::of_objects::<R>(None, Some(object(row)), event);
        change.statement = Some(Statement::insert(row));
        change
    }

    /// A row that changes, whose table is administered nowhere; a secret stays.
    pub fn rewritten<R: Row + Serialize>(before: &R, after: &R, event: &str) -> Self {
        let mut change = Self::of_objects::<R>(Some(object(before)), Some(object(after)), event);
        change.statement = update(before, after);
        change
    }

    /// Something that is written down, and changes nothing of the tenant that it is written for.
    pub fn noted<R: Row + Serialize>(before: Option<&R>, after: Option<&R>, event: &str) -> Self {
        Self { noted: true, ..Self::of_objects::<R>(before.map(object), after.map(object), event) }
    }

    fn of<R: Row + Clone + 'static>(
        before: Option<&R>,
        after: Option<&R>,
        event: &str,
        told: fn(&R) -> Map<String, Value>,
        rows: fn(&mut TenantDocument) -> Option<&mut Vec<R>>,
    ) -> Self {
        let mut change = Self::of_objects::<R>(before.map(told), after.map(told), event);
        let id = change.id;
        let (statement, apply): (_, Option<Apply>) = match (before.cloned(), after.cloned()) {
            (None, None) => (None, None),
            (None, Some(row)) => {
                let statement = Statement::insert(&row);
                let apply = move |document: &mut TenantDocument| {
                    rows(document).into_iter().for_each(|rows| rows.push(row.clone()));
                };
                (Some(statement), Some(Box::new(apply)))
            }
            (Some(before), Some(after)) => {
                let statement = update(&before, &after);
                let apply = move |document: &mut TenantDocument| {
                    let rows = rows(document).into_iter().flatten();
                    for row in rows.filter(|row| same_key(*row, &before)) {
                        *row = after.clone();
                    }
                };
                (statement, Some(Box::new(apply)))
            }
            (Some(row), None) => {
                let (condition, key) = key_of(&row, 0);
                let sql = format!("DELETE FROM \"{}\" WHERE {condition}", R::TABLE);
                let statement = key.into_iter().fold(Statement::new(sql), Statement::bind);
                let apply = move |document: &mut TenantDocument| {
                    let Some(rows) = rows(document) else { return };
                    rows.retain(|its| !same_key(its, &row));
                    if let Some(id) = id {
                        document.remove_referring(R::TABLE, id);
                    }
                };
                (Some(statement), Some(Box::new(apply)))
            }
        };
        (change.statement, change.apply) = (statement, apply);
        change
    }

    pub(super) fn of_objects<R: Row>(
        was: Option<Map<String, Value>>,
        is: Option<Map<String, Value>>,
        event: &str,
    ) -> Self {
        Self::of_table(R::TABLE, was, is, event)
    }

    fn of_table(
        table: &'static str,
        was: Option<Map<String, Value>>,
        is: Option<Map<String, Value>>,
        event: &str,
    ) -> Self {
        let object = is.clone().or_else(|| was.clone()).unwrap_or_default();
        Self {
            table,
            event: format!("{table}.{event}"),
            id: object.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok()),
            changes: parapet::audit::changes(was.as_ref(), is.as_ref()),
            object,
            statement: None,
            apply: None,
            cause: None,
            noted: false,
            result: AttemptResult::Success,
        }
    }
}

/// The statement that makes one row of another; nothing where they are the same. A secret stays.
fn update<R: Row>(before: &R, after: &R) -> Option<Statement> {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for column in R::COLUMNS.iter().filter(|column| !column.secret) {
        let value = after.value(column.name);
        if value != before.value(column.name) {
            values.extend(value);
            columns.push(format!("\"{}\" = ?{}", column.name, values.len()));
        }
    }
    if columns.is_empty() {
        return None;
    }
    let (condition, key) = key_of(after, values.len());
    let sql = format!("UPDATE \"{}\" SET {} WHERE {condition}", R::TABLE, columns.join(", "));
    let bound = values.into_iter().fold(Statement::new(sql), Statement::bind);
    Some(key.into_iter().fold(bound, Statement::bind))
}

/// A row as it is shown.
pub(super) fn object<R: Serialize>(row: &R) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(object)) => object,
        // A row is a struct of text keys, and nothing in it fails to serialize.
        _ => Map::new(),
    }
}

/// The condition for one row by its key and tenant, its parameters after `bound` others.
pub(super) fn key_of<R: Row>(row: &R, bound: usize) -> (String, Vec<parapet::model::SqlValue>) {
    let mut columns = R::INFO.key.to_vec();
    if !columns.contains(&"tenant_id") && R::COLUMNS.iter().any(|column| column.name == "tenant_id") {
        columns.push("tenant_id");
    }
    let conditions: Vec<String> =
        columns.iter().zip(bound + 1..).map(|(column, place)| format!("\"{column}\" = ?{place}")).collect();
    (conditions.join(" AND "), columns.iter().filter_map(|column| row.value(column)).collect())
}

pub(super) fn same_key<R: Row>(one: &R, other: &R) -> bool {
    R::INFO.key.iter().all(|column| one.value(column) == other.value(column))
}

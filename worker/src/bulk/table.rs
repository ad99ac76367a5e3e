//! Tables that lines may be of: what is read for all lines of one at once, and how one line becomes a plan.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use parapet::Finding;
use parapet::model::{
    AssignmentType, FeatureFlag, Kind, OrganizationUnit, Permission, Resource, Role, RolePermission, ServiceAccount,
    SqlValue, Timestamp, User, UserGroup, UserGroupMembership, UserGroupRole, UserRole,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::line::Line;
use crate::administration::{
    Collection, Plan, SERVICE, State, given, lengths, plan_change, plan_new, read_only, wrong_reference,
};
use crate::directory::person::{Person, owners};
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// The rows that each of some statements gave.
type Answers = Vec<Vec<SqlRow>>;

/// A table whose rows come in as lines, by the rules by which they are made and changed one by one.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The action that changing it needs.
    pub write: &'static str,
    /// What is read for lines of it.
    pub reads: fn(Uuid, &[&Line]) -> Vec<Statement>,
    /// What its lines refer to.
    pub refers: fn(&[&Line], &mut Wanted),
    /// Reads the answers to `reads`.
    pub read: fn(Answers) -> Result<Box<dyn Rows>, ApiError>,
}

/// The tables.
pub const TABLES: &[Table] = &[
    table::<Permission>(),
    table::<Role>(),
    table::<RolePermission>(),
    table::<OrganizationUnit>(),
    table::<User>(),
    table::<UserGroup>(),
    table::<UserGroupMembership>(),
    table::<UserGroupRole>(),
    table::<UserRole>(),
    table::<ServiceAccount>(),
    table::<Resource>(),
    table::<FeatureFlag>(),
];

/// Rows of other tables that lines refer to, by table.
pub type Wanted = BTreeMap<&'static str, BTreeSet<Uuid>>;

/// Those of them that are there, each with whether it is a user who is deleted.
#[derive(Default)]
pub struct References(HashMap<&'static str, HashMap<Uuid, bool>>);

impl References {
    /// Asks for the rows of a table that are there.
    pub fn statement(table: &str, tenant: Uuid, ids: &BTreeSet<Uuid>) -> Statement {
        let deleted = if table == "user" { "deleted_at IS NOT NULL" } else { "0" };
        // The catalogue's permissions are everybody's to refer to.
        let others = if table == "permission" { " OR tenant_id IS NULL" } else { "" };
        Statement::new(format!(
            "SELECT id, {deleted} AS is_deleted FROM \"{table}\"
             WHERE id IN (SELECT value FROM json_each(?2)) AND (tenant_id = ?1{others})"
        ))
        .bind(tenant)
        .bind(json!(ids).to_string())
    }

    /// With what that gave.
    pub fn found(&mut self, table: &'static str, rows: &[SqlRow]) {
        let known = self.0.entry(table).or_default();
        for row in rows {
            let id = row.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
            let is_deleted = row.get("is_deleted").and_then(Value::as_f64).is_some_and(|one| one == 1.0);
            known.extend(id.map(|id| (id, is_deleted)));
        }
    }
}

/// What a line does.
pub enum Effect {
    /// It makes a row.
    Created,
    /// It changes these columns of one.
    Updated(Vec<String>),
    /// The row is so already.
    Unchanged,
}

/// The rows of one table, as they are and as the lines so far make them.
pub trait Rows {
    /// Plans what a line says; `findings` gets what is wrong with it, and what of it is not carried over.
    fn plan(
        &mut self,
        state: &State<'_>,
        line: &Line,
        references: &mut References,
        plan: &mut Plan,
        findings: &mut Vec<Finding>,
    ) -> Result<Effect, ApiError>;
}

/// What is special about a table whose rows come many at once.
trait Imported: Collection {
    /// [`Collection::reads`] for many rows, whose keys are a JSON array.
    fn reads_of_many(_tenant: Uuid, _keys: &str) -> Vec<Statement> {
        Vec::new()
    }

    /// Of their answers those for one row.
    fn answers_of(_answers: &[Vec<SqlRow>], _row: &Self) -> Answers {
        Vec::new()
    }

    /// Why a row that is not there is left out.
    fn left_out(_row: &Map<String, Value>) -> Option<&'static str> {
        None
    }

    /// Why a change is none that comes among many.
    fn refused(_before: Option<&Self>, _after: &Self) -> Option<Finding> {
        None
    }
}

impl Imported for Permission {}
impl Imported for Role {}
impl Imported for RolePermission {}
impl Imported for OrganizationUnit {}
impl Imported for UserGroupRole {}
impl Imported for ServiceAccount {}
impl Imported for Resource {}
impl Imported for FeatureFlag {}

impl Imported for User {
    fn reads_of_many(tenant: Uuid, keys: &str) -> Vec<Statement> {
        Person::statements_of_many(tenant, keys)
    }

    fn answers_of(answers: &[Vec<SqlRow>], row: &Self) -> Answers {
        Person::answers_of(answers, row.id)
    }
}

impl Imported for UserRole {
    fn reads_of_many(tenant: Uuid, _keys: &str) -> Vec<Statement> {
        vec![owners(tenant)]
    }

    fn answers_of(answers: &[Vec<SqlRow>], _row: &Self) -> Answers {
        answers.to_vec()
    }
}

impl Imported for UserGroupMembership {
    fn left_out(row: &Map<String, Value>) -> Option<&'static str> {
        let is_automatic = row.get("assignment_type").is_some_and(|its| *its == json!(AssignmentType::Automatic));
        is_automatic.then_some("a rule put them there, and puts them wherever it holds")
    }
}

impl Imported for UserGroup {
    fn refused(before: Option<&Self>, after: &Self) -> Option<Finding> {
        let was = before.and_then(|before| before.auto_assignment_rules.as_ref());
        let message = "whom a rule concerns is worked out where it is written: `/v1/user-groups`";
        let finding = Finding::error("user_group", "import.rule", message).field("auto_assignment_rules");
        (was != after.auto_assignment_rules.as_ref()).then_some(finding)
    }
}

const fn table<R: Imported>() -> Table {
    Table { name: R::TABLE, write: R::WRITE, reads: reads::<R>, refers: refers::<R>, read: read::<R> }
}

fn reads<R: Imported>(tenant: Uuid, lines: &[&Line]) -> Vec<Statement> {
    let keys: Vec<Value> = lines.iter().filter_map(|line| values(R::KEY, &line.row)).collect();
    let keys = Value::Array(keys).to_string();
    let mut statements = vec![among::<R>(tenant, R::KEY).bind(keys.as_str())];
    for unique in R::UNIQUE {
        let columns = own(unique.columns);
        let values: Vec<Value> = lines.iter().filter_map(|line| values(&columns, &line.row)).collect();
        statements.push(among::<R>(tenant, &columns).bind(Value::Array(values).to_string()));
    }
    statements.extend(R::reads_of_many(tenant, &keys));
    statements
}

/// The tenant's rows that have these columns as one of the members of a JSON array has them.
fn among<R: Imported>(tenant: Uuid, columns: &[&str]) -> Statement {
    let (names, values): (Vec<String>, Vec<String>) = match columns {
        [column] => (vec![format!("\"{column}\"")], vec!["value".to_owned()]),
        columns => {
            let places = columns.iter().zip(0..);
            places.map(|(column, place)| (format!("\"{column}\""), format!("value ->> {place}"))).unzip()
        }
    };
    let (names, values) = (names.join(", "), values.join(", "));
    select::<R>(&format!("{} AND ({names}) IN (SELECT {values} FROM json_each(?2))", R::TENANT), tenant)
}

/// The columns of a unique key without the tenant's, which all rows share.
fn own(columns: &[&'static str]) -> Vec<&'static str> {
    columns.iter().copied().filter(|column| *column != "tenant_id").collect()
}

/// A key as a row states it: its value, or all of its values; nothing where one of them is left out.
fn values(columns: &[&str], row: &Map<String, Value>) -> Option<Value> {
    let values: Option<Vec<Value>> =
        columns.iter().map(|column| row.get(*column).filter(|value| !value.is_null()).cloned()).collect();
    let values = values?;
    match <[Value; 1]>::try_from(values) {
        Ok([one]) => Some(one),
        Err(values) => Some(Value::Array(values)),
    }
}

fn refers<R: Imported>(lines: &[&Line], wanted: &mut Wanted) {
    for column in R::COLUMNS {
        let Some(table) = column.references.filter(|table| *table != "tenant") else { continue };
        let ids = lines.iter().filter_map(|line| Uuid::try_parse(line.row.get(column.name)?.as_str()?).ok());
        wanted.entry(table).or_default().extend(ids);
    }
}

fn read<R: Imported>(answers: Answers) -> Result<Box<dyn Rows>, ApiError> {
    let mut answers = answers.into_iter();
    let mut table =
        TableRows::<R> { by_key: HashMap::new(), taken: HashMap::new(), stated: HashSet::new(), beside: Vec::new() };
    for row in rows::<R>(answers.next().unwrap_or_default())? {
        table.by_key.insert(columns(&row, R::KEY), row);
    }
    for (index, unique) in R::UNIQUE.iter().enumerate() {
        for row in rows::<R>(answers.next().unwrap_or_default())? {
            if let Some(values) = counts(&row, unique) {
                table.taken.insert((index, values), columns(&row, R::KEY));
            }
        }
    }
    table.beside = answers.collect();
    Ok(Box::new(table))
}

fn columns<R: Imported>(row: &R, columns: &[&str]) -> Vec<SqlValue> {
    columns.iter().filter_map(|column| row.value(column)).collect()
}

/// The values that no other row may have; nothing where the key does not hold for the row.
fn counts<R: Imported>(row: &R, unique: &parapet::model::Unique) -> Option<Vec<SqlValue>> {
    let holds = unique.while_null.is_none_or(|column| row.value(column) == Some(SqlValue::Null));
    Some(columns(row, unique.columns)).filter(|values| holds && !values.contains(&SqlValue::Null))
}

struct TableRows<R> {
    by_key: HashMap<Vec<SqlValue>, R>,
    /// By which of the table's unique keys, and its values: the key of the row that has them.
    taken: HashMap<(usize, Vec<SqlValue>), Vec<SqlValue>>,
    /// The keys of the lines so far.
    stated: HashSet<Vec<SqlValue>>,
    beside: Answers,
}

impl<R: Imported> Rows for TableRows<R> {
    fn plan(
        &mut self,
        state: &State<'_>,
        line: &Line,
        references: &mut References,
        plan: &mut Plan,
        findings: &mut Vec<Finding>,
    ) -> Result<Effect, ApiError> {
        let Some(key) = key_of::<R>(&line.row, findings) else { return Ok(Effect::Unchanged) };
        if !self.stated.insert(key.clone()) {
            findings.push(Finding::error(R::TABLE, "row.duplicate", "an earlier line is of the same row"));
            return Ok(Effect::Unchanged);
        }
        if line.row.get("tenant_id").is_some_and(|its| !its.is_null() && *its != json!(state.tenant)) {
            findings.push(Finding::error(R::TABLE, "row.other_tenant", "it is of another tenant").field("tenant_id"));
            return Ok(Effect::Unchanged);
        }
        let before = self.by_key.get(&key);
        if let Some(message) = R::left_out(&line.row).filter(|_| before.is_none()) {
            findings.push(Finding::warning(R::TABLE, "import.left_out", message));
            return Ok(Effect::Unchanged);
        }
        let row = match before {
            None => made::<R>(state, line, &key, findings)?,
            Some(before) => changed::<R>(before, line, findings),
        };
        let Some(mut row) = row else { return Ok(Effect::Unchanged) };
        if before.is_some_and(|before| before.to_sql() == row.to_sql()) {
            return Ok(Effect::Unchanged);
        }
        row.references(&mut |column, table, id| {
            let is_stated = line.row.get(column).is_some_and(|value| !value.is_null());
            if table != "tenant" && is_stated {
                let found = references.0.get(table).and_then(|known| known.get(&id)).copied();
                findings.extend(wrong_reference::<R>(column, table, id, found));
            }
        });
        findings.extend(R::refused(before, &row));
        if findings.iter().any(Finding::is_error) {
            return Ok(Effect::Unchanged);
        }
        let state = state.importing(R::answers_of(&self.beside, &row));
        let effect = match before {
            None => {
                plan_new(&state, &mut row, 0, plan, findings)?;
                // Rules may read it, and no request of its own says it.
                plan.facts().needs_owner |= line.row.contains_key("created_at");
                Effect::Created
            }
            Some(before) => {
                let was = before.to_object();
                row = plan_change(&state, before, row, 0, plan, findings)?;
                let is = row.to_object();
                let columns = is.iter().filter(|(name, value)| was.get(*name) != Some(*value));
                Effect::Updated(columns.map(|(name, _)| name.clone()).filter(|name| name != "updated_at").collect())
            }
        };
        self.keep(key, row, references, findings);
        Ok(effect)
    }
}

impl<R: Imported> TableRows<R> {
    /// Lets later lines see the row, unless it has what another one has already.
    fn keep(&mut self, key: Vec<SqlValue>, row: R, references: &mut References, findings: &mut Vec<Finding>) {
        for (index, unique) in R::UNIQUE.iter().enumerate() {
            let Some(values) = counts(&row, unique) else { continue };
            let other = self.taken.insert((index, values), key.clone());
            if other.is_some_and(|other| other != key) {
                let named = own(unique.columns);
                let message = format!("there is one with this {} already", named.join(" and "));
                let field = named.last().copied().unwrap_or("id");
                findings.push(Finding::error(R::TABLE, "row.taken", message).field(field));
            }
        }
        if let [SqlValue::Text(id)] = key.as_slice()
            && let Ok(id) = Uuid::try_parse(id)
        {
            references.0.entry(R::TABLE).or_default().insert(id, false);
        }
        self.by_key.insert(key, row);
    }
}

/// The key that a line states, as the database has it.
fn key_of<R: Imported>(row: &Map<String, Value>, findings: &mut Vec<Finding>) -> Option<Vec<SqlValue>> {
    let mut key = Vec::new();
    for name in R::KEY {
        let is_id = R::COLUMNS.iter().any(|column| column.name == *name && matches!(column.kind, Kind::Uuid));
        match row.get(*name) {
            // In one spelling: another one would be another row.
            Some(Value::String(text))
                if is_id && Uuid::try_parse(text).map(|id| id.to_string()).as_ref() != Ok(text) =>
            {
                let message = "expected a UUID in lower case, with hyphens";
                findings.push(Finding::error(R::TABLE, "row.wrong_type", message).field(*name));
            }
            Some(Value::String(text)) => key.push(SqlValue::Text(text.clone())),
            Some(_) => findings.push(Finding::error(R::TABLE, "row.wrong_type", "expected text").field(*name)),
            None => {
                let message = format!("`{name}` is required: it says which row it is when the line comes again");
                findings.push(Finding::error(R::TABLE, "row.missing", message).field(*name));
            }
        }
    }
    (key.len() == R::KEY.len()).then_some(key)
}

/// A row that is not there yet.
fn made<R: Imported>(
    state: &State<'_>,
    line: &Line,
    key: &[SqlValue],
    findings: &mut Vec<Finding>,
) -> Result<Option<R>, ApiError> {
    let mut given = given::<R>(state)?;
    for (name, value) in R::KEY.iter().zip(key) {
        if let SqlValue::Text(text) = value {
            given.insert((*name).to_owned(), json!(text));
        }
    }
    if line.row.get("tenant_id").is_some_and(Value::is_null) {
        findings.push(read_only::<R>("tenant_id"));
    }
    // When it came about elsewhere is when it came about.
    for name in ["created_at", "assigned_at"] {
        let Some(value) = line.row.get(name).filter(|_| given.contains_key(name)) else { continue };
        match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(time) if time <= state.now => drop(given.insert(name.to_owned(), json!(time))),
            Some(_) => {
                findings.push(Finding::error(R::TABLE, "row.future", "it lies in the future").field(name));
            }
            None => findings.push(Finding::error(R::TABLE, "row.wrong_type", "expected a time").field(name)),
        }
    }
    let mut stated = line.row.clone();
    stated.retain(|name, value| {
        let name = name.as_str();
        !value.is_null() && !R::KEY.contains(&name) && !SERVICE.contains(&name) && !R::GIVEN.contains(&name)
    });
    lengths::<R>(&stated, &line.row, findings);
    let row = R::from_json_within(stated, &given, &line.place, findings);
    if let Some(row) = row.as_ref().filter(|_| findings.is_empty()) {
        not_carried::<R>(line, &row.to_object(), findings);
    }
    Ok(row)
}

/// A row that is there, with the columns that a line states.
fn changed<R: Imported>(before: &R, line: &Line, findings: &mut Vec<Finding>) -> Option<R> {
    let mut object = before.to_object();
    not_carried::<R>(line, &object, findings);
    for (name, value) in &line.row {
        let column = name.as_str();
        if R::KEY.contains(&column) || SERVICE.contains(&column) || R::GIVEN.contains(&column) {
            continue;
        }
        if R::FIXED.contains(&column) && object.get(column) != Some(value) {
            findings.push(read_only::<R>(column));
        }
        object.insert(name.clone(), value.clone());
    }
    object.retain(|name, value| !value.is_null() || !R::COLUMNS.iter().any(|column| column.name == name));
    lengths::<R>(&object, &line.row, findings);
    R::from_json_within(object, &Map::new(), &line.place, findings)
}

/// Says which columns the service sets itself, and otherwise than the line. When a row last changed is its own to say.
fn not_carried<R: Imported>(line: &Line, is: &Map<String, Value>, findings: &mut Vec<Finding>) {
    let own = SERVICE.iter().chain(R::GIVEN).filter(|name| !["updated_at", "tenant_id"].contains(*name));
    for name in own.filter(|name| !R::KEY.contains(*name)) {
        let same = |value: &Value| match (value, is.get(*name)) {
            (Value::String(one), Some(Value::String(other))) if name.ends_with("_at") => {
                one.parse::<Timestamp>().ok() == other.parse().ok()
            }
            (value, is) => *value == *is.unwrap_or(&Value::Null),
        };
        if line.row.get(*name).is_some_and(|value| !same(value)) {
            let message = format!("`{name}` is the service's own to set, and was left as it is");
            findings.push(Finding::warning(R::TABLE, "import.not_carried", message).field(*name));
        }
    }
}

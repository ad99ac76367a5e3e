//! The rows that are compiled, read from the database at one instant: a tenant document without people.

use std::rc::Rc;

use parapet::Finding;
use parapet::model::*;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// A row of a table that compiling reads.
pub trait Rule: Row + Serialize + Clone + 'static {
    /// The rows of its table.
    fn rows(document: &TenantDocument) -> &Vec<Self>;

    /// The same, to be changed.
    fn rows_mut(document: &mut TenantDocument) -> &mut Vec<Self>;

    /// The row as an object, without nulls.
    fn object(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut object)) = serde_json::to_value(self) else { return Map::new() };
        object.retain(|_, value| !value.is_null());
        object
    }
}

/// What is done with a table that is known by its name alone.
pub trait WithTable {
    /// What comes of it.
    type Answer;

    /// Does it.
    fn with<R: Rule>(self) -> Self::Answer;
}

/// What a changed row contradicts among the rules: a unique key that another row has, a row that is not there.
pub fn contradictions<R: Rule>(document: &TenantDocument, row: &R) -> Vec<Finding> {
    let object = row.object();
    let label = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut findings = Vec::new();
    let key = |row: &R, columns: &[&str]| columns.iter().map(|column| row.value(column)).collect::<Vec<_>>();
    let keys = std::iter::once(R::INFO.key).chain(R::UNIQUE.iter().map(|unique| unique.columns));
    for columns in keys {
        let its = key(row, columns);
        // As in SQL, a null is like no other.
        if its.contains(&Some(SqlValue::Null)) {
            continue;
        }
        if R::rows(document).iter().filter(|other| key(other, columns) == its).count() > 1 {
            let named: Vec<&str> = columns.iter().copied().filter(|column| *column != "tenant_id").collect();
            let message = format!("there is one with this {} already", named.join(" and "));
            let field = named.last().copied().unwrap_or("id");
            findings.push(Finding::error(R::TABLE, "row.taken", message).row(&label).field(field));
        }
    }
    row.references(&mut |column, table, id| {
        if with_table(table, Exists { document, id }) == Some(false) {
            let message = format!("there is no row `{id}` in `{table}`");
            findings.push(Finding::error(R::TABLE, "reference.not_found", message).row(&label).field(column));
        }
    });
    findings
}

struct Exists<'a> {
    document: &'a TenantDocument,
    id: Uuid,
}

impl WithTable for Exists<'_> {
    type Answer = bool;

    fn with<R: Rule>(self) -> bool {
        let id = SqlValue::Text(self.id.to_string());
        R::rows(self.document).iter().any(|row| row.value("id").as_ref() == Some(&id))
    }
}

/// States the tables that compiling reads; in one batch, which is one transaction.
macro_rules! tables {
    ($($table:ident: $Row:ident),+ $(,)?) => {
        fn statements(tenant: Uuid) -> Vec<Statement> {
            vec![select::<Tenant>("id = ?1", tenant), select::<TenantEpoch>("tenant_id = ?1", tenant), $(
                select::<$Row>(of_tenant::<$Row>(), tenant)
            ),+]
        }

        $( impl Rule for $Row {
            fn rows(document: &TenantDocument) -> &Vec<Self> {
                &document.$table
            }

            fn rows_mut(document: &mut TenantDocument) -> &mut Vec<Self> {
                &mut document.$table
            }
        } )+

        /// Does something with the type of a table's rows; nothing where the table is none of the rules.
        pub fn with_table<W: WithTable>(table: &str, with: W) -> Option<W::Answer> {
            match table {
                $( stringify!($table) => Some(with.with::<$Row>()), )+
                _ => None,
            }
        }

        fn read(tenant: Tenant, mut answers: impl Iterator<Item = Vec<SqlRow>>) -> Result<TenantDocument, ApiError> {
            let mut document = TenantDocument::new(tenant);
            $( document.$table = rows::<$Row>(answers.next().unwrap_or_default())?; )+
            Ok(document)
        }
    };
}

tables! {
    tenant_setting: TenantSetting,
    feature_flag: FeatureFlag,
    permission: Permission,
    role: Role,
    role_permission: RolePermission,
    organization_unit: OrganizationUnit,
    user_group: UserGroup,
    user_group_role: UserGroupRole,
    service_account: ServiceAccount,
    access_request: AccessRequest,
    resource: Resource,
}

/// The rules of a tenant at a version, from this isolate's memory or the rows; nothing where the rows are of another by
/// now.
pub async fn at(app: &App, tenant: Uuid, version: u64) -> Result<Option<Rc<TenantDocument>>, ApiError> {
    if let Some(known) = app.memory.document(tenant, version) {
        return Ok(Some(known));
    }
    let (document, its) = load(app, tenant).await?;
    let document = Rc::new(document);
    app.memory.keep_document(tenant, its, document.clone());
    Ok((its == version).then_some(document))
}

/// The document, and the policy version that its rows are of.
pub async fn load(app: &App, tenant: Uuid) -> Result<(TenantDocument, u64), ApiError> {
    let unavailable = |error| ApiError::unavailable("database.unavailable", "the database does not answer", error);
    let mut answers = app.db.batch(statements(tenant)).await.map_err(unavailable)?.into_iter();
    let missing = |what| ApiError::unavailable("database.missing_row", "the tenant's rows are not complete", what);
    let row = rows::<Tenant>(answers.next().unwrap_or_default())?.pop().ok_or_else(|| missing("tenant"))?;
    let epoch =
        rows::<TenantEpoch>(answers.next().unwrap_or_default())?.pop().ok_or_else(|| missing("tenant_epoch"))?;
    let version = u64::try_from(epoch.policy_version).map_err(ApiError::internal)?;
    Ok((read(row, answers)?, version))
}

/// Reads rows as the database gave them.
pub fn rows<R: Row>(rows: Vec<SqlRow>) -> Result<Vec<R>, ApiError> {
    rows.into_iter()
        .map(|row| {
            R::from_sql(row).map_err(|findings| {
                let cause = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                ApiError::unavailable("database.malformed_row", "the database holds something unexpected", cause)
            })
        })
        .collect()
}

/// `SELECT` of all columns but secrets, with `?1` bound to the tenant.
pub fn select<R: Row>(condition: &str, tenant: Uuid) -> Statement {
    let columns: Vec<String> =
        R::COLUMNS.iter().filter(|column| !column.secret).map(|column| format!("\"{}\"", column.name)).collect();
    let order: Vec<String> = R::INFO.key.iter().map(|column| format!("\"{column}\"")).collect();
    let sql =
        format!("SELECT {} FROM \"{}\" WHERE {condition} ORDER BY {}", columns.join(", "), R::TABLE, order.join(", "));
    Statement::new(sql).bind(tenant)
}

/// The tenant's rows; of permissions also the operator's catalogue, and of flags the operator's, which every tenant has.
fn of_tenant<R: Row>() -> &'static str {
    match R::TABLE {
        "permission" | "feature_flag" => "(tenant_id = ?1 OR tenant_id IS NULL)",
        _ => "tenant_id = ?1",
    }
}

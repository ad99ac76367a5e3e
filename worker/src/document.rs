//! The rows that are compiled, read from the database at one instant: a tenant document without people.

use std::rc::Rc;

use parapet::model::*;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// States the tables that compiling reads; in one batch, which is one transaction.
macro_rules! tables {
    ($($table:ident: $Row:ident),+ $(,)?) => {
        fn statements(tenant: Uuid) -> Vec<Statement> {
            vec![select::<Tenant>("id = ?1", tenant), select::<TenantEpoch>("tenant_id = ?1", tenant), $(
                select::<$Row>(of_tenant::<$Row>(), tenant)
            ),+]
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

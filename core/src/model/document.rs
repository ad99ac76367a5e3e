//! The tenant document: a tenant's rows as one JSON object, read with all that is wrong with it.

mod hierarchy;
mod names;
mod table;
#[cfg(test)]
mod tests;

use super::row::{Row, TableInfo};
use super::*;
use crate::Finding;
use serde_json::{Map, Value};
use table::TableReader;

/// The columns that a document may leave out, because its tenant gives them.
pub(crate) const GIVEN_BY_TENANT: &[&str] = &["tenant_id", "created_at", "updated_at", "assigned_at", "attempted_at"];

/// States the tables of a document, each after those that it refers to.
macro_rules! document {
    ($($table:ident : $Row:ident),+ $(,)?) => {
        /// All rows of one tenant. A field a table, under the table's name.
        #[derive(Debug, Clone, PartialEq)]
        pub struct TenantDocument {
            /// The tenant itself.
            pub tenant: Tenant,
            $(
                #[doc = concat!("The rows of `", stringify!($table), "`.")]
                pub $table: Vec<$Row>,
            )+
        }

        /// The rows before it is known whether there is a tenant.
        struct Rows {
            $( $table: Vec<$Row>, )+
        }

        /// All tables, each after those that it refers to.
        pub const TABLES: &[TableInfo] = &[Tenant::INFO, $($Row::INFO),+];

        impl TenantDocument {
            /// A document with nothing in it but the tenant.
            pub fn new(tenant: Tenant) -> Self {
                Self { tenant, $($table: Vec::new()),+ }
            }

            /// Reads a document that was already parsed. A `Value` cannot say that a key was there twice:
            /// what comes from outside is read by [`TenantDocument::read`].
            pub fn from_value(document: Value) -> Result<Self, Vec<Finding>> {
                match Self::from_value_partly(document) {
                    (Some(document), findings) if findings.is_empty() => Ok(document),
                    (_, findings) => Err(findings),
                }
            }

            /// What can be read of a document, and everything that is wrong with it: for whoever looks for more
            /// that is wrong, never to be used where there are findings.
            pub(crate) fn from_value_partly(document: Value) -> (Option<Self>, Vec<Finding>) {
                let Value::Object(mut tables) = document else {
                    return (None, vec![Finding::error("document", "document.malformed", "expected an object")]);
                };
                let mut reader = TableReader::default();
                let tenant = reader.read_tenant(tables.remove(Tenant::TABLE));
                let mut rows = Rows { $( $table: reader.read_table::<$Row>(tables.remove($Row::TABLE)), )+ };
                for name in tables.keys() {
                    let message = format!("there is no table `{name}`");
                    reader.findings.push(Finding::error(name, "document.unknown_table", message));
                }
                let mut findings = reader.findings;
                hierarchy::complete_units(&mut rows.organization_unit, &mut findings);
                hierarchy::check_resources(&rows.resource, &mut findings);
                names::check(&rows.permission, &rows.role, &rows.service_account, &rows.access_request, &mut findings);
                findings.sort();
                findings.dedup();
                let document = tenant.map(|tenant| Self { tenant, $($table: rows.$table),+ });
                (document, findings)
            }

            /// The document as JSON: secrets are left out, and so are nulls (but the `tenant_id` of a catalogue
            /// permission) and empty tables.
            pub fn to_value(&self) -> Value {
                let mut tables = Map::new();
                tables.insert(Tenant::TABLE.to_owned(), row_to_value(&self.tenant));
                $( if !self.$table.is_empty() {
                    let rows = self.$table.iter().map(row_to_value).collect();
                    tables.insert($Row::TABLE.to_owned(), Value::Array(rows));
                } )+
                Value::Object(tables)
            }

            /// Removes the rows that refer to a row that is gone.
            pub fn remove_referring(&mut self, table: &str, id: uuid::Uuid) {
                $( self.$table.retain(|row| {
                    let mut refers = false;
                    row.references(&mut |_, its, to| refers |= its == table && to == id);
                    !refers
                }); )+
            }

            /// Visits every row with its values, secrets included, each after those that it refers to:
            /// inserted in this order, no reference points nowhere.
            pub fn visit_sql(&self, visit: &mut dyn FnMut(&'static TableInfo, Vec<SqlValue>)) {
                visit(const { &Tenant::INFO }, self.tenant.to_sql());
                $(
                    let mut rows: Vec<&$Row> = self.$table.iter().collect();
                    // Units refer to each other: the ones above come first.
                    rows.sort_by_key(|row| match row.value("level") {
                        Some(SqlValue::Integer(level)) => level,
                        _ => 0,
                    });
                    for row in rows {
                        visit(const { &$Row::INFO }, row.to_sql());
                    }
                )+
            }
        }

        /// The JSON schema of each table's row, under the table's name.
        #[cfg(feature = "cli")]
        pub(crate) fn row_schemas(
            generator: &mut schemars::SchemaGenerator,
        ) -> Vec<(&'static TableInfo, std::borrow::Cow<'static, str>, schemars::Schema)> {
            use schemars::JsonSchema;
            vec![
                (const { &Tenant::INFO }, Tenant::schema_name(), generator.subschema_for::<Tenant>()),
                $( (const { &$Row::INFO }, $Row::schema_name(), generator.subschema_for::<$Row>()), )+
            ]
        }
    };
}

document! {
    tenant_epoch: TenantEpoch,
    snapshot: SnapshotVersion,
    snapshot_candidate: SnapshotCandidate,
    tenant_setting: TenantSetting,
    feature_flag: FeatureFlag,
    user: User,
    user_session: UserSession,
    mfa_device: MfaDevice,
    password_reset: PasswordReset,
    permission: Permission,
    role: Role,
    role_permission: RolePermission,
    user_role: UserRole,
    organization_unit: OrganizationUnit,
    user_group: UserGroup,
    user_group_membership: UserGroupMembership,
    user_group_role: UserGroupRole,
    identity_provider: IdentityProvider,
    federated_identity: FederatedIdentity,
    service_account: ServiceAccount,
    api_key: ApiKey,
    token_key: TokenKey,
    token_revocation: TokenRevocation,
    access_review: AccessReview,
    access_review_item: AccessReviewItem,
    access_request: AccessRequest,
    notification_template: NotificationTemplate,
    user_notification: UserNotification,
    notification_preference: NotificationPreference,
    message_suppression: MessageSuppression,
    gateway_host: GatewayHost,
    webhook: Webhook,
    webhook_delivery: WebhookDelivery,
    outbox: Outbox,
    audit_log: AuditLog,
    audit_root: AuditRoot,
    audit_subject: AuditSubject,
    login_attempt: LoginAttempt,
    decision_log: DecisionLog,
    resource: Resource,
}

impl TenantDocument {
    /// Reads a document; where anything is wrong with it, all of that, sorted.
    pub fn read(text: &str) -> Result<Self, Vec<Finding>> {
        Self::from_value(Self::parse(text)?)
    }

    /// Parses the JSON of a document, in which no key may be there twice.
    pub(crate) fn parse(text: &str) -> Result<Value, Vec<Finding>> {
        super::json::parse(text)
            .map_err(|error| vec![Finding::error("document", "document.malformed", format!("malformed JSON: {error}"))])
    }
}

fn row_to_value(row: &impl serde::Serialize) -> Value {
    // The rows' types have text keys and no failing `Serialize`.
    let mut value = serde_json::to_value(row).unwrap_or_default();
    if let Value::Object(columns) = &mut value {
        columns.retain(|name, value| !value.is_null() || name == "tenant_id");
    }
    value
}

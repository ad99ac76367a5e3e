//! `parapet init`: the operators' tenant with its first operator, as SQL for a database that has neither.
//!
//! Its first statement inserts the tenant, whose id is the same everywhere: a second run fails at it, and as the database
//! takes the file as a whole or not at all, it changes nothing. The key is not in the SQL; only its hash is.

use super::seed::{collect, fresh_token, random};
use super::{Failure, input, output};
use crate::Finding;
use crate::administration::{FOUNDING_IDS, SYSTEM_SLUG, SYSTEM_TENANT, founding};
use crate::model::{Row, Tenant, TenantDocument, Timestamp, User};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The first operator's e-mail address, in lower case
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// What the operators' organisation is called
    #[arg(long, default_value = "Operators", value_name = "NAME")]
    name: String,
}

impl Init {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let now = input::now(None);
        let token = fresh_token()?;
        let mut ids = [Uuid::nil(); FOUNDING_IDS];
        for id in &mut ids {
            *id = fresh_id(now)?;
        }
        let mut findings = vec![];
        let tenant = row::<Tenant>(
            json!({ "id": SYSTEM_TENANT, "name": self.name, "slug": SYSTEM_SLUG, "created_at": now, "updated_at": now }),
            &mut findings,
        );
        let operator = row::<User>(
            json!({ "id": fresh_id(now)?, "tenant_id": SYSTEM_TENANT, "email": self.email, "created_at": now,
                    "updated_at": now }),
            &mut findings,
        );
        let (Some(tenant), Some(operator)) = (tenant, operator) else { return Err(refused(findings)) };
        if !findings.is_empty() {
            return Err(refused(findings));
        }
        let begun = founding(&operator, &token, ids);
        let (tenant_id, operator_id, key_id) = (tenant.id, operator.id, begun.key.id);
        let mut document = TenantDocument::new(tenant);
        document.tenant_epoch.push(begun.epoch);
        document.user.push(operator);
        document.role = begun.roles;
        document.user_role.push(begun.assignment);
        document.api_key.push(begun.key);
        let mut statements = vec![];
        collect(&document, &mut statements);
        if as_json {
            let statements: Vec<Value> = statements.iter().map(super::seed::Statement::json).collect();
            output::json(&json!({
                "statements": statements,
                "tenant_id": tenant_id,
                "user_id": operator_id,
                "api_key": { "id": key_id, "key": token.expose() },
            }))?;
        } else {
            for statement in &statements {
                output::line(statement.text())?;
            }
            output::note(&format!("the key of {}, shown this once: {}", self.email, token.expose()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row<R: Row>(row: Value, findings: &mut Vec<Finding>) -> Option<R> {
    let row: Map<String, Value> = row.as_object().cloned().unwrap_or_default();
    R::from_json(row, R::TABLE, findings)
}

fn refused(findings: Vec<Finding>) -> Failure {
    Failure::Findings { path: PathBuf::from("parapet init"), findings }
}

/// A fresh id, UUIDv7 (RFC 9562, section 5.7).
fn fresh_id(now: Timestamp) -> Result<Uuid, Failure> {
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random::<10>()?).into_uuid())
}

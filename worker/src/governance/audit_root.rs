//! Up to where the audit log was exported: `/v1/audit-logs/roots`. Retention removes nothing beyond such a point, and
//! `parapet audit verify --head` holds an export to it.
//!
//! Whoever has exported the log says so by a request of its own, with the sequence and the hash of the last row that they
//! hold. The export does not write it: a `GET` is safe (RFC 9110, section 9.2.1), and the service cannot know whether its
//! answer arrived and was kept; a root is what lets rows be removed. The hash shows that whoever states it has the row, and
//! `parapet audit verify` has said that the chain up to there is whole.

use parapet::Finding;
use parapet::model::{AuditLog, AuditRoot, Row};
use serde_json::{Map, Value};

use crate::administration::{
    Actor, ListOf, Plan, RowChange, State, WRITE_SCOPE, commit, given, list, read_only, row_answer,
};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// What whoever exported states of it.
pub const STATED: &[&str] = &["sequence", "hash"];

const READ_ROW: &str = "SELECT hash FROM audit_log WHERE tenant_id = ?1 AND sequence = ?2";

const READ_ROOT: &str = "SELECT id FROM audit_root WHERE tenant_id = ?1 AND sequence = ?2";

/// Nothing where another request was faster: the place in the chain is taken then as well, and this one begins anew.
const INSERT: &str = "
    INSERT INTO audit_root (id, tenant_id, sequence, hash, created_at) SELECT ?2, ?1, ?3, ?4, ?5
    WHERE NOT EXISTS (SELECT 1 FROM audit_root WHERE tenant_id = ?1 AND sequence = ?3)";

impl ListOf for AuditRoot {
    const PATH: &'static str = "/v1/audit-logs/roots";
    const READ: &'static str = AuditLog::READ;
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &[];
}

/// The list, and a new one.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: AuditRoot::PATH,
            access: Access::Permission(AuditRoot::READ, |app, call, actor| {
                Box::pin(list::<AuditRoot>(app, call, actor))
            }),
        },
        Route {
            method: "POST",
            path: AuditRoot::PATH,
            access: Access::Permission(AuditRoot::READ, |app, call, actor| Box::pin(state_root(app, call, actor))),
        },
    ]
}

/// For an owner: what is exported may be removed from here one day. It changes no rule and no version.
async fn state_root(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    // Who may read the log has exported it; writing needs a key that writes all the same.
    if !actor.caller.has_scope(WRITE_SCOPE) {
        return Err(ApiError::MissingScope { scope: WRITE_SCOPE });
    }
    call.no_query()?;
    let body = call.object()?;
    // What is no sequence finds no row, and is told of below.
    let sequence = body.get("sequence").and_then(Value::as_i64).unwrap_or_default();
    let tenant = actor.tenant;
    let reads = [READ_ROW, READ_ROOT].map(|sql| Statement::new(sql).bind(tenant).bind(sequence));
    commit(app, call, actor, reads.into(), |state| {
        let root = read(state, &body)?;
        let mut response = row_answer(&root)?;
        response.status = 201;
        let mut plan = Plan::new(state, response);
        plan.facts().needs_owner = true;
        let insert = Statement::new(INSERT).bind(root.tenant_id).bind(root.id).bind(root.sequence);
        plan.also(insert.bind(root.hash.as_str()).bind(root.created_at));
        plan.change(RowChange::noted(None, Some(&root), "recorded"));
        Ok(plan)
    })
    .await
}

fn read(state: &State<'_>, body: &Map<String, Value>) -> Result<AuditRoot, ApiError> {
    let mut findings = Vec::new();
    let mut stated = body.clone();
    for column in AuditRoot::COLUMNS.iter().filter(|column| !STATED.contains(&column.name)) {
        if stated.remove(column.name).is_some() {
            findings.push(read_only::<AuditRoot>(column.name));
        }
    }
    let root = AuditRoot::from_json_within(stated, &given::<AuditRoot>(state)?, "new", &mut findings);
    let Some(root) = root.filter(|_| findings.is_empty()) else { return Err(ApiError::Invalid { findings }) };
    let finding = |code, message: &str, field| {
        let finding = Finding::error(AuditRoot::TABLE, code, message).row("new").field(field);
        ApiError::Invalid { findings: vec![finding] }
    };
    let hash = state.sql_rows(0).first().and_then(|row| row.get("hash")).and_then(Value::as_str);
    match hash {
        None => Err(finding("audit_root.no_row", "there is no row of this sequence in the log", "sequence")),
        Some(hash) if hash != root.hash => {
            Err(finding("audit_root.other_hash", "the log's row of this sequence has another hash", "hash"))
        }
        Some(_) if !state.sql_rows(1).is_empty() => {
            let detail = "this point was recorded already".to_owned();
            let finding = Finding::error(AuditRoot::TABLE, "row.taken", detail.clone()).row("new").field("sequence");
            Err(ApiError::Conflict { code: "row.taken", detail, findings: vec![finding] })
        }
        Some(_) => Ok(root),
    }
}

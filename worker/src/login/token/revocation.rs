//! `POST /v1/token/revoke`: a token counts no more (RFC 7009). Whoever verifies it without asking takes it until its end.

use parapet::model::{Row as _, TokenRevocation};
use serde_json::json;

use super::asked::Asked;
use crate::administration::{Author, Deed, RowChange, enact};
use crate::app::App;
use crate::authenticate::{Caller, For, verified};
use crate::document::select;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// Needed to revoke tokens.
pub const SCOPE: &str = "token:revoke";

/// What ends a token.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/token/revoke",
        access: Access::Scope(SCOPE, |app, call, caller| Box::pin(revoke(app, call, caller))),
    }]
}

/// What does not count, or is of another tenant, is revoked as far as anybody need know (RFC 7009, section 2.2).
async fn revoke(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let asked = Asked::read(call)?;
    let tenant = caller.standing.tenant;
    let claims = verified(app, &call.request, asked.required("token")?, For::Anybody).await?;
    if let Some(claims) = claims.filter(|claims| claims.tenant == tenant) {
        let row = TokenRevocation {
            id: claims.id,
            tenant_id: tenant,
            subject: claims.subject,
            expires_at: claims.expires_at,
            created_at: app.clock.now(),
        };
        let read = select::<TokenRevocation>("tenant_id = ?1 AND id = ?2", tenant).bind(row.id);
        enact(app, &Author::service(), tenant, vec![read], |_, answers| {
            let mut deed = Deed::default();
            if answers.iter().all(Vec::is_empty) {
                // Where somebody else did meanwhile, it is its place in the log's chain that this batch fails for.
                let insert = Statement::new(format!("{} ON CONFLICT DO NOTHING", TokenRevocation::INFO.insert()));
                deed.statements.push(row.to_sql().into_iter().fold(insert, Statement::bind));
                let mut cause = json!({ "request_id": call.id });
                if let Some(members) = cause.as_object_mut() {
                    let named = caller.standing.credential.named();
                    members.extend(named.map(|(name, id)| (name.to_owned(), json!(id))));
                }
                deed.changes.push(RowChange::noted(None, Some(&row), "created").because(cause));
            }
            Ok((deed, ()))
        })
        .await?;
    }
    Ok(Response { status: 200, ..Response::default() })
}

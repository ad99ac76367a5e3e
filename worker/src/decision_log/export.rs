//! The log of decisions as JSON lines: `GET /v1/decisions/export`, page by page, for `parapet replay`.

use parapet::model::DecisionLog;

use crate::administration::{Actor, ListOf, page};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// `GET /v1/decisions/export`, narrowed and ordered as the list is.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/decisions/export",
        access: Access::Permission(DecisionLog::READ, |app, call, actor| Box::pin(export(app, call, actor))),
    }]
}

async fn export(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (rows, next) = page::<DecisionLog>(app, call, actor.tenant).await?;
    let mut body = Vec::new();
    for row in &rows {
        serde_json::to_writer(&mut body, row).map_err(ApiError::internal)?;
        body.push(b'\n');
    }
    let response = Response { status: 200, body, ..Response::default() }
        .with("content-type", "application/jsonl")
        .with("content-disposition", "attachment; filename=\"decisions.jsonl\"");
    let Some(cursor) = next else { return Ok(response) };
    let same = call.query().into_iter().filter(|(name, _)| name != "cursor");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(same).append_pair("cursor", &cursor).finish();
    Ok(response.with("link", format!("<{}/export?{query}>; rel=\"next\"", DecisionLog::PATH)))
}

//! Deliveries: `/v1/webhook-deliveries`, and one of them again.

use parapet::Finding;
use parapet::model::{Webhook, WebhookDelivery};
use serde_json::{Map, Value};

use super::webhook::active;
use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, RowChange, commit, if_match, key, routes as table, row_answer, select_one,
};
use crate::app::App;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// The rows are seen; the service alone makes and changes them.
pub fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = table::<WebhookDelivery>().into_iter().filter(|route| route.method == "GET").collect();
    routes.push(Route {
        method: "POST",
        path: "/v1/webhook-deliveries/{id}/redeliver",
        access: Access::Permission(WebhookDelivery::WRITE, |app, call, actor| Box::pin(redeliver(app, call, actor))),
    });
    routes
}

impl ListOf for WebhookDelivery {
    const PATH: &'static str = "/v1/webhook-deliveries";
    const READ: &'static str = "webhook.read";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["webhook_id", "event_id", "event_type"];
    const SELECTIVE: &'static [&'static str] = &["event_id"];
}

impl Collection for WebhookDelivery {
    const ITEM: &'static str = "/v1/webhook-deliveries/{id}";
    const WRITE: &'static str = "webhook.write";

    fn rules(_edit: &Edit<'_, Self>, _plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        Ok(())
    }

    /// Without what is sent, which may be about people and stands in its own event, and without what a peer said.
    fn told(&self) -> Map<String, Value> {
        let mut object = self.to_object();
        object.retain(|name, _| name != "payload" && name != "response_body");
        object
    }
}

/// Sends it once more, from the first try on. The event keeps its `webhook-id`: a receiver knows that it has it.
async fn redeliver(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let of_it = "tenant_id = ?1 AND id = (SELECT webhook_id FROM webhook_delivery WHERE tenant_id = ?1 AND id = ?2)";
    let reads = vec![
        select_one::<WebhookDelivery>(actor.tenant, &key::<WebhookDelivery>(call)?),
        select::<Webhook>(of_it, actor.tenant).bind(call.row_id()?),
    ];
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<WebhookDelivery>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        active(&state.rows::<Webhook>(1)?.pop().ok_or(ApiError::NotFound)?)?;
        let after = WebhookDelivery {
            attempt_count: 0,
            next_attempt_at: Some(state.now),
            delivered_at: None,
            ..before.clone()
        };
        let mut answer = row_answer(&after)?;
        answer.status = 202;
        let mut plan = Plan::new(state, answer);
        plan.change(RowChange::update(&before, &after, "redelivered"));
        Ok(plan)
    })
    .await
}

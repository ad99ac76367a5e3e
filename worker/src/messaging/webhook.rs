//! Webhooks: `/v1/webhooks`, with their test, their secret, and their deliveries again.
//!
//! Whoever makes a webhook reads through it: so what it wants to know of, they must be allowed to see.

use std::collections::BTreeSet;

use parapet::Finding;
use parapet::administration::PERMISSIONS;
use parapet::event::{self, EVENTS, TEST};
use parapet::model::{Row as _, Timestamp, Webhook, WebhookDelivery};
use parapet::standard_webhooks::{SECRET_BYTES, SigningSecret};
use parapet::web_address::WebAddress;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::peer::{Leads, leads};
use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, RowChange, commit, create_with, fresh_id, if_match, inserts, key,
    routes as table, row_answer, select_one, update_and,
};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

/// The most webhooks of a tenant.
const MOST: i64 = 100;

/// So long the old secret signs beside a new one where nothing is said, in seconds: a day.
const OVERLAP: i64 = 86_400;

/// The longest that it may, in seconds: a week.
pub const LONGEST_OVERLAP: i64 = 7 * 86_400;

/// The most deliveries that are sent again by one request.
pub const MOST_REDELIVERED: i64 = 1_000;

const COUNT: &str = "SELECT count(*) AS webhooks FROM webhook WHERE tenant_id = ?1";

const ROTATE: &str = "
    UPDATE webhook SET previous_secret = secret, secret = ?3, previous_secret_expires_at = ?4, updated_at = ?5
    WHERE tenant_id = ?1 AND id = ?2";

const COUNT_DELIVERIES: &str = "
    SELECT count(*) AS deliveries FROM webhook_delivery
    WHERE tenant_id = ?1 AND webhook_id = ?2 AND created_at >= ?3 AND created_at < ?4
      AND (?5 OR delivered_at IS NULL)";

const REDELIVER: &str = "
    UPDATE webhook_delivery SET next_attempt_at = ?6, attempt_count = 0, delivered_at = NULL
    WHERE tenant_id = ?1 AND webhook_id = ?2 AND created_at >= ?3 AND created_at < ?4
      AND (?5 OR delivered_at IS NULL)";

/// The rows, and what is done with them. Making and changing one asks where it leads.
pub fn routes() -> Vec<Route> {
    let route = |method, path, handler| Route { method, path, access: Access::Permission(Webhook::WRITE, handler) };
    let own = |method| matches!(method, "POST" | "PATCH");
    let mut routes: Vec<Route> = table::<Webhook>().into_iter().filter(|route| !own(route.method)).collect();
    routes.extend([
        route("POST", Webhook::PATH, |app, call, actor| Box::pin(create(app, call, actor))),
        route("PATCH", Webhook::ITEM, |app, call, actor| Box::pin(update(app, call, actor))),
        route("POST", "/v1/webhooks/{id}/test", |app, call, actor| Box::pin(test(app, call, actor))),
        route("POST", "/v1/webhooks/{id}/rotate-secret", |app, call, actor| Box::pin(rotate(app, call, actor))),
        route("POST", "/v1/webhooks/{id}/redeliver", |app, call, actor| Box::pin(redeliver(app, call, actor))),
    ]);
    routes
}

impl ListOf for Webhook {
    const PATH: &'static str = "/v1/webhooks";
    const READ: &'static str = "webhook.read";
    const FILTERS: &'static [&'static str] = &["is_active"];
    const SORTS: &'static [&'static str] = &["name"];
}

impl Collection for Webhook {
    const ITEM: &'static str = "/v1/webhooks/{id}";
    const WRITE: &'static str = "webhook.write";
    const GIVEN: &'static [&'static str] = &["secret", "previous_secret", "previous_secret_expires_at"];

    fn reads(tenant: Uuid, _id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        vec![Statement::new(COUNT).bind(tenant)]
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(after) = edit.after else { return Ok(()) };
        let mut find = |field: String, code: &str, message: String| {
            findings.push(Finding::error("webhook", code, message).field(field));
        };
        if edit.before.is_none() && edit.state.count(edit.first) >= MOST {
            find("name".to_owned(), "webhook.too_many", format!("a tenant has at most {MOST} webhooks"));
        }
        if after.event_types.is_empty() {
            find("event_types".to_owned(), "webhook.no_event_type", "it would want to know of nothing".to_owned());
        }
        for (index, filter) in after.event_types.iter().enumerate() {
            if !EVENTS.iter().any(|event| event::matches(filter, event.name)) {
                let message = format!("no event is called `{filter}`");
                find(format!("event_types/{index}"), "webhook.unknown_event_type", message);
            }
        }
        let same =
            |before: &Self| before.is_active && before.url == after.url && before.event_types == after.event_types;
        if after.is_active && !edit.before.is_some_and(same) {
            for action in sees(after) {
                plan.gains_action(edit.state, &action);
            }
        }
        Ok(())
    }

    /// Of the further headers only that they are set, of a query only that there is one: both may hold credentials.
    fn told(&self) -> Map<String, Value> {
        let mut object = self.to_object();
        let headers: Map<String, Value> =
            self.headers.keys().map(|name| (name.clone(), json!({ "set": true }))).collect();
        object.insert("headers".to_owned(), Value::Object(headers));
        if let Some((before, _)) = self.url.split_once('?') {
            object.insert("url".to_owned(), Value::String(format!("{before}?…")));
        }
        object
    }
}

/// The actions that let see what a webhook is told.
fn sees(webhook: &Webhook) -> BTreeSet<String> {
    let wanted =
        EVENTS.iter().filter(|event| webhook.event_types.iter().any(|filter| event::matches(filter, event.name)));
    let read = |event: &event::Event| match event.table() {
        "webhook_delivery" => "webhook.read".to_owned(),
        "token_revocation" => "token_key.read".to_owned(),
        table => format!("{table}.read"),
    };
    wanted.map(read).filter(|action| PERMISSIONS.iter().any(|(known, _)| known == action)).collect()
}

/// What a webhook's secrets are bound to, so that they do not open in another place.
pub fn place(tenant: Uuid, id: &str) -> String {
    format!("webhook/{tenant}/{id}/secret")
}

/// A new secret, and as it is kept.
fn fresh(app: &App, tenant: Uuid, id: Uuid) -> Result<(SigningSecret, String), ApiError> {
    let secret = SigningSecret::new(random::bytes::<SECRET_BYTES>().map_err(ApiError::internal)?);
    let nonce = random::bytes().map_err(ApiError::internal)?;
    let sealed = app.config()?.data_keys()?.seal(secret.expose().as_bytes(), &place(tenant, &id.to_string()), nonce);
    Ok((secret, sealed))
}

fn shown(secret: &SigningSecret) -> Map<String, Value> {
    Map::from_iter([("secret".to_owned(), json!(secret.expose()))])
}

async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let id = fresh_id(app.clock.now())?;
    let (secret, sealed) = fresh(app, actor.tenant, id)?;
    let own = Map::from_iter([("id".to_owned(), json!(id)), ("secret".to_owned(), json!(sealed))]);
    let wrong = leads_nowhere_good(app, call).await?;
    let made =
        create_with::<Webhook>(app, call, actor, &own, &shown(&secret), |_, _| ApiError::unless_empty(&wrong)).await;
    made.map_err(|error| error.with_findings(wrong))
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let wrong = leads_nowhere_good(app, call).await?;
    let changed = update_and::<Webhook>(app, call, actor, |_, _| ApiError::unless_empty(&wrong)).await;
    changed.map_err(|error| error.with_findings(wrong))
}

/// What is wrong with where the stated address leads.
async fn leads_nowhere_good(app: &App, call: &Call) -> Result<Vec<Finding>, ApiError> {
    let config = app.config()?;
    let body = call.object()?;
    let Some(url) = body.get("url").and_then(Value::as_str) else { return Ok(Vec::new()) };
    let (code, message) = match WebAddress::parse(url, config.local) {
        Err(error) => (error.code(), error.to_string()),
        Ok(address) if !address.is_local() && call.request.origin.ends_with(&format!("://{}", address.host())) => {
            ("address.own", "the address is this service's own".to_owned())
        }
        Ok(address) => match leads(app, config, &address).await {
            Ok(Leads::Out) => return Ok(Vec::new()),
            Ok(Leads::Inside) => ("address.inside", "the host's name leads into a private network".to_owned()),
            Ok(Leads::Here) => ("address.own", "the address is this service's own".to_owned()),
            Ok(Leads::Nowhere) => ("address.unknown", "the host's name leads nowhere".to_owned()),
            Err(error) => {
                return Err(ApiError::unavailable("dns.unavailable", "the resolver does not answer", error));
            }
        },
    };
    Ok(vec![Finding::error("webhook", code, message).field("url")])
}

/// Sends a test event to the webhook, whatever it wants to know of.
async fn test(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let reads = vec![select_one::<Webhook>(actor.tenant, &key::<Webhook>(call)?)];
    commit(app, call, actor, reads, |state| {
        let webhook = state.rows::<Webhook>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &webhook)?;
        active(&webhook)?;
        let id = state.fresh_id()?;
        let payload = json!({
            "type": TEST, "timestamp": state.now, "id": id, "tenant_id": state.tenant,
            "data": { "webhook_id": webhook.id },
        });
        let delivery = WebhookDelivery {
            id,
            tenant_id: state.tenant,
            webhook_id: webhook.id,
            event_id: None,
            event_type: TEST.to_owned(),
            payload: payload.as_object().cloned().unwrap_or_default(),
            response_status: None,
            response_body: None,
            attempt_count: 0,
            next_attempt_at: Some(state.now),
            delivered_at: None,
            created_at: state.now,
        };
        let mut answer = row_answer(&delivery)?;
        answer.status = 202;
        let place = WebhookDelivery::ITEM.replace("{id}", &id.to_string());
        let mut plan = Plan::new(state, answer.with("location", place));
        inserts(&[delivery]).into_iter().for_each(|statement| plan.also(statement));
        plan.change(RowChange::recorded(Some(&webhook), Some(&webhook), "tested"));
        Ok(plan)
    })
    .await
}

/// A disabled webhook gets nothing new.
pub fn active(webhook: &Webhook) -> Result<(), ApiError> {
    if webhook.is_active {
        return Ok(());
    }
    let detail = "the webhook is switched off".to_owned();
    Err(ApiError::Conflict { code: "webhook.off", detail, findings: Vec::new() })
}

/// A new secret; the old one signs beside it for `overlap_seconds`.
async fn rotate(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut said = Said::of(call)?;
    let overlap = said.seconds("overlap_seconds", LONGEST_OVERLAP).unwrap_or(OVERLAP);
    said.nothing_else()?;
    let (secret, sealed) = fresh(app, actor.tenant, call.row_id()?)?;
    let reads = vec![select_one::<Webhook>(actor.tenant, &key::<Webhook>(call)?)];
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<Webhook>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let ends = state.now.plus_millis(overlap * 1000);
        let after = Webhook { previous_secret_expires_at: Some(ends), updated_at: state.now, ..before.clone() };
        let mut plan = Plan::new(state, Response::default());
        let statement = Statement::new(ROTATE).bind(state.tenant).bind(after.id).bind(sealed.as_str());
        plan.also(statement.bind(ends).bind(state.now));
        plan.change(RowChange::recorded(Some(&before), Some(&after), "secret_rotated"));
        let mut answer = row_answer(&after)?;
        let mut whole = serde_json::to_value(&after).map_err(ApiError::internal)?;
        if let Some(whole) = whole.as_object_mut() {
            whole.extend(shown(&secret));
        }
        let whole = serde_json::to_vec(&whole).map_err(ApiError::internal)?;
        plan.answer_repeated(std::mem::replace(&mut answer.body, whole));
        plan.answer(answer);
        Ok(plan)
    })
    .await
}

/// Deliveries of a span of time once more: those that did not arrive, or all.
async fn redeliver(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.row_id()?;
    let mut said = Said::of(call)?;
    let (from, to) = (said.time("from"), said.time("to"));
    let delivered = said.boolean("delivered").unwrap_or(false);
    said.nothing_else()?;
    let (Some(from), Some(to)) = (from, to) else { return Err(ApiError::NotFound) };
    let of_span = |sql: &'static str| {
        Statement::new(sql).bind(actor.tenant).bind(id).bind(from).bind(to).bind(i64::from(delivered))
    };
    let (count, again) = (of_span(COUNT_DELIVERIES), of_span(REDELIVER));
    let reads = vec![select_one::<Webhook>(actor.tenant, &key::<Webhook>(call)?), count];
    commit(app, call, actor, reads, |state| {
        let webhook = state.rows::<Webhook>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &webhook)?;
        active(&webhook)?;
        let deliveries = state.count(1);
        if deliveries > MOST_REDELIVERED {
            let message = format!(
                "there are {deliveries} deliveries in this span, and at most {MOST_REDELIVERED} are sent again at once"
            );
            let finding = Finding::error("webhook", "webhook.too_many_deliveries", message).field("to");
            return Err(ApiError::invalid(finding));
        }
        let mut answer = Response::json(&json!({ "deliveries": deliveries }))?;
        answer.status = 202;
        let mut plan = Plan::new(state, answer);
        if deliveries > 0 {
            let object = json!({ "id": id, "from": from, "to": to, "delivered": delivered, "deliveries": deliveries });
            plan.also(again.clone().bind(state.now));
            let object = object.as_object().cloned().unwrap_or_default();
            plan.change(RowChange::happened(Webhook::TABLE, "redelivered", object));
        }
        Ok(plan)
    })
    .await
}

/// What a body says that is no row, read member by member.
struct Said {
    body: Map<String, Value>,
    findings: Vec<Finding>,
}

impl Said {
    fn of(call: &Call) -> Result<Self, ApiError> {
        let body = if call.body()?.is_empty() { Map::new() } else { call.object()? };
        Ok(Self { body, findings: Vec::new() })
    }

    fn find(&mut self, name: &str, code: &str, message: String) {
        self.findings.push(Finding::error("webhook", code, message).field(name));
    }

    fn seconds(&mut self, name: &str, most: i64) -> Option<i64> {
        let value = self.body.remove(name)?;
        let seconds = value.as_i64().filter(|seconds| (0..=most).contains(seconds));
        if seconds.is_none() {
            self.find(name, "row.wrong_type", format!("expected 0 to {most} seconds"));
        }
        seconds
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let Some(value) = self.body.remove(name) else {
            self.find(name, "row.missing", format!("`{name}` is required"));
            return None;
        };
        let time = value.as_str().and_then(|text| text.parse().ok());
        if time.is_none() {
            self.find(name, "row.wrong_type", "expected a time (RFC 3339)".to_owned());
        }
        time
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = self.body.remove(name)?;
        if !value.is_boolean() {
            self.find(name, "row.wrong_type", "expected true or false".to_owned());
        }
        value.as_bool()
    }

    fn nothing_else(mut self) -> Result<(), ApiError> {
        for name in std::mem::take(&mut self.body).keys() {
            self.find(name, "row.unknown_field", format!("there is no field `{name}`"));
        }
        if self.findings.is_empty() { Ok(()) } else { Err(ApiError::Invalid { findings: self.findings }) }
    }
}

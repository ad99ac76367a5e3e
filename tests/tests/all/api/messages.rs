//! Messages out: every event arrives, whatever dies on the way, and a peer gets what Standard Webhooks says.

use super::administration::{Office, assert_status, office};
use super::webhooks::{path, webhook};
use super::*;
use parapet::standard_webhooks::{SCHEDULE, SigningSecret, signatures};
use parapet_worker::messaging;
use parapet_worker::platform::fetch::{FetchError, Incoming, Outgoing};
use parapet_worker::platform::fuse::Fuse;
use parapet_worker::platform::queue::Handled;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn answer(status: u16) -> Incoming {
    Incoming { status, ..Incoming::default() }
}

/// Lets the queues do all that there is to do now; what fails comes again a few times, as with Cloudflare.
pub(super) fn settle(edge: &Edge) {
    let app = &edge.app;
    pollster::block_on(messaging::nudge(app));
    let mut again: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let messages: Vec<Value> = app.queue.take().into_iter().chain(app.deliveries.take()).collect();
        if messages.is_empty() {
            return;
        }
        for message in messages {
            let text = message.to_string();
            let tried = again.entry(text.clone()).or_default();
            *tried += 1;
            if pollster::block_on(messaging::consume(app, &text)) == Handled::Again && *tried < 4 {
                pollster::block_on(app.queue.send(&message)).ok();
            }
        }
    }
}

fn later(edge: &Edge, seconds: i64) {
    let now = edge.app.clock.now();
    edge.app.clock.set(now.plus_millis(seconds * 1000));
}

/// The minutely event.
fn sweep(edge: &Edge) {
    pollster::block_on(messaging::sweep(&edge.app, edge.app.clock.now())).unwrap();
    settle(edge);
}

type Heard = Rc<RefCell<Vec<Outgoing>>>;

/// A peer that answers so, and remembers what it heard.
fn peer(edge: &Edge, answer: impl Fn(&Outgoing) -> Result<Incoming, FetchError> + 'static) -> Heard {
    let heard = Heard::default();
    let remembered = heard.clone();
    edge.app.fetch.answer(move |request| {
        remembered.borrow_mut().push(request.clone());
        answer(request)
    });
    heard
}

fn header<'a>(request: &'a Outgoing, name: &str) -> &'a str {
    let found: Vec<&str> = request
        .headers
        .iter()
        .filter(|(its, _)| its.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]
}

fn assert_signed(request: &Outgoing, secrets: &[SigningSecret]) {
    let (id, seconds) = (header(request, "webhook-id"), header(request, "webhook-timestamp"));
    let expected = signatures(secrets, id, seconds.parse().unwrap(), request.body.as_bytes());
    assert_eq!(header(request, "webhook-signature"), expected);
    assert_eq!(header(request, "content-type"), "application/json");
}

fn deliveries(edge: &Edge) -> Vec<Row> {
    edge.app.db.rows("webhook_delivery")
}

fn make_role(office: &Office, name: &str) -> Value {
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": name })), 201)
}

#[test]
fn an_event_arrives_signed_and_says_what_happened() {
    let office = office();
    let (_, secret) = webhook(&office, "sink", &["role.*"]);
    webhook(&office, "deaf", &["user.created"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(Incoming { status: 204, ..Incoming::default() }));
    let role = make_role(&office, "editor");
    let event = office.edge.sql("SELECT id, published_at FROM outbox WHERE event_type = 'role.created'");
    assert!(event[0]["published_at"].is_null(), "nothing happens before the answer");
    settle(&office.edge);
    let heard = heard.borrow();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].url, "https://hooks.acme.com/sink?token=hush");
    assert_signed(&heard[0], &[secret]);
    assert_eq!(header(&heard[0], "webhook-id"), event[0]["id"].as_str().unwrap());
    assert_eq!(header(&heard[0], "webhook-timestamp"), "1772445600");
    let said: Value = serde_json::from_str(&heard[0].body).unwrap();
    let members: BTreeSet<&str> = said.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["type", "timestamp", "id", "tenant_id", "data"]));
    assert_eq!(
        (&said["type"], &said["timestamp"], &said["id"]),
        (&json!("role.created"), &json!(NOW), &event[0]["id"])
    );
    assert_eq!(said["data"]["object"], role);
    let rows = deliveries(&office.edge);
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["response_status"], &rows[0]["attempt_count"]), (&json!(204), &json!(1)));
    assert_eq!((&rows[0]["delivered_at"], &rows[0]["next_attempt_at"]), (&json!(NOW), &Value::Null));
    assert!(office.edge.app.db.rows("outbox").iter().all(|row| !row["published_at"].is_null()));
}

/// Wherever it dies: each event arrives, under the `webhook-id` that it always had.
#[test]
fn nothing_is_lost_wherever_it_dies() {
    for broken in ["one queue too", "the rows alone"] {
        let mut died = 0;
        for calls in 0.. {
            let mut office = office();
            let (_, secret) = webhook(&office, "one", &["role.*"]);
            webhook(&office, "other", &["*"]);
            settle(&office.edge);
            let fuse = Fuse::default();
            let app = &mut office.edge.app;
            app.db = app.db.clone().fused(&fuse);
            app.dns = app.dns.clone().fused(&fuse);
            app.queue = app.queue.clone().fused(&fuse);
            app.deliveries = app.deliveries.clone().fused(&fuse);
            app.fetch = app.fetch.clone().fused(&fuse);
            let heard = peer(&office.edge, |_| Ok(answer(200)));
            for name in ["a", "b", "c"] {
                make_role(&office, name);
            }
            fuse.blow_after(calls);
            settle(&office.edge);
            let blown = fuse.mend();
            // The process is gone, and with it what it knew; perhaps the queues forget as well.
            office.edge.app.waiting.take();
            if broken == "the rows alone" {
                office.edge.app.queue.take();
                office.edge.app.deliveries.take();
            }
            settle(&office.edge);
            for _ in 0..3 {
                later(&office.edge, 120);
                sweep(&office.edge);
            }
            let events = office.edge.sql("SELECT id FROM outbox WHERE event_type = 'role.created' ORDER BY id");
            let events: BTreeSet<&str> = events.iter().map(|row| row["id"].as_str().unwrap()).collect();
            assert_eq!(events.len(), 3);
            for hook in ["one", "other"] {
                let heard = heard.borrow();
                let its: Vec<&Outgoing> = heard
                    .iter()
                    .filter(|request| request.url.contains(hook) && request.body.contains("role.created"))
                    .collect();
                let ids: BTreeSet<&str> = its.iter().map(|request| header(request, "webhook-id")).collect();
                assert_eq!(ids, events, "{broken}, after {calls} calls, {hook}");
                assert!(its.len() <= 4, "one attempt alone is made twice");
                if hook == "one" {
                    its.iter().for_each(|request| assert_signed(request, std::slice::from_ref(&secret)));
                }
            }
            assert!(deliveries(&office.edge).iter().all(|row| !row["delivered_at"].is_null()));
            if !blown {
                break;
            }
            died += 1;
        }
        assert!(died > 20, "{died}");
    }
}

#[test]
fn what_is_fanned_out_or_claimed_twice_is_sent_once() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    make_role(&office, "editor");
    let app = &office.edge.app;
    pollster::block_on(messaging::nudge(app));
    let nudge = app.queue.take()[0].to_string();
    let run = |text: &str| assert_eq!(pollster::block_on(messaging::consume(app, text)), Handled::Done);
    run(&nudge);
    let message = app.deliveries.take();
    assert_eq!(message.len(), 1);
    // Somebody else had read the same events before.
    office.edge.sql("UPDATE outbox SET published_at = NULL");
    run(&nudge);
    assert_eq!((app.deliveries.take(), deliveries(&office.edge).len()), (vec![], 1));
    // A second consumer comes while the first one waits for its answer.
    let text = message[0].to_string();
    let (calls, inner) = (Rc::new(Cell::new(0)), text.clone());
    let (counted, mut other) = (calls.clone(), Some(office.edge.restarted()));
    office.edge.app.fetch.answer(move |_| {
        counted.set(counted.get() + 1);
        if let Some(mut other) = other.take() {
            // With a peer of its own: this one is busy.
            other.app.fetch = Fetch::default();
            assert_eq!(pollster::block_on(messaging::consume(&other.app, &inner)), Handled::Done);
        }
        Ok(answer(200))
    });
    run(&text);
    run(&text);
    assert_eq!(calls.get(), 1);
    assert_eq!(deliveries(&office.edge)[0]["attempt_count"], 1);
    assert_eq!(
        pollster::block_on(messaging::consume(app, "{}")),
        Handled::Done,
        "what nobody understands does not come again"
    );
}

#[test]
fn a_failing_peer_is_tried_by_the_schedule_and_then_no_more() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["role.*"]);
    webhook(&office, "watcher", &["webhook.disabled"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |request| Ok(answer(if request.url.contains("watcher") { 200 } else { 500 })));
    make_role(&office, "editor");
    settle(&office.edge);
    let begun = office.edge.app.clock.now();
    let mut expected = 0;
    for (tried, delay) in SCHEDULE.iter().enumerate().skip(1) {
        expected += delay;
        assert_eq!(heard.borrow().len(), tried);
        let row = &deliveries(&office.edge)[0];
        let next = time(row["next_attempt_at"].as_str().unwrap());
        let now = office.edge.app.clock.now();
        let wait = next.as_millis() - now.as_millis();
        assert!((delay * 1000..=delay * 1100).contains(&wait), "{tried}: {wait}");
        assert_eq!((&row["response_status"], row["attempt_count"].as_u64()), (&json!(500), Some(tried as u64)));
        later(&office.edge, delay - 3);
        sweep(&office.edge);
        assert_eq!(heard.borrow().len(), tried, "not before its time");
        office.edge.app.clock.set(next.plus_millis(60_000));
        sweep(&office.edge);
    }
    assert!(office.edge.app.clock.now().as_millis() - begun.as_millis() >= expected * 1000);
    let rows = deliveries(&office.edge);
    assert_eq!((rows[0]["attempt_count"].as_u64(), &rows[0]["next_attempt_at"]), (Some(10), &Value::Null));
    assert_eq!(rows[0]["delivered_at"], Value::Null);
    let ids: BTreeSet<String> =
        heard.borrow().iter().take(10).map(|request| header(request, "webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 1);
    // It is switched off, written down, and told to who wants to know.
    let seen = assert_status(&office.owner("GET", &path(&made), Value::Null), 200);
    assert_eq!(seen["is_active"], false);
    let log = office.log();
    let off = log.last().unwrap();
    assert_eq!((off.event_type.as_str(), off.user_id), ("webhook.disabled", None));
    assert_eq!(off.event_data["actor"], json!({ "type": "system" }));
    assert_eq!(off.event_data["cause"]["attempts"], 10);
    let heard = heard.borrow();
    let told: Value = serde_json::from_str(&heard.last().unwrap().body).unwrap();
    assert_eq!((&told["type"], &told["data"]["object"]["id"]), (&json!("webhook.disabled"), &made["id"]));
    make_role(&office, "another");
    settle(&office.edge);
    assert_eq!(deliveries(&office.edge).len(), 2, "nothing new for what is switched off");
}

#[test]
fn what_a_tenant_set_counts_for_how_often() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    assert_status(&office.owner("PUT", "/v1/tenant-settings/integration/webhook_attempts", json!({ "value": 2 })), 201);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(404)));
    make_role(&office, "editor");
    settle(&office.edge);
    later(&office.edge, 120);
    sweep(&office.edge);
    assert_eq!((heard.borrow().len(), &deliveries(&office.edge)[0]["next_attempt_at"]), (2, &Value::Null));
}

#[test]
fn a_webhook_is_switched_off_once_and_what_waits_for_it_stops() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    assert_status(&office.owner("PUT", "/v1/tenant-settings/integration/webhook_attempts", json!({ "value": 1 })), 201);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(500)));
    for name in ["a", "b", "c"] {
        make_role(&office, name);
    }
    settle(&office.edge);
    assert_eq!(heard.borrow().len(), 1);
    assert_eq!(office.events().iter().filter(|event| *event == "webhook.disabled").count(), 1);
    assert!(
        deliveries(&office.edge).iter().all(|row| row["next_attempt_at"].is_null() && row["delivered_at"].is_null())
    );
    office.log();
}

/// An event that cannot be fanned out keeps no other from it, and does not come again at once for ever.
#[test]
fn one_event_that_cannot_be_fanned_out_keeps_no_other_from_it() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    make_role(&office, "first");
    office.edge.sql(
        "CREATE TRIGGER stuck BEFORE UPDATE ON outbox WHEN json_extract(NEW.payload, '$.object.name') = 'first'
         BEGIN SELECT RAISE(ABORT, 'stuck'); END",
    );
    for number in 0..25 {
        make_role(&office, &format!("role {number}"));
    }
    settle(&office.edge);
    assert_eq!(heard.borrow().len(), 25);
    office.edge.sql("DROP TRIGGER stuck");
    later(&office.edge, 120);
    sweep(&office.edge);
    assert_eq!(heard.borrow().len(), 26);
}

#[test]
fn only_2xx_has_arrived_and_410_is_the_end() {
    for (status, arrived, goes_on) in [
        (200, true, true),
        (299, true, true),
        (301, false, true),
        (307, false, true),
        (400, false, true),
        (410, false, false),
        (503, false, true),
    ] {
        let office = office();
        let (made, _) = webhook(&office, "sink", &["role.*"]);
        settle(&office.edge);
        let heard = peer(&office.edge, move |_| Ok(answer(status)));
        make_role(&office, "editor");
        settle(&office.edge);
        assert_eq!(heard.borrow().len(), 1, "{status}: no redirect is followed, and nothing is tried at once");
        let row = &deliveries(&office.edge)[0];
        assert_eq!(!row["delivered_at"].is_null(), arrived, "{status}");
        assert_eq!(!row["next_attempt_at"].is_null(), !arrived && goes_on, "{status}");
        let seen = assert_status(&office.owner("GET", &path(&made), Value::Null), 200);
        assert_eq!(seen["is_active"], goes_on, "{status}");
    }
}

#[test]
fn retry_after_is_kept_where_it_is_later_than_the_schedule() {
    for (status, says, seconds) in [
        (503, "600", 600),
        (429, "Mon, 02 Mar 2026 10:30:00 GMT", 1800),
        (429, "99999999", 86_400),
        (503, "1", 5),
        (500, "600", 5),
    ] {
        let office = office();
        webhook(&office, "sink", &["role.*"]);
        settle(&office.edge);
        peer(&office.edge, move |_| Ok(Incoming { retry_after: Some(says.to_owned()), ..answer(status) }));
        make_role(&office, "editor");
        settle(&office.edge);
        let next = time(deliveries(&office.edge)[0]["next_attempt_at"].as_str().unwrap());
        let wait = next.as_millis() - time(NOW).as_millis();
        assert!((seconds * 1000..=seconds * 1100).contains(&wait), "{status} {says}: {wait}");
    }
}

#[test]
fn what_a_peer_says_is_kept_to_a_bound_as_text() {
    for (said, kept) in [
        (vec![b'x'; 5000], "x".repeat(1024)),
        ([vec![b'x'; 1023], "é".into()].concat(), "x".repeat(1023)),
        (vec![0xff; 1024], "\u{fffd}".repeat(341)),
        (b"a\0b".to_vec(), "a\u{fffd}b".to_owned()),
    ] {
        let office = office();
        webhook(&office, "sink", &["role.*"]);
        settle(&office.edge);
        peer(&office.edge, move |_| Ok(Incoming { body: said.clone(), ..answer(500) }));
        make_role(&office, "editor");
        settle(&office.edge);
        let page = assert_status(&office.owner("GET", "/v1/webhook-deliveries", Value::Null), 200);
        assert_eq!(page["items"][0]["response_body"], kept);
    }
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    peer(&office.edge, |_| Err(FetchError::Late));
    make_role(&office, "editor");
    settle(&office.edge);
    let row = &deliveries(&office.edge)[0];
    assert_eq!((&row["response_status"], &row["response_body"]), (&Value::Null, &json!("there was no answer in time")));
}

/// A name that led out yesterday may lead inside today.
#[test]
fn an_address_is_asked_for_again_before_each_attempt() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    office.edge.app.dns.lead("hooks.acme.com", &["1.1.1.1".parse().unwrap(), "169.254.169.254".parse().unwrap()]);
    make_role(&office, "editor");
    settle(&office.edge);
    assert!(heard.borrow().is_empty());
    let row = &deliveries(&office.edge)[0];
    assert_eq!(row["response_body"], "the host's name leads into a private network");
    super::webhooks::lead(&office.edge);
    later(&office.edge, 120);
    sweep(&office.edge);
    assert_eq!(heard.borrow().len(), 1);
}

#[test]
fn two_secrets_sign_while_one_is_being_changed() {
    let office = office();
    let (made, old) = webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    let rotate = format!("{}/rotate-secret", path(&made));
    let rotated = assert_status(&office.owner("POST", &rotate, json!({ "overlap_seconds": 3600 })), 200);
    let new = SigningSecret::parse(rotated["secret"].as_str().unwrap()).unwrap();
    assert_eq!(rotated["previous_secret_expires_at"], "2026-03-02T11:00:00.000Z");
    make_role(&office, "a");
    settle(&office.edge);
    later(&office.edge, 3600);
    make_role(&office, "b");
    settle(&office.edge);
    let heard = heard.borrow();
    assert_signed(&heard[0], &[new.clone(), old]);
    assert_signed(&heard[1], &[new]);
    let long = office.owner("POST", &rotate, json!({ "overlap_seconds": 604_801 }));
    assert_problem(&long, 422, "request.invalid");
}

#[test]
fn further_headers_are_sent_and_take_no_place_of_ours() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["role.*"]);
    let headers = json!({ "headers": { "Authorization": "Bearer x", "X-Source": "parapet" } });
    assert_status(&office.owner("PATCH", &path(&made), headers), 200);
    // One that was there before the rules knew of it.
    office.edge.sql("UPDATE webhook SET headers = json_insert(headers, '$.\"Webhook-Id\"', 'forged')");
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    make_role(&office, "editor");
    settle(&office.edge);
    let heard = heard.borrow();
    assert_eq!((header(&heard[0], "authorization"), header(&heard[0], "x-source")), ("Bearer x", "parapet"));
    assert_ne!(header(&heard[0], "webhook-id"), "forged");
}

#[test]
fn a_test_is_sent_once_to_the_webhook_that_asked() {
    let office = office();
    let (made, secret) = webhook(&office, "sink", &["user.created"]);
    webhook(&office, "other", &["user.created"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(500)));
    let response = office.owner("POST", &format!("{}/test", path(&made)), Value::Null);
    let delivery = assert_status(&response, 202);
    settle(&office.edge);
    later(&office.edge, 3600);
    sweep(&office.edge);
    {
        let heard = heard.borrow();
        assert_eq!(heard.len(), 1);
        assert_signed(&heard[0], &[secret]);
        assert_eq!(header(&heard[0], "webhook-id"), delivery["id"].as_str().unwrap());
        let said: Value = serde_json::from_str(&heard[0].body).unwrap();
        assert_eq!((&said["type"], &said["data"]["webhook_id"]), (&json!("webhook.test"), &made["id"]));
    }
    let seen = assert_status(&office.owner("GET", response.header("location").unwrap(), Value::Null), 200);
    assert_eq!((&seen["response_status"], &seen["next_attempt_at"]), (&json!(500), &Value::Null));
    assert_eq!(assert_status(&office.owner("GET", &path(&made), Value::Null), 200)["is_active"], true);
}

#[test]
fn what_arrived_or_was_given_up_is_sent_again_under_its_id() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    let status = Rc::new(Cell::new(200));
    let answers = status.clone();
    let heard = peer(&office.edge, move |_| Ok(answer(answers.get())));
    make_role(&office, "a");
    settle(&office.edge);
    let first = deliveries(&office.edge)[0]["id"].as_str().unwrap().to_owned();
    let again = format!("/v1/webhook-deliveries/{first}/redeliver");
    let answered = assert_status(&office.owner("POST", &again, Value::Null), 202);
    assert_eq!((&answered["attempt_count"], &answered["delivered_at"]), (&json!(0), &Value::Null));
    settle(&office.edge);
    later(&office.edge, 60);
    status.set(500);
    make_role(&office, "b");
    settle(&office.edge);
    status.set(200);
    let span = |more: Value| {
        let mut span = json!({ "from": "2026-03-02T10:00:00Z", "to": "2026-03-02T11:00:00Z" });
        span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let response = office.owner("POST", &format!("{}/redeliver", path(&made)), span);
        let sent = assert_status(&response, 202)["deliveries"].clone();
        settle(&office.edge);
        sent
    };
    assert_eq!(span(json!({})), 1, "what did not arrive");
    assert_eq!(span(json!({})), 0);
    assert_eq!(span(json!({ "delivered": true })), 2);
    let heard = heard.borrow();
    let ids: Vec<&str> = heard.iter().map(|request| header(request, "webhook-id")).collect();
    let (a, b) = (ids[0], ids[2]);
    assert_eq!(ids.iter().filter(|id| **id == a).count(), 3);
    assert_eq!(ids.iter().filter(|id| **id == b).count(), 3);
    assert_eq!(ids.len(), 6);
    // The log and the events tell of it, without what was sent.
    let log = office.log();
    let told = log.iter().find(|row| row.event_type == "webhook_delivery.redelivered").unwrap();
    assert!(told.event_data["after"].get("payload").is_none());
}

#[test]
fn a_suspended_tenant_is_told_so_and_everything_else_waits() {
    let operators = super::tenants::operators();
    let office = &operators.office;
    webhook(office, "sink", &["*"]);
    settle(&office.edge);
    make_role(office, "before");
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    let tenant = format!("/v1/tenants/{TENANT}");
    assert_status(&operators.call("POST", &format!("{tenant}/suspend"), Value::Null), 200);
    settle(&office.edge);
    let types = || -> Vec<String> {
        let said = |request: &Outgoing| {
            serde_json::from_str::<Value>(&request.body).unwrap()["type"].as_str().unwrap().to_owned()
        };
        heard.borrow().iter().map(said).collect()
    };
    assert_eq!(types(), ["tenant.suspended"]);
    later(&office.edge, 1800);
    sweep(&office.edge);
    assert_eq!(types().len(), 1);
    assert!(deliveries(&office.edge).iter().any(|row| row["attempt_count"] == 0 && !row["next_attempt_at"].is_null()));
    assert_status(&operators.call("POST", &format!("{tenant}/reactivate"), Value::Null), 200);
    later(&office.edge, 3700);
    sweep(&office.edge);
    let mut after = types();
    after.sort();
    assert_eq!(after, ["role.created", "tenant.reactivated", "tenant.suspended", "webhook.created"]);
}

#[test]
fn a_webhook_that_goes_takes_its_deliveries_along() {
    let office = office();
    let (made, _) = webhook(&office, "sink", &["role.*"]);
    make_role(&office, "editor");
    settle(&office.edge);
    assert_eq!(deliveries(&office.edge).len(), 1);
    assert_status(&office.owner("DELETE", &path(&made), Value::Null), 204);
    assert!(deliveries(&office.edge).is_empty());
    later(&office.edge, 120);
    sweep(&office.edge);
}

/// What was purged is nowhere on its way any more.
#[test]
fn a_purge_leaves_nothing_on_its_way() {
    let office = office();
    webhook(&office, "sink", &["user.*"]);
    settle(&office.edge);
    let user = json!({ "email": "eve@acme.example", "state": "active", "first_name": "Evelyn" });
    let user = assert_status(&office.owner("POST", "/v1/users", user), 201);
    let user = format!("/v1/users/{}", user["id"].as_str().unwrap());
    assert_status(&office.owner("DELETE", &user, Value::Null), 204);
    assert_status(&office.owner("POST", &format!("{user}/purge"), Value::Null), 200);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    settle(&office.edge);
    assert_eq!(heard.borrow().len(), 3);
    assert!(heard.borrow().iter().all(|request| !request.body.contains("Evelyn")));
}

#[test]
fn many_events_of_one_tenant_are_fanned_out_in_steps() {
    let office = office();
    webhook(&office, "sink", &["role.*"]);
    settle(&office.edge);
    let heard = peer(&office.edge, |_| Ok(answer(200)));
    for number in 0..45 {
        make_role(&office, &format!("role {number}"));
    }
    settle(&office.edge);
    assert_eq!(heard.borrow().len(), 45);
}

/// A role's change is one round trip more for nobody: the queue is told after the answer.
#[test]
fn nobody_waits_for_the_queue() {
    let office = office();
    webhook(&office, "sink", &["*"]);
    settle(&office.edge);
    make_role(&office, "editor");
    assert!(office.edge.app.queue.take().is_empty());
    assert_eq!(office.edge.app.waiting.borrow().len(), 1);
    let pep = office.edge.key(&["access:evaluate"]);
    office.edge.app.waiting.take();
    office.edge.ask(&pep);
    assert!(office.edge.app.waiting.borrow().is_empty(), "a decision is no event");
}

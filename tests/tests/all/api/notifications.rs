//! Notifications: from an event or a request to what arrives, and what becomes of those that do not.

use super::administration::{OLGA, Office, assert_status, office};
use super::*;
use parapet::model::{NotificationTemplate, NotificationType, Outbox, Row as _};
use parapet_worker::messaging::notification::purpose::{self, PURPOSES};
use parapet_worker::messaging::notification::{Notices, Wanted, due, for_event, notify, template};
use parapet_worker::messaging::{consume, sweep};
use parapet_worker::platform::fetch::{Incoming, Outgoing};
use parapet_worker::platform::queue::Handled;
use parapet_worker::platform::socket::{Heard, Said, Tls};
use std::cell::RefCell;
use uuid::Uuid;

/// What the operator sets: the service's own server.
const MAIL_CHANNEL: &str = r#"{"mail_transport": "smtp", "smtp_host": "mail.example.com", "smtp_user": "u",
    "smtp_password": "p", "mail_from": "no-reply@id.example.com"}"#;

fn mailing() -> Office {
    let mut office = office();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"cd".repeat(32)),
        ("MAIL_CHANNEL", MAIL_CHANNEL),
    ]);
    office
}

/// A mail server in this process: what it was told, and what it says instead of yes.
#[derive(Clone, Default)]
struct MailServer {
    mails: Rc<RefCell<Vec<String>>>,
    commands: Rc<RefCell<Vec<String>>>,
    connections: Rc<RefCell<Vec<Heard>>>,
    instead: Rc<RefCell<Vec<(&'static str, Said)>>>,
}

impl MailServer {
    fn new(office: &Office) -> Self {
        let server = Self::default();
        let this = server.clone();
        office.edge.app.sockets.answer(move |heard| this.hear(heard));
        server
    }

    /// From now on this is said to a command.
    fn says(&self, command: &'static str, said: Said) {
        self.instead.borrow_mut().retain(|(its, _)| *its != command);
        self.instead.borrow_mut().push((command, said));
    }

    fn refuses(&self, command: &'static str, reply: &str) {
        self.says(command, Said::Bytes(format!("{reply}\r\n").into_bytes()));
    }

    fn is_well(&self) {
        self.instead.borrow_mut().clear();
    }

    fn hear(&self, heard: Heard) -> Said {
        let reply = |text: &str| Said::Bytes(format!("{text}\r\n").into_bytes());
        let (command, usual) = match &heard {
            Heard::Connection(..) => {
                self.connections.borrow_mut().push(heard.clone());
                ("connection".to_owned(), reply("220 mail.example.com"))
            }
            Heard::Tls => ("tls".to_owned(), Said::Bytes(Vec::new())),
            Heard::Bytes(bytes) => {
                let text = String::from_utf8(bytes.clone()).unwrap();
                if text.ends_with("\r\n.\r\n") {
                    let said =
                        self.instead.borrow().iter().find(|(its, _)| *its == "message").map(|(_, said)| said.clone());
                    self.mails.borrow_mut().push(text);
                    return said.unwrap_or_else(|| reply("250 2.0.0 queued"));
                }
                let command = text.trim_end().to_owned();
                let usual = match command.split([' ', ':']).next().unwrap() {
                    "EHLO" => reply("250-mail.example.com\r\n250-STARTTLS\r\n250-SIZE 1000000\r\n250 AUTH PLAIN"),
                    "STARTTLS" => reply("220 go"),
                    "AUTH" => reply("235 2.7.0 ok"),
                    "DATA" => reply("354 go"),
                    "QUIT" => Said::Cut(b"221 bye\r\n".to_vec()),
                    _ => reply("250 ok"),
                };
                (command, usual)
            }
        };
        self.commands.borrow_mut().push(command.clone());
        let instead = self.instead.borrow();
        instead.iter().find(|(its, _)| command.starts_with(its)).map_or(usual, |(_, said)| said.clone())
    }

    /// The text of the only mail so far, its encodings undone.
    #[track_caller]
    fn mail(&self) -> String {
        let mails = self.mails.borrow();
        assert_eq!(mails.len(), 1, "{mails:#?}");
        readable(&mails[0])
    }
}

/// A mail without quoted-printable (RFC 2045, section 6.7): soft line ends, and the signs that matter here.
fn readable(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=").replace("=3d", "=").replace("=E2=80=A2", "•")
}

/// A name that leads to the public internet.
fn lead(office: &Office, names: &[&str]) {
    for name in names {
        office.edge.app.dns.lead(name, &["93.184.216.34".parse().unwrap()]);
    }
}

impl Office {
    fn wanted(&self, user: &str, purpose: &'static str, values: &[(&'static str, &str)]) -> Wanted {
        Wanted {
            tenant: TENANT.parse().unwrap(),
            user: Some(user.parse().unwrap()),
            purpose,
            values: values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            ..Wanted::default()
        }
    }

    /// Writes what tells somebody, and gives the messages for the queue.
    fn tell(&self, wanted: &Wanted) -> Vec<Value> {
        let notices = pollster::block_on(notify(&self.edge.app, wanted)).unwrap();
        self.write(notices)
    }

    fn write(&self, notices: Notices) -> Vec<Value> {
        pollster::block_on(self.edge.app.db.batch(notices.statements)).unwrap();
        notices.messages
    }

    fn deliver(&self, messages: &[Value]) {
        for message in messages {
            let handled = pollster::block_on(consume(&self.edge.app, &message.to_string()));
            assert_eq!(handled, Handled::Done);
        }
    }

    /// All notifications, the secret column beside.
    fn notifications(&self) -> Vec<Row> {
        let mut rows = self.edge.sql("SELECT * FROM user_notification ORDER BY rowid");
        for row in &mut rows {
            row["metadata"] = serde_json::from_str(row["metadata"].as_str().unwrap()).unwrap();
        }
        rows
    }

    #[track_caller]
    fn only(&self) -> Row {
        let mut rows = self.notifications();
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.pop().unwrap()
    }

    fn wait(&self, seconds: i64) {
        let now = self.edge.app.clock.now().as_millis() + seconds * 1000;
        self.edge.app.clock.set(Timestamp::from_millis(now));
    }
}

fn reset(office: &Office) -> Wanted {
    office.wanted(ANNA, "password.reset", &[("link", "https://id.example.com/reset/s3cret"), ("expires_minutes", "60")])
}

#[track_caller]
fn codes(response: &Response) -> Vec<(String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = body(response)["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| (text(finding, "field"), text(finding, "code"))).collect()
}

#[test]
fn every_purpose_has_templates_and_every_template_is_sound() {
    let office = office();
    let rows = office.edge.sql("SELECT * FROM notification_template");
    let rows: Vec<_> = rows.into_iter().map(|row| NotificationTemplate::from_sql(row).unwrap()).collect();
    for row in &rows {
        assert_eq!(template::wrong(row), [], "{} {}", row.name, row.r#type);
        let mut findings = vec![];
        let mut object = serde_json::to_value(row).unwrap().as_object().unwrap().clone();
        object.retain(|_, value| !value.is_null());
        NotificationTemplate::from_json(object, "row", &mut findings);
        assert_eq!(findings, [], "{}", row.name);
    }
    for purpose in PURPOSES {
        for channel in purpose.channels {
            let is_it =
                |row: &&NotificationTemplate| row.name == purpose.name && row.r#type == *channel && row.locale == "en";
            assert_eq!(rows.iter().filter(is_it).count(), 1, "{} {channel}", purpose.name);
        }
    }
}

#[test]
fn a_mail_is_sent_in_both_forms_over_tls_and_what_is_secret_in_it_is_kept_nowhere() {
    let office = mailing();
    let server = MailServer::new(&office);
    office.edge.sql("UPDATE tenant SET primary_color = '#ffee00', logo_url = 'https://acme.example/logo.png'");
    let messages = office.tell(&reset(&office));
    let waiting = office.only();
    assert_eq!((waiting["status"].as_str(), waiting["next_attempt_at"].as_str()), (Some("pending"), Some(NOW)));
    let everything = format!("{:?}", office.edge.sql("SELECT * FROM user_notification"));
    assert!(!everything.contains("s3cret") && everything.contains("•••"), "{everything}");
    office.deliver(&messages);
    let mail = server.mail();
    for text in [
        "From: \"Acme\" <no-reply@id.example.com>",
        "To: <anna@acme.example>",
        "Subject: Set a new password",
        "Set a new password:\r\nhttps://id.example.com/reset/s3cret",
        "href=\"https://id.example.com/reset/s3cret\"",
        "background:#ffee00;color:#000000",
        "src=\"https://acme.example/logo.png\"",
    ] {
        assert!(mail.contains(text), "{text} in {mail}");
    }
    let sent = office.only();
    assert_eq!(sent["status"], "sent");
    assert_eq!((&sent["sealed"], &sent["next_attempt_at"]), (&Value::Null, &Value::Null));
    assert_eq!(
        sent["metadata"],
        json!({ "purpose": "password.reset", "tries": 1, "provider_id": "queued", "to": "a…@acme.example" })
    );
    let connection = Heard::Connection("mail.example.com".to_owned(), 587, Tls::Later);
    assert_eq!(*server.connections.borrow(), [connection]);
    let commands = server.commands.borrow().clone();
    let position = |word: &str| commands.iter().position(|command| command.starts_with(word)).unwrap();
    assert!(position("tls") < position("AUTH"), "{commands:?}");
    // Administrators see the state, and the link in none of it.
    let list = office.owner("GET", "/v1/user-notifications?status=sent", Value::Null);
    assert_eq!(assert_status(&list, 200)["items"].as_array().unwrap().len(), 1);
    let one = format!("/v1/user-notifications/{}", sent["id"].as_str().unwrap());
    let one = office.owner("GET", &one, Value::Null);
    assert_status(&one, 200);
    let seen = String::from_utf8([list.body, one.body].concat()).unwrap();
    assert!(!seen.contains("s3cret") && !seen.contains("sealed"), "{seen}");
    // The same message again sends nothing.
    office.deliver(&messages);
    assert_eq!(server.mails.borrow().len(), 1);
}

#[test]
fn what_fails_for_now_is_tried_again_and_later_each_time() {
    let office = mailing();
    let server = MailServer::new(&office);
    let failures: [(&'static str, Said); 8] = [
        ("RCPT", Said::Bytes(b"451 4.7.1 greylisted\r\n".to_vec())),
        ("connection", Said::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        ("connection", Said::Bytes(Vec::new())),
        ("connection", Said::Refused),
        ("tls", Said::Refused),
        ("AUTH", Said::Bytes(b"535 5.7.8 no\r\n".to_vec())),
        ("MAIL", Said::Cut(Vec::new())),
        ("message", Said::Cut(b"250 half a reply".to_vec())),
    ];
    let messages = office.tell(&reset(&office));
    let mut waits = Vec::new();
    for (tries, (command, said)) in (1..).zip(failures) {
        server.is_well();
        server.says(command, said);
        office.deliver(&messages);
        let row = office.only();
        assert_eq!((row["status"].as_str(), &row["metadata"]["tries"]), (Some("pending"), &json!(tries)), "{row:?}");
        assert!(!row["metadata"]["error"].as_str().unwrap().is_empty());
        assert!(row["sealed"].as_str().is_some());
        let next = time(row["next_attempt_at"].as_str().unwrap());
        let wait = next.as_millis() - office.edge.app.clock.now().as_millis();
        waits.push(wait);
        // Not before its time.
        office.deliver(&messages);
        assert_eq!(office.only()["metadata"]["tries"], tries);
        assert!(pollster::block_on(due(&office.edge.app, 10)).unwrap().is_empty());
        office.edge.app.clock.set(next);
        assert_eq!(pollster::block_on(due(&office.edge.app, 10)).unwrap(), messages);
    }
    for (tries, wait) in (0..).zip(&waits) {
        let longest = (30_000 << tries).min(3_600_000);
        assert!((longest / 2..=longest).contains(wait), "{waits:?}");
    }
    server.is_well();
    server.mails.borrow_mut().clear();
    pollster::block_on(sweep(&office.edge.app, office.edge.app.clock.now())).unwrap();
    assert_eq!(office.edge.app.deliveries.take(), messages);
    office.deliver(&messages);
    assert_eq!(office.only()["status"], "sent");
    assert_eq!(office.only()["metadata"].get("error"), None);
    server.mail();
}

#[test]
fn what_fails_for_good_is_given_up_and_where_nothing_arrives_nothing_is_sent() {
    let office = mailing();
    let server = MailServer::new(&office);
    server.refuses("RCPT", "550 5.7.1 blocked");
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    let row = office.only();
    assert_eq!(
        (row["status"].as_str(), &row["sealed"], &row["next_attempt_at"]),
        (Some("failed"), &Value::Null, &Value::Null)
    );
    assert!(row["metadata"]["error"].as_str().unwrap().contains("550"), "{row:?}");
    let list = |status: usize| {
        let page = assert_status(&office.owner("GET", "/v1/message-suppressions", Value::Null), 200);
        assert_eq!(page["items"].as_array().unwrap().len(), status, "{page}");
        page["items"][0].clone()
    };
    list(0);
    server.refuses("RCPT", "550 5.1.1 no such user");
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    let suppression = list(1);
    assert_eq!((&suppression["address"], &suppression["type"]), (&json!("anna@acme.example"), &json!("email")));
    server.is_well();
    assert!(office.tell(&reset(&office)).is_empty(), "nothing is written for an address that takes nothing");
    assert_eq!(office.notifications().len(), 2);
    let item = format!("/v1/message-suppressions/{}", suppression["id"].as_str().unwrap());
    assert_status(&office.owner("DELETE", &item, Value::Null), 204);
    assert_eq!(office.events(), ["message_suppression.deleted"]);
    let log = format!("{:?}", office.log());
    assert!(!log.contains("anna@acme.example"), "the address lies under its subject's key: {log}");
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    assert_eq!(office.notifications()[2]["status"], "sent");
}

#[test]
fn tries_end_and_so_does_what_a_message_is_good_for() {
    let office = mailing();
    let server = MailServer::new(&office);
    server.refuses("connection", "421 busy");
    let three = json!({ "value": 3 });
    assert_status(&office.owner("PUT", "/v1/tenant-settings/integration/notification_attempts", three), 201);
    let messages = office.tell(&reset(&office));
    for _ in 0..5 {
        office.deliver(&messages);
        office.wait(7200);
    }
    let row = office.only();
    assert_eq!((row["status"].as_str(), &row["metadata"]["tries"]), (Some("failed"), &json!(3)));
    office.edge.sql("DELETE FROM user_notification");
    server.is_well();
    let expires_at = Some(Timestamp::from_millis(office.edge.app.clock.now().as_millis() + 60_000));
    let messages = office.tell(&Wanted { expires_at, ..reset(&office) });
    office.wait(60);
    office.deliver(&messages);
    let row = office.only();
    assert_eq!((row["status"].as_str(), &row["metadata"]["error"]), (Some("failed"), &json!("what it says is over")));
    assert!(server.mails.borrow().is_empty());
}

/// The server has the message, and the sender dies before it could write that down.
#[test]
fn a_sender_that_dies_may_send_twice_and_never_loses() {
    let office = mailing();
    let server = MailServer::new(&office);
    let (hears, db) = (server.clone(), office.edge.app.db.clone());
    office.edge.app.sockets.answer(move |heard| {
        if matches!(&heard, Heard::Bytes(bytes) if bytes.starts_with(b"QUIT")) {
            db.fail(true);
        }
        hears.hear(heard)
    });
    let messages = office.tell(&reset(&office));
    let died = pollster::block_on(consume(&office.edge.app, &messages[0].to_string()));
    assert_eq!(died, Handled::Again);
    office.edge.app.db.fail(false);
    let first = server.mail();
    // Nobody else takes it while the dead one might still be at it.
    let server = MailServer::new(&office);
    office.deliver(&messages);
    assert!(server.mails.borrow().is_empty());
    office.wait(301);
    office.deliver(&pollster::block_on(due(&office.edge.app, 10)).unwrap());
    assert_eq!(office.only()["status"], "sent");
    assert_eq!(server.mail(), first, "the same mail, by the same Message-ID");
}

/// A message that every sender dies of is given up as well.
#[test]
fn senders_do_not_die_of_one_message_for_ever() {
    let office = mailing();
    let db = office.edge.app.db.clone();
    let connections = Rc::new(RefCell::new(0));
    let count = connections.clone();
    office.edge.app.sockets.answer(move |_| {
        *count.borrow_mut() += 1;
        db.fail(true);
        Said::Refused
    });
    let messages = office.tell(&reset(&office));
    for _ in 0..15 {
        pollster::block_on(consume(&office.edge.app, &messages[0].to_string()));
        office.edge.app.db.fail(false);
        office.wait(301);
    }
    let row = office.only();
    assert_eq!((row["status"].as_str(), &row["sealed"]), (Some("failed"), &Value::Null), "{row:?}");
    assert_eq!(*connections.borrow(), 10);
}

/// A key that is lost, or set wrongly, keeps messages waiting, and each try counts.
#[test]
fn what_does_not_open_is_tried_again() {
    let mut office = mailing();
    let server = MailServer::new(&office);
    let messages = office.tell(&reset(&office));
    let keys = |data: &str| {
        configuration(&[
            ("FRESHNESS_SECONDS", "0"),
            ("SNAPSHOT_KEY", &"ab".repeat(32)),
            ("DATA_KEY", &data.repeat(32)),
            ("MAIL_CHANNEL", MAIL_CHANNEL),
        ])
    };
    office.edge.app.config = keys("ef");
    office.deliver(&messages);
    let row = office.only();
    assert_eq!((row["status"].as_str(), &row["metadata"]["tries"]), (Some("pending"), &json!(1)));
    assert_eq!(row["metadata"]["error"], "what it is made of does not open");
    office.edge.app.config = keys("cd");
    office.wait(60);
    office.deliver(&messages);
    assert_eq!(office.only()["status"], "sent");
    server.mail();
}

#[test]
fn a_tenant_sends_by_its_own_server_and_a_secret_goes_nowhere_else() {
    let office = mailing();
    lead(&office, &["smtp.acme.example", "smtp.evil.example"]);
    let server = MailServer::new(&office);
    let set = |key: &str, value: Value| {
        let response =
            office.owner("PUT", &format!("/v1/tenant-settings/integration/{key}"), json!({ "value": value }));
        assert!(response.status < 300, "{}", body(&response));
    };
    for (key, value) in [
        ("mail_transport", json!("smtp")),
        ("smtp_host", json!("smtp.acme.example")),
        ("smtp_port", json!(465)),
        ("smtp_security", json!("tls")),
        ("smtp_user", json!("acme")),
        ("smtp_password", json!("hunter2")),
        ("mail_from", json!("hello@acme.example")),
        ("mail_from_name", json!("Acme IT")),
        ("mail_reply_to", json!("it@acme.example")),
    ] {
        set(key, value);
    }
    office.deliver(&office.tell(&reset(&office)));
    let mail = server.mail();
    for text in ["From: \"Acme IT\" <hello@acme.example>", "Reply-To: <it@acme.example>"] {
        assert!(mail.contains(text), "{text} in {mail}");
    }
    let connection = Heard::Connection("smtp.acme.example".to_owned(), 465, Tls::On);
    assert_eq!(*server.connections.borrow(), [connection]);
    let commands = server.commands.borrow().clone();
    assert!(commands.iter().any(|command| command.starts_with("MAIL FROM:<hello@acme.example> ")), "{commands:?}");
    // Whoever points it elsewhere does not get the password that they cannot read.
    office.wait(60);
    set("smtp_host", json!("smtp.evil.example"));
    server.connections.borrow_mut().clear();
    office.deliver(&office.tell(&reset(&office)));
    assert!(server.connections.borrow().is_empty());
    let error = office.notifications()[1]["metadata"]["error"].clone();
    assert_eq!(error, "`smtp_password` was set before what it is for changed: set it again");
    for (key, value) in [("smtp_port", json!(25)), ("smtp_security", json!("loopback")), ("smtp_host", json!("a\nb"))] {
        let response =
            office.owner("PUT", &format!("/v1/tenant-settings/integration/{key}"), json!({ "value": value }));
        assert_problem(&response, 422, "request.invalid");
    }
}

/// A tenant's own server is on the public internet, or nothing is said to it.
#[test]
fn a_tenants_own_way_leads_outside() {
    let office = mailing();
    let server = MailServer::new(&office);
    let set = |key: &str, value: Value| {
        let path = format!("/v1/tenant-settings/integration/{key}");
        assert!(office.owner("PUT", &path, json!({ "value": value })).status < 300);
    };
    set("mail_transport", json!("smtp"));
    set("mail_from", json!("hello@acme.example"));
    office.edge.app.dns.lead("inside.acme.example", &["10.0.0.7".parse().unwrap()]);
    for (host, wrong) in [
        ("127.0.0.1", "`smtp_host`: "),
        ("localhost", "`smtp_host`: "),
        ("mail.internal", "`smtp_host`: "),
        ("inside.acme.example", "`inside.acme.example` does not lead to the public internet"),
        ("nowhere.acme.example", "`nowhere.acme.example` does not lead to the public internet"),
    ] {
        set("smtp_host", json!(host));
        office.edge.sql("DELETE FROM user_notification");
        office.deliver(&office.tell(&reset(&office)));
        let error = office.only()["metadata"]["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(wrong), "{host}: {error}");
    }
    set("mail_transport", json!("http"));
    set("mail_http_url", json!("https://169.254.169.254/latest"));
    set("mail_http_secret", json!("s"));
    office.edge.sql("DELETE FROM user_notification");
    office.deliver(&office.tell(&reset(&office)));
    assert!(office.only()["metadata"]["error"].as_str().unwrap().starts_with("`mail_http_url`: "));
    assert!(server.connections.borrow().is_empty());
}

#[test]
fn by_the_services_way_a_tenant_does_not_choose_who_sends() {
    let office = mailing();
    let server = MailServer::new(&office);
    for (key, value) in [("mail_from", "ceo@other.example"), ("mail_reply_to", "it@acme.example")] {
        let path = format!("/v1/tenant-settings/integration/{key}");
        assert_status(&office.owner("PUT", &path, json!({ "value": value })), 201);
    }
    office.deliver(&office.tell(&reset(&office)));
    let mail = server.mail();
    assert!(mail.contains("From: \"Acme\" <no-reply@id.example.com>") && mail.contains("Reply-To: <it@acme.example>"));
    assert!(!mail.contains("ceo@other.example"), "{mail}");
}

#[test]
fn mail_and_text_messages_go_by_an_http_api() {
    let office = mailing();
    lead(&office, &["api.postmarkapp.com", "api.twilio.com"]);
    let set = |key: &str, value: Value| {
        let response =
            office.owner("PUT", &format!("/v1/tenant-settings/integration/{key}"), json!({ "value": value }));
        assert!(response.status < 300, "{}", body(&response));
    };
    for (key, value) in [
        ("mail_transport", json!("http")),
        ("mail_http_preset", json!("postmark")),
        ("mail_http_secret", json!("token-1")),
        ("mail_from", json!("hello@acme.example")),
        ("sms_transport", json!("http")),
        ("sms_http_preset", json!("twilio")),
        ("sms_http_url", json!("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json")),
        ("sms_http_secret", json!("AC1:token-2")),
        ("sms_from", json!("+15550100")),
    ] {
        set(key, value);
    }
    let asked: Rc<RefCell<Vec<Outgoing>>> = Rc::default();
    let (hears, answers) =
        (asked.clone(), Rc::new(RefCell::new((200, r#"{"MessageID": "m-1", "sid": "SM1"}"#.to_owned()))));
    let says = answers.clone();
    office.edge.app.fetch.answer(move |request| {
        hears.borrow_mut().push(request.clone());
        let (status, body) = says.borrow().clone();
        Ok(Incoming { status, retry_after: Some("1200".to_owned()), body: body.into_bytes(), ..Incoming::default() })
    });
    office.deliver(&office.tell(&reset(&office)));
    let request = asked.borrow()[0].clone();
    assert_eq!(request.url, "https://api.postmarkapp.com/email");
    assert!(request.headers.contains(&("x-postmark-server-token".to_owned(), "token-1".to_owned())));
    let said: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!((&said["To"], &said["Subject"]), (&json!("anna@acme.example"), &json!("Set a new password")));
    assert_eq!(office.only()["metadata"]["provider_id"], "m-1");
    let key = office.only()["id"].clone();
    assert!(request.headers.contains(&("idempotency-key".to_owned(), key.as_str().unwrap().to_owned())));
    // It asks for patience, and gets it.
    office.edge.sql("DELETE FROM user_notification");
    *answers.borrow_mut() = (429, "{}".to_owned());
    office.deliver(&office.tell(&reset(&office)));
    let next = time(office.only()["next_attempt_at"].as_str().unwrap());
    assert_eq!(next.as_millis() - office.edge.app.clock.now().as_millis(), 1_200_000);
    // A text message has no address until there is a number.
    office.edge.sql("DELETE FROM user_notification");
    let code = office.wanted(ANNA, "phone.verify", &[("code", "428913"), ("expires_minutes", "10")]);
    assert!(office.tell(&code).is_empty());
    office.edge.sql("UPDATE user SET phone = '+4930123456'");
    *answers.borrow_mut() = (400, r#"{"code": 21610, "message": "unsubscribed"}"#.to_owned());
    let messages = office.tell(&code);
    assert!(!format!("{:?}", office.notifications()).contains("428913"));
    office.deliver(&messages);
    let request = asked.borrow().last().unwrap().clone();
    assert!(
        request.body.contains("Body=428913+is+your+code+for+Acme") && request.body.contains("To=%2B4930123456"),
        "{}",
        request.body
    );
    assert_eq!(office.only()["status"], "failed");
    let page = assert_status(&office.owner("GET", "/v1/message-suppressions", Value::Null), 200);
    assert_eq!(page["items"][0]["address"], "+4930123456");
}

#[test]
fn the_binding_sends_and_without_a_channel_a_message_waits() {
    let mut office = office();
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    let row = office.only();
    assert_eq!(row["status"], "pending");
    assert_eq!(row["metadata"]["error"], "the tenant has no channel of its own, and the service none either");
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("MAIL_CHANNEL", r#"{"mail_transport": "binding", "mail_from": "no-reply@id.example.com"}"#),
    ]);
    office.edge.app.mailer.open();
    office.wait(60);
    office.deliver(&messages);
    assert_eq!(office.only()["status"], "sent");
    let sent = office.edge.app.mailer.take();
    assert_eq!((sent[0].0.as_str(), sent[0].1.as_str()), ("no-reply@id.example.com", "anna@acme.example"));
    // What is set wrongly keeps messages waiting, and no decision.
    office.edge.app.config =
        configuration(&[("SNAPSHOT_KEY", &"ab".repeat(32)), ("DATA_KEY", &"cd".repeat(32)), ("MAIL_CHANNEL", "{")]);
    let key = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&key), true);
    office.edge.sql("DELETE FROM user_notification");
    office.deliver(&office.tell(&reset(&office)));
    assert_eq!(office.only()["status"], "pending");
}

#[test]
fn the_language_falls_back_and_the_tenants_own_goes_before() {
    let office = mailing();
    let make = |locale: &str, subject: &str, active: bool| {
        let body = json!({ "name": "password.reset", "type": "email", "locale": locale, "subject": subject, "is_active": active,
                           "template_body": "[Link]({{link}})", "variables": { "link": {} } });
        assert_status(&office.owner("POST", "/v1/notification-templates", body), 201);
    };
    let subject = |locale: Option<&str>| {
        office.edge.sql("DELETE FROM user_notification");
        office.tell(&Wanted { locale: locale.map(str::to_owned), ..reset(&office) });
        office.only()["subject"].as_str().unwrap().to_owned()
    };
    assert_eq!(subject(Some("pt-BR")), "Set a new password", "English, where there is nothing else");
    make("de", "de", true);
    assert_status(&office.owner("PUT", "/v1/tenant-settings/ui/language", json!({ "value": "de-AT" })), 201);
    assert_eq!(subject(Some("pt-BR")), "de", "the tenant's language, less exact");
    make("pt", "pt", true);
    make("pt-BR", "off", false);
    assert_eq!(subject(Some("pt-BR")), "pt");
    assert_eq!(subject(Some("en-GB")), "Set a new password", "the system's, in the language that is wanted");
    make("en", "own en", true);
    assert_eq!(subject(Some("en-GB")), "own en");
    office.edge.sql(r#"UPDATE user SET custom_attributes = '{"locale":"pt-PT"}'"#);
    assert_eq!(subject(None), "pt", "the user's own");
}

#[test]
fn a_template_is_checked_when_it_is_saved() {
    let office = office();
    let sound = json!({ "name": "role.assigned", "type": "email", "subject": "You: {{role}}", "template_body": "{{#if role}}{{role}}{{/if}}",
                        "variables": { "role": {} } });
    let with = |changes: Value| {
        let mut body = sound.clone();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        office.owner("POST", "/v1/notification-templates", body)
    };
    let own = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    for (changes, wanted) in [
        (json!({ "template_body": "a\n {{user_name}}" }), own("template_body", "template.invalid")),
        (json!({ "template_body": "{{#if role}}" }), own("template_body", "template.invalid")),
        (json!({ "template_body": "{{{role}}}" }), own("template_body", "template.invalid")),
        (json!({ "subject": "{{#each role}}x{{/each}}" }), own("subject", "template.invalid")),
        (json!({ "subject": "a\r\nBcc: x" }), own("subject", "notification_template.subject")),
        (json!({ "variables": { "role": {}, "link": {} } }), own("variables/link", "notification_template.variable")),
        (json!({ "name": "sale.started" }), own("name", "notification_template.purpose")),
        (json!({ "locale": "english" }), own("locale", "notification_template.locale")),
        (json!({ "type": "sms" }), own("subject", "notification_template.subject")),
        (json!({ "subject": null }), own("subject", "row.missing")),
        (
            json!({ "name": "password.reset", "subject": "{{link}}", "variables": { "link": {} }, "template_body": "x" }),
            own("subject", "template.invalid"),
        ),
        (
            json!({ "name": "password.reset", "type": "in_app", "subject": "x", "template_body": "x", "variables": {} }),
            own("type", "notification_template.secret"),
        ),
    ] {
        let response = with(changes.clone());
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(codes(&response), wanted, "{changes}: {}", body(&response));
    }
    let wrong = with(json!({ "template_body": "a\n {{user_name}}" }));
    let message = body(&wrong)["findings"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "line 2, column 2: there is no variable `user_name` here: there is `role`");
    assert!(office.log().is_empty());
    let made = assert_status(&with(json!({})), 201);
    let item = format!("/v1/notification-templates/{}", made["id"].as_str().unwrap());
    let response = office.owner("PATCH", &item, json!({ "template_body": "{{nmae}}" }));
    assert_eq!(codes(&response), own("template_body", "template.invalid"));
    let response = office.owner("PATCH", &item, json!({ "locale": "de" }));
    assert_eq!(codes(&response), own("locale", "row.read_only"));
    let auditor = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read", "admin:write"]);
    assert_problem(
        &office.by(&auditor, "GET", "/v1/notification-templates", Value::Null),
        403,
        "access.missing_permission",
    );
}

#[test]
fn the_operators_templates_are_seen_and_not_changed() {
    let office = office();
    let page = assert_status(&office.owner("GET", "/v1/notification-templates?name=test&type=email", Value::Null), 200);
    let system = page["items"][0].clone();
    assert_eq!(system["tenant_id"], Value::Null);
    let item = format!("/v1/notification-templates/{}", system["id"].as_str().unwrap());
    assert_status(&office.owner("GET", &item, Value::Null), 200);
    let change = office.owner("PATCH", &item, json!({ "subject": "Ours" }));
    assert_eq!(codes(&change), [("tenant_id".to_owned(), "row.read_only".to_owned())]);
    for change in [json!({ "is_active": false }), json!({ "template_body": "x" }), json!({ "tenant_id": TENANT })] {
        assert_problem(&office.owner("PATCH", &item, change), 422, "request.invalid");
    }
    assert_eq!(office.owner("DELETE", &item, Value::Null).status, 422);
    assert_eq!(office.owner("POST", &format!("{item}/restore"), json!({ "version": 1 })).status, 422);
    // Who sends back what they got changes nothing by it.
    assert_eq!(assert_status(&office.owner("PATCH", &item, system.clone()), 200), system);
    let kept = assert_status(&office.owner("GET", &item, Value::Null), 200);
    assert_eq!((kept, office.log().len(), office.events().len()), (system, 0, 0));
}

#[test]
fn a_preview_shows_what_would_be_sent_and_sends_nothing() {
    let office = office();
    office.edge.sql("UPDATE tenant SET name = 'A <b> & Co'");
    let body_text = "Hello {{user_name}},\n\n[See it](https://acme.example/roles)\n\nYou have {{role}}.";
    let template = json!({ "name": "role.assigned", "type": "email", "subject": "{{tenant_name}}: {{role}}", "template_body": body_text,
                           "variables": { "role": {}, "user_name": {}, "tenant_name": {} } });
    let made = assert_status(&office.owner("POST", "/v1/notification-templates", template), 201);
    let path = format!("/v1/notification-templates/{}/preview", made["id"].as_str().unwrap());
    let shown = assert_status(&office.owner("POST", &path, Value::Null), 200);
    assert_eq!(shown["subject"], "A <b> & Co: editor");
    let values = json!({ "values": { "role": "<script>[x](https://evil.example)" } });
    let shown = assert_status(&office.owner("POST", &path, values), 200);
    assert!(shown["text"].as_str().unwrap().contains("See it:\nhttps://acme.example/roles"));
    let html = shown["html"].as_str().unwrap();
    assert!(
        html.contains("&lt;script&gt;[x](https://evil.example)") && html.contains("A &lt;b&gt; &amp; Co"),
        "{html}"
    );
    assert_eq!(html.matches("<a href=").count(), 1);
    let other = assert_status(
        &office.owner("POST", &path, json!({ "subject": "New {{role}}", "template_body": "{{role}}" })),
        200,
    );
    assert_eq!((&other["subject"], &other["text"]), (&json!("New editor"), &json!("editor")));
    let wrong = json!({ "template_body": "{{x}}", "values": { "link": "a", "role": 7 }, "colour": 1 });
    let wrong = office.owner("POST", &path, wrong);
    let mut fields: Vec<String> = codes(&wrong).into_iter().map(|(field, _)| field).collect();
    fields.sort();
    assert_eq!(fields, ["colour", "template_body", "values/link", "values/role"]);
    assert!(office.notifications().is_empty() && office.edge.app.deliveries.take().is_empty());
    assert_eq!(office.log().len(), 1);
}

#[test]
fn a_test_goes_to_who_asks_for_it() {
    let office = mailing();
    let server = MailServer::new(&office);
    let page = assert_status(&office.owner("GET", "/v1/notification-templates?name=password.reset", Value::Null), 200);
    let path = format!("/v1/notification-templates/{}/test", page["items"][0]["id"].as_str().unwrap());
    let response = office.owner("POST", &path, Value::Null);
    let answer = assert_status(&response, 202);
    let messages = office.edge.app.deliveries.take();
    assert_eq!(messages[0]["notify"]["notification"], answer["id"]);
    office.deliver(&messages);
    let mail = server.mail();
    assert!(mail.contains("To: <olga@acme.example>") && mail.contains("Subject: Set a new password"), "{mail}");
    assert_eq!(office.only()["user_id"], OLGA);
    assert_eq!(office.events(), ["notification_template.tested"]);
    assert_eq!(office.owner("POST", &path, json!({ "to": "else@evil.example" })).status, 422);
    let versions = office.versions();
    office.owner("POST", &path, Value::Null);
    assert_eq!(office.versions(), versions, "nothing of what is decided changes");
}

#[test]
fn earlier_texts_are_kept_and_come_back() {
    let office = office();
    let template = json!({ "name": "test", "type": "email", "subject": "one", "template_body": "one" });
    let made = assert_status(&office.owner("POST", "/v1/notification-templates", template), 201);
    let item = format!("/v1/notification-templates/{}", made["id"].as_str().unwrap());
    for text in ["two", "three"] {
        assert_status(&office.owner("PATCH", &item, json!({ "subject": text, "template_body": text })), 200);
    }
    assert_status(&office.owner("PATCH", &item, json!({ "is_active": false })), 200);
    let versions = assert_status(&office.owner("GET", &format!("{item}/versions"), Value::Null), 200);
    let told: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|its| (its["version"].clone(), its["template_body"].clone()))
        .collect();
    assert_eq!(told, [(json!(2), json!("two")), (json!(1), json!("one"))]);
    let restored = assert_status(&office.owner("POST", &format!("{item}/restore"), json!({ "version": 1 })), 200);
    assert_eq!(
        (&restored["subject"], &restored["template_body"], &restored["is_active"]),
        (&json!("one"), &json!("one"), &json!(false))
    );
    assert_eq!(office.events().last().unwrap(), "notification_template.restored");
    for wrong in [
        json!({ "version": 9 }),
        json!({}),
        json!({ "version": 0 }),
        json!({ "version": "1" }),
        json!({ "version": 1, "x": 1 }),
    ] {
        assert_problem(&office.owner("POST", &format!("{item}/restore"), wrong), 422, "request.invalid");
    }
    for number in 0..60 {
        office
            .edge
            .sql("UPDATE notification_template SET template_body = template_body || 'x' WHERE tenant_id IS NOT NULL");
        assert!(number < 100);
    }
    assert_eq!(office.edge.sql("SELECT version FROM notification_template_version").len(), 50);
}

#[test]
fn what_people_do_not_want_they_are_not_told_but_for_what_is_about_who_they_are() {
    let office = mailing();
    let me = office.edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let path = "/v1/me/notification-preferences";
    let all = assert_status(&office.by(&me, "GET", path, Value::Null), 200);
    assert!(all["items"].as_array().unwrap().iter().all(|item| item["is_enabled"] == true));
    let off = |name: &str| json!({ "items": [{ "name": name, "type": "email", "is_enabled": false }] });
    let changed = assert_status(&office.by(&me, "PATCH", path, off("role.assigned")), 200);
    let item = changed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["name"] == "role.assigned" && item["type"] == "email")
        .unwrap();
    assert_eq!(item["is_enabled"], false);
    let assigned = office.wanted(ANNA, "role.assigned", &[("role", "reader")]);
    office.tell(&assigned);
    assert_eq!(office.only()["type"], "in_app");
    let refused = office.by(&me, "PATCH", path, off("password.reset"));
    assert_eq!(codes(&refused), [("items/0/is_enabled".to_owned(), "notification_preference.security".to_owned())]);
    // Even if it stood there, it would not count.
    office.edge.sql("UPDATE notification_preference SET name = 'password.reset'");
    assert_eq!(office.tell(&reset(&office)).len(), 1);
    for (items, field) in [
        (json!([{ "name": "nothing", "type": "email", "is_enabled": true }]), "items/0/name"),
        (json!([{ "name": "role.assigned", "type": "sms", "is_enabled": true }]), "items/0/type"),
        (json!([{ "name": "role.assigned", "type": "email", "is_enabled": "no" }]), "items/0/is_enabled"),
        (json!([{ "name": "role.assigned", "type": "email", "is_enabled": true, "user_id": BEN }]), "items/0/user_id"),
        (json!(7), "items"),
    ] {
        let response = office.by(&me, "PATCH", path, json!({ "items": items }));
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(codes(&response)[0].0, field);
    }
}

#[test]
fn nobody_is_told_of_one_thing_without_end() {
    let office = mailing();
    let most = usize::try_from(purpose::find("password.reset").unwrap().hourly).unwrap();
    for _ in 0..most + 3 {
        office.tell(&reset(&office));
    }
    assert_eq!(office.notifications().len(), most);
    // What has a count of its own still comes, and others are told.
    office.tell(&office.wanted(ANNA, "password.changed", &[("time", "now")]));
    office.tell(&Wanted { user: Some(BEN.parse().unwrap()), ..reset(&office) });
    assert_eq!(office.notifications().len(), most + 3);
    office.wait(3601);
    office.tell(&reset(&office));
    assert_eq!(office.notifications().len(), most + 4);
}

#[test]
fn nobody_is_told_anything_who_is_gone_or_whose_tenant_is() {
    let office = mailing();
    office.edge.sql("UPDATE user SET state = 'deleted' WHERE id = '01980000-0000-7000-8000-000000000101'");
    assert!(office.tell(&reset(&office)).is_empty());
    let ben = Wanted { user: Some(BEN.parse().unwrap()), ..reset(&office) };
    let messages = office.tell(&ben);
    assert_eq!(messages.len(), 1);
    office.edge.sql("UPDATE tenant SET status = 'suspended'");
    assert!(office.tell(&ben).is_empty());
    let nobody = Wanted { user: Some(Uuid::from_u128(7)), ..reset(&office) };
    assert!(office.tell(&nobody).is_empty());
    let other = Wanted { tenant: OTHER.parse().unwrap(), ..reset(&office) };
    assert!(office.tell(&other).is_empty(), "another tenant has no such user");
    // Who is deleted while a message waits is not written to.
    office.edge.sql("UPDATE tenant SET status = 'active'");
    office.edge.sql("UPDATE user SET state = 'deleted'");
    office.deliver(&messages);
    assert_eq!(office.only()["status"], "failed");
}

#[test]
fn events_tell_whom_the_table_says_once() {
    let office = mailing();
    let given = office.owner(
        "POST",
        "/v1/user-roles",
        json!({ "user_id": BEN, "role_id": READER, "expires_at": "2026-12-31T00:00:00Z" }),
    );
    assert_status(&given, 201);
    assert_status(&office.owner("POST", &format!("/v1/users/{ANNA}/suspend"), Value::Null), 200);
    let events = office.edge.sql("SELECT * FROM outbox ORDER BY rowid");
    for event in events {
        let event = Outbox::from_sql(event).unwrap();
        for _ in 0..2 {
            let (notices, next) = pollster::block_on(for_event(&office.edge.app, &event, Uuid::nil())).unwrap();
            assert_eq!(next, None);
            office.write(notices);
        }
    }
    let told: Vec<_> = office
        .notifications()
        .iter()
        .map(|row| (row["user_id"].clone(), row["type"].clone(), row["subject"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!(BEN), json!("email"), json!("You have the role reader")),
            (json!(BEN), json!("in_app"), json!("You have the role reader")),
            (json!(ANNA), json!("email"), json!("Your account at Acme is suspended")),
        ]
    );
    assert!(office.notifications()[0]["content"].as_str().unwrap().contains("until 2026-12-31 00:00 UTC"));
    let disabled = Outbox {
        id: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0777),
        tenant_id: TENANT.parse().unwrap(),
        event_type: "webhook.disabled".to_owned(),
        payload: json!({ "object": { "name": "sink", "reason": "it failed" } }).as_object().unwrap().clone(),
        created_at: time(NOW),
        published_at: None,
    };
    let (notices, _) = pollster::block_on(for_event(&office.edge.app, &disabled, Uuid::nil())).unwrap();
    assert_eq!(notices.messages.len(), 1);
    office.write(notices);
    assert_eq!(office.notifications()[3]["user_id"], OLGA);
}

/// Owners are told five at a time, each once, however often a message of the queue comes; and no invocation asks more of the
/// database than it takes.
#[test]
fn all_owners_are_told_however_many_there_are() {
    let office = mailing();
    MailServer::new(&office);
    office.edge.sql(
        "INSERT INTO user (id, tenant_id, email, email_verified, phone_verified, custom_attributes, is_active, state,
                           force_password_change, created_at, updated_at)
         SELECT printf('01980000-0000-7000-8000-%012d', 5000 + n.value), tenant_id, 'o' || n.value || '@acme.example', 0, 0,
                '{}', 1, 'active', 0, created_at, updated_at
         FROM user, (WITH RECURSIVE c(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 20)
                     SELECT value FROM c) n WHERE email = 'anna@acme.example'",
    );
    let give = Statement::new(
        "INSERT INTO user_role (id, tenant_id, user_id, role_id, assigned_at, is_active)
         SELECT replace(id, '8000', '9000'), tenant_id, id, ?1, created_at, 1 FROM user WHERE email LIKE 'o%' AND email <> 'olga@acme.example'",
    );
    pollster::block_on(office.edge.app.db.all(give.bind(office.roles[0]))).unwrap();
    office.edge.sql(
        "INSERT INTO outbox (id, tenant_id, event_type, payload, created_at)
         SELECT '01980000-0000-7000-8000-000000000777', id, 'webhook.disabled', '{\"object\": {\"name\": \"sink\"}}', created_at
         FROM tenant",
    );
    let mut left: Vec<Value> = vec![json!({ "fan_out": { "tenant": TENANT } })];
    let mut handled = 0;
    while let Some(message) = left.pop() {
        for _ in 0..2 {
            let (done, statements) =
                office.edge.app.db.recording(|| pollster::block_on(consume(&office.edge.app, &message.to_string())));
            assert_eq!(done, Handled::Done);
            assert!(statements.len() < 100, "{}", statements.len());
            handled += 1;
        }
        left.extend(office.edge.app.queue.take());
        left.sort_by_key(Value::to_string);
        left.dedup();
    }
    let told = office.edge.sql("SELECT user_id FROM user_notification WHERE type = 'in_app' ORDER BY user_id");
    let owners = office.edge.sql("SELECT id FROM user WHERE email LIKE 'o%' ORDER BY id");
    let ids = |rows: &[Row], column: &str| rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
    assert_eq!((ids(&told, "user_id"), owners.len()), (ids(&owners, "id"), 21), "Olga and twenty more");
    assert!((8..=14).contains(&handled), "{handled}");
}

/// The event comes once, to webhooks that want it, with nothing of what the message says; and nothing follows from it.
#[test]
fn what_became_of_a_message_is_told_to_webhooks_that_want_it() {
    let office = mailing();
    let server = MailServer::new(&office);
    office.deliver(&office.tell(&reset(&office)));
    assert!(office.events().is_empty(), "nobody wants to know");
    let (hook, _) = super::webhooks::webhook(&office, "mail", &["user_notification.*"]);
    let made = office.events().len();
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    office.deliver(&messages);
    server.refuses("RCPT", "451 4.7.1 greylisted");
    let messages = office.tell(&reset(&office));
    office.deliver(&messages);
    assert_eq!(office.events()[made..], ["user_notification.sent"], "what is tried again has no outcome yet");
    office.wait(60);
    server.refuses("RCPT", "550 5.7.1 blocked");
    office.deliver(&messages);
    assert_eq!(office.events()[made..], ["user_notification.sent", "user_notification.failed"]);
    let failed = office.notifications()[2].clone();
    let event = office.edge.sql("SELECT payload FROM outbox WHERE event_type = 'user_notification.failed'");
    let event: Value = serde_json::from_str(event[0]["payload"].as_str().unwrap()).unwrap();
    let object = &event["object"];
    assert_eq!((&object["id"], &object["user_id"], &object["status"]), (&failed["id"], &json!(ANNA), &json!("failed")));
    assert_eq!(object["metadata"], failed["metadata"]);
    assert_eq!(event["changed"], json!(["status", "metadata", "next_attempt_at"]));
    assert!(["subject", "content", "sealed"].iter().all(|column| object.get(*column).is_none()), "{object:#}");
    // The webhook hears of both, and nobody is told of it in turn.
    let heard: Rc<RefCell<Vec<String>>> = Rc::default();
    let hears = heard.clone();
    office.edge.app.fetch.answer(move |request| {
        let said: Value = serde_json::from_str(&request.body).unwrap();
        hears.borrow_mut().push(said["type"].as_str().unwrap().to_owned());
        Ok(super::messages::answer(204))
    });
    super::messages::settle(&office.edge);
    assert_eq!(*heard.borrow(), ["user_notification.sent", "user_notification.failed"]);
    assert_eq!(office.notifications().len(), 3);
    // Only what it wants, and while it is on.
    let path = super::webhooks::path(&hook);
    assert_status(&office.owner("PATCH", &path, json!({ "event_types": ["user_notification.failed"] })), 200);
    server.is_well();
    let told = office.events().len();
    office.deliver(&office.tell(&reset(&office)));
    assert_eq!(office.events().len(), told);
    assert_status(&office.owner("PATCH", &path, json!({ "is_active": false })), 200);
    server.refuses("RCPT", "550 5.7.1 blocked");
    office.deliver(&office.tell(&reset(&office)));
    assert_eq!(office.notifications()[4]["status"], "failed");
    assert_eq!(office.events()[told..], ["webhook.updated"]);
}

#[test]
fn what_is_told_in_the_application_is_read_by_its_user_alone() {
    let office = mailing();
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let ben = office.edge.key_of(TENANT, Some(BEN), None, &["me"]);
    for number in 0..5 {
        office.wait(1);
        let wanted = office.wanted(ANNA, "role.assigned", &[("role", &format!("r{number}"))]);
        office.tell(&Wanted { channels: Some(&[NotificationType::InApp]), ..wanted });
    }
    let get = |key: &ApiKeyToken, path: &str| {
        assert_status(&office.by(key, "GET", &format!("/v1/me/notifications{path}"), Value::Null), 200)
    };
    assert_eq!(get(&anna, "/unread"), json!({ "unread": 5 }));
    assert_eq!(get(&ben, ""), json!({ "items": [] }));
    let first = get(&anna, "?limit=2");
    let subject = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subject(&first), ["You have the role r4", "You have the role r3"]);
    let second = get(&anna, &format!("?limit=2&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!(subject(&second), ["You have the role r2", "You have the role r1"]);
    let last = get(&anna, &format!("?limit=2&cursor={}", second["next_cursor"].as_str().unwrap()));
    assert_eq!((subject(&last).len(), last.get("next_cursor")), (1, None));
    let read =
        |key: &ApiKeyToken, body: Value| assert_status(&office.by(key, "POST", "/v1/me/notifications/read", body), 200);
    let third = second["items"][0]["id"].clone();
    assert_eq!(read(&ben, json!({ "up_to": third })), json!({ "unread": 0 }));
    assert_eq!(read(&ben, json!({ "ids": [third] })), json!({ "unread": 0 }));
    assert_eq!(get(&anna, "/unread"), json!({ "unread": 5 }), "nobody marks what is another's");
    assert_eq!(read(&anna, json!({ "ids": [first["items"][0]["id"]] })), json!({ "unread": 4 }));
    assert_eq!(read(&anna, json!({ "up_to": third })), json!({ "unread": 1 }));
    assert_eq!(subject(&get(&anna, "?unread=true")), ["You have the role r3"]);
    for body in [
        json!({}),
        json!({ "ids": ["x"] }),
        json!({ "ids": 7 }),
        json!({ "up_to": "x" }),
        json!({ "up_to": third, "ids": [] }),
        json!({ "ids": [], "x": 1 }),
    ] {
        assert_problem(&office.by(&anna, "POST", "/v1/me/notifications/read", body), 422, "request.invalid");
    }
    for query in ["?limit=0", "?cursor=x", "?unread=maybe", "?sort=id", "?limit=1&limit=2"] {
        assert_problem(
            &office.by(&anna, "GET", &format!("/v1/me/notifications{query}"), Value::Null),
            400,
            "query.invalid",
        );
    }
    let account = office.edge.key_of(TENANT, None, Some(BOT), &["me"]);
    assert_problem(&office.by(&account, "GET", "/v1/me/notifications", Value::Null), 403, "access.no_principal");
    assert_problem(&office.owner("GET", "/v1/me/notifications", Value::Null), 403, "access.missing_scope");
}

#[test]
fn a_purge_leaves_nothing_of_it() {
    let office = mailing();
    let server = MailServer::new(&office);
    server.refuses("RCPT", "550 5.1.1 no such user");
    office.deliver(&office.tell(&reset(&office)));
    let me = office.edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let off = json!({ "items": [{ "name": "role.assigned", "type": "email", "is_enabled": false }] });
    assert_status(&office.by(&me, "PATCH", "/v1/me/notification-preferences", off), 200);
    assert_status(&office.owner("DELETE", &format!("/v1/users/{ANNA}"), Value::Null), 204);
    assert_status(&office.owner("POST", &format!("/v1/users/{ANNA}/purge"), Value::Null), 200);
    for table in ["user_notification", "notification_preference", "message_suppression"] {
        let sql = format!("SELECT * FROM {table}");
        assert!(pollster::block_on(office.edge.app.db.all(Statement::new(sql))).unwrap().is_empty(), "{table}");
    }
}

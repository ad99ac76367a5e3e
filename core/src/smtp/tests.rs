//! Transcripts: what each side says, line by line.

use super::*;
use crate::model::Secret;

const MESSAGE: &[u8] = b"Subject: Hi\r\n\r\n.dot\r\n..two\r\nend";

fn server(security: Security, credentials: Option<(&str, &str)>) -> Server {
    let credentials =
        credentials.map(|(user, password)| Credentials { user: user.to_owned(), password: Secret::new(password) });
    let host = if security == Security::Loopback { "127.0.0.1" } else { "mail.example.com" };
    Server::new(host, 587, security, credentials).unwrap()
}

fn envelope(to: &str) -> Envelope {
    Envelope { hello: "id.example.com".to_owned(), from: "no-reply@example.com".to_owned(), to: to.to_owned() }
}

fn session(security: Security, credentials: Option<(&str, &str)>) -> Session {
    Session::new(&server(security, credentials), envelope("ann@example.org"), MESSAGE).unwrap()
}

/// Plays a transcript: `S: ` is what the server says, `C: ` what the client must say, `TLS` where TLS begins, `OK` where
/// the message is handed over. Gives what ends it early.
#[track_caller]
fn play(session: &mut Session, transcript: &str) -> Result<(), SmtpError> {
    let mut written = Vec::new();
    for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("S: ") {
            assert!(written.is_empty(), "it also said {:?}", String::from_utf8_lossy(&written));
            session.received(format!("{text}\r\n").as_bytes());
            continue;
        }
        if let Some(text) = line.strip_prefix("C:").map(|text| text.strip_prefix(' ').unwrap_or(text)) {
            if written.is_empty() {
                match session.step()? {
                    Action::Write(bytes) => written = bytes,
                    other => panic!("{other:?} instead of {line}"),
                }
            }
            let text = format!("{text}\r\n");
            let said = String::from_utf8_lossy(&written).into_owned();
            assert!(said.starts_with(&text), "{said:?} instead of {text:?}");
            written.drain(..text.len());
            continue;
        }
        match (line, session.step()?) {
            ("TLS", Action::StartTls) | ("OK", Action::Accepted(_)) => {}
            (line, other) => panic!("{other:?} instead of {line}"),
        }
    }
    assert!(written.is_empty());
    assert_eq!(session.step()?, Action::Read);
    Ok(())
}

const AFTER_HELLO: &str = "
    C: MAIL FROM:<no-reply@example.com>
    S: 250 2.1.0 Ok
    C: RCPT TO:<ann@example.org>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 go on
    C: Subject: Hi
    C:
    C: ..dot
    C: ...two
    C: end
    C: .
    S: 250 2.0.0 queued as 7
    OK
    C: QUIT";

#[test]
fn a_message_is_submitted_over_implicit_tls() {
    let script = format!(
        "S: 220 mail.example.com ESMTP
         C: EHLO id.example.com
         S: 250 mail.example.com
         {AFTER_HELLO}"
    );
    play(&mut session(Security::Tls, None), &script).unwrap();
}

#[test]
fn tls_begins_before_credentials_and_what_was_offered_before_is_forgotten() {
    let mut session = session(Security::StartTls, Some(("ann", "secret")));
    play(
        &mut session,
        "S: 220-mail.example.com ESMTP
         S: 220 welcome
         C: EHLO id.example.com
         S: 250-mail.example.com
         S: 250-AUTH PLAIN LOGIN
         S: 250 STARTTLS
         C: STARTTLS
         S: 220 go ahead
         TLS
         C: EHLO id.example.com
         S: 250-mail.example.com
         S: 250-SIZE 1000
         S: 250-8BITMIME
         S: 250 AUTH LOGIN
         C: AUTH LOGIN
         S: 334 VXNlcm5hbWU6
         C: YW5u
         S: 334 UGFzc3dvcmQ6
         C: c2VjcmV0
         S: 235 2.7.0 welcome
         C: MAIL FROM:<no-reply@example.com> SIZE=33",
    )
    .unwrap();
}

#[test]
fn plain_is_said_at_once_or_after_a_prompt() {
    let hello = "S: 220 hi
         C: EHLO id.example.com
         S: 250-hi
         S: 250 AUTH LOGIN PLAIN\n";
    let mut short = session(Security::Tls, Some(("ann", "secret")));
    play(
        &mut short,
        &format!("{hello} C: AUTH PLAIN AGFubgBzZWNyZXQ=\nS: 235 ok\nC: MAIL FROM:<no-reply@example.com>"),
    )
    .unwrap();
    let password = "x".repeat(600);
    let mut long = session(Security::Tls, Some(("ann", &password)));
    use base64::Engine as _;
    let response = base64::prelude::BASE64_STANDARD.encode(format!("\0ann\0{password}"));
    play(
        &mut long,
        &format!("{hello} C: AUTH PLAIN\nS: 334 \nC: {response}\nS: 235 ok\nC: MAIL FROM:<no-reply@example.com>"),
    )
    .unwrap();
}

#[test]
fn nothing_is_said_in_the_clear_that_should_not_be() {
    let mut none = session(Security::StartTls, Some(("ann", "secret")));
    let script = "S: 220 hi\nC: EHLO id.example.com\nS: 250-hi\nS: 250 AUTH PLAIN\nC: AUTH PLAIN x";
    assert_eq!(play(&mut none, script), Err(SmtpError::NoStartTls));
    let mut early = session(Security::StartTls, Some(("ann", "secret")));
    play(&mut early, "S: 220 hi\nC: EHLO id.example.com\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS").unwrap();
    early.received(b"220 go ahead\r\n250 injected\r\n");
    assert_eq!(early.step(), Err(SmtpError::EarlyData));
    let mut refused = session(Security::StartTls, Some(("ann", "secret")));
    let script = "S: 220 hi\nC: EHLO id.example.com\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 not now\nTLS";
    let error = play(&mut refused, script).unwrap_err();
    assert_eq!((error.code(), error.verdict()), ("smtp.refused", Verdict::Transient));
}

#[test]
fn what_a_server_cannot_take_is_not_sent() {
    let hello = |offers: &str| format!("S: 220 hi\nC: EHLO id.example.com\nS: 250-hi\nS: 250 {offers}\nC: MAIL");
    let mut large = session(Security::Tls, None);
    assert_eq!(play(&mut large, &hello("SIZE 10")), Err(SmtpError::TooLarge { size: 33, most: 10 }));
    let to = envelope("ä@example.org");
    let mut utf8 = Session::new(&server(Security::Tls, None), to.clone(), MESSAGE).unwrap();
    assert_eq!(play(&mut utf8, &hello("SIZE 0")), Err(SmtpError::NoUtf8));
    let mut utf8 = Session::new(&server(Security::Tls, None), to, MESSAGE).unwrap();
    play(&mut utf8, &hello("SMTPUTF8").replace("C: MAIL", "C: MAIL FROM:<no-reply@example.com> SMTPUTF8")).unwrap();
    let body = "Subject: Hi\n\nä".as_bytes();
    let mut eight = Session::new(&server(Security::Tls, None), envelope("a@example.org"), body).unwrap();
    assert_eq!(play(&mut eight, &hello("HELP")), Err(SmtpError::No8Bit));
    let mut eight = Session::new(&server(Security::Tls, None), envelope("a@example.org"), body).unwrap();
    play(&mut eight, &hello("8BITMIME").replace("C: MAIL", "C: MAIL FROM:<no-reply@example.com> BODY=8BITMIME"))
        .unwrap();
    let mut none = session(Security::Tls, Some(("ann", "secret")));
    assert_eq!(play(&mut none, &hello("AUTH GSSAPI CRAM-MD5")), Err(SmtpError::NoMechanism));
}

#[test]
fn a_refusal_says_what_becomes_of_the_message() {
    use Verdict::{Permanent, Transient, Undeliverable};
    let to_rcpt = "S: 220 hi\nC: EHLO id.example.com\nS: 250 hi\nC: MAIL FROM:<no-reply@example.com>\n";
    let mail = |reply: &str| format!("{to_rcpt}S: {reply}\nC: RCPT TO:<ann@example.org>");
    let rcpt = |reply: &str| format!("{to_rcpt}S: 250 ok\nC: RCPT TO:<ann@example.org>\nS: {reply}\nC: DATA");
    for (script, verdict) in [
        ("S: 554 no service here\nC: EHLO".to_owned(), Transient),
        ("S: 220 hi\nC: EHLO id.example.com\nS: 502 what?\nC: MAIL".to_owned(), Transient),
        (mail("550 5.7.1 not yours"), Permanent),
        (mail("451 later"), Transient),
        (rcpt("550 5.1.1 no such user"), Undeliverable),
        (rcpt("550 no such user"), Undeliverable),
        (rcpt("550 5.7.1 blocked"), Permanent),
        (rcpt("552 5.2.2 mailbox full"), Permanent),
        (rcpt("550 5.2.1 disabled"), Undeliverable),
        (rcpt("450 4.2.0 greylisted"), Transient),
        (rcpt("421 4.3.2 shutting down"), Transient),
    ] {
        let error = play(&mut session(Security::Tls, None), &script).unwrap_err();
        assert_eq!(error.verdict(), verdict, "{script}: {error}");
    }
}

#[test]
fn garbage_endless_replies_and_cut_connections_are_errors_of_their_own() {
    for garbage in
        ["HTTP/1.1 400 Bad Request\r\n", "22 hi\r\n", "999 hi\r\n", "220-a\r\n221 b\r\n", "\r\n", "220_hi\r\n"]
    {
        let mut session = session(Security::Tls, None);
        session.received(garbage.as_bytes());
        assert_eq!(session.step(), Err(SmtpError::Malformed { stage: Stage::Greeting }), "{garbage:?}");
    }
    // A reply to a question that was not asked.
    let mut other = session(Security::Tls, None);
    other.received(b"250 ok\r\n");
    assert_eq!(other.step(), Err(SmtpError::Malformed { stage: Stage::Greeting }));
    let mut endless = session(Security::Tls, None);
    for _ in 0..10_000 {
        endless.received(b"220-and on and on\r\n");
    }
    assert_eq!(endless.step(), Err(SmtpError::TooLong { stage: Stage::Greeting }));
    let mut line = session(Security::Tls, None);
    line.received(&[b'2'; 100_000]);
    assert_eq!(line.step(), Err(SmtpError::TooLong { stage: Stage::Greeting }));
    let cut = session(Security::Tls, None);
    assert_eq!(cut.closed(), SmtpError::Closed { stage: Stage::Greeting });
    assert_eq!(cut.closed().verdict(), Verdict::Transient);
}

/// A reply comes in whatever pieces the network makes of it.
#[test]
fn a_reply_may_come_byte_by_byte() {
    let mut session = session(Security::Tls, None);
    let (last, first) = b"220-mail\r\n220 hi\r\n".split_last().unwrap();
    for byte in first {
        session.received(&[*byte]);
        assert_eq!(session.step(), Ok(Action::Read));
    }
    session.received(&[*last]);
    assert_eq!(session.step(), Ok(Action::Write(b"EHLO id.example.com\r\n".to_vec())));
}

#[test]
fn no_address_breaks_out_of_its_command() {
    let server = server(Security::Tls, None);
    for to in ["a@b>\r\nRCPT TO:<c@d", "a@b\n", "a b@c", "<a@b>", "", "a", "a@b SIZE=1"] {
        assert_eq!(Session::new(&server, envelope(to), MESSAGE).unwrap_err(), SmtpError::Address, "{to:?}");
    }
    let hello = Envelope { hello: "a\r\nMAIL".to_owned(), ..envelope("a@b") };
    assert_eq!(Session::new(&server, hello, MESSAGE).unwrap_err(), SmtpError::Address);
}

/// A line end that is not CRLF would be none to one server and one to the next (“SMTP smuggling”).
#[test]
fn no_message_ends_before_its_end() {
    for inner in ["\n.\n", "\r.\r", "\r\n.\r\n", "\n.\r\n", "\r.\n", "\r\r\n.\r\n"] {
        let message = format!("Subject: Hi\r\n\r\na{inner}MAIL FROM:<x@y>");
        let mut session = Session::new(&server(Security::Tls, None), envelope("a@b"), message.as_bytes()).unwrap();
        for reply in ["220 hi", "250 hi", "250 ok", "250 ok"] {
            session.received(format!("{reply}\r\n").as_bytes());
            assert!(matches!(session.step(), Ok(Action::Write(_))));
        }
        session.received(b"354 go\r\n");
        let Ok(Action::Write(bytes)) = session.step() else { panic!() };
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("\r\n.\r\n").count(), 1, "{text:?}");
        assert!(text.ends_with("\r\n.\r\n"), "{text:?}");
        let bare = text.replace("\r\n", "");
        assert!(!bare.contains(['\r', '\n']), "{text:?}");
    }
}

#[test]
fn a_server_is_told_from_what_is_none() {
    let new = |host: &str, port, security| Server::new(host, port, security, None).map(|_| ());
    assert_eq!(new("mail.example.com", 587, Security::StartTls), Ok(()));
    assert_eq!(new("Mail.Example.com", 465, Security::Tls), Ok(()));
    assert_eq!(new("mail.example.com", 25, Security::StartTls), Err(ServerError::Port));
    assert_eq!(new("mail.example.com", 1025, Security::Loopback), Err(ServerError::NotLoopback));
    assert_eq!(new("127.0.0.1", 1025, Security::Loopback), Ok(()));
    assert_eq!(new("[::1]", 1025, Security::Loopback), Ok(()));
    for host in ["", "a b", "a..b", "http://a", "a/b", "user@a", "a:25", "[x]"] {
        assert_eq!(new(host, 587, Security::Tls), Err(ServerError::Host), "{host}");
    }
    let credentials = Credentials { user: "a\0b".to_owned(), password: Secret::new("c") };
    assert_eq!(Server::new("a.example", 587, Security::Tls, Some(credentials)).unwrap_err(), ServerError::Credentials);
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a server says, the session ends or goes on: it never panics, and never says that the message is handed
        /// over before it was sent.
        #[test]
        fn no_server_breaks_a_session(said in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..40)) {
            let mut session = session(Security::StartTls, Some(("ann", "secret")));
            for bytes in said {
                session.received(&bytes);
                match session.step() {
                    Ok(Action::Accepted(_)) => prop_assert!(session.stage() == Stage::Message),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }

        /// Nor do replies in any order.
        #[test]
        fn replies_in_any_order_are_no_acceptance(codes in proptest::collection::vec(0usize..10, 0..20)) {
            const REPLIES: [&str; 10] = ["220 a", "250 a", "250-a\r\n250 STARTTLS", "250-a\r\n250 AUTH PLAIN", "235 a", "334 a",
                                         "354 a", "550 5.1.1 a", "421 a", "221 a"];
            let mut session = session(Security::StartTls, Some(("ann", "secret")));
            let mut sent = false;
            for code in codes {
                session.received(format!("{}\r\n", REPLIES[code]).as_bytes());
                loop {
                    match session.step() {
                        Ok(Action::Write(bytes)) => sent |= bytes.ends_with(b"\r\n.\r\n"),
                        Ok(Action::Accepted(_)) => prop_assert!(sent),
                        Ok(Action::StartTls) => {}
                        Ok(Action::Read) => break,
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
    }
}

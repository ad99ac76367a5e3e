//! E-mail by SMTP submission: the dialogue of `core/src/smtp` over a connection.

use std::time::Duration;

use parapet::smtp::{Action, Envelope, Security, Server, Session, SmtpError};

use super::Delivery;
use crate::app::App;
use crate::messaging::text::Mail;
use crate::platform::log;
use crate::platform::socket::{Socket, SocketError, Tls};

/// So long each answer may take. RFC 5321, section 4.5.3.2, has minutes; a queue's consumer has other messages waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long all of it may take, in milliseconds.
const LONGEST: i64 = 120_000;

/// Sends one mail.
pub async fn send(app: &App, server: &Server, mail: &Mail) -> Delivery {
    let envelope = Envelope {
        hello: mail.from.rsplit('@').next().filter(|domain| domain.is_ascii()).unwrap_or("localhost").to_owned(),
        from: mail.from.clone(),
        to: mail.to.clone(),
    };
    let mut session = match Session::new(server, envelope, &mail.bytes()) {
        Ok(session) => session,
        Err(error) => return failed(&error),
    };
    let tls = match server.security() {
        Security::Tls => Tls::On,
        Security::StartTls => Tls::Later,
        Security::Loopback => Tls::Off,
    };
    let late = app.clock.now().as_millis().saturating_add(LONGEST);
    let mut socket = match app.sockets.connect(server.host(), server.port(), tls, PATIENCE).await {
        Ok(socket) => socket,
        Err(error) => return Delivery::transient(format!("{} is not reached: {error}", server.host())),
    };
    loop {
        let action = match session.step() {
            Ok(action) => action,
            Err(error) => {
                socket.close().await;
                return failed(&error);
            }
        };
        let done = match action {
            Action::Write(bytes) => socket.write(&bytes, PATIENCE).await,
            Action::Read if app.clock.now().as_millis() > late => Err(SocketError::Late),
            Action::Read => match socket.read(PATIENCE).await {
                Ok(bytes) if bytes.is_empty() => {
                    socket.close().await;
                    return failed(&session.closed());
                }
                Ok(bytes) => {
                    session.received(&bytes);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Action::StartTls => match socket.start_tls(PATIENCE).await {
                Ok(secure) => {
                    socket = secure;
                    Ok(())
                }
                Err(error) => return Delivery::transient(format!("TLS with {} fails: {error}", server.host())),
            },
            Action::Accepted(reply) => {
                say_goodbye(&mut session, socket).await;
                return Delivery::Sent(reply.lines.into_iter().find(|line| !line.is_empty()));
            }
        };
        if let Err(error) = done {
            socket.close().await;
            return Delivery::transient(format!("{}: {error}, before it answered {}", server.host(), session.stage()));
        }
    }
}

/// The server has the message, whatever becomes of this.
async fn say_goodbye(session: &mut Session, mut socket: Socket) {
    if let Ok(Action::Write(bytes)) = session.step()
        && let Err(error) = socket.write(&bytes, Duration::from_secs(5)).await
    {
        log::info("-", "smtp.goodbye", &error.to_string());
    }
    socket.close().await;
}

fn failed(error: &SmtpError) -> Delivery {
    Delivery::Failed { verdict: error.verdict(), reason: error.to_string(), retry_after: None }
}

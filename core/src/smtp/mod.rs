//! SMTP submission: one message handed to a server, as a machine without input and output.
//!
//! RFC 5321 and 6409 (submission), 3207 (STARTTLS), 4954 and 4616 (AUTH), 8314 (implicit TLS), 6152 (8BITMIME), 1870
//! (SIZE), 6531 (SMTPUTF8), 2034 and 3463 (enhanced status codes). [`Session::step`] says what to do with the connection,
//! [`Session::received`] takes what came. Commands go one by one: what is saved by pipelining is not worth the states.

mod error;
mod reply;
mod session;

pub use error::{SmtpError, Stage, Verdict};
pub use reply::{Reply, Status};
pub use session::{Action, Envelope, Session};

use crate::model::Secret;

/// How the connection is made secure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314), usually at port 465.
    Tls,
    /// TLS by STARTTLS before anything else is said, usually at port 587; a server that does not offer it gets nothing.
    StartTls,
    /// None. Only to this machine itself.
    Loopback,
}

/// A user and a password.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A server that takes messages.
#[derive(Debug, Clone)]
pub struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
}

/// Why text is no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The host is neither a host name nor an address.
    #[error("expected a host name or an IP address")]
    Host,
    /// Port 25 is for servers among each other, and closed at the edge.
    #[error("port 25 is for servers among each other: 465 and 587 are for submission")]
    Port,
    /// Without TLS a message goes no further than this machine.
    #[error("without TLS only `localhost`, `127.0.0.1` and `[::1]` are spoken to")]
    NotLoopback,
    /// A user or password holds a control character, or is empty.
    #[error("a user and a password are text without control characters")]
    Credentials,
}

impl Server {
    /// A server.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn new(
        host: &str,
        port: u16,
        security: Security,
        credentials: Option<Credentials>,
    ) -> Result<Self, ServerError> {
        let host = host.to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map_or_else(
            || host.parse::<std::net::Ipv4Addr>().is_ok(),
            |host| host.parse::<std::net::Ipv6Addr>().is_ok(),
        );
        if !is_address && (host.len() > 253 || !host.split('.').all(label)) {
            return Err(ServerError::Host);
        }
        if port == 25 || port == 0 {
            return Err(ServerError::Port);
        }
        if security == Security::Loopback && !["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str()) {
            return Err(ServerError::NotLoopback);
        }
        if let Some(Credentials { user, password }) = &credentials {
            let is_text = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
            if !is_text(user) || !is_text(password.expose()) {
                return Err(ServerError::Credentials);
            }
        }
        Ok(Self { host, port, security, credentials })
    }

    /// Its host name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the connection is made secure.
    pub fn security(&self) -> Security {
        self.security
    }
}

#[cfg(test)]
mod tests;

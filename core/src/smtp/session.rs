//! The dialogue: what is said next, given what the server said.

use super::error::{SmtpError, Stage};
use super::reply::{Replies, Reply, ReplyError};
use super::{Credentials, Security, Server};
use crate::model::shape::is_email;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The longest command, with its line end (RFC 5321, section 4.5.3.1.4).
const LONGEST_COMMAND: usize = 512;

/// From whom to whom.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// What the client calls itself: a host name.
    pub hello: String,
    /// The address that bounces go to.
    pub from: String,
    /// The recipient.
    pub to: String,
}

/// What to do with the connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Write these bytes, then ask again.
    Write(Vec<u8>),
    /// Read, and give [`Session::received`] what comes.
    Read,
    /// Begin TLS, then ask again.
    StartTls,
    /// The server has the message; with the words of its last reply. What is left is to say goodbye.
    Accepted(Reply),
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Hello,
    StartTls,
    /// `AUTH PLAIN` was said with the credentials, or those alone.
    Plain,
    /// `AUTH PLAIN` was said without.
    PlainPrompt,
    LoginUser,
    LoginPassword,
    Login,
    Sender,
    Recipient,
    Data,
    Message,
    Done,
}

impl State {
    fn stage(self) -> Stage {
        match self {
            Self::Greeting => Stage::Greeting,
            Self::Hello => Stage::Hello,
            Self::StartTls => Stage::Tls,
            Self::Plain | Self::PlainPrompt | Self::LoginUser | Self::LoginPassword | Self::Login => Stage::Credentials,
            Self::Sender => Stage::Sender,
            Self::Recipient => Stage::Recipient,
            Self::Data => Stage::Data,
            Self::Message | Self::Done => Stage::Message,
        }
    }
}

/// What a server offers (the keywords of its reply to `EHLO`).
#[derive(Debug, Default)]
struct Offers {
    starttls: bool,
    eight_bit: bool,
    utf8: bool,
    /// `SIZE`; 0 where it names no limit.
    size: Option<usize>,
    plain: bool,
    login: bool,
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            // `AUTH=` is what servers said before RFC 2554.
            let line = line.to_ascii_uppercase().replace('=', " ");
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                Some("SIZE") => offers.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                Some("AUTH") => {
                    for word in words {
                        offers.plain |= word == "PLAIN";
                        offers.login |= word == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

/// One message on its way to a server.
#[derive(Debug)]
pub struct Session {
    security: Security,
    is_secure: bool,
    credentials: Option<Credentials>,
    envelope: Envelope,
    message: Vec<u8>,
    state: State,
    offers: Offers,
    replies: Replies,
    todo: Option<Action>,
}

impl Session {
    /// A session whose connection is made as the server's [`Security`] says. Of the message, line ends become CRLF.
    ///
    /// # Errors
    /// [`SmtpError::Address`]: nothing is said that an address could break out of.
    pub fn new(server: &Server, envelope: Envelope, message: &[u8]) -> Result<Self, SmtpError> {
        if !is_email(&envelope.from) || !is_email(&envelope.to) || !is_hello(&envelope.hello) {
            return Err(SmtpError::Address);
        }
        Ok(Self {
            security: server.security,
            is_secure: server.security == Security::Tls,
            credentials: server.credentials.clone(),
            envelope,
            message: with_line_ends(message),
            state: State::Greeting,
            offers: Offers::default(),
            replies: Replies::default(),
            todo: None,
        })
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.state.stage()
    }

    /// What to do next.
    ///
    /// # Errors
    /// [`SmtpError`]: the session is over.
    pub fn step(&mut self) -> Result<Action, SmtpError> {
        if let Some(action) = self.todo.take() {
            return Ok(action);
        }
        if self.state == State::Done {
            return Ok(Action::Read);
        }
        match self.replies.next() {
            Ok(Some(reply)) => self.take(reply),
            Ok(None) => Ok(Action::Read),
            Err(ReplyError::Malformed) => Err(SmtpError::Malformed { stage: self.stage() }),
            Err(ReplyError::TooLong) => Err(SmtpError::TooLong { stage: self.stage() }),
        }
    }

    /// Takes what came.
    pub fn received(&mut self, bytes: &[u8]) {
        self.replies.add(bytes);
    }

    /// The connection ended, or TLS failed.
    pub fn closed(&self) -> SmtpError {
        SmtpError::Closed { stage: self.stage() }
    }

    fn take(&mut self, reply: Reply) -> Result<Action, SmtpError> {
        let wanted = match self.state {
            State::Greeting => 220..=220,
            State::Hello | State::Sender | State::Message => 250..=250,
            State::StartTls => 220..=220,
            State::Plain | State::Login => 235..=235,
            State::PlainPrompt | State::LoginUser | State::LoginPassword => 334..=334,
            // 251: will forward; 252: cannot tell, and takes it.
            State::Recipient => 250..=252,
            State::Data => 354..=354,
            State::Done => 200..=599,
        };
        if !wanted.contains(&reply.code) {
            let stage = self.stage();
            // A reply that neither does nor refuses what was asked means nothing here.
            return Err(if reply.code >= 400 {
                SmtpError::Refused { stage, reply }
            } else {
                SmtpError::Malformed { stage }
            });
        }
        match self.state {
            State::Greeting => Ok(self.hello()),
            State::Hello => {
                self.offers = Offers::read(&reply);
                self.after_hello()
            }
            State::StartTls => {
                if !self.replies.is_empty() {
                    return Err(SmtpError::EarlyData);
                }
                // What was offered without TLS is forgotten (RFC 3207, section 4.2).
                self.is_secure = true;
                self.offers = Offers::default();
                self.todo = Some(self.hello());
                Ok(Action::StartTls)
            }
            State::PlainPrompt => {
                let response = self.plain();
                Ok(self.say(State::Plain, &response))
            }
            State::LoginUser => {
                let user = self.credentials.as_ref().map(|its| BASE64_STANDARD.encode(&its.user)).unwrap_or_default();
                Ok(self.say(State::LoginPassword, &user))
            }
            State::LoginPassword => {
                let password = self.credentials.as_ref().map(|its| BASE64_STANDARD.encode(its.password.expose()));
                Ok(self.say(State::Login, &password.unwrap_or_default()))
            }
            State::Plain | State::Login => self.sender(),
            State::Sender => {
                let command = format!("RCPT TO:<{}>", self.envelope.to);
                Ok(self.say(State::Recipient, &command))
            }
            State::Recipient => Ok(self.say(State::Data, "DATA")),
            State::Data => {
                self.state = State::Message;
                Ok(Action::Write(with_dots(&self.message)))
            }
            State::Message | State::Done => {
                self.state = State::Done;
                self.todo = Some(Action::Write(b"QUIT\r\n".to_vec()));
                Ok(Action::Accepted(reply))
            }
        }
    }

    fn hello(&mut self) -> Action {
        let command = format!("EHLO {}", self.envelope.hello);
        self.say(State::Hello, &command)
    }

    fn after_hello(&mut self) -> Result<Action, SmtpError> {
        if self.security == Security::StartTls && !self.is_secure {
            return if self.offers.starttls {
                Ok(self.say(State::StartTls, "STARTTLS"))
            } else {
                Err(SmtpError::NoStartTls)
            };
        }
        // `Loopback` alone is not secure here, and goes no further than this machine.
        if self.credentials.is_none() {
            return self.sender();
        }
        if self.offers.plain {
            let command = format!("AUTH PLAIN {}", self.plain());
            return Ok(if command.len() + 2 <= LONGEST_COMMAND {
                self.say(State::Plain, &command)
            } else {
                self.say(State::PlainPrompt, "AUTH PLAIN")
            });
        }
        if self.offers.login {
            return Ok(self.say(State::LoginUser, "AUTH LOGIN"));
        }
        Err(SmtpError::NoMechanism)
    }

    /// The message of the mechanism PLAIN (RFC 4616, section 2).
    fn plain(&self) -> String {
        let Some(Credentials { user, password }) = &self.credentials else { return String::new() };
        BASE64_STANDARD.encode(format!("\0{user}\0{}", password.expose()))
    }

    fn sender(&mut self) -> Result<Action, SmtpError> {
        let size = self.message.len();
        if let Some(most) = self.offers.size.filter(|most| *most > 0 && size > *most) {
            return Err(SmtpError::TooLarge { size, most });
        }
        let mut command = format!("MAIL FROM:<{}>", self.envelope.from);
        if self.offers.size.is_some() {
            command.push_str(&format!(" SIZE={size}"));
        }
        let utf8 = !self.envelope.from.is_ascii() || !self.envelope.to.is_ascii();
        if utf8 && !self.offers.utf8 {
            return Err(SmtpError::NoUtf8);
        }
        // RFC 6531, section 3.6: with SMTPUTF8 a message may have 8-bit headers, and the body says so too.
        if !self.message.is_ascii() {
            if !self.offers.eight_bit {
                return Err(SmtpError::No8Bit);
            }
            command.push_str(" BODY=8BITMIME");
        }
        if utf8 {
            command.push_str(" SMTPUTF8");
        }
        Ok(self.say(State::Sender, &command))
    }

    fn say(&mut self, state: State, command: &str) -> Action {
        self.state = state;
        Action::Write(format!("{command}\r\n").into_bytes())
    }
}

/// What a client may call itself: a host name, or an address literal.
fn is_hello(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte))
}

/// The message with CRLF for each line end, of whatever kind: a bare LF or CR is where messages are smuggled in.
fn with_line_ends(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(message.len() + message.len() / 32);
    let mut bytes = message.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                lines.extend(b"\r\n");
            }
            b'\n' => lines.extend(b"\r\n"),
            byte => lines.push(byte),
        }
    }
    if !lines.ends_with(b"\r\n") {
        lines.extend(b"\r\n");
    }
    lines
}

/// The message as it goes over the wire: each dot that begins a line doubled, a dot alone at the end (RFC 5321, section
/// 4.5.2).
fn with_dots(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            lines.push(b'.');
        }
        lines.extend(line);
    }
    lines.extend(b".\r\n");
    lines
}

//! Why a message was not handed over, and what that means for it.

use super::reply::Reply;
use std::fmt;
use thiserror::Error;

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The server's greeting.
    Greeting,
    /// `EHLO`.
    Hello,
    /// `STARTTLS`, and the handshake.
    Tls,
    /// `AUTH`.
    Credentials,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, before the message.
    Data,
    /// After the message: the server may have it.
    Message,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "its greeting",
            Self::Hello => "`EHLO`",
            Self::Tls => "`STARTTLS`",
            Self::Credentials => "`AUTH`",
            Self::Sender => "`MAIL FROM`",
            Self::Recipient => "`RCPT TO`",
            Self::Data => "`DATA`",
            Self::Message => "the message",
        })
    }
}

/// What becomes of a message that was not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go another time.
    Transient,
    /// This message never goes.
    Permanent,
    /// Nothing ever arrives at this address.
    Undeliverable,
}

/// Why a message was not handed over. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// The server refuses.
    #[error("the server answers {stage} with {reply}")]
    Refused {
        /// What it refuses.
        stage: Stage,
        /// With which words.
        reply: Reply,
    },
    /// What came is no reply.
    #[error("the server answers {stage} with what is no reply")]
    Malformed {
        /// To what.
        stage: Stage,
    },
    /// The reply does not end.
    #[error("the server's reply to {stage} is too long")]
    TooLong {
        /// To what.
        stage: Stage,
    },
    /// The connection ended.
    #[error("the server ended the connection before it answered {stage}")]
    Closed {
        /// Before the reply to what.
        stage: Stage,
    },
    /// The server offers no STARTTLS.
    #[error("the server does not offer STARTTLS, and nothing is said without TLS")]
    NoStartTls,
    /// More came with the reply to STARTTLS: somebody in between wrote it (RFC 3207, section 6).
    #[error("the server said more before TLS began")]
    EarlyData,
    /// The server offers neither PLAIN nor LOGIN.
    #[error("the server offers neither `AUTH PLAIN` nor `AUTH LOGIN`")]
    NoMechanism,
    /// An address with other letters than ASCII's, and a server that takes none (RFC 6531).
    #[error("the server does not take addresses with letters beyond ASCII")]
    NoUtf8,
    /// A message with bytes beyond ASCII, and a server that takes none (RFC 6152).
    #[error("the server does not take 8-bit messages")]
    No8Bit,
    /// The message is longer than the server takes (RFC 1870).
    #[error("the message has {size} bytes, and the server takes {most}")]
    TooLarge {
        /// The message's size.
        size: usize,
        /// The server's limit.
        most: usize,
    },
    /// An address that cannot stand in a command.
    #[error("this is no address that can be sent to")]
    Address,
}

impl SmtpError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "smtp.refused",
            Self::Malformed { .. } => "smtp.malformed",
            Self::TooLong { .. } => "smtp.too_long",
            Self::Closed { .. } => "smtp.closed",
            Self::NoStartTls => "smtp.no_starttls",
            Self::EarlyData => "smtp.early_data",
            Self::NoMechanism => "smtp.no_mechanism",
            Self::NoUtf8 => "smtp.no_utf8",
            Self::No8Bit => "smtp.no_8bit",
            Self::TooLarge { .. } => "smtp.too_large",
            Self::Address => "smtp.address",
        }
    }

    /// What it means for the message. What is refused before the message's own stages says nothing of the message: a
    /// password that is wrong today may be set right tomorrow.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Refused { stage, reply } if reply.code >= 500 => match stage {
                Stage::Greeting | Stage::Hello | Stage::Tls | Stage::Credentials => Verdict::Transient,
                Stage::Recipient if reply.is_no_mailbox() => Verdict::Undeliverable,
                Stage::Sender | Stage::Recipient | Stage::Data | Stage::Message => Verdict::Permanent,
            },
            Self::NoUtf8 | Self::No8Bit | Self::TooLarge { .. } | Self::Address => Verdict::Permanent,
            _ => Verdict::Transient,
        }
    }
}

//! Replies of a server (RFC 5321, section 4.2), read as they come.

use std::fmt;

/// The longest reply, all lines together, in bytes. RFC 5321 has 512 for a line; servers say more.
const LONGEST: usize = 8192;

/// So much of a reply's text is kept, in characters.
const KEPT: usize = 400;

/// An enhanced status code: class, subject, detail (RFC 3463).
pub type Status = (u8, u16, u16);

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The code, 200 to 599.
    pub code: u16,
    /// The enhanced status code, where the first line has one.
    pub status: Option<Status>,
    /// The lines' text, without codes and control characters.
    pub lines: Vec<String>,
}

impl Reply {
    /// Whether it says that there is no such mailbox: bad address (`5.1.x`, but for the sender's own), disabled mailbox
    /// (`5.2.1`), or, from a server without enhanced codes, 550, 551 and 553. `5.7.x` and the like are of the message.
    pub fn is_no_mailbox(&self) -> bool {
        match self.status {
            Some((5, 1, detail)) => !matches!(detail, 7 | 8),
            Some((5, 2, 1)) => true,
            Some(_) => false,
            None => matches!(self.code, 550 | 551 | 553),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let mut left = KEPT;
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            let text: String = line.chars().take(left).collect();
            left = left.saturating_sub(text.chars().count());
            write!(f, " {text}")?;
        }
        Ok(())
    }
}

/// Why bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyError {
    Malformed,
    TooLong,
}

/// Collects bytes until a reply is whole.
#[derive(Debug, Default)]
pub struct Replies {
    bytes: Vec<u8>,
}

impl Replies {
    /// Adds what came.
    pub fn add(&mut self, bytes: &[u8]) {
        // One byte more than is taken, so that what is too long is seen to be.
        let room = (LONGEST + 1).saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
    }

    /// Whether anything is left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next reply, once it is whole.
    pub fn next(&mut self) -> Result<Option<Reply>, ReplyError> {
        let mut lines = Vec::new();
        let mut code = None;
        let mut read = 0;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(line_read) = line.strip_suffix(b"\n") else { break };
            read += line.len();
            let line = line_read.strip_suffix(b"\r").unwrap_or(line_read);
            let (its, is_last, text) = parse(line).ok_or(ReplyError::Malformed)?;
            if *code.get_or_insert(its) != its {
                return Err(ReplyError::Malformed);
            }
            lines.push(text);
            if is_last {
                self.bytes.drain(..read);
                let status = lines.first_mut().and_then(take_status);
                return Ok(Some(Reply { code: its, status, lines }));
            }
        }
        if self.bytes.len() > LONGEST {
            return Err(ReplyError::TooLong);
        }
        Ok(None)
    }
}

/// A line: code, whether it is the last, and its text.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else { return None };
    let digit = |byte: &u8| u16::from(*byte - b'0');
    let (is_last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    let text: String = String::from_utf8_lossy(text).chars().filter(|character| !character.is_control()).collect();
    Some((digit(a) * 100 + digit(b) * 10 + digit(c), is_last, text))
}

/// Takes the enhanced status code off a line's beginning.
fn take_status(line: &mut String) -> Option<Status> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = word.split('.');
    let number = |text: &str| {
        let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (class, subject, detail) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let class = u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5))?;
    if parts.next().is_some() {
        return None;
    }
    let rest = rest.to_owned();
    *line = rest;
    Some((class, subject, detail))
}

//! A request as the application sees it: plain data, so that everything above `platform` runs anywhere.

use std::collections::BTreeMap;

/// The longest body that is read: 1 MiB.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// An HTTP request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// `https://host[:port]`, without a slash at its end.
    pub origin: String,
    /// The path, as it was sent.
    pub path: String,
    /// What stands behind the `?`, as it was sent.
    pub query: String,
    /// The headers by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Body,
}

/// A body, or that it was longer than [`LONGEST_BODY`].
#[derive(Clone, Debug)]
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// It was not read to its end.
    TooLong,
}

impl Default for Body {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Request {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

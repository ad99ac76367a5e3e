//! A response as the application makes it: plain data.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use futures_util::Stream;
use futures_util::stream::{LocalBoxStream, StreamExt};
use serde::Serialize;

use crate::error::ApiError;
use crate::gateway::Forward;

/// An HTTP response.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Where there is one: what the body is instead, made while it is sent.
    pub pieces: Option<Pieces>,
    /// Where there is one: the request is passed on instead, and what comes back is the answer, with these headers beside.
    pub forward: Option<Box<Forward>>,
}

/// A body that is made piece by piece while it is sent, so that it is never there as a whole. One that fails breaks off:
/// whoever reads it sees that it did not come to its end.
#[derive(Clone)]
pub struct Pieces(Rc<RefCell<Option<PieceStream>>>);

/// The pieces, each when it is asked for.
pub type PieceStream = LocalBoxStream<'static, Result<Vec<u8>, ApiError>>;

impl Pieces {
    /// A body of what the stream gives.
    pub fn new(stream: impl Stream<Item = Result<Vec<u8>, ApiError>> + 'static) -> Self {
        Self(Rc::new(RefCell::new(Some(stream.boxed_local()))))
    }

    /// The stream, once.
    pub fn take(&self) -> Option<PieceStream> {
        self.0.take()
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pieces(…)")
    }
}

impl Response {
    /// `200` with `value` as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: 200,
            headers: vec![("content-type", "application/json".into())],
            body: serde_json::to_vec(value).map_err(ApiError::internal)?,
            ..Response::default()
        })
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Cow::Owned(value.into())));
        self
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(its, _)| *its == name).map(|(_, value)| value.as_ref())
    }
}

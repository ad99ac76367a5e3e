//! A response as the application makes it: plain data.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::ApiError;

/// An HTTP response.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// `200` with `value` as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self {
            status: 200,
            headers: vec![("content-type", "application/json".into())],
            body: serde_json::to_vec(value).map_err(ApiError::internal)?,
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

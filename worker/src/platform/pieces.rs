//! A body that is made piece by piece, as the platform reads one: it asks for the next piece when it has sent the last.

use futures_util::stream::{LocalBoxStream, TryStreamExt};
use worker::{Error, Response, Result, web_sys};

use super::log;
use crate::error::ApiError;

/// A stream that breaks off where a piece fails; the cause is for the log alone.
pub fn readable(
    pieces: LocalBoxStream<'static, std::result::Result<Vec<u8>, ApiError>>,
) -> Result<Option<web_sys::ReadableStream>> {
    let pieces = pieces.map_err(|error| {
        log::error("-", "response.broken_off", &error.cause());
        Error::RustError("the answer broke off".to_owned())
    });
    Ok(web_sys::Response::from(Response::from_stream(pieces)?).body())
}

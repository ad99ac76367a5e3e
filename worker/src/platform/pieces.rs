//! A body that is made piece by piece, as the platform reads one: it asks for the next piece when it has sent the last.

use futures_util::stream::TryStreamExt;
use worker::{Error, Response, Result, web_sys};

use super::log;
use crate::response::PieceStream;

/// A stream that breaks off where a piece fails; the cause is for the log alone.
pub fn readable(pieces: PieceStream) -> Result<Option<web_sys::ReadableStream>> {
    let pieces = pieces.map_err(|error| {
        log::error("-", "response.broken_off", &error.cause());
        Error::RustError("the answer broke off".to_owned())
    });
    Ok(web_sys::Response::from(Response::from_stream(pieces)?).body())
}

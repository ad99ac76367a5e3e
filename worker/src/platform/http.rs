//! Requests and responses, between JavaScript's and ours.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use serde_json::{Map, json};
use wasm_bindgen::JsCast;
use worker::Result;
use worker::js_sys::{Array, JSON, Uint8Array};
use worker::web_sys;

use crate::request::{Body, LONGEST_BODY, Request};
use crate::response::Response;

/// Reads a request, its body no further than to the limit.
pub async fn read(mut request: worker::Request) -> Result<Request> {
    // The platform gives a URL that is parsed and normalized; a parser of our own for it would cost 60 KiB.
    let url = request.inner().url();
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (path, query) = path
        .split('#')
        .next()
        .and_then(|path| path.split_once('?'))
        .unwrap_or_else(|| (path.split('#').next().unwrap_or_default(), ""));
    let headers = headers(&request)?;
    Ok(Request {
        // As it was sent: the platform's own type takes a method that it does not know for GET.
        method: request.inner().method(),
        origin: format!("{scheme}://{authority}"),
        path: path.to_owned(),
        query: query.to_owned(),
        body: body(&mut request, headers.get("content-length")).await?,
        headers,
    })
}

/// Writes a response. Its status and headers go over as one text: each call into JavaScript costs some of the time in
/// which a decision is found.
pub fn write(response: Response) -> Result<web_sys::Response> {
    let headers: Map<_, _> =
        response.headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let init = json!({ "status": response.status, "headers": headers }).to_string();
    if let Some(pieces) = response.pieces.and_then(|pieces| pieces.take()) {
        let body = super::pieces::readable(pieces)?;
        let init = JSON::parse(&init)?;
        return Ok(web_sys::Response::new_with_opt_readable_stream_and_init(body.as_ref(), init.unchecked_ref())?);
    }
    let body = Uint8Array::from(response.body.as_slice());
    Ok(web_sys::Response::new_with_opt_buffer_source_and_init(Some(&body), JSON::parse(&init)?.unchecked_ref())?)
}

/// The headers, likewise as one text.
fn headers(request: &worker::Request) -> Result<BTreeMap<String, String>> {
    let entries = JSON::stringify(&Array::from(&request.inner().headers()))?;
    let entries: Vec<(String, String)> = serde_json::from_str(&String::from(entries))?;
    Ok(entries.into_iter().collect())
}

/// The body, by its length where that was said: the platform reads no further than to there. A stream costs several calls
/// for each piece of it.
async fn body(request: &mut worker::Request, length: Option<&String>) -> Result<Body> {
    if request.inner().body().is_none() {
        return Ok(Body::default());
    }
    if let Some(length) = length.and_then(|length| length.parse::<usize>().ok()) {
        if length > LONGEST_BODY {
            return Ok(Body::TooLong);
        }
        let bytes = request.bytes().await?;
        return Ok(if bytes.len() > LONGEST_BODY { Body::TooLong } else { Body::Bytes(bytes) });
    }
    let mut stream = request.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk?);
        if bytes.len() > LONGEST_BODY {
            return Ok(Body::TooLong);
        }
    }
    Ok(Body::Bytes(bytes))
}

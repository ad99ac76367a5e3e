//! Requests and responses, between JavaScript's and ours. The entry (`worker/entry.mjs`) reads what a request has, and
//! `http.js` makes the response: each call between JavaScript and here costs some of the time in which a decision is found.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys;

use crate::request::{Body, LONGEST_BODY, Request};
use crate::response::{Pieces, Response};

#[wasm_bindgen(module = "/src/platform/http.js")]
extern "C" {
    /// Makes a response of a text.
    #[wasm_bindgen(catch)]
    fn text(status: u16, id: &str, headers: &str, body: &str) -> Result<JsValue, JsValue>;

    /// Makes a response of bytes.
    #[wasm_bindgen(catch)]
    fn bytes(status: u16, id: &str, headers: &str, body: &[u8]) -> Result<JsValue, JsValue>;

    /// Makes a response of a stream; where there is none, of nothing.
    #[wasm_bindgen(catch)]
    fn stream(status: u16, id: &str, headers: &str, body: Option<web_sys::ReadableStream>) -> Result<JsValue, JsValue>;

    /// Makes the response to a request that could not be answered.
    fn failure() -> JsValue;
}

/// Reads a request: its method, its URL, and by turns names and values of headers, each on a line of its own (none of
/// them can hold a line's end); and its body, which is missing where it was longer than it may be.
pub fn read(head: &str, body: Option<Vec<u8>>) -> Request {
    let mut lines = head.split('\n');
    let method = lines.next().unwrap_or_default();
    // The platform gives a URL that is parsed and normalized; a parser of our own for it would cost 60 KiB.
    let url = lines.next().unwrap_or_default();
    let start = url.find("://").map_or(0, |end| end + "://".len());
    let (_, rest) = url.split_at_checked(start).unwrap_or_default();
    let (origin, path) = url.split_at(start + rest.find('/').unwrap_or(rest.len()));
    let path = path.split_once('#').map_or(path, |(path, _)| path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = Vec::new();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        headers.push((name.to_owned(), value.to_owned()));
    }
    Request {
        // As it was sent: the `worker` crate's own type takes a method that it does not know for GET.
        method: method.to_owned(),
        origin: origin.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.into_iter().collect(),
        body: body.filter(|bytes| bytes.len() <= LONGEST_BODY).map_or(Body::TooLong, Body::Bytes),
    }
}

/// Writes a response.
pub fn write(response: &Response) -> JsValue {
    let mut id = "";
    let mut headers = String::with_capacity(512);
    for (name, value) in &response.headers {
        if value.contains(['\0', '\n', '\r']) {
            return failed(&format!("the header `{name}` cannot be written: `{value}`"));
        }
        if *name == "x-request-id" {
            id = value;
            continue;
        }
        for line in [name, value.as_ref()] {
            headers.push_str(line);
            headers.push('\n');
        }
    }
    if let Some(pieces) = response.pieces.as_ref().and_then(Pieces::take) {
        let body = super::pieces::readable(pieces);
        let written = body.map_err(JsValue::from).and_then(|body| stream(response.status, id, &headers, body));
        return written.unwrap_or_else(|error| failed(&format!("{error:?}")));
    }
    // A text is handed over for less than bytes are, but without a type of its own it is given one.
    let typed = response.header("content-type").is_some();
    let written = match std::str::from_utf8(&response.body) {
        Ok(body) if typed && !body.is_empty() => text(response.status, id, &headers, body),
        _ => bytes(response.status, id, &headers, &response.body),
    };
    written.unwrap_or_else(|error| failed(&format!("{error:?}")))
}

/// Answers a request that could not be answered; the cause is for the log alone.
pub fn failed(cause: &str) -> JsValue {
    worker::console_error!("{cause}");
    failure()
}

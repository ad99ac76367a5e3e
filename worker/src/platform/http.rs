//! Requests and responses, between JavaScript's and ours. The entry (`worker/entry.mjs`) reads what a request has, and
//! `http.js` makes the response: each call between JavaScript and here costs some of the time in which a decision is found.

use std::cell::RefCell;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys;

use crate::gateway::Forward;
use crate::request::{Body, LONGEST_BODY, Request};
use crate::response::{Pieces, Response};

#[wasm_bindgen(module = "/src/platform/http.js")]
extern "C" {
    /// Keeps headers, by turns a name and a value on a line each, under a number.
    #[wasm_bindgen(catch)]
    fn keep(number: u32, headers: &str) -> Result<(), JsValue>;

    /// Makes a response of a text: what follows the request's id in `text`, which is ASCII of so many characters.
    #[wasm_bindgen(catch)]
    fn text(status: u16, headers: u32, id: u32, text: &str) -> Result<JsValue, JsValue>;

    /// Makes a response of bytes.
    #[wasm_bindgen(catch)]
    fn bytes(status: u16, headers: u32, id: &str, body: &[u8]) -> Result<JsValue, JsValue>;

    /// Makes a response of a stream; where there is none, of nothing.
    #[wasm_bindgen(catch)]
    fn stream(status: u16, headers: u32, id: &str, body: Option<web_sys::ReadableStream>) -> Result<JsValue, JsValue>;

    /// Makes what says how a request is passed on.
    fn forward(
        url: &str,
        headers: &str,
        body: Option<Vec<u8>>,
        socket: bool,
        again: u32,
        stale: bool,
        id: &str,
    ) -> JsValue;

    /// Makes the response to a request that could not be answered.
    fn failure() -> JsValue;
}

/// So many sets of headers are kept; some have an `ETag` or a `Location` that no other has.
const MOST_KEPT: usize = 64;

thread_local! {
    /// The headers that JavaScript keeps, each by its place here: most answers have the same.
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Reads a request: its method, its URL, and by turns names and values of headers, each on a line of its own (none of
/// them can hold a line's end); and its body, which is missing where it was longer than it may be.
pub fn read(head: &str, body: Body) -> Request {
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
        body,
    }
}

/// The body as it was read; nothing where it was longer than it may be.
pub fn body(body: Option<Vec<u8>>) -> Body {
    body.filter(|bytes| bytes.len() <= LONGEST_BODY).map_or(Body::TooLong, Body::Bytes)
}

/// Writes a response.
pub fn write(response: &Response) -> JsValue {
    if let Some(passed_on) = &response.forward {
        return pass_on(passed_on);
    }
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
    written(response, id, &headers).unwrap_or_else(|error| failed(&format!("{error:?}")))
}

fn pass_on(passed_on: &Forward) -> JsValue {
    let mut headers = String::with_capacity(2048);
    for (name, value) in &passed_on.headers {
        if value.contains(['\0', '\n', '\r']) {
            return failed(&format!("the header `{name}` cannot be passed on"));
        }
        for line in [name, value] {
            headers.push_str(line);
            headers.push('\n');
        }
    }
    let again = u32::try_from(passed_on.again.as_millis()).unwrap_or(u32::MAX);
    let Forward { url, body, is_socket, stale, id, .. } = passed_on;
    forward(url, &headers, body.clone(), *is_socket, again, *stale, id)
}

fn written(response: &Response, id: &str, headers: &str) -> Result<JsValue, JsValue> {
    let headers = kept(headers)?;
    if let Some(pieces) = response.pieces.as_ref().and_then(Pieces::take) {
        return stream(response.status, headers, id, super::pieces::readable(pieces)?);
    }
    // A text is handed over for less than bytes are, but without a type of its own it is given one. One text is handed over
    // for less than two.
    let typed = response.header("content-type").is_some();
    match (std::str::from_utf8(&response.body), u32::try_from(id.len())) {
        (Ok(body), Ok(length)) if typed && !body.is_empty() && id.is_ascii() => {
            text(response.status, headers, length, &[id, body].concat())
        }
        _ => bytes(response.status, headers, id, &response.body),
    }
}

/// The number under which JavaScript keeps these headers.
fn kept(headers: &str) -> Result<u32, JsValue> {
    let number = |at: usize| u32::try_from(at).unwrap_or_default();
    // A cookie is nobody else's: it takes the last place, until another takes it.
    if headers.contains("set-cookie\n") {
        keep(number(MOST_KEPT), headers)?;
        return Ok(number(MOST_KEPT));
    }
    KEPT.with_borrow_mut(|kept| {
        if let Some(at) = kept.iter().position(|known| known == headers) {
            return Ok(number(at));
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let at = number(kept.len());
        keep(at, headers)?;
        kept.push(headers.to_owned());
        Ok(at)
    })
}

/// Answers a request that could not be answered; the cause is for the log alone.
pub fn failed(cause: &str) -> JsValue {
    worker::console_error!("{cause}");
    failure()
}

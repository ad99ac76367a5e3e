//! Requests and responses, between JavaScript's and ours.

use futures_util::StreamExt;
use worker::{Headers, Result};

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
    Ok(Request {
        // As it was sent: the platform's own type takes a method that it does not know for GET.
        method: request.inner().method(),
        origin: format!("{scheme}://{authority}"),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: request.headers().entries().collect(),
        body: body(&mut request).await?,
    })
}

/// Writes a response.
pub fn write(response: Response) -> Result<worker::Response> {
    let headers = Headers::new();
    for (name, value) in &response.headers {
        headers.set(name, value)?;
    }
    Ok(worker::Response::from_bytes(response.body)?.with_status(response.status).with_headers(headers))
}

async fn body(request: &mut worker::Request) -> Result<Body> {
    if request.inner().body().is_none() {
        return Ok(Body::default());
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

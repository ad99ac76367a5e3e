//! Requests that the service sends: `fetch` at the edge, a peer in this process elsewhere.

use std::time::Duration;

/// A request to another service.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Where to, whole.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// What is posted; nothing where something is only asked for.
    pub body: String,
}

/// What comes back.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// The status; a redirect is not followed.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Cache-Control`.
    pub cache_control: Option<String>,
    /// The body: of what was posted, the first [`LONGEST`] bytes.
    pub body: Vec<u8>,
}

/// No more is read of an answer to what was posted.
pub const LONGEST: usize = 1024;

/// There was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It took too long.
    #[error("there was no answer in time")]
    Late,
    /// The connection failed, or the request cannot be sent.
    #[error("the connection failed")]
    Failed,
}

#[cfg(target_arch = "wasm32")]
pub use edge::Fetch;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Fetch;

#[cfg(target_arch = "wasm32")]
mod edge {
    use futures_util::StreamExt as _;
    use futures_util::future::{Either, select};
    use wasm_bindgen::JsValue;
    use worker::{
        AbortController, AbortSignal, Delay, Headers, Method, Request, RequestInit, RequestRedirect, Response,
    };

    use super::{Duration, FetchError, Incoming, LONGEST, Outgoing};

    /// Sends requests.
    #[derive(Default)]
    pub struct Fetch;

    impl Fetch {
        /// Posts, and reads the beginning of the answer, all within `patience`.
        pub async fn post(&self, request: &Outgoing, patience: Duration) -> Result<Incoming, FetchError> {
            let (incoming, _) = exchange(Method::Post, request, patience, LONGEST).await?;
            Ok(incoming)
        }

        /// Asks for something, and reads the whole answer, of at most `longest` bytes, within `patience`.
        pub async fn get(
            &self,
            request: &Outgoing,
            patience: Duration,
            longest: usize,
        ) -> Result<Incoming, FetchError> {
            let (incoming, is_whole) = exchange(Method::Get, request, patience, longest).await?;
            if is_whole { Ok(incoming) } else { Err(FetchError::Failed) }
        }
    }

    /// Sends a request, and reads so much of the answer; with whether that is all of it. The status is the answer, whatever
    /// becomes of the rest.
    async fn exchange(
        method: Method,
        request: &Outgoing,
        patience: Duration,
        longest: usize,
    ) -> Result<(Incoming, bool), FetchError> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let mut patience = std::pin::pin!(Delay::from(patience));
        let sent = {
            let answer = std::pin::pin!(send(method, request, &signal));
            match select(answer, patience.as_mut()).await {
                Either::Left((answer, _)) => Some(answer),
                Either::Right(_) => None,
            }
        };
        let Some(sent) = sent else {
            controller.abort();
            return Err(FetchError::Late);
        };
        let mut response = sent.map_err(|_| FetchError::Failed)?;
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let (retry_after, cache_control) = (header("retry-after"), header("cache-control"));
        let mut incoming = Incoming { status: response.status_code(), retry_after, cache_control, body: Vec::new() };
        let Ok(mut stream) = response.stream() else { return Ok((incoming, false)) };
        let mut is_whole = false;
        while incoming.body.len() <= longest && !is_whole {
            match select(stream.next(), patience.as_mut()).await {
                Either::Left((Some(Ok(chunk)), _)) => incoming.body.extend(chunk),
                Either::Left((None, _)) => is_whole = true,
                _ => break,
            }
        }
        controller.abort();
        incoming.body.truncate(longest);
        Ok((incoming, is_whole))
    }

    async fn send(method: Method, request: &Outgoing, signal: &AbortSignal) -> worker::Result<Response> {
        let headers = Headers::new();
        for (name, value) in &request.headers {
            headers.set(name, value)?;
        }
        let body = (method == Method::Post).then(|| JsValue::from_str(&request.body));
        let mut init = RequestInit::new();
        init.with_method(method).with_headers(headers).with_redirect(RequestRedirect::Manual).with_body(body);
        let request = Request::new_with_init(&request.url, &init)?;
        worker::Fetch::Request(request).send_with_signal(signal).await
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::{Duration, FetchError, Incoming, LONGEST, Outgoing};
    use crate::platform::fuse::Fuse;

    type Peer = dyn FnMut(&Outgoing) -> Result<Incoming, FetchError>;

    /// Sends requests to a peer in this process; there is none at first.
    #[derive(Clone)]
    pub struct Fetch {
        peer: Rc<RefCell<Box<Peer>>>,
        fuse: Fuse,
    }

    impl Default for Fetch {
        fn default() -> Self {
            let nobody: Box<Peer> = Box::new(|_| Err(FetchError::Failed));
            Self { peer: Rc::new(RefCell::new(nobody)), fuse: Fuse::default() }
        }
    }

    impl Fetch {
        /// Guarded by a fuse.
        #[must_use]
        pub fn fused(mut self, fuse: &Fuse) -> Self {
            self.fuse = fuse.clone();
            self
        }

        /// From now on this peer answers.
        pub fn answer(&self, peer: impl FnMut(&Outgoing) -> Result<Incoming, FetchError> + 'static) {
            *self.peer.borrow_mut() = Box::new(peer);
        }

        /// Posts, and reads the beginning of the answer.
        pub async fn post(&self, request: &Outgoing, _patience: Duration) -> Result<Incoming, FetchError> {
            if self.fuse.is_blown() {
                return Err(FetchError::Failed);
            }
            let mut incoming = (self.peer.borrow_mut())(request)?;
            incoming.body.truncate(LONGEST);
            Ok(incoming)
        }

        /// Asks for something, and reads the whole answer, of at most `longest` bytes.
        pub async fn get(
            &self,
            request: &Outgoing,
            _patience: Duration,
            longest: usize,
        ) -> Result<Incoming, FetchError> {
            if self.fuse.is_blown() {
                return Err(FetchError::Failed);
            }
            let incoming = (self.peer.borrow_mut())(request)?;
            if incoming.body.len() <= longest { Ok(incoming) } else { Err(FetchError::Failed) }
        }
    }
}

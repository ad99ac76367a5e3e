//! Parapet at the edge: the events that Cloudflare sends, and nothing else.

pub mod access;
pub mod administration;
pub mod api;
pub mod app;
pub mod authenticate;
pub mod bulk;
pub mod colour;
pub mod cookie;
pub mod cors;
pub mod decision_log;
pub mod directory;
pub mod document;
pub mod error;
pub mod federation;
pub mod gateway;
pub mod governance;
pub mod guard;
pub mod health;
pub mod login;
pub mod me;
pub mod memory;
pub mod messaging;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod platform;
pub mod publish;
pub mod rate;
pub mod readings;
pub mod request;
pub mod response;
pub mod router;
pub mod scheduled;
pub mod scim;
pub mod tenancy;

#[cfg(target_arch = "wasm32")]
mod events {
    use std::cell::RefCell;
    use std::future::Future;
    use std::rc::Rc;
    use std::task::{Poll, Waker};

    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::wasm_bindgen_futures::future_to_promise;
    use worker::{Context, Env, MessageBatch, Result, ScheduleContext, ScheduledEvent, event, js_sys, worker_sys};

    use crate::app::{App, Config};
    use crate::authenticate;
    use crate::decision_log::{self, Noted};
    use crate::error::ApiError;
    use crate::gateway;
    use crate::memory::Memory;
    use crate::messaging;
    use crate::platform::{Clock, Db, Dns, Fetch, Kv, Mailer, Queue, Sockets, Unread, http, queue, variables};
    use crate::request::{Body, DECIDING_HEADERS, HEADERS, LONGEST_BODY, Request};
    use crate::router::{Router, routes};
    use crate::scheduled;

    thread_local! {
        static MEMORY: Rc<Memory> = Rc::default();
        static ROUTER: std::result::Result<Rc<Router>, String> =
            Router::new(routes()).map(Rc::new).map_err(|error| error.to_string());
        /// The configuration, under the text that it was read from: Cloudflare may change variables under an isolate.
        static CONFIG: RefCell<(String, Rc<std::result::Result<Config, String>>)> =
            RefCell::new((String::new(), Rc::new(Err("nothing was read".to_owned()))));
        /// What requests are answered with. The entry binds it, and anew where the platform gives other bindings.
        static APP: RefCell<Option<Rc<App>>> = const { RefCell::new(None) };
    }

    /// The names of the headers that `answer` is to be told of, one a line.
    #[wasm_bindgen]
    pub fn header_names() -> String {
        HEADERS.join("\n")
    }

    /// Those of them that it is to be told of a `POST` below `/access/`.
    #[wasm_bindgen]
    pub fn deciding_header_names() -> String {
        DECIDING_HEADERS.join("\n")
    }

    /// The longest body that `answer` is to be given.
    #[wasm_bindgen]
    pub fn longest_body() -> usize {
        LONGEST_BODY
    }

    /// Whether there is something bound. To be asked before anything that takes text or bytes: the glue starts a module
    /// that failed anew when it is next called, but lays arguments into memory before that, into the old one's.
    #[wasm_bindgen]
    pub fn is_bound() -> bool {
        APP.with_borrow(Option::is_some)
    }

    /// Takes the bindings and variables by which requests are answered from now on.
    #[wasm_bindgen]
    pub fn bind(env: &Env) {
        APP.set(Some(Rc::new(app(env))));
    }

    /// Whether the host of a URL may be an application's behind the gateway.
    #[wasm_bindgen]
    pub fn may_be_application(url: &str) -> bool {
        let request = http::read(&format!("GET\n{url}"), Body::default());
        let app = APP.with_borrow(Clone::clone);
        app.is_some_and(|app| app.config().is_ok_and(|config| gateway::may_be(&request, config).is_some()))
    }

    /// Answers a request as [`answer`] does, whose body is read by calling `read` with a limit, if it is read at all. Where
    /// it is to be passed on, what comes back says how.
    #[wasm_bindgen]
    pub fn answer_unread(head: &str, read: js_sys::Function, context: worker_sys::Context) -> JsValue {
        respond(http::read(head, Body::Unread(Unread::new(read))), context)
    }

    /// The answer to a request that was passed on and not answered: in time, or at all.
    #[wasm_bindgen]
    pub fn not_passed(late: bool, id: &str) -> JsValue {
        http::write(&ApiError::Origin { late }.respond(id))
    }

    /// Answers a request (`http::read` says in which form it comes): a `Response`, or a promise of one where something
    /// must be waited for.
    ///
    /// There is one way through the code. What a request becomes is a future, as everywhere; it is asked once here and
    /// now, which is all that it needs where everything is known, and else it is left to the event loop.
    #[wasm_bindgen]
    pub fn answer(head: &str, body: Option<Vec<u8>>, context: worker_sys::Context) -> JsValue {
        respond(http::read(head, http::body(body)), context)
    }

    fn respond(request: Request, context: worker_sys::Context) -> JsValue {
        let Some(app) = APP.with_borrow(Clone::clone) else { return http::failed("nothing is bound") };
        let mut answer = Box::pin(async move {
            let response = match ROUTER.with(Clone::clone) {
                Ok(router) => router.answer(&app, request).await,
                Err(error) => return http::failed(&error),
            };
            // Nobody waits for what is written down of decisions and of the use of keys, and for what happens next with
            // events.
            if app.memory.has_uses() || !app.waiting.borrow().is_empty() || !app.noted.is_empty() {
                Context::new(context).wait_until(async move {
                    decision_log::send(&app).await;
                    messaging::nudge(&app).await;
                    authenticate::write_uses(&app).await;
                });
            }
            http::write(&response)
        });
        // Whoever is asked again says anew whom to wake, so that nobody is woken here does not matter.
        match answer.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => future_to_promise(async move { Ok(answer.await) }).into(),
        }
    }

    #[event(queue)]
    async fn queue(batch: MessageBatch<serde_json::Value>, env: Env, _context: Context) -> Result<()> {
        let app = app(&env);
        let texts = queue::texts(&batch);
        // Of these one queue has nothing else, and the others none.
        if decision_log::are_decisions(&texts) {
            queue::settle(&batch, decision_log::write(&app, &texts).await);
            return Ok(());
        }
        queue::each(&batch, async |message: &str| messaging::consume(&app, message).await).await;
        Ok(())
    }

    #[event(scheduled)]
    async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
        scheduled::run(&app(&env), &scheduled::duties()).await;
    }

    fn app(env: &Env) -> App {
        App {
            db: Db::bound(env, "DB"),
            kv: Kv::bound(env, "SNAPSHOTS"),
            queue: Queue::bound(env, "EVENTS"),
            deliveries: Queue::bound(env, "DELIVERIES"),
            decisions: Queue::bound(env, "DECISIONS"),
            noted: Noted::default(),
            fetch: Fetch,
            sockets: Sockets,
            mailer: Mailer::bound(env, "MAIL"),
            waiting: RefCell::default(),
            dns: Dns,
            clock: Clock::default(),
            config: config(env),
            memory: MEMORY.with(Rc::clone),
        }
    }

    /// Reading it is making keys of their secrets, which takes longer than most decisions.
    fn config(env: &Env) -> Rc<std::result::Result<Config, String>> {
        let text = match variables::text(env) {
            Ok(text) => text,
            Err(error) => return Rc::new(Err(error.to_string())),
        };
        CONFIG.with_borrow_mut(|(read_from, config)| {
            if *read_from != text {
                let values = variables::parse(&text);
                *config = Rc::new(Config::read(|name| Some(values.get(name)?.as_str()?.to_owned())));
                *read_from = text;
            }
            Rc::clone(config)
        })
    }
}

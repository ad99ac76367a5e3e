//! Parapet at the edge: the events that Cloudflare sends, and nothing else.

pub mod access;
pub mod administration;
pub mod app;
pub mod authenticate;
pub mod cors;
pub mod directory;
pub mod document;
pub mod error;
pub mod governance;
pub mod guard;
pub mod health;
pub mod memory;
pub mod messaging;
pub mod openapi;
pub mod platform;
pub mod publish;
pub mod rate;
pub mod request;
pub mod response;
pub mod router;
pub mod tenancy;

#[cfg(target_arch = "wasm32")]
mod events {
    use std::cell::RefCell;
    use std::rc::Rc;

    use worker::{Context, Env, MessageBatch, Request, Result, ScheduleContext, ScheduledEvent, event, web_sys};

    use crate::app::{App, Config};
    use crate::authenticate;
    use crate::memory::Memory;
    use crate::messaging;
    use crate::platform::{Clock, Db, Dns, Fetch, Kv, Mailer, Queue, Sockets, http, log, queue, variables};
    use crate::router::{Router, routes};

    thread_local! {
        static MEMORY: Rc<Memory> = Rc::default();
        static ROUTER: std::result::Result<Rc<Router>, String> =
            Router::new(routes()).map(Rc::new).map_err(|error| error.to_string());
        /// The configuration, under the text that it was read from: Cloudflare may change variables under an isolate.
        static CONFIG: RefCell<(String, Rc<std::result::Result<Config, String>>)> =
            RefCell::new((String::new(), Rc::new(Err("nothing was read".to_owned()))));
    }

    #[event(fetch)]
    async fn fetch(request: Request, env: Env, context: Context) -> Result<web_sys::Response> {
        let router = ROUTER.with(Clone::clone)?;
        let request = http::read(request).await?;
        let app = app(&env);
        let response = router.answer(&app, request).await;
        // Nobody waits for what is written down of the use of keys, and for what happens next with events.
        if app.memory.has_uses() || !app.waiting.borrow().is_empty() {
            context.wait_until(async move {
                messaging::nudge(&app).await;
                authenticate::write_uses(&app).await;
            });
        }
        http::write(response)
    }

    #[event(queue)]
    async fn queue(batch: MessageBatch<serde_json::Value>, env: Env, _context: Context) -> Result<()> {
        let app = app(&env);
        queue::each(&batch, async |message: &str| messaging::consume(&app, message).await).await;
        Ok(())
    }

    #[event(scheduled)]
    async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
        let app = app(&env);
        if let Err(error) = messaging::sweep(&app, app.clock.now()).await {
            log::error("-", error.code(), &error.to_string());
        }
    }

    fn app(env: &Env) -> App {
        App {
            db: Db::bound(env, "DB"),
            kv: Kv::bound(env, "SNAPSHOTS"),
            queue: Queue::bound(env, "EVENTS"),
            deliveries: Queue::bound(env, "DELIVERIES"),
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

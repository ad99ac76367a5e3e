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
    use std::rc::Rc;

    use worker::{Context, Env, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

    use crate::app::{App, Config};
    use crate::authenticate;
    use crate::memory::Memory;
    use crate::platform::{Clock, Db, Dns, Kv, Queue, http, log};
    use crate::router::{Router, routes};

    thread_local! {
        static MEMORY: Rc<Memory> = Rc::default();
        static ROUTER: std::result::Result<Rc<Router>, String> =
            Router::new(routes()).map(Rc::new).map_err(|error| error.to_string());
    }

    #[event(fetch)]
    async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
        let router = ROUTER.with(Clone::clone)?;
        let request = http::read(request).await?;
        let app = app(&env);
        let response = router.answer(&app, request).await;
        // Nobody waits for what is written down of the use of keys.
        if app.memory.has_uses() {
            context.wait_until(async move { authenticate::write_uses(&app).await });
        }
        http::write(response)
    }

    /// No event is sent yet; what comes is acknowledged, so that it does not come again.
    #[event(queue)]
    async fn queue(batch: MessageBatch<serde_json::Value>, _env: Env, _context: Context) -> Result<()> {
        batch.ack_all();
        Ok(())
    }

    /// No work is due yet.
    #[event(scheduled)]
    async fn scheduled(event: ScheduledEvent, _env: Env, _context: ScheduleContext) {
        log::info("-", "scheduled", &event.cron());
    }

    fn app(env: &Env) -> App {
        App {
            db: Db::bound(env, "DB"),
            kv: Kv::bound(env, "SNAPSHOTS"),
            queue: Queue::bound(env, "EVENTS"),
            dns: Dns,
            clock: Clock::default(),
            config: Config::read(|name| env.var(name).ok().map(|value| value.to_string())),
            memory: MEMORY.with(Rc::clone),
        }
    }
}

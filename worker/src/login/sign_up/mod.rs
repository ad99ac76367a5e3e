//! Signing up: `GET /v1/auth/sign-up` says who may, `POST` asks for an account, `…/confirm` makes it.
//!
//! Asking looks at nothing of the accounts that there are, so it answers, costs and writes the same whoever has the address.
//! Whose it is counts where the event is fanned out: who has an account is told so, and everybody else gets a link. It
//! makes the user together with the password that was typed, which is asked for again: whoever typed somebody else's address
//! does not have a password of theirs confirmed by its owner.
//!
//! Whoever signs up gets no role but what automatic groups give them.

mod admission;
mod bot_check;
mod confirm;
mod pending;
mod request;

pub use admission::Rules;
pub use pending::for_event;

use crate::guard::{Access, Route};

/// Asking who may, asking for an account, and making it.
pub fn routes() -> Vec<Route> {
    const PATH: &str = "/v1/auth/sign-up";
    let route = |method, path, access| Route { method, path, access };
    vec![
        route("GET", PATH, Access::Public(|app, call| Box::pin(admission::answer(app, call)))),
        route("POST", PATH, Access::Public(|app, call| Box::pin(request::answer(app, call)))),
        route("POST", "/v1/auth/sign-up/confirm", Access::Public(|app, call| Box::pin(confirm::answer(app, call)))),
    ]
}

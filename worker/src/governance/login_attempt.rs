//! Who tried to sign in: `/v1/login-attempts`.

use parapet::model::LoginAttempt;

use crate::administration::{ListOf, list};
use crate::guard::{Access, Route};

impl ListOf for LoginAttempt {
    const PATH: &'static str = "/v1/login-attempts";
    const READ: &'static str = "login_attempt.read";
    const TIME: &'static str = "attempted_at";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["user_id", "email_attempted", "ip_address", "result"];
}

/// `GET /v1/login-attempts`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: LoginAttempt::PATH,
        access: Access::Permission(LoginAttempt::READ, |app, call, actor| {
            Box::pin(list::<LoginAttempt>(app, call, actor))
        }),
    }]
}

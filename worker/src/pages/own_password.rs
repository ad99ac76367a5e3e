//! `/account/password`: one's own password becomes another. `/.well-known/change-password` leads here (W3C, A Well-Known
//! URL for Changing Passwords).

use super::form::{Field, Filled, Kind};
use super::page::{self, Page};
use super::visit::Visit;
use crate::error::ApiError;
use crate::guard::{Access, Route};
use crate::response::Response;

/// The page.
pub struct OwnPassword;

impl Page for OwnPassword {
    const PATH: &'static str = "/account/password";
    const NAME: &'static str = "own_password";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::new("current_password", Kind::Password, "current-password"),
        Field::new("new_password", Kind::Password, "new-password"),
    ];
    const TEMPLATE: &'static str = r#"<p>{{t "own_password.why"}}</p>
{{> form}}"#;

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        visit.post("/v1/me/password", filled.json(Self::FIELDS)?).await?;
        Ok(visit.go("/account?done=password_changed"))
    }
}

/// The page, and where password managers look for it.
pub fn routes() -> Vec<Route> {
    let mut routes = page::routes::<OwnPassword>();
    routes.push(Route {
        method: "GET",
        path: "/.well-known/change-password",
        access: Access::Public(|_, _| {
            Box::pin(async {
                let response = Response { status: 303, ..Response::default() };
                Ok(response.with("location", OwnPassword::PATH))
            })
        }),
    });
    routes
}

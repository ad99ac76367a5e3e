//! `/sign-in/new-password`: a password that must become another before there is a session.

use super::form::{Field, Filled, Kind};
use super::handed::{self, Handed};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct NewPassword;

impl Page for NewPassword {
    const PATH: &'static str = "/sign-in/new-password";
    const NAME: &'static str = "new_password";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[Field::new("new_password", Kind::Password, "new-password")];
    const TEMPLATE: &'static str = r#"<p>{{t "new_password.why"}}</p>
{{> form}}
<p><a href="/sign-in">{{t "sign_in.anew"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        Ok(handed::or_sign_in(visit, Self::PATH))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let handed = Handed::read(&visit.call.request, Self::PATH).unwrap_or_default();
        let mut body = filled.json(Self::FIELDS)?;
        body.insert("flow".to_owned(), handed.secret.as_str().into());
        let answer = visit.post("/v1/auth/password", body).await?;
        handed::next(visit, &answer, handed.return_to())
    }
}

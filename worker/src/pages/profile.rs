//! `/account/profile`: what one says of oneself.

use serde_json::{Map, Value};

use super::form::{Field, Filled, Kind};
use super::page::Page;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Profile;

impl Page for Profile {
    const PATH: &'static str = "/account/profile";
    const NAME: &'static str = "profile";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::new("first_name", Kind::Text, "given-name").optional(),
        Field::new("last_name", Kind::Text, "family-name").optional(),
        Field::new("phone", Kind::Phone, "tel").optional(),
    ];

    async fn fill(visit: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        let me = visit.read("/v1/me", "").await?;
        let text = |field: &Field| me.get(field.name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self::FIELDS.iter().fold(filled, |filled, field| filled.with(field.name, text(field))))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        // What is left empty goes (RFC 7396: null).
        let mut body = Map::from_iter(Self::FIELDS.iter().map(|field| (field.name.to_owned(), Value::Null)));
        body.extend(filled.json(Self::FIELDS)?);
        visit.patch("/v1/me", None, body).await?;
        Ok(visit.go("/account?done=profile_changed"))
    }
}

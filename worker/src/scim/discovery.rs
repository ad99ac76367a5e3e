//! What there is (RFC 7644, section 4): `/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes`, for whoever may see users.

use parapet::scim::schema::Schema;
use parapet::scim::{ResourceType, discovery};
use serde_json::{Value, json};

use super::{answer, base, users};
use crate::administration::Actor;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// The routes.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "GET", path, access };
    vec![
        route(
            "/scim/v2/ServiceProviderConfig",
            Access::Permission("user.read", |_, call, _| {
                Box::pin(async move { answer(200, &discovery::configuration(&base(call))) })
            }),
        ),
        route(
            "/scim/v2/ResourceTypes",
            Access::Permission("user.read", |_, call, actor| {
                Box::pin(async move { all(call, types(&actor).iter(), discovery::resource_type) })
            }),
        ),
        route(
            "/scim/v2/ResourceTypes/{name}",
            Access::Permission("user.read", |_, call, actor| {
                Box::pin(async move {
                    let types = types(&actor);
                    let one = types.iter().find(|its| its.name == call.parameter("name"));
                    answer(200, &discovery::resource_type(one.ok_or(ApiError::NotFound)?, &base(call)))
                })
            }),
        ),
        route(
            "/scim/v2/Schemas",
            Access::Permission("user.read", |_, call, actor| {
                Box::pin(async move { all(call, schemas(&types(&actor)), discovery::schema) })
            }),
        ),
        route(
            "/scim/v2/Schemas/{urn}",
            Access::Permission("user.read", |_, call, actor| {
                Box::pin(async move {
                    let (types, urn) = (types(&actor), call.decoded("urn")?);
                    let one = schemas(&types).find(|its| its.id.eq_ignore_ascii_case(&urn));
                    answer(200, &discovery::schema(one.ok_or(ApiError::NotFound)?, &base(call)))
                })
            }),
        ),
    ]
}

fn types(actor: &Actor) -> [ResourceType; 2] {
    [users(&actor.published), ResourceType::group()]
}

fn schemas(types: &[ResourceType]) -> impl Iterator<Item = &Schema> {
    types.iter().flat_map(|its| std::iter::once(&its.schema).chain(&its.extensions))
}

fn all<'a, T: 'a>(
    call: &Call,
    items: impl Iterator<Item = &'a T>,
    describe: fn(&T, &str) -> Value,
) -> Result<Response, ApiError> {
    let base = base(call);
    let resources: Vec<Value> = items.map(|its| describe(its, &base)).collect();
    answer(
        200,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": resources.len(),
            "itemsPerPage": resources.len(),
            "startIndex": 1,
            "Resources": resources,
        }),
    )
}

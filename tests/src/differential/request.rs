//! Generated requests, each with a context.

use super::{
    entities::{Cast, context},
    rng::Rng,
    world::{Uid, Value},
};
use cedar_policy::{Context, Request};
use std::collections::BTreeMap;

/// One request, before Cedar has it.
#[derive(Debug, Clone)]
pub struct RequestCase {
    /// Who asks.
    pub principal: Uid,
    /// For what.
    pub action: Uid,
    /// On what.
    pub resource: Uid,
    /// With what around it.
    pub context: BTreeMap<&'static str, Value>,
}

/// A request of the cast, now and then by or about somebody else.
pub fn request(rng: &mut Rng, cast: &Cast) -> RequestCase {
    let mut one = |of: &[Uid]| if rng.chance(5) { cast.uid(rng) } else { *rng.pick(of) };
    let (principal, action, resource) = (one(&cast.principals), one(&cast.actions), one(&cast.resources));
    RequestCase { principal, action, resource, context: context(rng, cast) }
}

impl RequestCase {
    /// The same for Cedar.
    pub fn to_cedar(&self) -> Result<Request, String> {
        let pairs = self.context.iter().map(|(name, value)| ((*name).to_owned(), value.restricted()));
        let context = Context::from_pairs(pairs.collect::<Vec<_>>()).map_err(|error| error.to_string())?;
        Request::new(self.principal.cedar(), self.action.cedar(), self.resource.cedar(), context, None)
            .map_err(|error| error.to_string())
    }
}

//! From an AuthZEN evaluation to the engine's request.

use super::{AuthzenError, Evaluation, principal_type};
use crate::directory::EntityRef;
use crate::engine::Request;
use crate::schema::Schema;

/// What the caller of the decision point may say, and as whom it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Whether it may set `ip`, `mfa` and `auth_time` of the context: the scope `access:context`.
    pub sets_context: bool,
    /// The scopes of its key, where the key's owner is the subject itself.
    pub scopes: Option<Vec<String>>,
}

impl Evaluation {
    /// The engine's request. What a context says of `flags`, `now`, `scopes` and `weekday` is passed over, since the
    /// decision point knows better.
    ///
    /// # Errors
    /// `UntrustedContext`: dropping an address that the caller was not trusted to say would silence every rule that
    /// forbids by it.
    pub fn request(&self, caller: &Caller) -> Result<Request, AuthzenError> {
        let strange = Schema::TRUSTED_CALLER_ONLY.into_iter().find(|name| self.context.contains_key(*name));
        if let Some(name) = strange.filter(|_| !caller.sets_context) {
            return Err(AuthzenError::UntrustedContext { pointer: format!("/context/{name}") });
        }
        let ty = principal_type(&self.subject.r#type).unwrap_or(&self.subject.r#type);
        Ok(Request {
            principal: EntityRef::new(ty, &self.subject.id),
            principal_attributes: self.subject.properties.clone(),
            action: self.action.name.clone(),
            action_attributes: self.action.properties.clone(),
            resource: EntityRef::new(&self.resource.r#type, &self.resource.id),
            resource_attributes: self.resource.properties.clone(),
            context: (*self.context).clone(),
            scopes: caller.scopes.clone(),
        })
    }
}

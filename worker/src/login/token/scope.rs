//! What a token may be used for: never more than the credential, nor than its owner may at all.

use std::collections::BTreeSet;

use parapet::engine::Access;
use parapet::model::Timestamp;
use parapet::rights::RightsOf;

use crate::access::api_key::is_own_scope;
use crate::access::principal;
use crate::app::App;
use crate::authenticate::{Caller, Owner};
use crate::document;
use crate::error::ApiError;
use crate::guard::Call;
use crate::publish;

/// Whoever asks for it has the names of their roles in the token.
pub const ROLES: &str = "roles";

/// A key's scope for asking for [`ROLES`]: whoever goes by roles alone would let a key for little do all that its owner may.
pub const ROLES_SCOPE: &str = "token:roles";

/// What a token is given.
pub struct Given {
    pub scopes: Vec<String>,
    /// The names of the roles in force, where they were asked for.
    pub roles: Option<Vec<String>>,
}

/// What is given of what is asked for. Whoever asks for scopes has all of them or none; whoever says nothing has those of
/// the credential that its owner may use.
pub async fn given(
    app: &App,
    call: &Call,
    caller: &Caller,
    asked: Option<&str>,
    now: Timestamp,
) -> Result<Given, ApiError> {
    let refused = |detail: String| ApiError::malformed("token.scope", detail).oauth("invalid_scope");
    let held = &caller.standing.scopes;
    let wanted: BTreeSet<&str> = match asked {
        Some(asked) => asked.split(' ').filter(|scope| !scope.is_empty()).collect(),
        None => held.iter().map(String::as_str).collect(),
    };
    let with_roles = wanted.contains(ROLES);
    let unknown = wanted.iter().find(|scope| **scope != ROLES && !held.iter().any(|its| its == *scope));
    if let Some(scope) = unknown {
        return Err(refused(format!("the credential has no scope `{scope}`")));
    }
    if with_roles && !caller.has_scope(ROLES_SCOPE) {
        return Err(refused(format!("`{ROLES}` needs a key with the scope `{ROLES_SCOPE}`")));
    }
    let useless = useless(app, call, caller, &wanted, now).await?;
    if let Some(scope) = useless.first().filter(|_| asked.is_some()) {
        return Err(refused(format!("whom the credential acts for may not do `{scope}` at all")));
    }
    let scopes: Vec<String> = wanted.into_iter().filter(|scope| !useless.contains(*scope)).map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(refused("nothing is left that the token could be used for".to_owned()));
    }
    let roles = if with_roles { Some(roles(app, call, caller, now).await?) } else { None };
    Ok(Given { scopes, roles })
}

/// Those of the scopes that are actions which the owner is allowed with no resource and under no circumstances. What
/// depends on a resource or on the context is for whoever decides then.
async fn useless(
    app: &App,
    call: &Call,
    caller: &Caller,
    wanted: &BTreeSet<&str>,
    now: Timestamp,
) -> Result<BTreeSet<String>, ApiError> {
    let actions: Vec<&&str> = wanted.iter().filter(|scope| **scope != ROLES && !is_own_scope(scope)).collect();
    let (Some((kind, id)), false) = (owner(caller), actions.is_empty()) else { return Ok(BTreeSet::new()) };
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let record = principal::find(app, caller.newest(), kind, &id, &call.id).await?.ok_or_else(gone)?;
    let row = published.engine.matrix_row(&record, now);
    let may = |action: &str| row.cells.iter().any(|cell| cell.action == action && cell.access != Access::No);
    Ok(actions.into_iter().filter(|action| !may(action)).map(|action| (*action).to_owned()).collect())
}

/// The names of the roles that are in force now, by the owner itself or by its groups.
async fn roles(app: &App, call: &Call, caller: &Caller, now: Timestamp) -> Result<Vec<String>, ApiError> {
    let Some((kind, id)) = owner(caller) else { return Ok(Vec::new()) };
    let versions = caller.standing.versions;
    let moved = || ApiError::unavailable("snapshot.moved", "the rules changed in between", versions.policy);
    let document = document::at(app, caller.standing.tenant, versions.policy).await?.ok_or_else(moved)?;
    let record = principal::find(app, caller.newest(), kind, &id, &call.id).await?.ok_or_else(gone)?;
    let rights = RightsOf::new(&document);
    let names: BTreeSet<&str> = rights.roles(&record, now).into_iter().map(|(role, _)| role.name.as_str()).collect();
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The type and id of whom the credential acts for; nothing where it is nobody.
fn owner(caller: &Caller) -> Option<(&'static str, String)> {
    match caller.standing.owner {
        Owner::Tenant => None,
        Owner::User(id) => Some(("User", id.to_string())),
        Owner::ServiceAccount(id) => Some(("ServiceAccount", id.to_string())),
    }
}

fn gone() -> ApiError {
    ApiError::Unauthenticated { code: "key.owner_inactive", detail: "the key's owner is not active" }
}

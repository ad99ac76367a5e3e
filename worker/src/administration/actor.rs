//! Who administers: somebody whose key may, and whom the tenant's own rules let.

use std::net::IpAddr;
use std::rc::Rc;

use parapet::administration::{OWNER, RESOURCE};
use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::model::{RoleType, TenantDocument, Timestamp};
use parapet::{Outcome, Request as Question};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::record;
use crate::access::principal;
use crate::app::App;
use crate::authenticate::{Caller, Owner, caller_now};
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::{Published, Versions};
use crate::publish;

/// A key's scope for all reading that its owner may do.
pub const READ_SCOPE: &str = "admin:read";

/// A key's scope for all changing that its owner may do.
pub const WRITE_SCOPE: &str = "admin:write";

pub use parapet::model::OWN_SCOPE;

/// Somebody who administers a tenant, as the database knows them now.
pub struct Actor {
    /// By what they come.
    pub caller: Caller,
    /// The tenant.
    pub tenant: Uuid,
    /// Whom that acts for.
    pub owner: Owner,
    /// The owner as the directory knows them.
    pub record: Rc<PrincipalRecord>,
    /// The rules that let them in.
    pub published: Published,
    /// The actions that they were let in for, the last one last; none where it is for what is their own.
    pub actions: Vec<&'static str>,
}

impl Actor {
    /// Lets a caller in for `action` on `parapet`. A refusal by the tenant's rules is audited.
    pub async fn admit(app: &App, call: &Call, action: &'static str) -> Result<Self, ApiError> {
        Self::let_in(app, call, caller_now(app, call).await?, &[], action).await
    }

    /// Lets the same actor in for another action as well.
    pub async fn also(self, app: &App, call: &Call, action: &'static str) -> Result<Self, ApiError> {
        Self::let_in(app, call, self.caller, &self.actions, action).await
    }

    async fn let_in(
        app: &App,
        call: &Call,
        caller: Caller,
        before: &[&'static str],
        action: &'static str,
    ) -> Result<Self, ApiError> {
        let scope = if action.ends_with(".read") { READ_SCOPE } else { WRITE_SCOPE };
        if !caller.has_scope(scope) && !caller.has_scope(&format!("{RESOURCE}:{action}")) {
            return Err(ApiError::MissingScope { scope });
        }
        let actor = Self::known(app, call, caller, [before, &[action]].concat()).await?;
        let actor = actor.ok_or(ApiError::MissingPermission { action })?;
        let question = Question {
            principal: EntityRef::new(actor.record.r#type.as_str(), actor.id()),
            principal_attributes: Map::new(),
            action: action.to_owned(),
            action_attributes: Map::new(),
            resource: EntityRef::new(RESOURCE, call.request.path.as_str()),
            resource_attributes: None,
            context: context(call, &actor.caller),
            scopes: None,
        };
        let is_allowed = |question: &Question| {
            let decision = actor.published.engine.decide_with(Some(&actor.record), question, app.clock.now());
            decision.outcome == Outcome::Allow
        };
        if !is_allowed(&question) {
            let has_proof = actor.caller.standing.proof.is_some();
            let helps = has_proof && is_allowed(&proved(question, app.clock.now()));
            record::refused(app, call, &actor, &[]).await?;
            return Err(if helps { ApiError::StepUp } else { ApiError::MissingPermission { action } });
        }
        Ok(actor)
    }

    /// Lets a caller in for what is their own, which asks for no permission: the plan may do nothing else.
    pub async fn own(app: &App, call: &Call) -> Result<Self, ApiError> {
        let caller = caller_now(app, call).await?;
        if !caller.has_scope(OWN_SCOPE) {
            return Err(ApiError::MissingScope { scope: OWN_SCOPE });
        }
        Self::known(app, call, caller, Vec::new()).await?.ok_or(ApiError::NoPrincipal)
    }

    /// Lets a caller in as one was let in before: what they are now counts.
    pub async fn anew(app: &App, call: &Call, actions: &[&'static str]) -> Result<Self, ApiError> {
        let Some((first, others)) = actions.split_first() else { return Self::own(app, call).await };
        let mut actor = Self::admit(app, call, first).await?;
        for action in others {
            actor = actor.also(app, call, action).await?;
        }
        Ok(actor)
    }

    /// Whom a caller acts for, with the rules of now; nothing where the directory does not know them.
    async fn known(
        app: &App,
        call: &Call,
        caller: Caller,
        actions: Vec<&'static str>,
    ) -> Result<Option<Self>, ApiError> {
        let owner = caller.standing.owner;
        let (kind, id) = match owner {
            Owner::Tenant => return Err(ApiError::NoPrincipal),
            Owner::User(id) => ("User", id),
            Owner::ServiceAccount(id) => ("ServiceAccount", id),
        };
        if !caller.standing.tenant_active {
            return Err(ApiError::TenantInactive);
        }
        let published = publish::current(app, caller.newest(), &call.id).await?;
        let record = principal::find(app, caller.newest(), kind, &id.to_string(), &call.id).await?;
        let tenant = caller.standing.tenant;
        Ok(record.map(|record| Self { caller, tenant, owner, record, published, actions }))
    }

    /// The same actor, as the database knows them by now.
    pub async fn again(&self, app: &App, call: &Call) -> Result<Self, ApiError> {
        Self::anew(app, call, &self.actions).await
    }

    /// The user who acts; nothing where it is a service account.
    pub fn user(&self) -> Option<Uuid> {
        match self.owner {
            Owner::User(id) => Some(id),
            Owner::Tenant | Owner::ServiceAccount(_) => None,
        }
    }

    /// The id of the user or the service account.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// The versions that this is known as of.
    pub fn versions(&self) -> Versions {
        self.caller.standing.versions
    }

    /// Whether they have the role `owner` at `now`, given to themselves.
    pub fn is_owner(&self, document: &TenantDocument, now: Timestamp) -> bool {
        owner_role(document).is_some_and(|owner| {
            let owner = owner.to_string();
            self.record.roles.iter().any(|edge| edge.to == owner && edge.holds(now))
        })
    }

    /// For the audit log and for events: type, id and credential.
    pub fn describe(&self) -> Value {
        let mut described = json!({ "type": self.record.r#type, "id": self.record.id });
        if let Some(members) = described.as_object_mut() {
            let named = self.caller.standing.credential.named();
            members.extend(named.map(|(name, id)| (name.to_owned(), json!(id))));
        }
        described
    }
}

/// The id of the tenant's role `owner`.
pub fn owner_role(document: &TenantDocument) -> Option<Uuid> {
    let is_owner = |role: &&parapet::model::Role| role.r#type == RoleType::System && role.name == OWNER;
    document.role.iter().find(is_owner).map(|role| role.id)
}

/// What conditions may read of a request: where it comes from and, of a session, when and how its user proved who they are.
fn context(call: &Call, caller: &Caller) -> Map<String, Value> {
    let ip = address(call).map(|ip| ("ip".to_owned(), json!(ip)));
    let proof = caller.standing.proof.iter().flat_map(|proof| {
        [("auth_time".to_owned(), json!(proof.at)), ("mfa".to_owned(), json!(proof.is_multi_factor()))]
    });
    ip.into_iter().chain(proof).collect()
}

/// The same question from somebody who has just proved who they are by two factors.
fn proved(question: Question, now: Timestamp) -> Question {
    let mut context = question.context;
    context.insert("auth_time".to_owned(), json!(now));
    context.insert("mfa".to_owned(), json!(true));
    Question { context, ..question }
}

/// Where the request comes from.
pub fn address(call: &Call) -> Option<IpAddr> {
    call.request.address()
}

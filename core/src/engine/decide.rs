//! Deciding: standing first, then the shape of the request, then the policies.

use super::by_cedar::Cedar;
use super::decision::{Decision, Outcome, PolicyError, Reason};
use super::input::Input;
use super::{Request, slice};
use crate::compile::SourceMap;
use crate::directory::{EntityRef, Hierarchy, PrincipalRecord, PrincipalState};
use crate::model::{TenantStatus, Timestamp};
use crate::schema::{DIRECTORY_TYPES, SERVICE_ACCOUNT, Schema, USER};
use crate::snapshot::{SectionKind, Snapshot, SnapshotError};
use crate::tenant::TenantRecord;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;

/// A tenant that decides. Cheap to clone, and shared between threads.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) tenant: TenantRecord,
    pub(super) schema: Schema,
    pub(super) hierarchy: Hierarchy,
    pub(super) sources: SourceMap,
    cedar: Cedar,
    principals: Vec<PrincipalRecord>,
    /// Positions in `principals` by type and id, username or e-mail.
    names: HashMap<(String, String), usize>,
    policy_version: u64,
}

/// Why a snapshot cannot decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The file itself is wrong.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A section is not what it should be.
    #[error("the snapshot's section `{section}` cannot be read: {message}")]
    Section {
        /// Which one.
        section: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl EngineError {
    /// Stable and dotted, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Snapshot(error) => error.code(),
            Self::Section { .. } => "snapshot.malformed",
        }
    }
}

impl Engine {
    /// Reads an opened snapshot.
    pub fn new(snapshot: &Snapshot) -> Result<Self, EngineError> {
        let tenant: TenantRecord = section(snapshot, SectionKind::Tenant)?;
        let schema: Schema = section(snapshot, SectionKind::Schema)?;
        let text = std::str::from_utf8(snapshot.required(SectionKind::Cedar)?)
            .map_err(|error| EngineError::Section { section: SectionKind::Cedar.name(), message: error.to_string() })?;
        let cedar = Cedar::read(text, &schema, &tenant)
            .map_err(|error| EngineError::Section { section: SectionKind::Cedar.name(), message: error.to_string() })?;
        let sources = match snapshot.section(SectionKind::SourceMap) {
            Some(_) => section(snapshot, SectionKind::SourceMap)?,
            None => SourceMap::new(),
        };
        let principals: Vec<PrincipalRecord> = match snapshot.section(SectionKind::Principals) {
            Some(_) => section(snapshot, SectionKind::Principals)?,
            None => vec![],
        };
        Ok(Self {
            inner: Arc::new(Inner {
                hierarchy: section(snapshot, SectionKind::Hierarchy)?,
                names: names(&principals),
                policy_version: snapshot.policy_version(),
                tenant,
                schema,
                sources,
                cedar,
                principals,
            }),
        })
    }

    /// The version of the policies that it decides with.
    pub fn policy_version(&self) -> u64 {
        self.inner.policy_version
    }

    /// The tenant's schema.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// The tenant's standing.
    pub fn tenant(&self) -> &TenantRecord {
        &self.inner.tenant
    }

    /// A principal of the snapshot: by the row's id, else the username, else the e-mail.
    pub fn principal(&self, principal: &EntityRef) -> Option<&PrincipalRecord> {
        let position = self.inner.names.get(&(principal.r#type.clone(), principal.id.clone()))?;
        self.inner.principals.get(*position)
    }

    /// Decides with the principals of the snapshot.
    pub fn decide(&self, request: &Request, now: Timestamp) -> Decision {
        self.decide_with(self.principal(&request.principal), request, now)
    }

    /// Decides with a principal that the caller has; without one, the principal is unknown.
    pub fn decide_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Decision {
        self.decide_by_cedar_with(principal, request, now)
    }

    /// The slow twin of [`Engine::decide`]: Cedar's own authorizer.
    pub fn decide_by_cedar(&self, request: &Request, now: Timestamp) -> Decision {
        self.decide_by_cedar_with(self.principal(&request.principal), request, now)
    }

    fn decide_by_cedar_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Decision {
        let inner = &*self.inner;
        let principal = match self.standing(principal, request) {
            Ok(principal) => principal,
            Err(decision) => return decision,
        };
        let registered = inner.hierarchy.resource(&request.resource);
        let input = match Input::read(&inner.schema, principal, registered, request, now) {
            Ok(input) => input,
            Err(error) => {
                let at = Some(error.way.join("."));
                return Decision { at, ..Decision::without_policies(Outcome::Error, Reason::WrongType) };
            }
        };
        let who = EntityRef::new(&principal.r#type, &principal.id);
        let named = input.entities().into_iter().map(|(ty, id)| EntityRef::new(ty, id));
        let named = named.chain([request.resource.clone()]);
        let parents = slice::of(&inner.schema, &inner.hierarchy, principal, named, now);
        let decided =
            inner.cedar.decide(&inner.tenant, &who, &request.action_name(), &request.resource, &parents, input);
        decided.unwrap_or_else(|error| Decision {
            errors: vec![PolicyError { policy: String::new(), message: error.to_string() }],
            ..Decision::without_policies(Outcome::Error, Reason::Undecidable)
        })
    }

    /// What is decided before any policy is asked; otherwise the principal, who may ask.
    pub(super) fn standing<'p>(
        &self,
        principal: Option<&'p PrincipalRecord>,
        request: &Request,
    ) -> Result<&'p PrincipalRecord, Decision> {
        let refuse = |outcome, reason| Err(Decision::without_policies(outcome, reason));
        match self.inner.tenant.status {
            TenantStatus::Active => {}
            TenantStatus::Suspended => return refuse(Outcome::Forbidden, Reason::TenantSuspended),
            TenantStatus::Deleted => return refuse(Outcome::Forbidden, Reason::TenantDeleted),
        }
        let Some(principal) = principal.filter(|found| found.r#type == request.principal.r#type) else {
            return refuse(Outcome::Forbidden, Reason::PrincipalUnknown);
        };
        match principal.state {
            PrincipalState::Active => {}
            PrincipalState::Inactive => return refuse(Outcome::Forbidden, Reason::PrincipalInactive),
            PrincipalState::Deleted => return refuse(Outcome::Forbidden, Reason::PrincipalDeleted),
        }
        let ty = &request.resource.r#type;
        if !self.inner.schema.types.contains_key(ty) || DIRECTORY_TYPES.contains(&ty.as_str()) {
            return refuse(Outcome::NoPermit, Reason::UnknownType);
        }
        if !self.inner.schema.actions.contains_key(&request.action_name()) {
            return refuse(Outcome::NoPermit, Reason::UnknownAction);
        }
        Ok(principal)
    }
}

fn section<T: DeserializeOwned>(snapshot: &Snapshot, kind: SectionKind) -> Result<T, EngineError> {
    serde_json::from_slice(snapshot.required(kind)?)
        .map_err(|error| EngineError::Section { section: kind.name(), message: error.to_string() })
}

/// Ids first, so that no name can take another's id; then names, of those who still have theirs.
fn names(principals: &[PrincipalRecord]) -> HashMap<(String, String), usize> {
    let mut names = HashMap::new();
    for (position, principal) in principals.iter().enumerate() {
        names.insert((principal.r#type.clone(), principal.id.clone()), position);
    }
    for (position, principal) in principals.iter().enumerate() {
        if principal.r#type == SERVICE_ACCOUNT || principal.state == PrincipalState::Deleted {
            continue;
        }
        for column in ["username", "email"] {
            if let Some(name) = principal.attributes.get(column).and_then(|name| name.as_str()) {
                names.entry((USER.to_owned(), name.to_owned())).or_insert(position);
            }
        }
    }
    names
}

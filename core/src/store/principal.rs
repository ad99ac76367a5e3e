//! The principals of a snapshot: found by their names, and read back as records.

use super::record::{EDGE_TABLES, EdgeRecord, NAMED, NEVER, NONE, PrincipalRow, Run, TO_NAMED};
use super::{EngineError, Store, hash, malformed, same};
use crate::directory::{Edge, PrincipalRecord, PrincipalState, RowRef};
use crate::model::Timestamp;
use crate::schema::{SERVICE_ACCOUNT, USER};
use crate::snapshot::SectionKind;
use uuid::Uuid;

/// The types of principals, by number.
pub(crate) const TYPES: [&str; 2] = [USER, SERVICE_ACCOUNT];

impl PrincipalRow {
    /// Its type.
    #[inline]
    pub(crate) fn type_name(&self) -> &'static str {
        TYPES.get(self.ty.get() as usize).copied().unwrap_or(USER)
    }

    /// Whether it may act.
    #[inline]
    pub(crate) fn state(&self) -> PrincipalState {
        match self.state.get() {
            0 => PrincipalState::Active,
            1 => PrincipalState::Inactive,
            _ => PrincipalState::Deleted,
        }
    }
}

impl EdgeRecord {
    /// Whether it holds at an instant; at exactly its end it has ended.
    #[inline]
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        now.as_millis() < self.until.get()
    }

    /// When it ends.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        (self.until.get() != NEVER).then(|| Timestamp::from_millis(self.until.get()))
    }

    /// The row that says so.
    pub(crate) fn source(&self, store: &Store<'_>) -> RowRef {
        let table = EDGE_TABLES.get(self.table()).copied().unwrap_or_default();
        let row = store.edge_rows.get(self.row.get() as usize).copied().unwrap_or_default();
        RowRef::new(table, Uuid::from_bytes(row))
    }

    /// The position of the row's table.
    pub(super) fn table(&self) -> usize {
        (self.flags.get() & !TO_NAMED) as usize
    }

    /// Whether a scope names the entity that it leads to.
    #[inline]
    pub(crate) fn leads_to_named(&self) -> bool {
        self.flags.get() & TO_NAMED != 0
    }
}

impl<'a> Store<'a> {
    pub(super) fn check_principals(&self) -> Result<(), EngineError> {
        let broken = |what| Err(malformed(SectionKind::Principals, what));
        for principal in self.principals {
            if !self.texts.has(principal.id.get()) || !self.has_or_none(principal.wrong.get()) {
                return broken("a text that is not there");
            }
            if principal.ty.get() as usize >= TYPES.len() || principal.state.get() > 2 {
                return broken("a type or a state that is not there");
            }
            let entity = principal.entity.get();
            let itself = (principal.type_name(), self.texts.get(principal.id.get()));
            if entity != NONE && self.entity_key(entity) != itself {
                return broken("another's entity");
            }
            let edges = [principal.roles, principal.groups].iter().all(|run| run.fits(self.edges.len()));
            if !edges || !principal.attributes.fits(self.values.len()) {
                return broken("a run that is not there");
            }
        }
        for (number, entity) in (0..).zip(self.entities) {
            let (ty, id) = self.entity_key(number);
            if entity.flags.get() & NAMED != 0
                && let Some(principal) = self.principal(ty, id)
                && self.texts.get(principal.id.get()) == id
                && principal.entity.get() != number
            {
                return broken("a principal that does not say that policies name it");
            }
        }
        for name in self.names {
            if !self.texts.has(name.name.get()) || name.principal.get() as usize >= self.principals.len() {
                return Err(malformed(SectionKind::Name, "a text or a principal that is not there"));
            }
        }
        Ok(())
    }

    /// A principal: by the row's id, else the username, else the e-mail.
    pub(crate) fn principal(&self, ty: &str, name: &str) -> Option<&'a PrincipalRow> {
        self.principals.get(self.principal_number(ty, name)? as usize)
    }

    /// The same by its position.
    pub(crate) fn principal_number(&self, ty: &str, name: &str) -> Option<u32> {
        let number = TYPES.iter().position(|known| same(known, ty))?;
        let hash = hash::of_principal(number, name);
        let names = self.names.get(self.name_buckets.range(hash))?;
        names.iter().find_map(|one| {
            if one.hash.get() != (hash >> 32) as u32 || !same(self.texts.get(one.name.get()), name) {
                return None;
            }
            let principal = one.principal.get();
            self.principals.get(principal as usize).filter(|row| row.ty.get() as usize == number).map(|_| principal)
        })
    }

    /// A principal as it came from its rows, as far as the schema declares it.
    pub(crate) fn principal_record(&self, principal: &PrincipalRow) -> PrincipalRecord {
        PrincipalRecord {
            r#type: principal.type_name().to_owned(),
            id: self.texts.get(principal.id.get()).to_owned(),
            state: principal.state(),
            attributes: self.attributes(principal.attributes.of(self.values)),
            roles: self.edge_list(principal.roles),
            groups: self.edge_list(principal.groups),
        }
    }

    pub(crate) fn edge_list(&self, run: Run) -> Vec<Edge> {
        let edges = run.of(self.edges).iter();
        let edge = |edge: &EdgeRecord| Edge {
            to: self.entity_key(edge.to.get()).1.to_owned(),
            expires_at: edge.expires_at(),
            source: edge.source(self),
        };
        edges.map(edge).collect()
    }
}

//! The access matrix: every principal with every action, and whether the policies alone say yes or no.

mod grants;
pub(super) mod partial;
pub(super) mod row;

pub use row::{Access, MatrixCell, MatrixRow};

use super::Engine;
use super::subject::Principal;
use super::view::View;
use crate::directory::PrincipalRecord;
use crate::model::Timestamp;
use grants::Grants;
use partial::Partial;
use row::Action;

/// The rows of the matrix, one at a time.
struct Matrix<'e> {
    view: &'e View<'e>,
    now: Timestamp,
    partial: Partial,
    grants: Grants,
    actions: Vec<Action<'e>>,
    next: usize,
}

impl Engine {
    /// The access matrix at an instant: one row a principal of the snapshot, in the order of types and ids, and in it one
    /// cell an action of the schema, in the order of names. Rows are made as they are taken.
    ///
    /// It says what a principal itself may do, not what one of its API keys may do. What depends on the resource, on the
    /// rest of the context or on what a caller says of the principal is [`Access::Conditional`]. Of a request whose
    /// values fit their types, [`Engine::decide`] at that instant allows every [`Access::Allow`] and no [`Access::No`].
    pub fn matrix(&self, now: Timestamp) -> impl Iterator<Item = MatrixRow<'_>> {
        Matrix::of(self.view(), now)
    }

    /// The row of a principal that need not be in the snapshot.
    pub fn matrix_row(&self, principal: &PrincipalRecord, now: Timestamp) -> MatrixRow<'_> {
        Matrix::of(self.view(), now).row(Principal::Record(principal))
    }
}

impl<'e> Matrix<'e> {
    fn of(view: &'e View<'e>, now: Timestamp) -> Self {
        let actions = Action::all(view);
        Self { view, now, partial: Partial::of(view), grants: Grants::of(view, &actions), actions, next: 0 }
    }
}

impl<'e> Iterator for Matrix<'e> {
    type Item = MatrixRow<'e>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.view.store.principals.get(self.next)?;
        self.next += 1;
        Some(self.row(Principal::Row(row)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.view.store.principals.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

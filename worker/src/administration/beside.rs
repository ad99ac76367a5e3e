//! Changes of rows that go along with a change of another table: they need no routes of their own.

use parapet::model::{Row, TenantDocument};
use serde::Serialize;
use serde_json::{Map, Value};

use super::plan::{Apply, RowChange, key_of, object, same_key};
use crate::platform::db::Statement;

impl RowChange {
    /// Removes a row, which is no part of the rules.
    pub fn remove_beside<R: Row + Serialize>(row: &R, event: &str) -> Self {
        let (condition, key) = key_of(row, 0);
        let sql = format!("DELETE FROM \"{}\" WHERE {condition}", R::TABLE);
        let statement = key.into_iter().fold(Statement::new(sql), Statement::bind);
        Self::beside::<R>(object(row), None, event, statement, None)
    }

    /// Changes these columns of a row; `rows` are the table's among the rules.
    pub fn set_beside<R: Row + Serialize + Clone + 'static>(
        before: &R,
        after: &R,
        columns: &[&'static str],
        event: &str,
        rows: fn(&mut TenantDocument) -> &mut Vec<R>,
    ) -> Self {
        let (condition, key) = key_of(after, columns.len());
        let sets: Vec<String> =
            columns.iter().zip(1..).map(|(column, place)| format!("\"{column}\" = ?{place}")).collect();
        let sql = format!("UPDATE \"{}\" SET {} WHERE {condition}", R::TABLE, sets.join(", "));
        let values = columns.iter().filter_map(|column| after.value(column));
        let statement = values.chain(key).fold(Statement::new(sql), Statement::bind);
        let changed = after.clone();
        let apply: Apply = Box::new(move |document| {
            for row in rows(document).iter_mut().filter(|row| same_key(*row, &changed)) {
                *row = changed.clone();
            }
        });
        Self::beside::<R>(object(before), Some(object(after)), event, statement, Some(apply))
    }

    /// The same change, of which nothing personal is written down.
    #[must_use]
    pub fn without_personal(mut self) -> Self {
        (self.changes, _) = self.changes.split(self.table);
        self
    }

    /// The same, by which nothing of the tenant changes.
    #[must_use]
    pub fn without_change(mut self) -> Self {
        self.noted = true;
        self
    }

    fn beside<R: Row>(
        was: Map<String, Value>,
        is: Option<Map<String, Value>>,
        event: &str,
        statement: Statement,
        apply: Option<Apply>,
    ) -> Self {
        Self { statement: Some(statement), apply, ..Self::of_objects::<R>(Some(was), is, event) }
    }
}

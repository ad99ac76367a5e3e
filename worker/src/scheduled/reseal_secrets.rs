//! Sealing again, under the current data key, what still lies under an older one (`OLD_DATA_KEYS`).
//!
//! A pass goes through all sealed text, a bounded piece a run; the row of the duty says how much is left
//! (`scheduled_run.remaining`), and at 0 the older keys can be taken away. What a text says does not change, so nothing gets
//! a new version and no chain a row. A row that was written meanwhile stays as it was written.

use parapet::model::SettingCategory;
use parapet::seal::DataKeyring;
use parapet::setting::KNOWN;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Done, MINUTE, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row, Statement};
use crate::platform::{log, random};

/// A run seals no more texts again.
const ROWS: usize = 500;

/// After a pass that left nothing the next one begins a day later: an isolate that had the old configuration a little
/// longer may have sealed under the old key. After one that left something, an hour later.
const NEXT: i64 = 24 * 60 * MINUTE;
const NEXT_AFTER_SOME: i64 = 60 * MINUTE;

/// Columns of sealed text, each bound to its place, `<table>/<id>/<column>`; those of webhooks to one that both have in
/// common. Settings come beside them.
const COLUMNS: [(&str, &str); 7] = [
    ("audit_subject", "subject_key"),
    ("identity_provider", "secret"),
    ("mfa_device", "secret"),
    ("token_key", "private_key"),
    ("user_notification", "sealed"),
    ("webhook", "previous_secret"),
    ("webhook", "secret"),
];

/// Text that is sealed: in which rows, and how it stands in its column.
struct Sealed {
    table: &'static str,
    column: &'static str,
    /// Which rows of the table have such text.
    only: String,
    /// SQL: the sealed text of the column, and the column of the sealed text `j.new`.
    read: String,
    write: &'static str,
}

/// How far a pass is, as the cursor of the duty.
#[derive(Default, Serialize, Deserialize)]
struct Pass {
    /// The id of the key that was current when it began.
    key: String,
    /// Which of [`everything`] is next, and after which id.
    table: usize,
    after: String,
    /// When it was over, in milliseconds, and what it left.
    over: Option<i64>,
    left: i64,
}

/// Goes on with the pass, or begins one where it is time.
pub async fn reseal(app: &App, turn: Turn) -> Result<Done, ApiError> {
    // Without a key nothing is sealed.
    let Ok(keys) = app.config()?.data_keys() else { return Ok(Done::default()) };
    let fresh = || Pass { key: keys.current_id().to_owned(), ..Pass::default() };
    let known: Option<Pass> = turn.cursor.as_deref().and_then(|cursor| serde_json::from_str(cursor).ok());
    let mut pass = known.filter(|pass| pass.key == keys.current_id()).unwrap_or_else(fresh);
    if let Some(over) = pass.over {
        let next = if pass.left == 0 { NEXT } else { NEXT_AFTER_SOME };
        if turn.now.as_millis() - over < next {
            return Ok(Done { items: 0, remaining: Some(pass.left), cursor: turn.cursor });
        }
        pass = fresh();
    }
    let everything = everything();
    let (mut looked, mut items) = (0, 0);
    while let Some(sealed) = everything.get(pass.table).filter(|_| looked < ROWS) {
        let most = ROWS - looked;
        let read = sealed.old(keys, "t.*").bind(pass.after.as_str());
        let rows = app.db.all(read.bind(i64::try_from(most).map_err(ApiError::internal)?)).await;
        let rows = rows.map_err(ApiError::database)?;
        looked += rows.len();
        items += sealed.write_again(app, keys, &rows).await?;
        match rows.last().filter(|_| rows.len() == most).and_then(|row| text(row, "id")) {
            Some(last) => pass.after = last.to_owned(),
            None => (pass.table, pass.after) = (pass.table + 1, String::new()),
        }
    }
    let left = count(app, keys, &everything).await?;
    if pass.table >= everything.len() {
        (pass.over, pass.left) = (Some(turn.now.as_millis()), left);
        if left > 0 {
            log::error("-", "seal.left", &format!("{left} texts do not open, or were written meanwhile"));
        }
    }
    let cursor = serde_json::to_string(&pass).map_err(ApiError::internal)?;
    Ok(Done { items, remaining: Some(left), cursor: Some(cursor) })
}

fn everything() -> Vec<Sealed> {
    let column = |(table, column): (&'static str, &'static str)| Sealed {
        table,
        column,
        only: format!("t.{column} IS NOT NULL"),
        read: format!("t.{column}"),
        write: "j.new",
    };
    let secret = KNOWN.iter().filter(|known| known.secret);
    let keys = secret
        .map(|known| format!("(t.category = '{}' AND t.setting_key GLOB '{}')", known.category.as_str(), known.key));
    let settings = Sealed {
        table: "tenant_setting",
        column: "setting_value",
        only: format!("({})", keys.collect::<Vec<_>>().join(" OR ")),
        read: "json_extract(t.setting_value, '$')".to_owned(),
        write: "json_quote(j.new)",
    };
    COLUMNS.into_iter().map(column).chain([settings]).collect()
}

async fn count(app: &App, keys: &DataKeyring, everything: &[Sealed]) -> Result<i64, ApiError> {
    let counts = everything.iter().map(|sealed| sealed.old(keys, "count(*) AS n").bind("").bind(i64::MAX >> 11));
    let answers = app.db.batch(counts.collect()).await.map_err(ApiError::database)?;
    Ok(answers.iter().flatten().filter_map(|row| row.get("n")?.as_f64()).map(|count| count as i64).sum())
}

impl Sealed {
    /// What is under another key than the current one. A key's id may hold a dot, and what follows it none. `?2` is the id
    /// after which, `?3` how many.
    fn old(&self, keys: &DataKeyring, columns: &str) -> Statement {
        let (table, only, read) = (self.table, &self.only, &self.read);
        let current =
            format!("(substr({read}, 1, length(?1)) = ?1 AND instr(substr({read}, length(?1) + 1), '.') = 0)");
        let condition = format!("t.id > ?2 AND {only} AND NOT {current}");
        let sql = format!(
            "SELECT {columns}, {read} AS sealed_text FROM \"{table}\" t WHERE {condition} ORDER BY t.id LIMIT ?3"
        );
        Statement::new(sql).bind(format!("{}.", keys.current_id()))
    }

    /// Seals rows again, as many of them as open, and says how many that were.
    async fn write_again(&self, app: &App, keys: &DataKeyring, rows: &[Row]) -> Result<i64, ApiError> {
        let mut changes = Vec::new();
        for row in rows {
            let (Some(sealed), Some(place)) = (text(row, "sealed_text"), self.place(row)) else { continue };
            let Ok(opened) = keys.open(sealed, &place) else { continue };
            let again = keys.seal(&opened, &place, random::bytes().map_err(ApiError::internal)?);
            changes.push(json!({ "id": row.get("id"), "tenant": row.get("tenant_id"), "old": sealed, "new": again }));
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let (table, column, read, write) = (self.table, self.column, &self.read, self.write);
        let update = format!(
            "UPDATE \"{table}\" AS t SET {column} = {write} FROM (
                 SELECT json_extract(value, '$.id') AS row_id, json_extract(value, '$.tenant') AS tenant,
                        json_extract(value, '$.old') AS old, json_extract(value, '$.new') AS new FROM json_each(?1)
             ) j WHERE t.id = j.row_id AND t.tenant_id = j.tenant AND {read} = j.old
             RETURNING 1 AS written"
        );
        let update = Statement::new(update).bind(Value::Array(changes).to_string());
        let written = app.db.all(update).await.map_err(ApiError::database)?;
        i64::try_from(written.len()).map_err(ApiError::internal)
    }

    /// What the text of a row is bound to.
    fn place(&self, row: &Row) -> Option<String> {
        if self.table == "webhook" {
            return Some(crate::messaging::webhook::place(text(row, "tenant_id")?.parse().ok()?, text(row, "id")?));
        }
        if self.table != "tenant_setting" {
            return Some(format!("{}/{}/{}", self.table, text(row, "id")?, self.column));
        }
        let category = SettingCategory::from_word(text(row, "category")?)?;
        Some(crate::tenancy::tenant_setting::place(text(row, "tenant_id")?, category, text(row, "setting_key")?))
    }
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet::model::TABLES;

    /// Secrets that are only ever compared, and so are kept as hashes: no key of ours opens them.
    const HASHED: [(&str, &str); 5] = [
        ("api_key", "key_hash"),
        ("mfa_device", "backup_codes"),
        ("password_reset", "token"),
        ("user", "password_hash"),
        ("user_session", "session_token"),
    ];

    #[test]
    fn every_secret_column_is_sealed_or_hashed() {
        let mut secret: Vec<_> = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().filter(|its| its.secret).map(|its| (table.name, its.name)))
            .collect();
        let mut known: Vec<_> = COLUMNS.into_iter().chain(HASHED).collect();
        secret.sort_unstable();
        known.sort_unstable();
        assert_eq!(secret, known);
    }
}

//! From memory to the queue, after the answer: as many decisions a message as it has room for.

use std::collections::BTreeMap;

use parapet::model::DecisionLog;
use serde_json::{Value, json};
use uuid::Uuid;

use super::note::Note;
use crate::app::App;
use crate::platform::log;

/// A queue takes messages of 128 KB; this leaves room for what stands around the rows.
const LONGEST: usize = 120_000;

/// Tells the queue what was noted since. What it does not take is lost, and the operator's log says how much.
pub async fn send(app: &App) {
    let (notes, mut lost) = app.noted.take();
    let mut rows = Vec::new();
    for Note { mut row, is_logged, shadow } in notes {
        if let Some(shadow) = shadow {
            shadow.ask(app, &mut row).await;
        }
        if is_logged || row.candidate.is_some() {
            rows.push(row);
        }
    }
    let mut cause = "there is no more room for them".to_owned();
    for (message, decisions) in messages(rows, &mut lost) {
        if let Err(error) = app.decisions.send(&message).await {
            lost += decisions;
            cause = error.to_string();
        }
    }
    if lost > 0 {
        log::error("-", "decision_log.lost", &format!("{lost} decisions: {cause}"));
    }
}

/// The messages, each of one tenant, with how many decisions are in it.
fn messages(rows: Vec<DecisionLog>, lost: &mut usize) -> Vec<(Value, usize)> {
    let mut tenants: BTreeMap<Uuid, Vec<(Value, usize)>> = BTreeMap::new();
    for row in rows {
        let tenant = row.tenant_id;
        let value = json!(row);
        let size = value.to_string().len() + 1;
        if size > LONGEST {
            *lost += 1;
            continue;
        }
        tenants.entry(tenant).or_default().push((value, size));
    }
    let mut messages = Vec::new();
    for (tenant, rows) in tenants {
        let message = |rows: Vec<Value>| {
            let count = rows.len();
            (json!({ "decisions": { "tenant": tenant, "rows": rows } }), count)
        };
        let (mut gathered, mut length) = (Vec::new(), 0);
        for (row, size) in rows {
            if length + size > LONGEST {
                messages.push(message(std::mem::take(&mut gathered)));
                length = 0;
            }
            length += size;
            gathered.push(row);
        }
        messages.push(message(gathered));
    }
    messages
}

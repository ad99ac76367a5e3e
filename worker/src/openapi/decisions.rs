//! What is said of the log of decisions.

use parapet::model::DecisionLog;
use serde_json::json;

use super::about::About;
use super::schemas::Schemas;
use super::table::{list, shown};

const TAG: &str = "Decisions";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let row = schemas.row::<DecisionLog>();
    let log = list::<DecisionLog>(schemas, TAG).describe(
        "The decisions that the setting `auth/decision_log` says are logged, for whoever may read the audit log. What is \
         masked or too long is named in `left_out`.",
    );
    let one = About::new("GET", "/v1/decisions/{id}", "getDecisionLog", TAG, "See a decision")
        .describe("By the id that a refusal and an answer told. A decision that was not logged is not there.")
        .answer(200, shown(&row, "The decision."))
        .refuses(404);
    vec![log, one, export(schemas)]
}

/// As the list, in lines. Of JSON lines no schema is said: they are not one JSON value.
fn export(schemas: &mut Schemas) -> About {
    let of_list = list::<DecisionLog>(schemas, TAG);
    let link =
        json!({ "description": "The next page, `rel=\"next\"`; absent on the last.", "schema": { "type": "string" } });
    let answer = json!({
        "description": "A decision a line.",
        "headers": {
            "Content-Disposition": { "$ref": "#/components/headers/ContentDisposition" },
            "Link": link,
        },
        "content": { "application/jsonl": {} },
    });
    let mut about = About::new("GET", "/v1/decisions/export", "exportDecisions", TAG, "Export decisions")
        .describe("JSON lines, as `parapet replay` reads them; narrowed and ordered as the list is.")
        .answer(200, answer)
        .refuses(400);
    about.parameters = of_list.parameters;
    about
}

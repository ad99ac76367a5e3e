//! Refusals: the problem document (RFC 9457), and under which statuses it comes.

use serde_json::{Map, Value, json};

/// Each status of [`crate::error::ApiError`], with its name among the document's responses.
pub const STATUSES: &[(u16, &str, &str)] = &[
    (400, "BadRequest", "The request is not well formed: no JSON, or a query that says nothing that can be asked."),
    (401, "Unauthorized", "Who calls is not known: no key, or one that is unknown, expired or not active."),
    (403, "Forbidden", "Who calls is known and may not: a scope or a permission is missing, or a rule refuses it."),
    (404, "NotFound", "There is nothing here, or nothing of this tenant."),
    (409, "Conflict", "It contradicts what is there: a unique key is taken, or other rows refer to it."),
    (412, "PreconditionFailed", "The row is not the one that `If-Match` names."),
    (413, "ContentTooLarge", "The body is longer than 1 MiB."),
    (415, "UnsupportedMediaType", "The body is of another media type than JSON."),
    (422, "UnprocessableContent", "What was sent is well formed and breaks rules: `findings` has all of them."),
    (
        429,
        "TooManyRequests",
        "The key was used too often in this minute, or its address came too often without one that is known.",
    ),
    (500, "InternalServerError", "A fault of ours. Its cause is in the log under the request's id."),
    (503, "ServiceUnavailable", "What the answer needs is missing or not known to be current: nothing was done."),
];

/// The reference to the response of a status; nothing for one that no error has.
pub fn reference(status: u16) -> Option<Value> {
    let (_, name, _) = STATUSES.iter().find(|(its, ..)| *its == status)?;
    Some(json!({ "$ref": format!("#/components/responses/{name}") }))
}

/// The responses, by their names.
pub fn responses() -> Map<String, Value> {
    let response = |status: u16, description: &str| {
        let mut headers = json!({ "X-Request-ID": { "$ref": "#/components/headers/RequestId" } });
        let more = match status {
            401 | 403 => Some(("WWW-Authenticate", "What credential would do (RFC 6750).", status == 401)),
            429 => Some(("Retry-After", "Seconds.", true)),
            503 => Some(("Retry-After", "Seconds.", false)),
            _ => None,
        };
        if let (Some((name, description, required)), Some(headers)) = (more, headers.as_object_mut()) {
            let header = json!({ "description": description, "required": required, "schema": { "type": "string" } });
            headers.insert(name.to_owned(), header);
        }
        json!({
            "description": description,
            "headers": headers,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    };
    STATUSES.iter().map(|(status, name, description)| ((*name).to_owned(), response(*status, description))).collect()
}

/// The schemas of a problem and of a finding.
pub fn schemas() -> [(&'static str, Value); 2] {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let problem = json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "`urn:parapet:problem:` and the code." },
            "title": text("The status, in words."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The status." },
            "detail": text("For people."),
            "code": text("Stable and dotted, for programs: `row.taken`."),
            "request_id": text("The request's id, as in `X-Request-ID` and in the log."),
            "findings": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/Finding" },
                "description": "All that is wrong, each with its place.",
            },
        },
        "required": ["type", "title", "status", "detail", "code", "request_id", "findings"],
        "additionalProperties": false,
    });
    let finding = json!({
        "type": "object",
        "description": "One thing that is wrong with what was sent, and where.",
        "properties": {
            "table": text("The table, or the part of the request: `role_permission`, `query`."),
            "row": text("The row's id, or `new`."),
            "field": text("The field, with the way into it as a JSON pointer: `conditions/all/0/StringEquals`."),
            "severity": { "enum": ["error", "warning"] },
            "code": text("Stable and dotted, for programs: `row.unknown_field`."),
            "message": text("For people."),
        },
        "required": ["table", "severity", "code", "message"],
        "additionalProperties": false,
    });
    [("Problem", problem), ("Finding", finding)]
}

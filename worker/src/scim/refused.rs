//! Refusals in SCIM's form (RFC 7644, section 3.12).

use parapet::scim::ErrorType;
use serde_json::json;

use super::MEDIA_TYPE;
use crate::error::ApiError;
use crate::response::Response;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The same refusal in SCIM's form. Its headers stay, and so does the status, but that SCIM knows no 422.
pub fn refused(error: &ApiError, problem: Response) -> Response {
    let status = if problem.status == 422 { 400 } else { problem.status };
    let mut detail = error.to_string();
    for finding in error.findings() {
        let place = finding.field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default();
        detail.push_str(&format!("; {place}{}", finding.message));
    }
    let mut body = json!({ "schemas": [ERROR], "status": status.to_string(), "detail": detail });
    if let (Some(kind), Some(members)) = (kind(error), body.as_object_mut()) {
        members.insert("scimType".to_owned(), json!(kind.as_str()));
    }
    let mut headers = problem.headers;
    headers.retain(|(name, _)| *name != "content-type");
    headers.push(("content-type", MEDIA_TYPE.into()));
    Response { status, headers, body: body.to_string().into_bytes(), ..Response::default() }
}

/// Table 9 has words for what a request says wrong, and for nothing else.
fn kind(error: &ApiError) -> Option<ErrorType> {
    let is_fixed = |code: &str| ["row.read_only", "user_group_membership.automatic"].contains(&code);
    match error {
        ApiError::Scim(error) => Some(error.kind),
        ApiError::Conflict { code: "row.taken", .. } => Some(ErrorType::Uniqueness),
        ApiError::Malformed { .. } => Some(ErrorType::InvalidSyntax),
        ApiError::Invalid { findings } if findings.iter().any(|finding| is_fixed(&finding.code)) => {
            Some(ErrorType::Mutability)
        }
        ApiError::Invalid { .. } => Some(ErrorType::InvalidValue),
        _ => None,
    }
}

//! What a request says in the form of OAuth 2.0: parameters in the encoding of HTML forms, or as members of a JSON object.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::ApiError;
use crate::guard::Call;

/// No body is longer, in bytes.
const LONGEST: usize = 32 * 1024;

/// The parameters of a request, each there once. One without a value is as good as absent (RFC 6749, section 3.2).
pub struct Asked(BTreeMap<String, String>);

impl Asked {
    /// Reads them; 400 where one is there twice or is no text.
    pub fn read(call: &Call) -> Result<Self, ApiError> {
        if call.body()?.len() > LONGEST {
            return Err(ApiError::TooLarge { limit: LONGEST });
        }
        let media_type = call.request.header("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let mut parameters = BTreeMap::new();
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            for (name, value) in form_urlencoded::parse(call.body()?).into_owned() {
                if [&name, &value].iter().any(|text| text.contains(['\0', '\u{fffd}'])) {
                    return Err(ApiError::malformed("oauth.encoding", "a parameter is not text in UTF-8"));
                }
                if parameters.insert(name.clone(), value).is_some() {
                    return Err(ApiError::malformed("oauth.twice", format!("`{name}` is there twice")));
                }
            }
        } else {
            for (name, value) in call.object()? {
                let Value::String(value) = value else {
                    return Err(ApiError::malformed("oauth.not_text", format!("`{name}` must be text")));
                };
                parameters.insert(name, value);
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same; 400 where it is missing.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::malformed("oauth.missing", format!("`{name}` is missing")))
    }
}

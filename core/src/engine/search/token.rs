//! The token of a page: where a listing goes on, and which listing it is.
//!
//! It is no secret and grants nothing: whoever makes one up may begin at another place of a listing that was open to
//! them anyway. So it is not signed, but it is read as anything from a foreign hand.

use super::{SearchError, TokenFault};
use crate::engine::Request;
use crate::snapshot::Snapshot;
use serde_json::{Map, Value as Json};
use std::fmt;
use xxhash_rust::xxh3::Xxh3;

/// The form of a token: its first byte. Behind it the two versions, the search and the position, little-endian.
const FORM: u8 = 2;

/// The bytes of a token.
const LENGTH: usize = 1 + 8 + 8 + 16 + 16;

/// Where a listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The versions of the policies, and of the principals that the caller has.
    versions: (u64, u64),
    /// What is asked, and of which content.
    search: u128,
    /// The position of the first candidate: its number, or its id where candidates lie elsewhere.
    pub position: u128,
}

impl Token {
    /// The beginning of a listing.
    pub(super) fn first(snapshot: &Snapshot, directory: u64, kind: &str, request: &Request, more: u128) -> Self {
        let mut hash = Fingerprint::default();
        hash.text(kind);
        hash.0.update(&snapshot.content_hash());
        hash.0.update(&more.to_le_bytes());
        for entity in [&request.principal, &request.resource] {
            hash.text(&entity.r#type);
            hash.text(&entity.id);
        }
        hash.text(&request.action);
        hash.object(&request.principal_attributes);
        hash.object(&request.action_attributes);
        hash.attributes(request.resource_attributes.as_ref());
        hash.object(&request.context);
        match &request.scopes {
            None => hash.tag(0),
            Some(scopes) => {
                hash.length(1, scopes.len());
                scopes.iter().for_each(|scope| hash.text(scope));
            }
        }
        Self { versions: (snapshot.policy_version(), directory), search: hash.finish(), position: 0 }
    }

    /// The place that a token's text leads to, which must be of this listing.
    pub(super) fn resume(self, text: &str) -> Result<Self, SearchError> {
        let token = Self::read(text).ok_or(TokenFault::Malformed)?;
        if token.versions != self.versions {
            return Err(TokenFault::OtherVersion.into());
        }
        if token.search != self.search {
            return Err(TokenFault::OtherSearch.into());
        }
        Ok(token)
    }

    /// Another position of the same listing.
    pub(super) fn at(self, position: u128) -> Self {
        Self { position, ..self }
    }

    fn read(text: &str) -> Option<Self> {
        // Others are not even decoded.
        let bytes = (text.len() == 2 * LENGTH).then(|| hex::decode(text).ok()).flatten()?;
        let (form, rest) = bytes.split_first()?;
        let (policy, rest) = rest.split_first_chunk()?;
        let (directory, rest) = rest.split_first_chunk()?;
        let (search, rest) = rest.split_first_chunk()?;
        let position = rest.try_into().ok()?;
        (*form == FORM).then(|| Self {
            versions: (u64::from_le_bytes(*policy), u64::from_le_bytes(*directory)),
            search: u128::from_le_bytes(*search),
            position: u128::from_le_bytes(position),
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(FORM);
        bytes.extend(self.versions.0.to_le_bytes());
        bytes.extend(self.versions.1.to_le_bytes());
        bytes.extend(self.search.to_le_bytes());
        bytes.extend(self.position.to_le_bytes());
        out.write_str(&hex::encode(bytes))
    }
}

/// A hash over the parameters of a search, the same on every machine and for every order of an object's members.
#[derive(Default)]
pub(super) struct Fingerprint(Xxh3);

impl Fingerprint {
    pub(super) fn text(&mut self, text: &str) {
        self.length(2, text.len());
        self.0.update(text.as_bytes());
    }

    /// Attributes that may not have been given at all.
    pub(super) fn attributes(&mut self, attributes: Option<&Map<String, Json>>) {
        match attributes {
            None => self.tag(3),
            Some(attributes) => self.object(attributes),
        }
    }

    pub(super) fn finish(&self) -> u128 {
        self.0.digest128()
    }

    fn object(&mut self, object: &Map<String, Json>) {
        let mut members: Vec<(&String, &Json)> = object.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        self.length(4, members.len());
        for (name, value) in members {
            self.text(name);
            self.json(value);
        }
    }

    fn json(&mut self, json: &Json) {
        match json {
            Json::Null => self.tag(5),
            Json::Bool(value) => self.tag(6 + u8::from(*value)),
            Json::Number(number) => {
                self.tag(8);
                self.text(&number.to_string());
            }
            Json::String(text) => self.text(text),
            Json::Array(elements) => {
                self.length(9, elements.len());
                elements.iter().for_each(|element| self.json(element));
            }
            Json::Object(object) => self.object(object),
        }
    }

    /// What comes next, so that nothing reads like two things.
    fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    fn length(&mut self, tag: u8, length: usize) {
        self.tag(tag);
        self.0.update(&(length as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_reads_back() {
        let token = Token { versions: (7, 8), search: u128::MAX - 1, position: 12_345 };
        assert_eq!(Token::read(&token.to_string()), Some(token));
    }

    #[test]
    fn whatever_else_is_refused() {
        let text = Token { versions: (7, 8), search: 1, position: 2 }.to_string();
        let mut other_form = hex::decode(&text).unwrap();
        other_form[0] = 1;
        let longer = format!("{text}AAAA");
        for bad in ["", "A", "!", "é", text.get(1..).unwrap(), &longer, &"A".repeat(100_000), &hex::encode(other_form)]
        {
            assert_eq!(Token::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_order_of_members_is_none_of_the_search() {
        let hash = |json: Json| {
            let mut hash = Fingerprint::default();
            hash.json(&json);
            hash.finish()
        };
        let text = |text: &str| hash(serde_json::from_str(text).unwrap());
        assert_eq!(text(r#"{"a": 1, "b": [2, {}]}"#), text(r#"{"b": [2, {}], "a": 1}"#));
        let all = [json!(null), json!([]), json!({}), json!(""), json!(0), json!("0"), json!(false), json!(true)];
        let nested = [json!([null]), json!([[]]), json!(["a", "b"]), json!(["ab"]), json!({"a": "b"}), json!([1.0])];
        let hashes: std::collections::HashSet<u128> = all.into_iter().chain(nested).map(hash).collect();
        assert_eq!(hashes.len(), 14);
    }
}

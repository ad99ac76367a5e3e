//! What a tenant says of an issuer that it trusts: the `configuration` and the `attribute_mapping` of an identity provider.
//!
//! ```json
//! {"issuer": "https://login.acme.com", "audiences": ["https://app.acme.com"],
//!  "jwks_uri": "https://login.acme.com/keys", "algorithms": ["RS256"], "subject": "linked"}
//! ```
//!
//! `issuer` and `audiences` must be there. Without `jwks_uri` it is looked for at the issuer (OpenID Connect Discovery 1.0,
//! section 4). The mapping says which attributes of a user, of those that the schema lets a caller fill, are which claims.

use super::ExternalAlgorithm;
use crate::Finding;
use crate::model::field::words;
use crate::web_address::WebAddress;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// No list is longer.
const MOST: usize = 20;

/// No name of an audience or a claim is longer, in bytes.
const LONGEST_NAME: usize = 255;

const MEMBERS: [&str; 5] = ["algorithms", "audiences", "issuer", "jwks_uri", "subject"];

words! {
    /// Who a token's subject is here.
    SubjectIs {
        /// Whoever it was linked to: a row of `federated_identity` with `sub` as its external id.
        Linked = "linked",
        /// The user or the service account whose id `sub` is.
        Id = "id",
        /// The user with the same e-mail address, where both sides have verified it.
        Email = "email",
    }
}

/// An issuer that is trusted, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// `iss`, to the letter.
    pub issuer: String,
    /// Where its keys are; nothing where the issuer says so itself.
    pub jwks_uri: Option<String>,
    /// For whom a token must be: for one of these.
    pub audiences: Vec<String>,
    /// With what it may be signed.
    pub algorithms: Vec<ExternalAlgorithm>,
    /// Who its subject is.
    pub subject: SubjectIs,
    /// Attributes of users by the claims that fill them.
    pub attributes: BTreeMap<String, String>,
}

impl Trust {
    /// Reads what a tenant says; all faults at once. With `local`, as on a developer's machine, an issuer may be there.
    ///
    /// # Errors
    /// The findings, with their places.
    pub fn read(
        configuration: &Map<String, Value>,
        mapping: &Map<String, Value>,
        local: bool,
    ) -> Result<Self, Vec<Finding>> {
        let mut reader = Reader { configuration, findings: Vec::new() };
        for name in configuration.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            let members = MEMBERS.join("`, `");
            reader.find(name, "unknown", format!("an issuer has `{members}`"));
        }
        let issuer = reader.address("issuer", local);
        if issuer.is_none() && !configuration.contains_key("issuer") {
            reader.find("issuer", "missing", "expected the issuer's address, as it stands in `iss`".to_owned());
        }
        let jwks_uri = reader.address("jwks_uri", local);
        let audiences = reader.texts("audiences").unwrap_or_default();
        if audiences.is_empty() {
            reader.find("audiences", "audience", "expected for whom tokens are: one audience at least".to_owned());
        }
        let algorithms = reader.words("algorithms", ExternalAlgorithm::from_word, ExternalAlgorithm::WORDS);
        let algorithms = algorithms.unwrap_or_else(|| {
            ExternalAlgorithm::WORDS.iter().filter_map(|word| ExternalAlgorithm::from_word(word)).collect()
        });
        let subject = match configuration.get("subject") {
            None => SubjectIs::Linked,
            Some(word) => match word.as_str().and_then(SubjectIs::from_word) {
                Some(subject) => subject,
                None => {
                    let words = SubjectIs::WORDS.join("`, `");
                    reader.find("subject", "word", format!("expected one of `{words}`"));
                    SubjectIs::Linked
                }
            },
        };
        let mut attributes = BTreeMap::new();
        for (attribute, claim) in mapping {
            match claim.as_str().filter(|claim| (1..=LONGEST_NAME).contains(&claim.len())) {
                Some(claim) => drop(attributes.insert(attribute.clone(), claim.to_owned())),
                None => reader.findings.push(
                    Finding::error("identity_provider", "identity_provider.claim", "expected the name of a claim")
                        .field(format!("attribute_mapping/{attribute}")),
                ),
            }
        }
        match issuer {
            Some(issuer) if reader.findings.is_empty() => {
                Ok(Self { issuer, jwks_uri, audiences, algorithms, subject, attributes })
            }
            _ => Err(reader.findings),
        }
    }

    /// What its keys were got by: of a set that was got otherwise nothing counts.
    pub fn source(&self) -> String {
        match &self.jwks_uri {
            Some(uri) => format!("{} {uri}", self.issuer),
            None => self.issuer.clone(),
        }
    }

    /// Where the issuer says where its keys are (OpenID Connect Discovery 1.0, section 4).
    pub fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'))
    }

    /// What the claims of a verified token say of its user: the attributes that the tenant maps.
    pub fn said(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        let mapped =
            self.attributes.iter().filter_map(|(name, claim)| Some((name.clone(), claims.get(claim)?.clone())));
        mapped.collect()
    }
}

struct Reader<'a> {
    configuration: &'a Map<String, Value>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn find(&mut self, name: &str, code: &str, message: String) {
        let finding = Finding::error("identity_provider", &format!("identity_provider.{code}"), message);
        self.findings.push(finding.field(format!("configuration/{name}")));
    }

    /// An address that may be called and says nothing beside where: an issuer has no query (section 2 of Discovery).
    fn address(&mut self, name: &str, local: bool) -> Option<String> {
        let value = self.configuration.get(name)?;
        let Some(text) = value.as_str() else {
            self.find(name, "address", "expected an address".to_owned());
            return None;
        };
        match WebAddress::parse(text, local) {
            Err(error) => {
                let finding = Finding::error("identity_provider", error.code(), error.to_string());
                self.findings.push(finding.field(format!("configuration/{name}")));
                None
            }
            Ok(_) if name == "issuer" && text.contains('?') => {
                self.find(name, "address", "an issuer has no query".to_owned());
                None
            }
            Ok(_) => Some(text.to_owned()),
        }
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let list = self.configuration.get(name)?.as_array();
        let text =
            |value: &Value| value.as_str().filter(|text| (1..=LONGEST_NAME).contains(&text.len())).map(str::to_owned);
        let texts: Option<Vec<String>> = list.and_then(|list| list.iter().map(text).collect());
        let texts = texts.filter(|texts| (1..=MOST).contains(&texts.len()));
        if texts.is_none() {
            self.find(name, "list", format!("expected a list of 1 to {MOST} texts"));
        }
        texts
    }

    fn words<T>(&mut self, name: &str, read: fn(&str) -> Option<T>, words: &[&str]) -> Option<Vec<T>> {
        let texts = self.texts(name)?;
        let read: Option<Vec<T>> = texts.iter().map(|text| read(text)).collect();
        if read.is_none() {
            self.find(name, "word", format!("expected some of `{}`", words.join("`, `")));
        }
        read
    }
}

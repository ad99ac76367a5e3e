//! A route map: for a method and a path, what is asked before the request is passed on.
//!
//! ```json
//! {"routes": [
//!   {"methods": ["GET"], "path": "/documents/{id}", "action": {"name": "read"},
//!    "resource": {"type": "document", "id": "{id}", "properties": {"owner": {"query": "owner"}}},
//!    "context": {"reason": {"header": "x-reason"}}},
//!   {"methods": ["GET"], "path": "/assets/{*rest}", "pass": "anyone"}
//! ]}
//! ```
//!
//! The more exact pattern counts (a literal segment before a parameter, that before all that follows), whatever the order.
//! Of one path, a rule that names the method counts before one for `*`; a rule for `GET` is one for `HEAD` too, where there
//! is none of its own (RFC 9110, section 9.3.2).

use std::borrow::Cow;
use std::fmt;

use serde_json::Value as Json;

use super::path::{NormalPath, meaning};
use super::pattern::Pattern;
use super::question::Asks;
use super::source::Reader;
use super::{Fault, Incoming, Question, QuestionError};
use crate::schema::Schema;

/// The most rules of a map.
pub const MOST_RULES: usize = 1000;

/// Methods that no application is asked by: they are about the connection (RFC 9110, sections 9.3.6 and 9.3.8).
const NEVER: [&str; 2] = ["CONNECT", "TRACE"];

/// A tenant's rules for one application.
#[derive(Default)]
pub struct RouteMap(matchit::Router<Vec<(Methods, Rule)>>);

/// What a rule says of a request.
#[derive(Debug)]
pub enum Rule {
    /// It is passed on without a decision.
    Pass(Passes),
    /// A decision is asked for.
    Ask(Box<Asks>),
}

/// Who is passed on without a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// Anyone.
    Anyone,
    /// Whoever shows who they are.
    SignedIn,
}

#[derive(Debug)]
enum Methods {
    Any,
    These(Vec<String>),
}

/// A rule for a request, with what stands in the path for its parameters.
#[derive(Debug)]
pub struct Found<'m> {
    /// The rule.
    pub rule: &'m Rule,
    parameters: Vec<(String, String)>,
}

impl fmt::Debug for RouteMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouteMap(…)")
    }
}

impl RouteMap {
    /// Reads a map and holds it against the schema; all faults at once, and nothing where there is no map at all.
    pub fn read(json: &Json, schema: &Schema, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut reader = Reader { parameters: &[], faults };
        let map = reader.object(json, "", &["routes"])?;
        let Some(routes) = map.get("routes").and_then(Json::as_array) else {
            reader.fault("/routes", "route.wrong_type", "expected an array of rules");
            return None;
        };
        if routes.len() > MOST_RULES {
            reader.fault("/routes", "route.too_many", format!("a map has at most {MOST_RULES} rules"));
            return None;
        }
        let mut by_path: Vec<(String, Vec<(Methods, Rule)>)> = Vec::new();
        for (at, json) in routes.iter().enumerate() {
            let pointer = format!("/routes/{at}");
            let Some((pattern, methods, rule)) = read_rule(json, &pointer, schema, faults) else { continue };
            match by_path.iter_mut().find(|(known, _)| *known == pattern) {
                None => by_path.push((pattern, vec![(methods, rule)])),
                Some((_, rules)) if rules.iter().any(|(known, _)| known.meets(&methods)) => faults.push(Fault {
                    pointer,
                    code: "route.twice",
                    message: "there is another rule for this path and a method of it".to_owned(),
                }),
                Some((_, rules)) => rules.push((methods, rule)),
            }
        }
        let mut router = matchit::Router::new();
        for (pattern, rules) in by_path {
            if let Err(error) = router.insert(pattern, rules) {
                let message = format!("two paths cannot be told apart: {error}");
                faults.push(Fault { pointer: "/routes".to_owned(), code: "route.conflict", message });
            }
        }
        Some(Self(router))
    }

    /// The rule for a request, by its method as it was sent; nothing where there is none, and the request is refused.
    pub fn find(&self, method: &str, path: &NormalPath) -> Option<Found<'_>> {
        if NEVER.contains(&method) {
            return None;
        }
        let matched = self.0.at(path.as_str()).ok()?;
        let rule = |is: &dyn Fn(&Methods) -> bool| matched.value.iter().find(|(its, _)| is(its)).map(|(_, rule)| rule);
        // A method by its name first, in whatever order the rules were written: `*` is for what no name is left for.
        let rule = rule(&|its| its.name(method))
            .or_else(|| if method == "HEAD" { rule(&|its| its.name("GET")) } else { None })
            .or_else(|| rule(&|its| matches!(its, Methods::Any)))?;
        // A parameter of one segment; of several, the slashes between are its own.
        let decoded = |value: &str| value.split('/').map(meaning).collect::<Vec<Cow<'_, str>>>().join("/");
        let parameters = matched.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        Some(Found { rule, parameters })
    }
}

impl Found<'_> {
    /// How many bytes of the body the question reads at most; nothing where it reads none.
    pub fn body_limit(&self) -> Option<usize> {
        match self.rule {
            Rule::Ask(asks) => asks.body_limit(),
            Rule::Pass(_) => None,
        }
    }

    /// The question that a request asks; nothing where the rule passes it on.
    ///
    /// # Errors
    /// [`QuestionError`]: the request says something that cannot be understood.
    pub fn question(&self, incoming: &Incoming<'_>) -> Result<Option<Question>, QuestionError> {
        match self.rule {
            Rule::Ask(asks) => asks.question(&self.parameters, incoming).map(Some),
            Rule::Pass(_) => Ok(None),
        }
    }
}

impl Methods {
    fn name(&self, method: &str) -> bool {
        matches!(self, Self::These(methods) if methods.iter().any(|known| known == method))
    }

    /// Whether a request could be of both. `*` is what is left, beside rules for methods by name: it comes last.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) => true,
            (Self::These(methods), other @ Self::These(_)) => methods.iter().any(|method| other.name(method)),
            _ => false,
        }
    }
}

fn read_rule(json: &Json, pointer: &str, schema: &Schema, faults: &mut Vec<Fault>) -> Option<(String, Methods, Rule)> {
    const FIELDS: [&str; 7] = ["action", "body_limit", "context", "methods", "pass", "path", "resource"];
    let mut reader = Reader { parameters: &[], faults };
    let rule = reader.object(json, pointer, &FIELDS)?;
    let methods = read_methods(rule.get("methods"), &format!("{pointer}/methods"), &mut reader);
    let at = format!("{pointer}/path");
    let pattern = match rule.get("path").and_then(Json::as_str).map(Pattern::parse) {
        Some(Ok(pattern)) => Some(pattern),
        Some(Err(message)) => {
            reader.fault(&at, "route.path", message);
            None
        }
        None => {
            reader.fault(&at, "route.wrong_type", "expected a text");
            None
        }
    };
    let parameters = pattern.as_ref().map(|pattern| pattern.names.clone()).unwrap_or_default();
    let mut reader = Reader { parameters: &parameters, faults };
    let does = match (rule.get("pass"), rule.get("action").or(rule.get("resource"))) {
        (Some(_), Some(_)) | (None, None) => {
            reader.fault(pointer, "route.rule", "a rule has either `pass`, or `action` and `resource`");
            None
        }
        (Some(pass), None) => match pass.as_str() {
            Some("anyone") => Some(Rule::Pass(Passes::Anyone)),
            Some("signed_in") => Some(Rule::Pass(Passes::SignedIn)),
            _ => {
                reader.fault(&format!("{pointer}/pass"), "route.pass", "expected `anyone` or `signed_in`");
                None
            }
        },
        (None, Some(_)) => Asks::read(rule, pointer, schema, &mut reader).map(|asks| Rule::Ask(Box::new(asks))),
    };
    // What it has read would have to be sent on, and the platform sends no body with a `GET` or `HEAD`.
    let reads_body = matches!(&does, Some(Rule::Ask(asks)) if asks.body_limit().is_some());
    if let Some(Methods::These(methods)) = methods.as_ref().filter(|_| reads_body)
        && let Some(method) = methods.iter().find(|method| ["GET", "HEAD"].contains(&method.as_str()))
    {
        reader.fault(&format!("{pointer}/methods"), "route.body", format!("a `{method}` has no body to read"));
    }
    Some((pattern?.text, methods?, does?))
}

fn read_methods(json: Option<&Json>, pointer: &str, reader: &mut Reader<'_>) -> Option<Methods> {
    let names: Option<Vec<&str>> =
        json.and_then(Json::as_array).and_then(|list| list.iter().map(Json::as_str).collect());
    let is_method = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') && !NEVER.contains(name)
    };
    match names {
        Some(names) if names == ["*"] => Some(Methods::Any),
        Some(names) if !names.is_empty() && names.iter().all(is_method) => {
            Some(Methods::These(names.into_iter().map(str::to_owned).collect()))
        }
        _ => {
            let message =
                "expected methods in capitals, such as `GET`, or `*` alone for all; never `CONNECT` or `TRACE`";
            reader.fault(pointer, "route.methods", message);
            None
        }
    }
}

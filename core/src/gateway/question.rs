//! What a request asks: an action on a resource, with what the request says of them.

use serde_json::{Map, Value as Json};
use thiserror::Error;

use super::source::{From, Reader, Source, of_text};
use crate::directory::EntityRef;
use crate::model::json;
use crate::schema::{Schema, Type};

/// How many bytes of a body are read where the rule says nothing.
const BODY_LIMIT: usize = 64 * 1024;

/// How many a rule may read at most: a body that is read waits in memory, and one that is not streams past.
const MOST_BODY: usize = 1024 * 1024;

/// The longest id of a resource, in bytes.
const LONGEST_ID: usize = 1024;

/// What a question is read from, beside the path.
pub struct Incoming<'a> {
    /// The query, as it was sent, without its `?`.
    pub query: &'a str,
    /// The value of a header, by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body, where the rule reads it.
    pub body: &'a [u8],
}

/// A question: the parts of a decision's request that do not come from who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The action, without the resource type.
    pub action: String,
    /// What the request says of it.
    pub action_attributes: Map<String, Json>,
    /// The resource.
    pub resource: EntityRef,
    /// What the request says of it; `Some` replaces what the registry holds.
    pub resource_attributes: Option<Map<String, Json>>,
    /// What the request says of the circumstances.
    pub context: Map<String, Json>,
}

/// Why a request asks nothing that can be decided. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The query cannot be read in one way.
    #[error("the query has a `;` or a malformed escape")]
    Query,
    /// A parameter of the query stands there more than once, and one value is wanted.
    #[error("the parameter `{0}` stands in the query more than once")]
    Twice(String),
    /// A value is not what the schema says that it is.
    #[error("`{0}` is not what it should be")]
    WrongValue(String),
    /// The body is not JSON by its header.
    #[error("the body is not JSON, by its `Content-Type`")]
    MediaType,
    /// The body is not JSON, or has a key twice.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The request does not say which resource it is about.
    #[error("the request does not say which resource it is about")]
    NoResource,
}

impl QuestionError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Query => "query.malformed",
            Self::Twice(_) => "query.twice",
            Self::WrongValue(_) => "request.wrong_value",
            Self::MediaType => "request.media_type",
            Self::NotJson(_) => "request.not_json",
            Self::NoResource => "request.no_resource",
        }
    }
}

/// How a rule makes its question.
#[derive(Debug)]
pub struct Asks {
    action: String,
    action_attributes: Vec<(String, Source)>,
    resource_type: String,
    resource_id: Id,
    resource_attributes: Option<Vec<(String, Source)>>,
    context: Vec<(String, Source)>,
    body_limit: usize,
}

/// What says which resource it is.
#[derive(Debug)]
enum Id {
    /// Text, and parameters of the path by name.
    Template(Vec<(String, Option<String>)>),
    Source(Source),
}

impl Asks {
    pub(super) fn read(
        rule: &Map<String, Json>,
        pointer: &str,
        schema: &Schema,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let at = |name: &str| format!("{pointer}/{name}");
        let null = Json::Null;
        let resource =
            reader.object(rule.get("resource").unwrap_or(&null), &at("resource"), &["id", "properties", "type"]);
        let action = reader.object(rule.get("action").unwrap_or(&null), &at("action"), &["name", "properties"]);
        let (resource, action) = (resource?, action?);
        let Some(resource_type) = resource.get("type").and_then(Json::as_str) else {
            reader.fault(&at("resource/type"), "route.wrong_type", "expected a text");
            return None;
        };
        let Some(name) = action.get("name").and_then(Json::as_str) else {
            reader.fault(&at("action/name"), "route.wrong_type", "expected a text");
            return None;
        };
        let full = format!("{resource_type}:{name}");
        if !schema.actions.contains_key(&full) {
            reader.fault(&at("action/name"), "route.unknown_action", format!("no permission is about `{full}`"));
            return None;
        }
        let declared = schema.types.get(resource_type).map(|ty| &ty.attributes);
        let nothing = Default::default();
        let resource_attributes = resource
            .get("properties")
            .map(|json| reader.sources(json, &at("resource/properties"), declared.unwrap_or(&nothing)));
        let of_action = match schema.context.get("action") {
            Some(Type::Record(attributes)) => attributes,
            _ => &nothing,
        };
        let action_attributes = action
            .get("properties")
            .map(|json| reader.sources(json, &at("action/properties"), of_action))
            .unwrap_or_default();
        // What the decision point sets, and what is known of who asks, no request says.
        let reserved = |name: &String| {
            name == "action"
                || Schema::DECISION_POINT_ONLY.contains(&name.as_str())
                || Schema::TRUSTED_CALLER_ONLY.contains(&name.as_str())
        };
        let of_context = schema.context.iter().filter(|(name, _)| !reserved(name));
        let of_context = of_context.map(|(name, ty)| (name.clone(), ty.clone())).collect();
        let context =
            rule.get("context").map(|json| reader.sources(json, &at("context"), &of_context)).unwrap_or_default();
        let resource_id = Id::read(resource.get("id").unwrap_or(&null), &at("resource/id"), reader)?;
        let body_limit = match rule.get("body_limit") {
            None => BODY_LIMIT,
            Some(json) => match json.as_u64().and_then(|limit| usize::try_from(limit).ok()) {
                Some(limit) if (1..=MOST_BODY).contains(&limit) => limit,
                _ => {
                    let message = format!("expected a number of bytes from 1 to {MOST_BODY}");
                    reader.fault(&at("body_limit"), "route.body_limit", message);
                    return None;
                }
            },
        };
        Some(Self {
            action: name.to_owned(),
            action_attributes,
            resource_type: resource_type.to_owned(),
            resource_id,
            resource_attributes,
            context,
            body_limit,
        })
    }

    pub(super) fn body_limit(&self) -> Option<usize> {
        self.reads(|from| matches!(from, From::Body(_))).then_some(self.body_limit)
    }

    /// Whether any value comes from there.
    fn reads(&self, is: impl Fn(&From) -> bool) -> bool {
        let id = match &self.resource_id {
            Id::Source(source) => Some(source),
            Id::Template(_) => None,
        };
        let attributes = self.resource_attributes.iter().flatten().chain(&self.action_attributes).chain(&self.context);
        id.into_iter().chain(attributes.map(|(_, source)| source)).any(|source| is(&source.from))
    }

    pub(super) fn question(
        &self,
        parameters: &[(String, String)],
        incoming: &Incoming<'_>,
    ) -> Result<Question, QuestionError> {
        let said = Said { parameters, incoming, body: self.body(incoming)?, query: self.query(incoming.query)? };
        let id = match &self.resource_id {
            Id::Template(parts) => parts.iter().fold(String::new(), |id, (text, name)| {
                let parameter = name.as_deref().and_then(|name| said.parameter(name)).unwrap_or_default();
                id + text + parameter
            }),
            Id::Source(source) => match said.value("resource", source)? {
                Some(Json::String(id)) => id,
                Some(Json::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
                Some(_) => return Err(QuestionError::WrongValue("resource".to_owned())),
                None => return Err(QuestionError::NoResource),
            },
        };
        if id.is_empty() {
            return Err(QuestionError::NoResource);
        }
        if id.len() > LONGEST_ID || id.chars().any(char::is_control) {
            return Err(QuestionError::WrongValue("resource".to_owned()));
        }
        Ok(Question {
            action: self.action.clone(),
            action_attributes: said.values(&self.action_attributes)?,
            resource: EntityRef { r#type: self.resource_type.clone(), id },
            resource_attributes: self.resource_attributes.as_ref().map(|sources| said.values(sources)).transpose()?,
            context: said.values(&self.context)?,
        })
    }

    /// The body as JSON; nothing where the rule reads none, or there is none.
    fn body(&self, incoming: &Incoming<'_>) -> Result<Option<Json>, QuestionError> {
        if self.body_limit().is_none() || incoming.body.is_empty() {
            return Ok(None);
        }
        let media_type = (incoming.header)("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
            return Err(QuestionError::MediaType);
        }
        let text = std::str::from_utf8(incoming.body).map_err(|error| QuestionError::NotJson(error.to_string()))?;
        json::parse(text).map(Some).map_err(|error| QuestionError::NotJson(error.to_string()))
    }

    /// The query's parameters; none where the rule reads none.
    fn query(&self, query: &str) -> Result<Vec<(String, String)>, QuestionError> {
        if !self.reads(|from| matches!(from, From::Query(_))) {
            return Ok(Vec::new());
        }
        // Some servers part a query at `;` too, and read malformed escapes each in their own way.
        let malformed = |part: &str| {
            let mut digits = part.bytes();
            ![digits.next(), digits.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
        };
        if query.contains(';') || query.split('%').skip(1).any(malformed) {
            return Err(QuestionError::Query);
        }
        Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }
}

impl Id {
    fn read(json: &Json, pointer: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = json.as_str() else {
            return reader.source(json, pointer, &Type::String).map(Self::Source);
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let name = match after.split_once('}') {
                Some((name, after)) if reader.parameters.iter().any(|known| known == name) => {
                    rest = after;
                    name
                }
                _ => {
                    reader.fault(pointer, "route.source", format!("`{text}`: a brace holds the name of a parameter"));
                    return None;
                }
            };
            parts.push((before.to_owned(), Some(name.to_owned())));
        }
        parts.push((rest.to_owned(), None));
        if text.is_empty() || text.contains(|character: char| character.is_control()) {
            reader.fault(pointer, "route.source", "a resource has an id");
            return None;
        }
        Some(Self::Template(parts))
    }
}

/// What a request says, where sources look for it.
struct Said<'s, 'i> {
    parameters: &'s [(String, String)],
    incoming: &'s Incoming<'i>,
    body: Option<Json>,
    query: Vec<(String, String)>,
}

impl Said<'_, '_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    /// The values that are there; what is not said is absent.
    fn values(&self, sources: &[(String, Source)]) -> Result<Map<String, Json>, QuestionError> {
        let mut values = Map::new();
        for (name, source) in sources {
            if let Some(value) = self.value(name, source)? {
                values.insert(name.clone(), value);
            }
        }
        Ok(values)
    }

    fn value(&self, name: &str, source: &Source) -> Result<Option<Json>, QuestionError> {
        let texts: Vec<&str> = match &source.from {
            From::Value(json) => return Ok(Some(json.clone())),
            From::Body(pointer) => {
                let value = self.body.as_ref().and_then(|body| body.pointer(pointer));
                return Ok(value.filter(|value| !value.is_null()).cloned());
            }
            From::Path(name) => self.parameter(name).into_iter().collect(),
            From::Header(name) => (self.incoming.header)(name).into_iter().collect(),
            From::Query(name) => {
                self.query.iter().filter(|(its, _)| its == name).map(|(_, its)| its.as_str()).collect()
            }
        };
        let wrong = || QuestionError::WrongValue(name.to_owned());
        match (&source.ty, texts.as_slice()) {
            (_, []) => Ok(None),
            (Type::Set(element), texts) => {
                let values: Option<Vec<Json>> = texts.iter().map(|text| of_text(text, element)).collect();
                values.map(|values| Some(Json::Array(values))).ok_or_else(wrong)
            }
            (ty, [text]) => of_text(text, ty).map(Some).ok_or_else(wrong),
            (_, _) => Err(QuestionError::Twice(name.to_owned())),
        }
    }
}

//! Which attributes users and groups have, and how a body is read by that: names in any case, values of their type
//! (RFC 7643, sections 2, 4 and 7).

use super::error::{ErrorType, ScimError};
use super::filter::AttributePath;
use crate::schema::{Attributes, Type};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The schema of users (RFC 7643, section 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The schema of groups (RFC 7643, section 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The enterprise extension of users (RFC 7643, section 4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The extension whose attributes are those that the tenant declares for its users.
pub const CUSTOM: &str = "urn:parapet:params:scim:schemas:extension:custom:2.0:User";

/// What Entra ID names beside the schema of groups. It has no attributes.
const ENTRA_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// What a value is (RFC 7643, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Decimal,
    /// A time (RFC 3339).
    DateTime,
    /// An address, or the id of another resource.
    Reference,
    /// Bytes in base64.
    Binary,
    /// Several attributes in one.
    Complex,
}

impl Kind {
    /// Its name in a schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Binary => "binary",
            Self::Complex => "complex",
        }
    }
}

/// An attribute, as a schema describes it (RFC 7643, section 7).
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What its values are.
    pub kind: Kind,
    /// Whether it has several.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether `A` and `a` are two values.
    pub case_exact: bool,
    /// Whether only the service sets it.
    pub read_only: bool,
    /// Whether it is shown whatever is asked for.
    pub always: bool,
    /// Whether no two resources have the same value.
    pub unique: bool,
    /// What it means.
    pub description: Cow<'static, str>,
    /// The attributes of a complex one.
    pub parts: Vec<Attribute>,
}

impl Attribute {
    fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind,
            multi_valued: false,
            required: false,
            case_exact: matches!(kind, Kind::Reference | Kind::Binary | Kind::DateTime),
            read_only: false,
            always: false,
            unique: false,
            description: Cow::Borrowed(description),
            parts: Vec::new(),
        }
    }

    fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::String, description)
    }

    fn complex(name: &'static str, description: &'static str, parts: Vec<Self>) -> Self {
        Self { parts, ..Self::new(name, Kind::Complex, description) }
    }

    /// One whose values say what they are for (RFC 7643, section 2.4).
    fn plural(name: &'static str, description: &'static str, value: Kind) -> Self {
        let parts = vec![
            Self::new("value", value, "The value itself."),
            Self::text("display", "The value for people."),
            Self::text("type", "What it is for: `work`, `home`."),
            Self::new("primary", Kind::Boolean, "Whether it is the one to be used; of one value at most."),
        ];
        Self::complex(name, description, parts).several()
    }

    fn several(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    fn read_only(mut self) -> Self {
        self.parts = self.parts.into_iter().map(Self::read_only).collect();
        Self { read_only: true, ..self }
    }

    fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    /// Its part of this name, in any case.
    pub fn part(&self, name: &str) -> Option<&Self> {
        find(&self.parts, name)
    }
}

/// A schema: attributes under a URN.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it describes.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// What is administered: users, or groups.
#[derive(Debug, Clone)]
pub struct ResourceType {
    /// Its name.
    pub name: &'static str,
    /// Where it is: `/Users`.
    pub endpoint: &'static str,
    /// Its own schema.
    pub schema: Schema,
    /// What it has beside.
    pub extensions: Vec<Schema>,
    common: Vec<Attribute>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// Of which extension it is; of none, where it is of the resource's own schema.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The part of it that is meant.
    pub part: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// What has the value: the part, where one is meant.
    pub fn leaf(&self) -> &'a Attribute {
        self.part.unwrap_or(self.attribute)
    }

    /// Whether only the service sets it.
    pub fn is_read_only(&self) -> bool {
        self.attribute.read_only || self.leaf().read_only
    }
}

/// What a path or the key of a body leads to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// All of an extension.
    Extension(&'a Schema),
    /// An attribute.
    Attribute(Resolved<'a>),
}

impl ResourceType {
    /// Users; `declared` are the attributes that the tenant declares for them.
    pub fn user(declared: &Attributes) -> Self {
        let custom = declared.iter().map(|(name, r#type)| custom(name, r#type)).collect::<Vec<_>>();
        let mut extensions = vec![enterprise()];
        if !custom.is_empty() {
            extensions.push(Schema {
                id: CUSTOM,
                name: "Custom User",
                description: "The attributes that the tenant declares, which its policies may read",
                attributes: custom,
            });
        }
        Self { name: "User", endpoint: "/Users", schema: user(), extensions, common: common() }
    }

    /// Groups.
    pub fn group() -> Self {
        Self { name: "Group", endpoint: "/Groups", schema: group(), extensions: Vec::new(), common: common() }
    }

    /// The attribute that a path names.
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        let (attributes, extension) = match &path.schema {
            None => (&self.schema.attributes, None),
            Some(urn) if urn.eq_ignore_ascii_case(self.schema.id) => (&self.schema.attributes, None),
            Some(urn) => {
                let extension = self.extension(urn)?;
                (&extension.attributes, Some(extension.id))
            }
        };
        let common = extension.is_none().then_some(&self.common).into_iter().flatten();
        let attribute = attributes.iter().chain(common).find(|its| its.name.eq_ignore_ascii_case(&path.name))?;
        let part = match &path.sub {
            Some(sub) => Some(attribute.part(sub)?),
            None => None,
        };
        Some(Resolved { extension, attribute, part })
    }

    /// What a path leads to, which may be all of an extension: its URN ends in what looks like an attribute.
    pub fn target(&self, path: &AttributePath) -> Option<Target<'_>> {
        match self.extension(&path.to_string()) {
            Some(extension) => Some(Target::Extension(extension)),
            None => self.resolve(path).map(Target::Attribute),
        }
    }

    /// Reads a resource as it was sent, for POST and PUT: what only the service sets is left out (RFC 7644, section
    /// 3.5.1), and what is null or empty is not there (RFC 7643, section 2.5).
    pub fn read(&self, body: &Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
        self.read_schemas(body)?;
        let mut document = Map::new();
        for (target, value) in self.assignments(body)? {
            let place = place(&target);
            let Some(value) = read(target.leaf(), target.part.is_none(), value, &place)? else { continue };
            let Some(within) = container(&mut document, target.extension) else { continue };
            let Some(part) = target.part else {
                if within.insert(target.attribute.name.to_string(), value).is_some() {
                    return Err(ScimError::new(ErrorType::InvalidSyntax, format!("{place}: it is there twice")));
                }
                continue;
            };
            if target.attribute.multi_valued {
                return Err(ScimError::new(
                    ErrorType::InvalidSyntax,
                    format!("{place}: it has several values, in an array"),
                ));
            }
            let complex = within.entry(target.attribute.name.to_string()).or_insert_with(|| Value::Object(Map::new()));
            if let Some(complex) = complex.as_object_mut() {
                complex.insert(part.name.to_string(), value);
            }
        }
        Ok(document)
    }

    /// What an object without a path says: each attribute with its value, extensions taken apart. What only the service
    /// sets is passed over.
    pub fn assignments(&self, body: &Map<String, Value>) -> Result<Vec<(Resolved<'_>, Value)>, ScimError> {
        let mut assignments = Vec::new();
        for (key, value) in body {
            // Okta makes up a password for whoever it makes. Nobody signs in by it here, and nobody can read it back.
            if key.eq_ignore_ascii_case("schemas") || key.eq_ignore_ascii_case("password") {
                continue;
            }
            let unknown = |key: &str| {
                ScimError::new(ErrorType::InvalidSyntax, format!("{key}: {} has no such attribute", self.name))
            };
            let path = AttributePath::parse(key).map_err(|_| unknown(key))?;
            match self.target(&path).ok_or_else(|| unknown(key))? {
                Target::Attribute(target) => assignments.push((target, value.clone())),
                Target::Extension(extension) => {
                    let inner = match value {
                        Value::Null => continue,
                        Value::Object(inner) => inner,
                        _ => return Err(ScimError::value(key, "expected an object")),
                    };
                    for (name, value) in inner {
                        let attribute = find(&extension.attributes, name);
                        let attribute = attribute.ok_or_else(|| unknown(&format!("{key}:{name}")))?;
                        let target = Resolved { extension: Some(extension.id), attribute, part: None };
                        assignments.push((target, value.clone()));
                    }
                }
            }
        }
        assignments.retain(|(target, _)| !target.is_read_only());
        Ok(assignments)
    }

    fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|extension| extension.id.eq_ignore_ascii_case(urn))
    }

    /// The schemas that a body says it follows: its own, and none that there is not (RFC 7643, section 3).
    fn read_schemas(&self, body: &Map<String, Value>) -> Result<(), ScimError> {
        let stated = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
        let stated = stated.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is = |value: &Value, urn: &str| value.as_str().is_some_and(|its| its.eq_ignore_ascii_case(urn));
        let known = |value: &&Value| {
            is(value, self.schema.id)
                || is(value, ENTRA_GROUP)
                || self.extensions.iter().any(|extension| is(value, extension.id))
        };
        if let Some(unknown) = stated.iter().find(|value| !known(value)) {
            return Err(ScimError::value("schemas", format!("{} has no schema `{unknown}`", self.name)));
        }
        if !stated.iter().any(|value| is(value, self.schema.id)) {
            return Err(ScimError::value("schemas", format!("expected `{}` among them", self.schema.id)));
        }
        Ok(())
    }
}

/// Where something is, for a client.
pub fn place(target: &Resolved<'_>) -> String {
    let schema = target.extension.map(|urn| format!("{urn}:")).unwrap_or_default();
    let part = target.part.map(|part| format!(".{}", part.name)).unwrap_or_default();
    format!("{schema}{}{part}", target.attribute.name)
}

/// Where an extension's attributes lie in a document, which is made where it is not there; its own lie in the document
/// itself.
pub fn container<'a>(
    document: &'a mut Map<String, Value>,
    extension: Option<&str>,
) -> Option<&'a mut Map<String, Value>> {
    match extension {
        None => Some(document),
        Some(urn) => document.entry(urn).or_insert_with(|| Value::Object(Map::new())).as_object_mut(),
    }
}

/// Reads a value of an attribute; nothing where it is null or empty. `whole` where it is all of its values, and not one
/// part of each.
///
/// What large clients write instead of what the RFC says is read as it is meant: `"True"` for `true` (Entra ID), one value
/// without its array, and text for a complex value that has a `value`.
pub fn read(attribute: &Attribute, whole: bool, value: Value, place: &str) -> Result<Option<Value>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::Array(items) if attribute.multi_valued && whole => {
            let mut values = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                values.extend(read_one(attribute, item, &format!("{place}[{index}]"))?);
            }
            let is_primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
            if values.iter().filter(is_primary).count() > 1 {
                return Err(ScimError::value(place, "more than one value is primary"));
            }
            Ok((!values.is_empty()).then_some(Value::Array(values)))
        }
        value if attribute.multi_valued && whole => {
            Ok(read_one(attribute, value, place)?.map(|value| Value::Array(vec![value])))
        }
        value => read_one(attribute, value, place),
    }
}

fn read_one(attribute: &Attribute, value: Value, place: &str) -> Result<Option<Value>, ScimError> {
    let wrong = |expected: &str| Err(ScimError::value(place, format!("expected {expected}")));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Complex, Value::Object(parts)) if attribute.parts.is_empty() => Ok(Some(Value::Object(parts))),
        (Kind::Complex, Value::Object(parts)) => {
            let mut object = Map::new();
            for (name, value) in parts {
                let Some(part) = attribute.part(&name) else {
                    return Err(ScimError::value(&format!("{place}.{name}"), "there is no such part"));
                };
                let place = format!("{place}.{}", part.name);
                if let Some(value) = read(part, true, value, &place)? {
                    object.insert(part.name.to_string(), value);
                }
            }
            Ok((!object.is_empty()).then_some(Value::Object(object)))
        }
        (Kind::Complex, value @ (Value::String(_) | Value::Number(_))) => match attribute.part("value") {
            Some(part) => {
                let value = read_one(part, value, place)?;
                Ok(value.map(|value| Value::Object(Map::from_iter([("value".to_owned(), value)]))))
            }
            None => wrong("an object"),
        },
        (Kind::Complex, _) => wrong("an object"),
        (Kind::Boolean, value @ Value::Bool(_)) => Ok(Some(value)),
        (Kind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(Value::Bool(true))),
            "false" => Ok(Some(Value::Bool(false))),
            _ => wrong("true or false"),
        },
        (Kind::Boolean, _) => wrong("true or false"),
        (Kind::Integer, Value::Number(number)) if number.is_i64() => Ok(Some(Value::Number(number))),
        (Kind::Integer, _) => wrong("a whole number"),
        (Kind::Decimal, value @ (Value::Number(_) | Value::String(_))) => Ok(Some(value)),
        (Kind::Decimal, _) => wrong("a number"),
        (_, Value::String(text)) if text.is_empty() => Ok(None),
        (_, Value::String(text)) if text.contains('\0') => wrong("text without U+0000"),
        (_, Value::String(text)) => Ok(Some(Value::String(text))),
        _ => wrong("text"),
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// What every resource has (RFC 7643, section 3.1).
fn common() -> Vec<Attribute> {
    let time = |name, description| Attribute::new(name, Kind::DateTime, description);
    let meta = vec![
        Attribute::text("resourceType", "`User` or `Group`.").exact(),
        time("created", "When it was made."),
        time("lastModified", "When it last changed."),
        Attribute::new("location", Kind::Reference, "Where it is."),
        Attribute::text("version", "What `If-Match` takes.").exact(),
    ];
    vec![
        Attribute { always: true, ..Attribute::text("id", "Its id here.").exact().read_only() },
        Attribute::text("externalId", "Its id at the client.").exact(),
        Attribute::complex("meta", "What the service says of it.", meta).read_only(),
    ]
}

fn user() -> Schema {
    let text = Attribute::text;
    let name = vec![
        text("formatted", "The whole name."),
        text("familyName", "The family name."),
        text("givenName", "The given name."),
        text("middleName", "Names in between."),
        text("honorificPrefix", "A title before the name."),
        text("honorificSuffix", "What stands behind the name."),
    ];
    let address = vec![
        text("formatted", "The whole address."),
        text("streetAddress", "Street and number."),
        text("locality", "The city."),
        text("region", "The state or region."),
        text("postalCode", "The postal code."),
        text("country", "The country (ISO 3166-1, two letters)."),
        text("type", "What it is for."),
        Attribute::new("primary", Kind::Boolean, "Whether it is the one to be used."),
    ];
    let groups = vec![
        text("value", "The group's id.").exact(),
        Attribute::new("$ref", Kind::Reference, "Where the group is."),
        text("display", "The group's name."),
        text("type", "`direct`: groups lie in no groups."),
    ];
    let attributes = vec![
        Attribute {
            required: true,
            unique: true,
            ..text(
                "userName",
                "By what the client knows the user: the username or the e-mail address, or another address.",
            )
        },
        Attribute::complex("name", "The user's name.", name),
        text("displayName", "The name as it is shown."),
        text("nickName", "What the user is called."),
        Attribute::new("profileUrl", Kind::Reference, "A page about the user."),
        text("title", "The user's title, such as Vice President."),
        text("userType", "How the user belongs here, such as Employee."),
        text("preferredLanguage", "As `Accept-Language` has it."),
        text("locale", "Such as `en-US`."),
        text("timezone", "Such as `Europe/Berlin`."),
        Attribute::new("active", Kind::Boolean, "Whether the user may sign in; false suspends them."),
        Attribute::plural("emails", "The user's e-mail address; one is kept, the primary one.", Kind::String),
        Attribute::plural("phoneNumbers", "Telephone numbers, as the client writes them.", Kind::String),
        Attribute::plural("ims", "Addresses of instant messaging.", Kind::String),
        Attribute::plural("photos", "Addresses of pictures.", Kind::Reference),
        Attribute::complex("addresses", "Postal addresses.", address).several(),
        Attribute::complex("groups", "The groups that the user is in.", groups).several().read_only(),
        Attribute::plural("entitlements", "What the client says that the user is entitled to.", Kind::String),
        Attribute::plural("roles", "What the client says that the user's roles are; it gives none here.", Kind::String),
        Attribute::plural("x509Certificates", "Certificates.", Kind::Binary),
    ];
    Schema { id: USER, name: "User", description: "A person of the tenant", attributes }
}

fn group() -> Schema {
    let members = vec![
        Attribute::text("value", "The user's id.").exact(),
        Attribute::new("$ref", Kind::Reference, "Where the user is."),
        Attribute::text("type", "`User`: groups hold no groups."),
        Attribute::text("display", "The name that the client has for the user; it is not kept."),
    ];
    let attributes = vec![
        Attribute { required: true, unique: true, ..Attribute::text("displayName", "The group's name.").exact() },
        Attribute::complex("members", "The users in the group.", members).several(),
    ];
    Schema { id: GROUP, name: "Group", description: "A group of users", attributes }
}

fn enterprise() -> Schema {
    let manager = vec![
        Attribute::text("value", "The manager's id, as the client has it.").exact(),
        Attribute::new("$ref", Kind::Reference, "Where the manager is."),
        Attribute::text("displayName", "The manager's name."),
    ];
    let text = Attribute::text;
    let attributes = vec![
        text("employeeNumber", "The number of the employee."),
        text("costCenter", "The cost center."),
        text("organization", "The organization."),
        text("division", "The division."),
        text("department", "The department."),
        Attribute::complex("manager", "The user's manager.", manager),
    ];
    Schema { id: ENTERPRISE, name: "Enterprise User", description: "A user in an enterprise", attributes }
}

/// An attribute that a tenant declares.
fn custom(name: &str, r#type: &Type) -> Attribute {
    let (kind, parts) = match r#type {
        Type::Bool => (Kind::Boolean, Vec::new()),
        Type::Long => (Kind::Integer, Vec::new()),
        Type::Decimal => (Kind::Decimal, Vec::new()),
        Type::Datetime => (Kind::DateTime, Vec::new()),
        Type::String | Type::Ip | Type::Duration => (Kind::String, Vec::new()),
        Type::Entity(_) => {
            let part = |name| Attribute::text(name, "Of the entity.").exact();
            (Kind::Complex, vec![part("type"), part("id")])
        }
        Type::Record(inner) => (Kind::Complex, inner.iter().map(|(name, r#type)| custom(name, r#type)).collect()),
        Type::Set(element) => return Attribute { multi_valued: true, ..custom(name, element) },
    };
    Attribute {
        name: Cow::Owned(name.to_owned()),
        case_exact: true,
        parts,
        ..Attribute::new("", kind, "Declared by the tenant.")
    }
}

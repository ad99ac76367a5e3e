//! Filters and orders as SQL. What a client writes is bound and never text of a statement; attributes become the columns
//! and JSON paths that are stated here.
//!
//! A condition is either true or not: an absent attribute makes a comparison false, and its negation true. So `not` is
//! brought down to the comparisons, where null counts as false.

use super::error::{ErrorType, ScimError};
use super::filter::{AttributePath, Filter, Operator};
use super::matching::{Operand, compared, unknown};
use super::schema::{Attribute, CUSTOM, Kind, Resolved, ResourceType};
use super::user::USER_NAME;
use crate::model::SqlValue;
use serde_json::Value;

/// A statement on its way: `?1` is the tenant and `?2` the time, and what is bound beside comes after them.
pub struct Compiler<'a> {
    resource: &'a ResourceType,
    /// What is bound, from `?1` on.
    pub parameters: Vec<SqlValue>,
}

/// By what a list is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The expression, which is never null: what has no value comes last (RFC 7644, section 3.4.2.3).
    pub sql: String,
}

/// An attribute in SQL.
struct Expression {
    sql: String,
    /// Kept in lower case, whatever letters there are.
    lower: bool,
    nullable: bool,
    /// A time in the one form in which columns have it.
    is_column: bool,
}

/// Where the values of an attribute are.
enum Place {
    /// One, in the row.
    Row,
    /// Several: a query that a condition on each completes.
    Each(String),
}

impl<'a> Compiler<'a> {
    /// For resources of this type.
    pub fn new(resource: &'a ResourceType, tenant: SqlValue, now: SqlValue) -> Self {
        Self { resource, parameters: vec![tenant, now] }
    }

    /// Binds a value; its place, `?3`.
    pub fn bind(&mut self, value: SqlValue) -> String {
        let place = self.parameters.iter().position(|bound| *bound == value);
        let place = place.unwrap_or_else(|| {
            self.parameters.push(value);
            self.parameters.len() - 1
        });
        format!("?{}", place + 1)
    }

    /// The condition that a filter is.
    pub fn condition(&mut self, filter: &Filter) -> Result<String, ScimError> {
        self.of_row(filter, false)
    }

    /// The order that `sortBy` names.
    pub fn order(&mut self, path: &AttributePath) -> Result<Order, ScimError> {
        let invalid = |detail: String| ScimError::new(ErrorType::InvalidPath, detail);
        let target = self.resource.resolve(path).ok_or_else(|| invalid(format!("there is no attribute `{path}`")))?;
        let part = target.part.or_else(|| target.attribute.part("value"));
        let leaf = part.unwrap_or(target.attribute);
        match self.place(&target) {
            Place::Row if leaf.kind != Kind::Complex => {}
            _ => return Err(invalid(format!("`{path}` is nothing to sort by"))),
        }
        let expression = self.expression(&target, part)?;
        let collation = collation(leaf, &expression);
        let sql = match expression.nullable {
            // Behind every text and every number.
            true => format!("coalesce({}, char(1114111)){collation}", expression.sql),
            false => format!("{}{collation}", expression.sql),
        };
        Ok(Order { sql })
    }

    /// Whether a filter leaves few resources, which an index finds: these are found by it and then sorted. Left to itself,
    /// SQLite goes through all of the tenant's rows in their order instead.
    pub fn is_selective(&self, filter: &Filter) -> bool {
        match filter {
            Filter::And(one, other) => self.is_selective(one) || self.is_selective(other),
            Filter::Or(one, other) => self.is_selective(one) && self.is_selective(other),
            Filter::Compare(path, Operator::Equal | Operator::StartsWith, Value::String(_)) => {
                let name = self.resource.resolve(path).map(|target| target.attribute.name.to_string());
                let name = name.as_deref().unwrap_or_default();
                let found_by = match self.resource.name {
                    "User" => &["id", "userName", "externalId", "emails"][..],
                    _ => &["id", "displayName", "externalId"],
                };
                found_by.contains(&name) && path.sub.as_ref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"))
            }
            _ => false,
        }
    }

    fn of_row(&mut self, filter: &Filter, negated: bool) -> Result<String, ScimError> {
        match filter {
            Filter::And(one, other) => {
                Ok(join(negated, &self.of_row(one, negated)?, &self.of_row(other, negated)?, "AND"))
            }
            Filter::Or(one, other) => {
                Ok(join(negated, &self.of_row(one, negated)?, &self.of_row(other, negated)?, "OR"))
            }
            Filter::Not(inner) => self.of_row(inner, !negated),
            Filter::Within(path, inner) => {
                let target = self.resolve(path)?;
                if target.part.is_some() || target.attribute.parts.is_empty() {
                    let detail = format!("`{path}` has no parts to be found by");
                    return Err(ScimError::new(ErrorType::InvalidFilter, detail));
                }
                match self.place(&target) {
                    Place::Row => self.of_value(&target, inner, negated),
                    Place::Each(query) => {
                        let condition = self.of_value(&target, inner, false)?;
                        Ok(exists(&query, &condition, negated))
                    }
                }
            }
            Filter::Present(path) => {
                let target = self.resolve(path)?;
                match self.place(&target) {
                    Place::Each(query) => {
                        let condition = match target.part {
                            Some(part) => {
                                let expression = self.expression(&target, Some(part))?;
                                format!("{} IS NOT NULL", expression.sql)
                            }
                            None => "1".to_owned(),
                        };
                        Ok(exists(&query, &condition, negated))
                    }
                    Place::Row => {
                        let part = target.part.or_else(|| target.attribute.part("value"));
                        let sql = if part.is_none() && !target.attribute.parts.is_empty() {
                            self.any_part(&target)?
                        } else {
                            format!("{} IS NOT NULL", self.expression(&target, part)?.sql)
                        };
                        Ok(if negated { format!("NOT ({sql})") } else { sql })
                    }
                }
            }
            Filter::Compare(path, operator, value) => {
                let target = self.resolve(path)?;
                let leaf = compared(target.leaf());
                let part = target.part.or_else(|| target.attribute.part("value"));
                let operand = Operand::read(leaf, *operator, value)?;
                let expression = self.expression(&target, part)?;
                match self.place(&target) {
                    Place::Row => Ok(self.compare(leaf, &expression, *operator, &operand, negated)),
                    // That none is equal, or that there is none, is said of all of them.
                    Place::Each(query) => {
                        let (operator, flipped, operand) = match (operator, operand) {
                            (Operator::Equal, Operand::Absent) => (Operator::NotEqual, true, Operand::Absent),
                            (Operator::NotEqual, Operand::Absent) => (Operator::NotEqual, false, Operand::Absent),
                            (Operator::NotEqual, operand) => (Operator::Equal, true, operand),
                            (operator, operand) => (*operator, false, operand),
                        };
                        let condition = self.compare(leaf, &expression, operator, &operand, false);
                        Ok(exists(&query, &condition, negated != flipped))
                    }
                }
            }
        }
    }

    /// The condition on one value of an attribute; names are those of its parts.
    fn of_value(&mut self, target: &Resolved<'_>, filter: &Filter, negated: bool) -> Result<String, ScimError> {
        match filter {
            Filter::And(one, other) => {
                let (one, other) = (self.of_value(target, one, negated)?, self.of_value(target, other, negated)?);
                Ok(join(negated, &one, &other, "AND"))
            }
            Filter::Or(one, other) => {
                let (one, other) = (self.of_value(target, one, negated)?, self.of_value(target, other, negated)?);
                Ok(join(negated, &one, &other, "OR"))
            }
            Filter::Not(inner) => self.of_value(target, inner, !negated),
            Filter::Within(path, _) => Err(unknown(path)),
            Filter::Present(path) => {
                let part = part(target.attribute, path)?;
                let sql = self.expression(target, Some(part))?.sql;
                Ok(format!("{sql} IS {}NULL", if negated { "" } else { "NOT " }))
            }
            Filter::Compare(path, operator, value) => {
                let part = part(target.attribute, path)?;
                let operand = Operand::read(part, *operator, value)?;
                let expression = self.expression(target, Some(part))?;
                Ok(self.compare(part, &expression, *operator, &operand, negated))
            }
        }
    }

    fn resolve(&self, path: &AttributePath) -> Result<Resolved<'a>, ScimError> {
        self.resource.resolve(path).ok_or_else(|| unknown(path))
    }

    /// Whether any part of a complex attribute of the row is there.
    fn any_part(&mut self, target: &Resolved<'_>) -> Result<String, ScimError> {
        let mut parts = Vec::new();
        for part in &target.attribute.parts {
            // What the service alone says is always there.
            let Ok(expression) = self.expression(target, Some(part)) else { continue };
            parts.push(format!("{} IS NOT NULL", expression.sql));
        }
        Ok(format!("({})", parts.join(" OR ")))
    }

    fn place(&mut self, target: &Resolved<'_>) -> Place {
        const LIVE: &str = "(m.expires_at IS NULL OR m.expires_at > ?2)";
        let name = target.attribute.name.as_ref();
        match (self.resource.name, target.extension, name) {
            (_, None, "emails") => Place::Row,
            (_, None, "groups") => Place::Each(format!(
                r#"SELECT 1 FROM user_group_membership m JOIN user_group g ON g.id = m.user_group_id
                   WHERE m.tenant_id = ?1 AND m.user_id = "user"."id" AND {LIVE}"#
            )),
            ("Group", None, "members") => Place::Each(format!(
                r#"SELECT 1 FROM user_group_membership m
                   WHERE m.tenant_id = ?1 AND m.user_group_id = "user_group"."id" AND {LIVE}"#
            )),
            _ if !target.attribute.multi_valued => Place::Row,
            (_, Some(CUSTOM), name) => {
                let path = self.bind(SqlValue::Text(format!("$.\"{name}\"")));
                Place::Each(format!(r#"SELECT 1 FROM json_each("custom_attributes", {path}) e WHERE 1"#))
            }
            (_, _, name) => Place::Each(format!(r#"SELECT 1 FROM json_each("scim_attributes", '$.{name}') e WHERE 1"#)),
        }
    }

    /// An attribute, or a part of it, in SQL; of a multi-valued one, of the value at hand.
    fn expression(&mut self, target: &Resolved<'_>, part: Option<&Attribute>) -> Result<Expression, ScimError> {
        let column =
            |sql: &str, nullable: bool| Ok(Expression { sql: sql.to_owned(), lower: false, nullable, is_column: true });
        let json = |sql: String| Ok(Expression { sql, lower: false, nullable: true, is_column: false });
        let attribute = target.attribute;
        match (target.extension, attribute.name.as_ref(), part.map(|part| part.name.as_ref())) {
            (None, "id", _) => column("\"id\"", false),
            (None, "externalId", _) => column("\"external_id\"", true),
            (None, "meta", Some("resourceType")) => column(&format!("'{}'", self.resource.name), false),
            (None, "meta", Some("created")) => column("\"created_at\"", false),
            (None, "meta", Some("lastModified")) => column("\"updated_at\"", false),
            (None, "meta", _) => Err(ScimError::new(
                ErrorType::InvalidFilter,
                "of `meta`, resources are found by `resourceType`, `created` and `lastModified`",
            )),
            (None, "displayName", _) if self.resource.name == "Group" => column("\"name\"", false),
            (None, "members", Some("value")) => column("m.user_id", false),
            (None, "members", Some("type")) => column("'User'", false),
            (None, "members", _) => column("NULL", true),
            (None, "userName", _) => column(USER_NAME, false),
            (None, "active", _) => column("(\"is_active\" = 1 AND \"state\" <> 'suspended')", false),
            (None, "name", Some("givenName")) => column("\"first_name\"", true),
            (None, "name", Some("familyName")) => column("\"last_name\"", true),
            (None, "emails", Some("value")) => Ok(Expression { lower: true, ..column("\"email\"", false)? }),
            (None, "emails", Some("type")) => column("'work'", false),
            (None, "emails", Some("primary")) => column("1", false),
            (None, "emails", _) => column("NULL", true),
            (None, "groups", Some("value")) => column("m.user_group_id", false),
            (None, "groups", Some("display")) => column("g.name", false),
            (None, "groups", Some("type")) => column("'direct'", false),
            (None, "groups", _) => column("NULL", true),
            (extension, name, part) => {
                let way = part.map(|part| format!(".\"{part}\"")).unwrap_or_default();
                match (extension, attribute.multi_valued) {
                    (_, true) if way.is_empty() => json("e.value".to_owned()),
                    (Some(CUSTOM), true) => {
                        let way = self.bind(SqlValue::Text(format!("${way}")));
                        json(format!("json_extract(e.value, {way})"))
                    }
                    (_, true) => json(format!("json_extract(e.value, '${way}')")),
                    (Some(CUSTOM), false) => {
                        let way = self.bind(SqlValue::Text(format!("$.\"{name}\"{way}")));
                        json(format!("json_extract(\"custom_attributes\", {way})"))
                    }
                    (Some(urn), false) => {
                        json(format!("json_extract(\"scim_attributes\", '$.\"{urn}\".\"{name}\"{way}')"))
                    }
                    (None, false) => json(format!("json_extract(\"scim_attributes\", '$.\"{name}\"{way}')")),
                }
            }
        }
    }

    fn compare(
        &mut self,
        leaf: &Attribute,
        expression: &Expression,
        operator: Operator,
        operand: &Operand,
        negated: bool,
    ) -> String {
        let (operator, negated) = match operator {
            Operator::NotEqual => (Operator::Equal, !negated),
            operator => (operator, negated),
        };
        let sql = &expression.sql;
        let compared = match operand {
            Operand::Absent => return format!("{sql} IS {}NULL", if negated { "NOT " } else { "" }),
            Operand::Boolean(value) => format!("{sql} = {}", self.bind(SqlValue::Integer((*value).into()))),
            Operand::Number(number) => {
                let number = self.bind(SqlValue::Text(number.to_string()));
                format!("CAST({sql} AS REAL) {} CAST({number} AS REAL)", sign(operator))
            }
            Operand::Time(time) => {
                let time = self.bind(SqlValue::Text(time.to_string()));
                match expression.is_column {
                    true => format!("{sql} {} {time}", sign(operator)),
                    // As the client wrote it, in any offset.
                    false => format!("strftime('%Y-%m-%dT%H:%M:%fZ', {sql}) {} {time}", sign(operator)),
                }
            }
            Operand::Text(text) => {
                let text = if expression.lower { text.to_lowercase() } else { text.clone() };
                self.compare_text(leaf, expression, operator, text)
            }
        };
        if negated { format!("NOT coalesce({compared}, 0)") } else { compared }
    }

    fn compare_text(&mut self, leaf: &Attribute, expression: &Expression, operator: Operator, text: String) -> String {
        let (sql, collation) = (&expression.sql, collation(leaf, expression));
        match operator {
            Operator::Contains | Operator::StartsWith | Operator::EndsWith if text.is_empty() => {
                format!("{sql} IS NOT NULL")
            }
            Operator::Contains => {
                let text = self.bind(SqlValue::Text(text));
                match collation {
                    "" => format!("instr({sql}, {text}) > 0"),
                    _ => format!("instr(lower({sql}), lower({text})) > 0"),
                }
            }
            // A range, so that an index finds it. D1 takes no pattern of more than fifty bytes for LIKE.
            Operator::StartsWith => {
                let end = self.bind(SqlValue::Text(format!("{text}\u{10ffff}")));
                let text = self.bind(SqlValue::Text(text));
                format!("({sql}{collation} >= {text} AND {sql}{collation} < {end})")
            }
            Operator::EndsWith => {
                let text = self.bind(SqlValue::Text(text));
                format!("substr({sql}, -length({text})){collation} = {text}")
            }
            operator => {
                let text = self.bind(SqlValue::Text(text));
                format!("{sql}{collation} {} {text}", sign(operator))
            }
        }
    }
}

fn part<'a>(attribute: &'a Attribute, path: &AttributePath) -> Result<&'a Attribute, ScimError> {
    let whole = path.schema.is_none() && path.sub.is_none();
    attribute.part(&path.name).filter(|_| whole).ok_or_else(|| unknown(path))
}

/// By De Morgan's laws.
fn join(negated: bool, one: &str, other: &str, word: &str) -> String {
    let word = match (negated, word) {
        (false, word) => word,
        (true, "AND") => "OR",
        (true, _) => "AND",
    };
    format!("({one} {word} {other})")
}

fn exists(query: &str, condition: &str, negated: bool) -> String {
    format!("{}EXISTS ({query} AND {condition})", if negated { "NOT " } else { "" })
}

/// Letters of ASCII alone have two cases here: SQLite knows no others.
fn collation(leaf: &Attribute, expression: &Expression) -> &'static str {
    let is_text = matches!(leaf.kind, Kind::String);
    if is_text && !leaf.case_exact && !expression.lower { " COLLATE NOCASE" } else { "" }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        _ => "=",
    }
}

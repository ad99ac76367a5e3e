//! Filters and the paths of PATCH: the grammar of RFC 7644, sections 3.4.2.2 and 3.5.2.

use super::error::{ErrorType, ScimError};
use serde_json::Value;

/// No filter or path is longer, in bytes.
pub const LONGEST: usize = 8192;

/// So many groups, negations and value filters lie in each other at most.
pub const DEEPEST: usize = 32;

/// A filter compares so often at most: a comparison binds up to three parameters, and D1 takes a hundred.
pub const MOST_COMPARISONS: usize = 30;

/// Which attribute is meant: `urn:…:User:name.familyName`. Names are as they were written; their case says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN of its schema, where one is named.
    pub schema: Option<String>,
    /// The attribute.
    pub name: String,
    /// The part of it that is meant.
    pub sub: Option<String>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`: equal.
    Equal,
    /// `ne`: not equal, or not there.
    NotEqual,
    /// `co`: contains.
    Contains,
    /// `sw`: starts with.
    StartsWith,
    /// `ew`: ends with.
    EndsWith,
    /// `gt`: greater than.
    Greater,
    /// `ge`: greater than or equal.
    GreaterOrEqual,
    /// `lt`: less than.
    Less,
    /// `le`: less than or equal.
    LessOrEqual,
}

/// What resources are found by.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One of them holds.
    Or(Box<Filter>, Box<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// An attribute has such a value.
    Compare(AttributePath, Operator, Value),
    /// `pr`: an attribute has a value.
    Present(AttributePath),
    /// One value of a multi-valued attribute has all of this: `emails[type eq "work"]`.
    Within(AttributePath, Box<Filter>),
}

/// What a PATCH operation changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The attribute.
    pub attribute: AttributePath,
    /// Which of its values; all, where nothing is said.
    pub filter: Option<Filter>,
}

impl Filter {
    /// Reads a filter. `and` binds closer than `or`; operators are written in any case.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text, ErrorType::InvalidFilter)?;
        let filter = parser.either(false)?;
        parser.end()?;
        Ok(filter)
    }
}

impl Path {
    /// Reads the path of a PATCH operation: `name.familyName`, `emails[type eq "work"].value`.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text, ErrorType::InvalidPath)?;
        parser.space();
        let mut attribute = parser.attribute()?;
        let mut filter = None;
        if parser.takes('[') {
            filter = Some(parser.within()?);
            if parser.takes('.') {
                if attribute.sub.is_some() {
                    return Err(parser.wrong("a value filter stands behind an attribute, not behind a part of it"));
                }
                attribute.sub = Some(parser.name()?);
            }
        }
        parser.end()?;
        Ok(Self { attribute, filter })
    }
}

impl AttributePath {
    /// Reads what names an attribute alone: in `sortBy`, `attributes` and the keys of a body.
    pub fn parse(text: &str) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text, ErrorType::InvalidPath)?;
        parser.space();
        let attribute = parser.attribute()?;
        parser.end()?;
        Ok(attribute)
    }
}

impl std::fmt::Display for AttributePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        self.sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

/// Reads from left to right; where it stands is what an error says.
struct Parser<'a> {
    rest: &'a str,
    whole: usize,
    kind: ErrorType,
    depth: usize,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, kind: ErrorType) -> Result<Self, ScimError> {
        let parser = Self { rest: text, whole: text.len(), kind, depth: 0, comparisons: 0 };
        match text.len() {
            0..=LONGEST => Ok(parser),
            _ => Err(ScimError::new(kind, format!("it is longer than {LONGEST} bytes"))),
        }
    }

    /// `or`, which binds least.
    fn either(&mut self, within: bool) -> Result<Filter, ScimError> {
        let mut left = self.both(within)?;
        while self.takes_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both(within)?));
        }
        Ok(left)
    }

    fn both(&mut self, within: bool) -> Result<Filter, ScimError> {
        let mut left = self.one(within)?;
        while self.takes_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(within)?));
        }
        Ok(left)
    }

    fn one(&mut self, within: bool) -> Result<Filter, ScimError> {
        self.space();
        if self.takes('(') {
            return self.group(within);
        }
        let before = self.rest;
        if self.takes_word("not") {
            self.space();
            if self.takes('(') {
                return Ok(Filter::Not(Box::new(self.group(within)?)));
            }
            self.rest = before;
        }
        let attribute = self.attribute()?;
        if self.takes('[') {
            if within {
                return Err(self.wrong("a value filter holds no other one"));
            }
            return Ok(Filter::Within(attribute, Box::new(self.within()?)));
        }
        self.comparisons += 1;
        if self.comparisons > MOST_COMPARISONS {
            return Err(self.wrong(&format!("it compares more than {MOST_COMPARISONS} times")));
        }
        if self.takes_word("pr") {
            return Ok(Filter::Present(attribute));
        }
        let operator = self.operator()?;
        Ok(Filter::Compare(attribute, operator, self.value()?))
    }

    /// What stands after `(`, with its end.
    fn group(&mut self, within: bool) -> Result<Filter, ScimError> {
        self.deeper()?;
        let filter = self.either(within)?;
        self.space();
        if !self.takes(')') {
            return Err(self.wrong("expected `)`"));
        }
        self.depth -= 1;
        Ok(filter)
    }

    /// What stands after `[`, with its end.
    fn within(&mut self) -> Result<Filter, ScimError> {
        self.deeper()?;
        let filter = self.either(true)?;
        self.space();
        if !self.takes(']') {
            return Err(self.wrong("expected `]`"));
        }
        self.depth -= 1;
        Ok(filter)
    }

    fn deeper(&mut self) -> Result<(), ScimError> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(self.wrong(&format!("it nests deeper than {DEEPEST}"))) } else { Ok(()) }
    }

    /// `attrPath`. A URN has colons and dots of its own; what follows its last colon is the attribute.
    fn attribute(&mut self) -> Result<AttributePath, ScimError> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-$.:".contains(letter);
        let token = self.token(is_part);
        let (schema, rest) = match token.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema.to_owned()), rest),
            None => (None, token),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(self.wrong(&format!("expected an attribute, found `{token}`")));
        }
        Ok(AttributePath { schema, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    fn name(&mut self) -> Result<String, ScimError> {
        let token = self.token(|letter| letter.is_ascii_alphanumeric() || "_-$".contains(letter));
        if is_name(token) { Ok(token.to_owned()) } else { Err(self.wrong("expected the name of an attribute")) }
    }

    fn operator(&mut self) -> Result<Operator, ScimError> {
        self.space();
        let token = self.token(|letter| letter.is_ascii_alphabetic());
        Ok(match token.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "co" => Operator::Contains,
            "sw" => Operator::StartsWith,
            "ew" => Operator::EndsWith,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            _ => return Err(self.wrong(&format!("expected an operator such as `eq`, found `{token}`"))),
        })
    }

    /// A JSON string, number, `true`, `false` or `null` (RFC 8259).
    fn value(&mut self) -> Result<Value, ScimError> {
        self.space();
        if self.rest.starts_with('"') {
            let mut escaped = false;
            let end = self.rest.char_indices().skip(1).find(|(_, letter)| {
                let ends = *letter == '"' && !escaped;
                escaped = *letter == '\\' && !escaped;
                ends
            });
            let text = end.and_then(|(end, _)| self.rest.get(..=end));
            let read = text.and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)));
            let Some((text, value)) = read else { return Err(self.wrong("expected a JSON string")) };
            self.rest = self.rest.get(text.len()..).unwrap_or_default();
            return Ok(value);
        }
        let token = self.token(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
        match token.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            number => match serde_json::from_str::<Value>(number) {
                Ok(value @ Value::Number(_)) => Ok(value),
                _ => Err(self.wrong(&format!("expected a value such as `\"text\"`, found `{token}`"))),
            },
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn token(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        token
    }

    fn takes(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes a word, in any case, where it stands as one.
    fn takes_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        self.space();
        let token = self.token(|letter| letter.is_ascii_alphanumeric() || "_-$.:".contains(letter));
        let is_it = token.eq_ignore_ascii_case(word);
        if !is_it {
            self.rest = before;
        }
        is_it
    }

    fn end(&mut self) -> Result<(), ScimError> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong("expected the end")) }
    }

    fn wrong(&self, detail: &str) -> ScimError {
        ScimError::new(self.kind, format!("at byte {}: {detail}", self.whole - self.rest.len()))
    }
}

/// `ATTRNAME`; `$ref` is one although the grammar forgets it.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-$".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn path(text: &str) -> AttributePath {
        AttributePath::parse(text).unwrap()
    }

    fn equal(name: &str, value: Value) -> Filter {
        Filter::Compare(path(name), Operator::Equal, value)
    }

    /// The examples of RFC 7644, figure 2 of section 3.4.2.2.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for text in [
            r#"userName eq "bjensen""#,
            r#"name.familyName co "O'Malley""#,
            r#"userName sw "J""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            "title pr",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
            r#"title pr and userType eq "Employee""#,
            r#"title pr or userType eq "Intern""#,
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType eq "Employee" and (emails.type eq "work")"#,
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
        ] {
            Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_words_have_no_case() {
        let (a, b, c) = (equal("a", json!(1)), equal("b", json!(true)), equal("c", json!("x\"y")));
        let or = |one: &Filter, other: &Filter| Filter::Or(Box::new(one.clone()), Box::new(other.clone()));
        let and = |one: &Filter, other: &Filter| Filter::And(Box::new(one.clone()), Box::new(other.clone()));
        for (text, filter) in [
            (r#"a eq 1 or b eq true and c eq "x\"y""#, or(&a, &and(&b, &c))),
            (r#"a EQ 1 AND b Eq True OR c eQ "x\"y""#, or(&and(&a, &b), &c)),
            (r#"(a eq 1 or b eq true) and c eq "x\"y""#, and(&or(&a, &b), &c)),
            (r#"NOT(a eq 1)"#, Filter::Not(Box::new(a.clone()))),
            ("not pr", Filter::Present(path("not"))),
            ("  a  eq  1  ", a.clone()),
        ] {
            assert_eq!(Filter::parse(text), Ok(filter), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        for (text, detail) in [
            ("", "at byte 0: expected an attribute, found ``"),
            ("userName", "at byte 8: expected an operator such as `eq`, found ``"),
            ("userName is \"x\"", "at byte 11: expected an operator such as `eq`, found `is`"),
            ("userName eq x", "at byte 13: expected a value such as `\"text\"`, found `x`"),
            ("userName eq \"x", "at byte 12: expected a JSON string"),
            ("userName eq \"\\x\"", "at byte 12: expected a JSON string"),
            ("(a pr", "at byte 5: expected `)`"),
            ("a pr)", "at byte 4: expected the end"),
            ("a pr b pr", "at byte 5: expected the end"),
            ("a[b pr", "at byte 6: expected `]`"),
            ("a[b[c pr]]", "at byte 4: a value filter holds no other one"),
            ("a.b.c pr", "at byte 5: expected an attribute, found `a.b.c`"),
            ("é pr", "at byte 0: expected an attribute, found ``"),
            ("a eq 01", "at byte 7: expected a value such as `\"text\"`, found `01`"),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!((error.kind, error.detail.as_str()), (ErrorType::InvalidFilter, detail), "{text}");
        }
    }

    #[test]
    fn depth_length_and_comparisons_are_bounded() {
        let nested = |depth| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Filter::parse(&nested(DEEPEST)).is_ok());
        assert!(Filter::parse(&nested(DEEPEST + 1)).is_err());
        let many = |count| vec!["a pr"; count].join(" or ");
        assert!(Filter::parse(&many(MOST_COMPARISONS)).is_ok());
        assert!(Filter::parse(&many(MOST_COMPARISONS + 1)).is_err());
        assert!(Filter::parse(&format!("a eq \"{}\"", "x".repeat(LONGEST))).is_err());
    }

    #[test]
    fn a_path_names_an_attribute_or_some_of_its_values() {
        let work = Some(equal("type", json!("work")));
        for (text, attribute, filter) in [
            ("members", "members", None),
            ("name.familyName", "name.familyName", None),
            ("addresses[type eq \"work\"]", "addresses", work.clone()),
            ("addresses[type eq \"work\"].locality", "addresses.locality", work),
            ("members[value eq \"1\"]", "members", Some(equal("value", json!("1")))),
        ] {
            assert_eq!(Path::parse(text), Ok(Path { attribute: path(attribute), filter }), "{text}");
        }
        let enterprise = path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value");
        assert_eq!(enterprise.schema.as_deref(), Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"));
        assert_eq!((enterprise.name.as_str(), enterprise.sub.as_deref()), ("manager", Some("value")));
        for text in ["", "1a", "a[", "a[b pr].", "a[b pr]c", "a.b[c pr].d", "members[]"] {
            assert_eq!(Path::parse(text).unwrap_err().kind, ErrorType::InvalidPath, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_stops_it(text in "[ a-zé.:\\[\\]()\"\\\\0-9$-]{0,60}") {
            let _ = (Filter::parse(&text), Path::parse(&text), AttributePath::parse(&text));
        }
    }
}

//! From JSON to a condition: its shape and operators, not yet its types.

use super::operator::Kind;
use super::{Condition, Expression, Operand, Operator, Path, Place, Root, Test};
use crate::Finding;
use serde_json::{Map, Value as Json};

/// How deep conditions may nest, so that no later walk can exhaust the stack.
const DEPTH: usize = 32;

impl Condition {
    /// Reads a condition. What is wrong goes to the findings, all of it; what is left of the condition then is for
    /// finding what else is wrong with it, and for nothing else.
    pub fn parse(json: &Json, place: Place<'_>, findings: &mut Vec<Finding>) -> Option<Self> {
        Parser { place, findings }.condition(json, "", DEPTH)
    }
}

struct Parser<'a> {
    place: Place<'a>,
    findings: &'a mut Vec<Finding>,
}

impl Parser<'_> {
    fn refuse<T>(&mut self, at: &str, code: &str, message: impl Into<String>) -> Option<T> {
        self.findings.push(self.place.error(at, code, message));
        None
    }

    fn condition(&mut self, json: &Json, at: &str, depth: usize) -> Option<Condition> {
        let Some(depth) = depth.checked_sub(1) else {
            return self.refuse(at, "condition.too_deep", format!("conditions nest at most {DEPTH} deep"));
        };
        let object = match json {
            Json::Null => return Some(Condition::Always),
            Json::Object(object) => object,
            _ => return self.refuse(at, "condition.wrong_shape", "a condition is an object or null"),
        };
        if object.is_empty() {
            return self.refuse(at, "condition.empty", "an empty condition says nothing: null means always");
        }
        for (name, json) in object {
            let inner = join(at, name);
            let combined = match name.as_str() {
                "all" => self.list(json, &inner, depth).map(Condition::All),
                "any" => self.list(json, &inner, depth).map(Condition::Any),
                "not" => self.condition(json, &inner, depth).map(|part| Condition::Not(Box::new(part))),
                "cedar" => self.expression(json, &inner),
                _ => continue,
            };
            if object.len() > 1 {
                return self.refuse(&inner, "condition.mixed", format!("`{name}` stands alone in its object"));
            }
            return combined;
        }
        self.tests(object, at)
    }

    fn list(&mut self, json: &Json, at: &str, depth: usize) -> Option<Vec<Condition>> {
        let Some(parts) = json.as_array() else {
            return self.refuse(at, "condition.wrong_shape", "expected an array of conditions");
        };
        if parts.is_empty() {
            return self.refuse(at, "condition.empty", "expected at least one condition");
        }
        let parts = parts.iter().enumerate();
        let parts = parts.filter_map(|(position, part)| self.condition(part, &join(at, &position.to_string()), depth));
        Some(parts.collect()).filter(|parts: &Vec<Condition>| !parts.is_empty())
    }

    fn expression(&mut self, json: &Json, at: &str) -> Option<Condition> {
        match json.as_str() {
            Some(text) => Some(Condition::Cedar(Expression { text: text.to_owned(), at: at.to_owned() })),
            None => self.refuse(at, "condition.wrong_shape", "expected a Cedar expression as text"),
        }
    }

    fn tests(&mut self, object: &Map<String, Json>, at: &str) -> Option<Condition> {
        let mut tests = vec![];
        for (name, json) in object {
            let at = join(at, name);
            let operator = match Operator::named(name) {
                Ok(operator) => operator,
                Err(message) => {
                    self.refuse::<()>(&at, "condition.unknown_operator", message);
                    continue;
                }
            };
            let Some(paths) = json.as_object().filter(|paths| !paths.is_empty()) else {
                self.refuse::<()>(&at, "condition.wrong_shape", "expected an object from paths to values");
                continue;
            };
            for (path, values) in paths {
                tests.extend(self.test(operator, path, values, &join(&at, path)).map(Condition::Test));
            }
        }
        match tests.len() {
            0 | 1 => tests.pop(),
            _ => Some(Condition::All(tests)),
        }
    }

    fn test(&mut self, operator: Operator, path: &str, values: &Json, at: &str) -> Option<Test> {
        let path = match Path::read(path) {
            Ok(path) => path,
            Err(message) => return self.refuse(at, "condition.unknown_path", message),
        };
        let values = match (operator.kind, values) {
            // Their single value is an array itself: an interval, or days with an offset.
            (Kind::TimeOfDay, Json::Array(list)) if !list.iter().all(Json::is_array) => vec![values],
            (Kind::Weekday, Json::Array(list)) if list.iter().any(Json::is_array) => vec![values],
            (_, Json::Array(list)) => list.iter().collect(),
            (_, value) => vec![value],
        };
        if values.is_empty() {
            return self.refuse(at, "condition.no_values", "expected at least one value");
        }
        let values: Option<Vec<Operand>> = values.into_iter().map(|value| self.operand(value, at)).collect();
        Some(Test { operator, path, values: values?, at: at.to_owned() })
    }

    fn operand(&mut self, json: &Json, at: &str) -> Option<Operand> {
        let Some(text) = json.as_str().filter(|text| text.contains("${")) else {
            return Some(Operand::Literal(json.clone()));
        };
        let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        match inner.filter(|inner| !inner.contains(['$', '{', '}'])).map(Path::read) {
            Some(Ok(path)) => Some(Operand::Variable(path)),
            Some(Err(message)) => self.refuse(at, "condition.unknown_path", message),
            None => self.refuse(at, "condition.variable", format!("in `{text}` the variable is not the whole value")),
        }
    }
}

impl Path {
    /// Reads `principal.department`; `action.x` is `context.action.x`.
    fn read(text: &str) -> Result<Self, String> {
        let mut steps = text.split('.').map(str::to_owned);
        let first = steps.next().unwrap_or_default();
        let mut way: Vec<String> = steps.collect();
        let root = match first.as_str() {
            "principal" => Root::Principal,
            "resource" => Root::Resource,
            "context" => Root::Context,
            "action" => {
                way.insert(0, first);
                Root::Context
            }
            _ => return Err(format!("`{text}` does not begin with `principal`, `resource`, `context` or `action`")),
        };
        if way.iter().any(String::is_empty) {
            return Err(format!("`{text}` has an empty step"));
        }
        Ok(Self { root, way })
    }
}

fn join(at: &str, step: &str) -> String {
    // A JSON pointer's own escapes, RFC 6901, section 3.
    let step = step.replace('~', "~0").replace('/', "~1");
    if at.is_empty() { step } else { format!("{at}/{step}") }
}

//! Which decisions are logged, and which attributes are left out of them.

use crate::engine::Outcome;
use crate::schema::{Attributes, Schema, Type};
use serde_json::Value as Json;
use uuid::Uuid;

/// The outcomes, in the order of the shares.
const OUTCOMES: [&str; 4] = ["allow", "forbidden", "no_permit", "error"];

/// The parts of a request that have attributes.
const PARTS: [&str; 4] = ["principal", "action", "resource", "context"];

/// So many patterns a mask may have.
const MOST_PATTERNS: usize = 100;

/// All of 2^32 ids.
const ALL: u64 = 1 << 32;

/// Which decisions are logged, and which attributes are left out of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Of 2^32 ids, how many are logged: one an outcome, in the order of [`OUTCOMES`].
    shares: [u64; 4],
    mask: Vec<Pattern>,
}

/// One thing wrong with the setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in it: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Stable and dotted, for programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Whether it is refused for it.
    pub is_error: bool,
}

/// What is masked: an attribute of a part, or all whose names begin so; `*` for any part.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    part: String,
    name: String,
}

impl Default for Logging {
    /// Every denial. Allows are by far the most, say the least, and each costs a row: a tenant that wants a share of them
    /// says so. What tells who somebody is, or where from, is left out.
    fn default() -> Self {
        let mask = ["*.email*", "*.phone*", "*.first_name", "*.last_name", "context.ip"];
        let mask = mask.iter().filter_map(|pattern| Pattern::parse(pattern)).collect();
        Self { shares: [0, ALL, ALL, ALL], mask }
    }
}

impl Logging {
    /// The setting, in the category `auth`.
    pub const SETTING: &'static str = "decision_log";

    /// Reads the setting. What it does not say is as where nothing is set; what is wrong with it is added to `faults`.
    pub fn read(json: &Json, schema: &Schema, faults: &mut Vec<Fault>) -> Self {
        let mut logging = Self::default();
        let mut fault = |pointer: String, code, message: &str, is_error| {
            faults.push(Fault { pointer, code, message: message.to_owned(), is_error });
        };
        let Some(members) = json.as_object() else {
            fault(String::new(), "decision_log.wrong_type", "expected an object", true);
            return logging;
        };
        for (name, value) in members {
            let outcome = OUTCOMES.iter().zip(&mut logging.shares).find(|(outcome, _)| *outcome == name);
            match (outcome, value.as_f64(), value.as_array()) {
                // Exact for 0 and 1; between them the error is less than one of 2^32.
                (Some((_, share)), Some(stated), _) if (0.0..=1.0).contains(&stated) => {
                    *share = (stated * ALL as f64) as u64;
                }
                (Some(_), ..) => {
                    fault(format!("/{name}"), "decision_log.share", "expected a share from 0 to 1", true);
                }
                (None, _, Some(patterns)) if name == "mask" => {
                    logging.mask.clear();
                    if patterns.len() > MOST_PATTERNS {
                        let message = format!("at most {MOST_PATTERNS} patterns");
                        fault("/mask".to_owned(), "decision_log.too_many", &message, true);
                    }
                    for (position, pattern) in patterns.iter().enumerate() {
                        let at = format!("/mask/{position}");
                        let Some(pattern) = pattern.as_str().and_then(Pattern::parse) else {
                            let message = "expected `<part>.<attribute>`: the part is `principal`, `action`, `resource`, \
                                           `context` or `*`, the attribute a name, perhaps its beginning with a `*`";
                            fault(at, "decision_log.pattern", message, true);
                            continue;
                        };
                        if !pattern.names_something(schema) {
                            // A name that is misspelt would leave in the log what was to be kept out of it.
                            let message = format!("`{}.{}` names nothing that is declared", pattern.part, pattern.name);
                            fault(at, "decision_log.unknown_attribute", &message, pattern.is_one());
                        }
                        logging.mask.push(pattern);
                    }
                }
                (None, ..) if name == "mask" => {
                    fault("/mask".to_owned(), "decision_log.wrong_type", "expected an array", true);
                }
                _ => {
                    let message = format!("`{name}` is none of {}, mask", OUTCOMES.join(", "));
                    fault(format!("/{name}"), "decision_log.unknown_field", &message, true);
                }
            }
        }
        logging
    }

    /// Reads the section of a snapshot. It was validated when it was written, so what is wrong with it is a file of
    /// another making: the first thing that is, for the log.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn of_section(section: &[u8], schema: &Schema) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(section).map_err(|error| error.to_string())?;
        let mut faults = Vec::new();
        let logging = Self::read(&json, schema, &mut faults);
        match faults.iter().find(|fault| fault.is_error) {
            Some(fault) => Err(format!("{}: {}", fault.pointer, fault.message)),
            None => Ok(logging),
        }
    }

    /// Whether any decision with this outcome is logged. Where none is, it needs no id.
    #[inline]
    pub fn asks(&self, outcome: Outcome) -> bool {
        self.share(outcome) > 0
    }

    /// Whether the decision with this id is: the same answer each time, and with a greater share the same ones and more.
    pub fn wants(&self, outcome: Outcome, id: Uuid) -> bool {
        // The last bits of a UUIDv7 are random (RFC 9562, section 5.7).
        let random = id.as_u128() & u128::from(u32::MAX);
        random < u128::from(self.share(outcome))
    }

    fn share(&self, outcome: Outcome) -> u64 {
        let [allow, forbidden, no_permit, error] = self.shares;
        match outcome {
            Outcome::Allow => allow,
            Outcome::Forbidden => forbidden,
            Outcome::NoPermit => no_permit,
            Outcome::Error => error,
        }
    }

    /// Whether an attribute is left out.
    pub(super) fn masks(&self, part: &str, name: &str) -> bool {
        self.mask.iter().any(|pattern| pattern.is_of(part) && pattern.fits(name))
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (part, name) = text.split_once('.')?;
        let start = name.strip_suffix('*').unwrap_or(name);
        let fits = (part == "*" || PARTS.contains(&part)) && !name.is_empty() && !start.contains('*');
        fits.then(|| Self { part: part.to_owned(), name: name.to_owned() })
    }

    fn is_of(&self, part: &str) -> bool {
        self.part == "*" || self.part == part
    }

    fn fits(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.name == name,
        }
    }

    /// Whether it is one attribute of one part.
    fn is_one(&self) -> bool {
        self.part != "*" && !self.name.ends_with('*')
    }

    fn names_something(&self, schema: &Schema) -> bool {
        let among = |attributes: &Attributes| attributes.keys().any(|name| self.fits(name));
        PARTS.iter().filter(|part| self.is_of(part)).any(|part| match *part {
            "principal" => schema.caller.iter().any(|name| self.fits(name)),
            "action" => action_attributes(schema).is_some_and(among),
            "resource" => schema.types.values().any(|ty| among(&ty.attributes)),
            _ => among(&schema.context),
        })
    }
}

/// What a caller may say of an action.
pub(super) fn action_attributes(schema: &Schema) -> Option<&Attributes> {
    match schema.context.get("action") {
        Some(Type::Record(attributes)) => Some(attributes),
        _ => None,
    }
}

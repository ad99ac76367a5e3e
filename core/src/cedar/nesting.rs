//! How deep a Cedar text nests, before Cedar reads it.
//!
//! Cedar's parser, validator and evaluator recurse without looking where the stack ends; in wasm, not even those parts
//! that look can see it. A text that ends the stack ends the program, so it must not get that far.

/// The most that is allowed, in operators: a level of brackets costs as much stack as [`BRACKET`] of them. A main
/// thread in wasm, whose stack of 1 MiB is the smallest that we run on, takes more than twice as much.
const LIMIT: usize = 128;
const BRACKET: usize = 4;

/// What to say of a text that nests too deep; `None` for one that does not.
pub(crate) fn too_deep(text: &str) -> Option<String> {
    (depth(text) > LIMIT).then(|| {
        let brackets = LIMIT / BRACKET;
        format!("Cedar text nests at most {brackets} brackets deep, and joins at most {LIMIT} operators in a row")
    })
}

/// The inside of a pair of brackets, as far as it was read. Operators that join (`a || b || c`) nest what stands on
/// their left; those of one operand (`!a.b.c`) nest that operand.
#[derive(Default)]
struct Level {
    /// Operators that join since the last comma.
    joins: usize,
    /// The deepest operand of those.
    operand: usize,
    /// Operators of the operand that is being read.
    own: usize,
    /// The deepest brackets within that operand.
    inner: usize,
    /// The deepest of what the commas ended.
    ended: usize,
}

impl Level {
    fn end_operand(&mut self) {
        self.operand = self.operand.max(self.own + self.inner);
        (self.own, self.inner) = (0, 0);
    }

    fn end_item(&mut self) {
        self.end_operand();
        self.ended = self.ended.max(self.joins + self.operand);
        (self.joins, self.operand) = (0, 0);
    }
}

fn depth(text: &str) -> usize {
    let mut levels = vec![];
    let mut level = Level::default();
    let mut left = text;
    while let Some(character) = left.chars().next() {
        let rest = left.get(character.len_utf8()..).unwrap_or_default();
        left = match character {
            '"' => after_string(rest),
            '/' if rest.starts_with('/') => rest.split_once('\n').map_or("", |(_, rest)| rest),
            _ if character.is_ascii_alphabetic() || character == '_' => {
                let end = left.find(|part: char| !part.is_ascii_alphanumeric() && part != '_').unwrap_or(left.len());
                let (word, after) = left.split_at_checked(end).unwrap_or_default();
                if ["if", "when", "unless"].contains(&word) {
                    level.end_operand();
                    level.joins += 1;
                }
                after
            }
            _ => rest,
        };
        match character {
            '(' | '[' | '{' => levels.push(std::mem::take(&mut level)),
            ')' | ']' | '}' => {
                level.end_item();
                let inner = level.ended + BRACKET;
                // A bracket too many is Cedar's to complain of.
                level = levels.pop().unwrap_or_default();
                level.inner = level.inner.max(inner);
            }
            ',' | ';' => level.end_item(),
            '|' | '&' if rest.starts_with(character) => {
                level.end_operand();
                level.joins += 1;
            }
            '+' | '-' | '*' => {
                level.end_operand();
                level.joins += 1;
            }
            '!' | '.' => level.own += 1,
            _ => {}
        }
    }
    // Brackets that are never closed were opened all the same.
    let mut deepest = 0;
    for (position, level) in levels.iter_mut().chain([&mut level]).enumerate() {
        level.end_item();
        deepest = deepest.max(position * BRACKET + level.ended);
    }
    deepest
}

/// What follows a string whose opening quote was read.
fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        match character {
            '"' if !escaped => return text.get(position + 1..).unwrap_or_default(),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_shallow() {
        let text = r#"@id("a.b") // a comment (with [brackets
            forbid(principal in Role::"a", action in [Action::"d:r", Action::"d:w"], resource)
            when { resource has owner.name && !(resource.owner.name like "((((*") } unless { context.n + 1 < 3 };"#;
        assert!(depth(text) < 20, "{}", depth(text));
        assert!(too_deep(&format!("[{}]", "-1, ".repeat(10_000))).is_none());
        let terms: Vec<String> = (0..100).map(|n| format!("resource.a.b == \"{n}\"")).collect();
        assert!(too_deep(&terms.join(" || ")).is_none());
        assert!(
            too_deep(&format!(
                "permit(principal, action, resource);{}",
                "permit(principal, action, resource);".repeat(1000)
            ))
            .is_none()
        );
    }

    #[test]
    fn each_way_to_nest_is_counted() {
        let many = |open: &str, inner: &str, close: &str| {
            too_deep(&format!("{}{inner}{}", open.repeat(1000), close.repeat(1000))).is_some()
        };
        assert!(many("(", "true", ")"));
        assert!(many("!(", "true", ")"));
        assert!(many("[", "1", "]"));
        assert!(many("{\"a\": ", "1", "}"));
        assert!(many("(", "", ""));
        assert!(many("", "true", " || true"));
        assert!(many("true && ", "true", ""));
        assert!(many("", "1", "+1"));
        assert!(many("", "principal", ".a"));
        assert!(many("!", "true", ""));
        assert!(many("if true then ", "true", " else false"));
        assert!(many("", "permit(principal, action, resource)", " when { true }"));
        assert!(many("(a || (", "b", ") && c)"));
    }

    #[test]
    fn it_reads_a_text_once() {
        assert_eq!(depth(&"if ".repeat(1_000_000)), 1_000_000);
    }

    #[test]
    fn strings_and_comments_do_not_count() {
        assert_eq!(depth(&format!("\"{}\\\"{}\"", "(".repeat(99), "[".repeat(99))), 0);
        assert_eq!(depth(&format!("// {}\n// {}", "(".repeat(99), "[".repeat(99))), 0);
        assert_eq!(depth("(\"\\\\\" || a) \"unclosed ("), BRACKET + 1);
    }
}

//! Templates in the language of Handlebars, as little of it as messages need: `{{name}}`, `{{#if name}} … {{else}} …
//! {{/if}}` and `{{#unless name}} … {{/unless}}`.
//!
//! What else Handlebars knows (loops, partials, helpers, paths) is refused when a template is saved and again when it is
//! filled. So the work is bounded by the template's length: nothing repeats, nothing calls, nothing recurses deeper than
//! the blocks stand in the text.

use std::collections::BTreeMap;

use handlebars::{Handlebars, Template};
use parapet::Finding;

/// The values of variables, all of them text.
pub type Values = BTreeMap<String, String>;

/// The most tags of a template.
const MOST_TAGS: usize = 500;

/// So deep do blocks lie in each other.
const DEEPEST: usize = 8;

/// The longest value, in characters; what is beyond is cut off.
const LONGEST_VALUE: usize = 4096;

/// The longest text that comes of a template, in bytes.
pub const LONGEST_OUTPUT: usize = 64 * 1024;

/// Why a template was not filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Line and column (in characters, from 1), and what is wrong there.
    #[error("line {line}, column {column}: {message}")]
    Wrong {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It would be longer than any message.
    #[error("the text would be longer than {LONGEST_OUTPUT} bytes")]
    TooLong,
}

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One line.
    Line,
    /// A body, whose lines may mean more: no value makes such a line.
    Body,
}

/// A tag and where it stands.
struct Tag<'a> {
    /// What stands in it.
    text: &'a str,
    /// In bytes.
    at: usize,
}

/// Everything that is wrong with a template: what is no tag of ours, and names that are none of `offered`. The findings are
/// of `table` at `field`, each with its line and column.
pub fn check(table: &str, field: &str, source: &str, offered: &[&str]) -> Vec<Finding> {
    let mut errors = Vec::new();
    match tags(source) {
        Ok(tags) => errors.extend(tags.iter().filter_map(|tag| {
            let name = variable(tag.text)?;
            let message = format!("there is no variable `{name}` here: there is {}", listed(offered));
            (!offered.contains(&name)).then(|| wrong(source, tag.at, message))
        })),
        Err(error) => errors.push(error),
    }
    if errors.is_empty()
        && let Err(error) = compiled(source)
    {
        errors.push(error);
    }
    errors.iter().map(|error| Finding::error(table, "template.invalid", error.to_string()).field(field)).collect()
}

/// Fills a template.
///
/// # Errors
/// [`TemplateError`]. A variable without a value is an error, too.
pub fn render(source: &str, values: &Values, mode: Mode) -> Result<String, TemplateError> {
    tags(source)?;
    compiled(source)?;
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(match mode {
        Mode::Line => super::markup::in_a_line,
        Mode::Body => super::markup::inert,
    });
    let cut: BTreeMap<&str, String> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.chars().take(LONGEST_VALUE).collect::<String>()))
        .collect();
    let mut output = Bounded::default();
    match engine.render_template_to_write(source, &cut, &mut output) {
        Ok(()) => String::from_utf8(output.bytes).map_err(|_| TemplateError::TooLong),
        Err(_) if output.is_full => Err(TemplateError::TooLong),
        Err(error) => Err(TemplateError::Wrong {
            line: error.line_no.unwrap_or(1),
            column: error.column_no.unwrap_or(1),
            message: "a variable has no value".to_owned(),
        }),
    }
}

/// The tags, all of which are ours.
fn tags(source: &str) -> Result<Vec<Tag<'_>>, TemplateError> {
    let mut tags = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some((before, rest)) = source.get(at..).and_then(|rest| rest.split_once("{{")) {
        let start = at + before.len();
        let unknown = |message: &str| wrong(source, start, message.to_owned());
        if before.ends_with('\\') {
            return Err(unknown("`\\` before `{{` is not taken"));
        }
        let Some((text, _)) = rest.split_once("}}") else { return Err(unknown("`{{` without `}}`")) };
        let inner = text.trim().trim_matches('~').trim();
        let opens = inner.starts_with('#');
        let known = match inner.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["else" | "/if" | "/unless"] => true,
            ["#if" | "#unless", name] => is_name(name),
            [name] => is_name(name),
            _ => false,
        };
        if !known {
            return Err(unknown(
                "expected `{{name}}`, `{{#if name}}`, `{{#unless name}}`, `{{else}}`, `{{/if}}` or `{{/unless}}`",
            ));
        }
        depth = if opens { depth + 1 } else { depth.saturating_sub(usize::from(inner.starts_with('/'))) };
        if depth > DEEPEST {
            return Err(unknown(&format!("blocks lie in each other more than {DEEPEST} deep")));
        }
        if tags.len() == MOST_TAGS {
            return Err(unknown(&format!("there are more than {MOST_TAGS} tags")));
        }
        tags.push(Tag { text: inner, at: start });
        at = start + 2 + text.len() + 2;
    }
    Ok(tags)
}

/// The variable that a tag names.
fn variable(tag: &str) -> Option<&str> {
    match tag {
        "else" | "/if" | "/unless" => None,
        tag => tag.split_whitespace().last(),
    }
}

fn is_name(text: &str) -> bool {
    text != "else"
        && text != "this"
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn compiled(source: &str) -> Result<(), TemplateError> {
    Template::compile(source).map(|_| ()).map_err(|error| {
        let (line, column) = error.pos().unwrap_or((1, 1));
        let message = "a block does not end where it should".to_owned();
        TemplateError::Wrong { line, column, message }
    })
}

fn wrong(source: &str, at: usize, message: String) -> TemplateError {
    let before = source.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    TemplateError::Wrong { line, column, message }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

/// Takes no more than a message may have.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST_OUTPUT {
            self.is_full = true;
            return Err(std::io::Error::from(std::io::ErrorKind::WriteZero));
        }
        self.bytes.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn fill(source: &str) -> Result<String, TemplateError> {
        render(source, &values(&[("name", "Ann"), ("none", ""), ("odd", "<b>&\"'`[x](y)")]), Mode::Line)
    }

    #[test]
    fn variables_and_conditions_are_filled() {
        assert_eq!(fill("Hello {{name}}, {{ name }}!").unwrap(), "Hello Ann, Ann!");
        assert_eq!(fill("{{#if name}}a{{else}}b{{/if}}{{#if none}}c{{else}}d{{/if}}").unwrap(), "ad");
        assert_eq!(fill("{{#unless none}}a{{/unless}}").unwrap(), "a");
        assert_eq!(fill("a\n{{#if none}}\nb\n{{/if}}\nc").unwrap(), "a\nc", "a block alone on its lines leaves none");
        assert_eq!(fill("{{odd}}").unwrap(), "<b>&\"'`[x](y)", "a line is no HTML");
        assert_eq!(fill("a } b }} c { d").unwrap(), "a } b }} c { d");
    }

    #[test]
    fn a_variable_without_a_value_is_an_error() {
        for source in ["{{other}}", "{{#if name}}{{other}}{{/if}}"] {
            assert!(matches!(fill(source), Err(TemplateError::Wrong { .. })), "{source}");
        }
    }

    /// What Handlebars knows beyond that, and what a bomb would be made of.
    #[test]
    fn nothing_else_is_a_template() {
        for source in [
            "{{{name}}}",
            "{{&name}}",
            "{{> partial}}",
            "{{#each name}}{{/each}}",
            "{{#with name}}{{/with}}",
            "{{! note }}",
            "{{!-- note --}}",
            "{{{{raw}}}}{{{{/raw}}}}",
            "{{#*inline \"a\"}}{{/inline}}",
            "{{* decorator}}",
            "{{lookup name 0}}",
            "{{log name}}",
            "{{(name)}}",
            "{{name.length}}",
            "{{../name}}",
            "{{@root}}",
            "{{this}}",
            "{{#if (name)}}{{/if}}",
            "{{else if name}}",
            "{{^}}",
            "{{#if name}}{{else if name}}{{/if}}",
            "{{name",
            "{{}}",
            "{{ }}",
            "{{Name}}",
            "\\{{name}}",
            "{{#if name}}",
            "{{/if}}",
            "{{#if name}}{{/unless}}",
            "{{else}}",
            "{{[name]}}",
            "{{\"name\"}}",
            "{{'x'}}",
            "{{name x=1}}",
        ] {
            assert!(!check("t", "f", source, &["name", "x", "else"]).is_empty(), "{source}");
            assert!(fill(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_finding_says_where() {
        let findings =
            check("notification_template", "template_body", "Hello\n  {{nmae}} {{name}} {{other}}", &["name"]);
        let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "line 2, column 3: there is no variable `nmae` here: there is `name`",
                "line 2, column 21: there is no variable `other` here: there is `name`"
            ]
        );
        assert_eq!(findings[0].code, "template.invalid");
        let wrong = check("t", "f", "a\n{{#if name}}b", &["name"]);
        assert!(wrong[0].message.starts_with("line "), "{wrong:?}");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let deep = "{{#if name}}".repeat(9) + &"{{/if}}".repeat(9);
        assert!(check("t", "f", &deep, &["name"])[0].message.contains("8 deep"));
        let deeper = "{{#if name}}".repeat(100_000);
        assert!(!check("t", "f", &deeper, &["name"]).is_empty());
        let many = "{{name}}".repeat(501);
        assert!(check("t", "f", &many, &["name"])[0].message.contains("500 tags"));
        let long = values(&[("name", &"x".repeat(100_000))]);
        assert_eq!(render("{{name}}", &long, Mode::Line).unwrap().len(), LONGEST_VALUE);
        assert_eq!(render(&"{{name}}".repeat(400), &long, Mode::Line), Err(TemplateError::TooLong));
    }

    mod anything {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            /// Whatever is saved, saving and filling it end, and what passes the check is filled.
            #[test]
            fn what_passes_is_filled(source in "([a-z{}#/~ \n\\[\\]()`-]|\\{\\{|\\}\\}|\\{\\{name\\}\\}|\\{\\{#if name\\}\\}|\\{\\{/if\\}\\}|\\{\\{else\\}\\}){0,40}") {
                let is_sound = check("t", "f", &source, &["name"]).is_empty();
                for mode in [Mode::Line, Mode::Body] {
                    let filled = render(&source, &values(&[("name", "Ann")]), mode);
                    prop_assert_eq!(is_sound, filled.is_ok(), "{:?} {:?}", source, filled);
                }
            }
        }
    }
}

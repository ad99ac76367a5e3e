//! The few lines of a text that mean more than they say, and that no value can make one.

use super::layout::Brand;

/// Characters that could make a line mean more, and what stands for them in a value until the lines are told apart: of the
/// private use area (Unicode 16, section 23.5), which no text of ours has.
const INERT: [(char, char); 6] =
    [('[', '\u{e000}'), (']', '\u{e001}'), ('(', '\u{e002}'), (')', '\u{e003}'), ('`', '\u{e004}'), ('-', '\u{e005}')];

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Lines that belong together.
    Paragraph(Vec<String>),
    /// The items of a list.
    List(Vec<String>),
    /// Something to press: its label and a web address.
    Button(String, String),
    /// Something to be typed.
    Code(String),
}

/// A value within a line: whatever would begin another one is a space.
pub fn in_a_line(value: &str) -> String {
    let visible = value.chars().filter(|character| !is_private(*character) && !is_reordering(*character));
    visible.map(|character| if is_break(character) { ' ' } else { character }).collect()
}

/// A value within a body: it means nothing beyond what it says.
pub fn inert(value: &str) -> String {
    let stand_in = |character| INERT.iter().find(|(its, _)| *its == character).map_or(character, |(_, other)| *other);
    in_a_line(value).chars().map(stand_in).collect()
}

/// What was written, with its own characters again.
fn restored(text: &str) -> String {
    let own = |character| INERT.iter().find(|(_, other)| *other == character).map_or(character, |(its, _)| *its);
    text.chars().map(own).collect()
}

fn is_private(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

fn is_break(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// What makes text run the other way, so that it reads as what it is not (Unicode 16, section 23.2).
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The parts of a filled body.
pub fn blocks(body: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut begins = true;
    for line in body.lines().map(str::trim_end) {
        if line.trim().is_empty() {
            begins = true;
            continue;
        }
        if let Some((label, address)) = button(line) {
            blocks.push(Block::Button(restored(label), restored(address)));
            begins = true;
        } else if let Some(code) =
            line.strip_prefix('`').and_then(|line| line.strip_suffix('`')).filter(|code| !code.is_empty())
        {
            blocks.push(Block::Code(restored(code)));
            begins = true;
        } else if let Some(item) = line.strip_prefix("- ") {
            match blocks.last_mut() {
                Some(Block::List(items)) if !begins => items.push(restored(item)),
                _ => blocks.push(Block::List(vec![restored(item)])),
            }
            begins = false;
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(lines)) if !begins => lines.push(restored(line)),
                _ => blocks.push(Block::Paragraph(vec![restored(line)])),
            }
            begins = false;
        }
    }
    blocks
}

/// `[Label](address)` alone on a line, where the address is one of the web.
fn button(line: &str) -> Option<(&str, &str)> {
    let (label, address) = line.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    (!label.trim().is_empty() && parapet::model::is_url(&restored(address))).then_some((label, address))
}

/// As plain text.
pub fn text(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(lines) => lines.join("\n"),
            Block::List(items) => items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n"),
            Block::Button(label, address) => format!("{label}:\n{address}"),
            Block::Code(code) => code.clone(),
        })
        .collect();
    parts.join("\n\n")
}

/// As HTML, in the tenant's colours.
pub fn html(blocks: &[Block], brand: &Brand) -> String {
    let (fill, ink) = (brand.fill(), brand.ink());
    let parts = blocks.iter().map(|block| match block {
        Block::Paragraph(lines) => {
            let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
            format!("<p style=\"margin:0 0 16px\">{}</p>", lines.join("<br>"))
        }
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>", escaped(item))).collect();
            format!("<ul style=\"margin:0 0 16px;padding-left:20px\">{items}</ul>")
        }
        Block::Button(label, address) => format!(
            "<p style=\"margin:24px 0\"><a href=\"{}\" style=\"display:inline-block;padding:12px 24px;border-radius:6px;\
             background:{fill};color:{ink};text-decoration:none;font-weight:bold\">{}</a></p>",
            escaped(address),
            escaped(label)
        ),
        Block::Code(code) => format!(
            "<p style=\"margin:24px 0;font:bold 24px/1.4 monospace;letter-spacing:2px\">{}</p>",
            escaped(code)
        ),
    });
    parts.collect()
}

/// Text that means nothing in HTML, in an element or in an attribute in double quotes.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::template::{Mode, Values, render};
    use super::*;

    const BODY: &str = "Hello {{name}},\nwelcome.\n\n[Open]({{link}})\n\n`{{code}}`\n\n- one {{name}}\n- two\n\nBye.";

    fn filled(name: &str, link: &str, code: &str) -> Vec<Block> {
        let values: Values = [("name", name), ("link", link), ("code", code)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        blocks(&render(BODY, &values, Mode::Body).unwrap())
    }

    #[test]
    fn lines_that_mean_more_are_told_apart() {
        let found = filled("Ann", "https://a.example/x?a=1&b=(2)-[3]", "123-456");
        assert_eq!(
            found,
            [
                Block::Paragraph(vec!["Hello Ann,".to_owned(), "welcome.".to_owned()]),
                Block::Button("Open".to_owned(), "https://a.example/x?a=1&b=(2)-[3]".to_owned()),
                Block::Code("123-456".to_owned()),
                Block::List(vec!["one Ann".to_owned(), "two".to_owned()]),
                Block::Paragraph(vec!["Bye.".to_owned()]),
            ]
        );
        assert!(text(&found).contains("Open:\nhttps://a.example/x?a=1&b=(2)-[3]\n\n123-456\n\n- one Ann"));
    }

    /// Whoever is called `[Click](https://evil.example)` gets no button, in no line of anybody's.
    #[test]
    fn no_value_makes_a_line_mean_more() {
        for name in [
            "x\n\n[Click](https://evil.example)\n",
            "x\r\n`9`",
            "x\n- y",
            "\u{e000}Click\u{e001}\u{e002}https://e\u{e003}",
            "x\u{2028}[a](https://b)",
        ] {
            let found = filled(name, "https://a.example", "1");
            assert_eq!(found.len(), 5, "{name:?}: {found:?}");
            let html = html(&found, &Brand::default());
            assert_eq!(html.matches("<a ").count(), 1, "{html}");
        }
        let lone = blocks(
            &render("{{name}}", &[("name".to_owned(), "[a](https://b.example)".to_owned())].into(), Mode::Body)
                .unwrap(),
        );
        assert_eq!(lone, [Block::Paragraph(vec!["[a](https://b.example)".to_owned()])]);
    }

    #[test]
    fn a_button_leads_to_the_web_alone() {
        for link in ["javascript:alert(1)", "data:text/html,x", "", "/path", "https://a b"] {
            let found = filled("Ann", link, "1");
            assert!(!found.iter().any(|block| matches!(block, Block::Button(..))), "{link}");
        }
    }

    #[test]
    fn html_is_ours_alone() {
        let found = filled("<img src=x onerror=alert(1)>&\"'", "https://a.example/\"><script>", "<b>");
        let html = html(&found, &Brand::default());
        assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;"), "{html}");
    }

    #[test]
    fn text_does_not_run_the_other_way() {
        assert_eq!(in_a_line("a\u{202e}b\u{2066}c\td"), "abc d");
    }
}

//! E-mail addresses that people type for themselves: made one text, however they were typed.
//!
//! An account is known by its address as it is written (RFC 5321 leaves the rest to whose mail it is). So that nobody comes
//! beside somebody under what looks the same or is the same to a mail server, an address that is typed here is written in
//! lower case and by NFKC, and holds nothing that is not seen.

use crate::model::is_email;
use unicode_normalization::UnicodeNormalization;

/// The address as rows hold it; nothing where it is none. What it gives it gives of itself again.
pub fn canonical(typed: &str) -> Option<String> {
    // Before normalizing, which makes a text longer.
    if typed.len() > 1_024 {
        return None;
    }
    let fold = |text: &str| text.nfkc().flat_map(char::to_lowercase).nfkc().collect::<String>();
    let address = fold(typed.trim());
    let is_shown = !address.chars().any(|c| is_unseen(c) || c.is_uppercase());
    (is_email(&address) && is_shown && fold(&address) == address).then_some(address)
}

/// Characters without a shape of their own, most of Unicode's `Default_Ignorable_Code_Point` and the marks of direction.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn what_is_typed_differently_is_one_address() {
        for (typed, address) in [
            (" Anna@ACME.example ", "anna@acme.example"),
            ("ａnna@ａcme．example", "anna@acme.example"),
            ("\u{212a}arl@acme.example", "karl@acme.example"),
            ("jos\u{65}\u{301}@acme.example", "jos\u{e9}@acme.example"),
            ("ﬁnn@acme.example", "finn@acme.example"),
            ("o'neil+x@example.com", "o'neil+x@example.com"),
        ] {
            assert_eq!(canonical(typed).as_deref(), Some(address), "{typed}");
        }
    }

    #[test]
    fn other_text_is_no_address() {
        let long = format!("{}@acme.example", "x".repeat(65));
        for typed in [
            "",
            "anna",
            "anna@",
            "an na@acme.example",
            "anna@acme.example\r\nBcc: x@y",
            "anna\u{200b}@acme.example",
            "anna\u{202e}@acme.example",
            "anna@acme\u{ad}.example",
            "a@b@c",
            "<anna@acme.example>",
            &long,
        ] {
            assert_eq!(canonical(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_another_address() {
        // Cyrillic.
        assert_eq!(canonical("\u{430}nna@acme.example").as_deref(), Some("\u{430}nna@acme.example"));
    }

    proptest! {
        #[test]
        fn it_stays_as_it_is_and_does_not_hang_on_how_it_was_typed(typed in "\\PC{0,12}@\\PC{0,12}") {
            let Some(address) = canonical(&typed) else { return Ok(()) };
            prop_assert_eq!(canonical(&address), Some(address.clone()));
            prop_assert_eq!(canonical(&typed.nfd().collect::<String>()), Some(address.clone()));
            prop_assert_eq!(canonical(&typed.nfkc().collect::<String>()), Some(address));
        }
    }
}

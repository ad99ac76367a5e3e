//! Where a page leads when it is done: to a path of the same origin, and nowhere else.

/// Where it leads when nothing else is said.
pub const HOME: &str = "/account";

/// What one comes from, and does not go back to.
const DOORS: [&str; 2] = ["/sign-in", "/sign-out"];

/// The longest path with its query, in bytes.
const LONGEST: usize = 2048;

/// What was asked for, where it is a path of this origin; else [`HOME`].
///
/// Browsers read `//host`, `/\host` and, since they drop tabs and line ends, `/<tab>/host` as another host's address (the
/// URL standard, section 4.4), so a path begins with one slash, has no two in a row, and all of it is printable ASCII
/// without a backslash.
pub fn return_to(wanted: Option<&str>) -> &str {
    own_path(wanted).unwrap_or(HOME)
}

/// What was asked for, where it is a path of this origin.
pub fn own_path(wanted: Option<&str>) -> Option<&str> {
    wanted.filter(|wanted| is_own(wanted))
}

fn is_own(wanted: &str) -> bool {
    let path = wanted.split(['?', '#']).next().unwrap_or_default();
    let is_door = DOORS.iter().any(|door| path.strip_prefix(door).is_some_and(|rest| !rest.starts_with(is_word)));
    wanted.len() <= LONGEST
        && path.starts_with('/')
        && !path.contains("//")
        && !is_door
        && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_of_this_origin_is_gone_back_to() {
        for own in ["/", "/account", "/account/sessions?cursor=1", "/a?b=https://c.example//d", "/sign-ins", "/a#b"] {
            assert_eq!(return_to(Some(own)), own);
        }
    }

    #[test]
    fn nothing_else_is() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for other in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nset-cookie: a=b",
            " //evil.example",
            "https://evil.example",
            "https:evil.example",
            "HTTPS://evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "?https://evil.example",
            "#x",
            "@evil.example",
            ".evil.example",
            "/a//evil.example",
            "/\u{2215}evil.example",
            "/\u{ff0f}evil.example",
            "/\0",
            "/sign-in",
            "/sign-in?return_to=/sign-in",
            "/sign-in/second-factor",
            "/sign-out",
            "/sign-in/again",
            &long,
        ] {
            assert_eq!(return_to(Some(other)), HOME, "{other:?}");
        }
        assert_eq!(return_to(None), HOME);
    }

    proptest! {
        /// Whatever is asked for, a browser that reads it beside an address stays at that origin.
        #[test]
        fn it_stays_at_the_origin(wanted in "([/\\\\:?#@. a-zA-Z\t\r\n\u{0}é]|//|https:|\\.\\.){0,12}") {
            let led = return_to(Some(&wanted));
            // As the URL standard reads it: tabs and line ends go, backslashes are slashes.
            let read: String = led.chars().filter(|c| !"\t\r\n".contains(*c)).map(|c| if c == '\\' { '/' } else { c }).collect();
            prop_assert!(read.starts_with('/') && !read.starts_with("//"), "{wanted:?} {led:?}");
            prop_assert!(!led.contains(['\r', '\n']));
        }
    }
}

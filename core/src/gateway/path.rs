//! A request's path in its one form, which is matched and passed on alike.
//!
//! Two servers that read one path differently are how requests get past a gateway. So what could be read in two ways is
//! refused, and what is left is written anew: each segment decoded once and encoded again (RFC 3986, section 6.2.2), with
//! everything escaped that need not stand as it is.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

/// The longest path, in bytes, as it was sent.
pub const LONGEST: usize = 8 * 1024;

/// What is escaped: all but `unreserved`, `sub-delims`, `:` and `@` (RFC 3986, section 3.3).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path in its normal form. Its text begins with `/`; decoding a segment of it once gives what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalPath(String);

/// Why a path is refused. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// Longer than [`LONGEST`].
    #[error("a path has at most {LONGEST} bytes")]
    TooLong,
    /// A `%` without two hexadecimal digits.
    #[error("a `%` in the path is not followed by two hexadecimal digits")]
    Escape,
    /// An escape of an escape, which a server that decodes twice reads otherwise.
    #[error("the path is escaped twice")]
    EscapedTwice,
    /// A slash that stands in a segment.
    #[error("a slash in the path is escaped")]
    EscapedSlash,
    /// A backslash, which some servers take for a slash.
    #[error("there is a backslash in the path")]
    Backslash,
    /// A control character, NUL among them.
    #[error("there is a control character in the path")]
    Control,
    /// Bytes that are no UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// `.` or `..`.
    #[error("a segment of the path is `.` or `..`")]
    Dots,
    /// Two slashes in a row, which some servers take for one.
    #[error("a segment of the path is empty")]
    Empty,
    /// A semicolon: some servers take off a segment what follows it.
    #[error("there is a semicolon in the path")]
    Semicolon,
}

impl PathError {
    /// The stable, dotted code, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAbsolute => "path.not_absolute",
            Self::TooLong => "path.too_long",
            Self::Escape => "path.escape",
            Self::EscapedTwice => "path.escaped_twice",
            Self::EscapedSlash => "path.escaped_slash",
            Self::Backslash => "path.backslash",
            Self::Control => "path.control",
            Self::NotUtf8 => "path.not_utf8",
            Self::Dots => "path.dots",
            Self::Empty => "path.empty_segment",
            Self::Semicolon => "path.semicolon",
        }
    }
}

impl NormalPath {
    /// Reads a path as it was sent, without its query.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.len() > LONGEST {
            return Err(PathError::TooLong);
        }
        let segments = path.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
        let mut normal = String::with_capacity(path.len());
        let mut segments = segments.split('/').peekable();
        while let Some(segment) = segments.next() {
            // The last may be empty: a path may end in a slash, and then it is another path.
            if segment.is_empty() && segments.peek().is_some() {
                return Err(PathError::Empty);
            }
            normal.push('/');
            normal.extend(encoded(&decoded(segment)?));
        }
        Ok(Self(normal))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NormalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A segment as it stands in the normal form.
pub(super) fn encoded(segment: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(segment, ESCAPED)
}

/// What a segment of the normal form means.
pub(super) fn meaning(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

/// A segment as it was sent, decoded once; refused where two servers could take it for two things.
pub(super) fn decoded(segment: &str) -> Result<Cow<'_, str>, PathError> {
    if has_escape(segment, |well_formed| !well_formed) {
        return Err(PathError::Escape);
    }
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| PathError::NotUtf8)?;
    if decoded.contains('\\') {
        return Err(PathError::Backslash);
    }
    if decoded.contains('/') {
        return Err(PathError::EscapedSlash);
    }
    if decoded.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    if decoded.contains(';') {
        return Err(PathError::Semicolon);
    }
    if decoded == "." || decoded == ".." {
        return Err(PathError::Dots);
    }
    if has_escape(&decoded, |well_formed| well_formed) {
        return Err(PathError::EscapedTwice);
    }
    Ok(decoded)
}

/// Whether there is a `%` of which this holds: whether two hexadecimal digits follow it.
fn has_escape(text: &str, is: impl Fn(bool) -> bool) -> bool {
    text.split('%').skip(1).any(|rest| {
        let mut digits = rest.bytes();
        is([digits.next(), digits.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(path: &str) -> Result<String, &'static str> {
        NormalPath::parse(path).map(|path| path.to_string()).map_err(PathError::code)
    }

    #[test]
    fn a_path_has_one_form() {
        for (sent, normal) in [
            ("/", "/"),
            ("/documents", "/documents"),
            ("/documents/", "/documents/"),
            ("/%64ocuments/%7euser", "/documents/~user"),
            ("/gr%c3%b6%C3%9fe", "/gr%C3%B6%C3%9Fe"),
            ("/größe", "/gr%C3%B6%C3%9Fe"),
            ("/a b/{id}", "/a%20b/%7Bid%7D"),
            ("/100%25", "/100%25"),
            ("/a:b@c,d=e+f!$&'()*", "/a:b@c,d=e+f!$&'()*"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(parse(sent).as_deref(), Ok(normal), "{sent}");
            assert_eq!(parse(normal).as_deref(), Ok(normal), "{sent}: written twice");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (sent, code) in [
            ("", "path.not_absolute"),
            ("documents", "path.not_absolute"),
            ("/a%2fb", "path.escaped_slash"),
            ("/a%2Fb", "path.escaped_slash"),
            ("/a\\b", "path.backslash"),
            ("/a%5cb", "path.backslash"),
            ("/a%5C..%5Cb", "path.backslash"),
            ("/a%00", "path.control"),
            ("/a\0", "path.control"),
            ("/a%0d%0aHost:b", "path.control"),
            ("/a\u{7f}", "path.control"),
            ("/a%C2%85", "path.control"),
            ("/a/../b", "path.dots"),
            ("/a/%2e%2E/b", "path.dots"),
            ("/a/.", "path.dots"),
            ("/%2e", "path.dots"),
            ("//a", "path.empty_segment"),
            ("/a//b", "path.empty_segment"),
            ("/a//", "path.empty_segment"),
            ("/a%", "path.escape"),
            ("/a%2", "path.escape"),
            ("/a%zz", "path.escape"),
            ("/a%252fb", "path.escaped_twice"),
            ("/%252e%252e/b", "path.escaped_twice"),
            ("/%c0%ae%c0%ae/b", "path.not_utf8"),
            ("/%ff", "path.not_utf8"),
            ("/admin;x=1", "path.semicolon"),
            ("/a/..;/b", "path.semicolon"),
            ("/admin%3Bx", "path.semicolon"),
        ] {
            assert_eq!(parse(sent), Err(code), "{sent}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(LONGEST))), Err("path.too_long"));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_has_one_form(text in "[/.%;\\\\a-f0-9\u{0}-\u{ff}]{0,24}") {
            let sent = format!("/{text}");
            if let Ok(path) = NormalPath::parse(&sent) {
                let normal = path.as_str();
                prop_assert!(normal.is_ascii() && normal.starts_with('/') && !normal.contains("//"));
                prop_assert!(!normal.contains(['\\', ';', '?', '#', '{']), "{normal}");
                prop_assert!(normal.split('/').all(|segment| segment != "." && segment != ".."));
                let again = NormalPath::parse(normal);
                prop_assert_eq!(again.as_ref(), Ok(&path));
                // Whoever decodes it once more, or not at all, finds the same segments.
                let decoded = percent_decode_str(normal).decode_utf8().unwrap();
                prop_assert_eq!(decoded.matches('/').count(), normal.matches('/').count());
            }
        }
    }
}

//! The pattern of a path: literal segments, `{name}` for one segment and `{*name}` for all that follow.

use super::path::{PathError, decoded, encoded};

/// A pattern as the router takes it, in the normal form of paths, with the names in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub text: String,
    pub names: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; refused in words for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refused = |error: PathError| error.to_string();
        let segments = text.strip_prefix('/').ok_or_else(|| refused(PathError::NotAbsolute))?;
        let mut pattern = Self { text: String::new(), names: Vec::new() };
        let mut segments = segments.split('/').peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if segment.is_empty() && !is_last {
                return Err(refused(PathError::Empty));
            }
            pattern.text.push('/');
            match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => pattern.parameter(name, is_last)?,
                None if segment.contains(['{', '}']) => {
                    return Err(format!("`{segment}`: a parameter is a whole segment, `{{name}}`"));
                }
                None => pattern.text.extend(encoded(&decoded(segment).map_err(refused)?)),
            }
        }
        Ok(pattern)
    }

    fn parameter(&mut self, braced: &str, is_last: bool) -> Result<(), String> {
        let name = braced.strip_prefix('*').unwrap_or(braced);
        let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !is_word(name) {
            return Err(format!("`{braced}`: a parameter's name is of letters, digits and `_`"));
        }
        if braced.starts_with('*') && !is_last {
            return Err(format!("`{braced}` stands for all that follows, so it is the last segment"));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(format!("there are two parameters `{name}`"));
        }
        self.names.push(name.to_owned());
        self.text.push_str(&format!("{{{braced}}}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_segments_are_in_the_normal_form_of_paths() {
        let pattern = Pattern::parse("/größe/{id}/a b/{*rest}").unwrap();
        assert_eq!(pattern.text, "/gr%C3%B6%C3%9Fe/{id}/a%20b/{*rest}");
        assert_eq!(pattern.names, ["id", "rest"]);
    }

    #[test]
    fn what_no_path_can_be_is_refused() {
        for text in [
            "",
            "a",
            "//",
            "/a//b",
            "/..",
            "/a%2fb",
            "/a;b",
            "/{}",
            "/{a-b}",
            "/{*rest}/a",
            "/{a}/{a}",
            "/x{a}",
            "/{a}x",
            "/{a",
            "/{{a}}",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}

//! The words of pages: `text/<language>.json` has all of them, by names. Another language is another file and a line here.
//!
//! English is whole; what another file lacks is said in English. A word in braces is filled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::accept;

/// Each language's tag and words.
static LANGUAGES: LazyLock<[Language; 2]> = LazyLock::new(|| {
    [Language::read("en", include_str!("text/en.json")), Language::read("de", include_str!("text/de.json"))]
});

/// A language that pages speak.
#[derive(Debug)]
pub struct Language {
    /// Its tag (BCP 47).
    pub tag: &'static str,
    words: BTreeMap<String, String>,
}

impl Language {
    fn read(tag: &'static str, json: &str) -> Self {
        // A test reads each.
        Self { tag, words: serde_json::from_str(json).unwrap_or_default() }
    }

    /// The first that the browser wants of those that there are, else what its tenant speaks, else English.
    pub fn of(accept_language: Option<&str>, tenants: Option<&str>) -> &'static Self {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let wanted = accept::languages(accept_language).into_iter().chain(tenants);
        let known = |tag: String| LANGUAGES.iter().find(|language| language.tag == tag);
        wanted.map(primary).find_map(known).unwrap_or_else(Self::english)
    }

    fn english() -> &'static Self {
        let [english, ..] = &*LANGUAGES;
        english
    }

    /// What it says under a name.
    pub fn find(&self, name: &str) -> Option<&str> {
        let said = self.words.get(name).or_else(|| Self::english().words.get(name))?;
        Some(said)
    }

    /// The same with what is in braces filled in; the name itself where nothing is said under it.
    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        filled(self.find(name).unwrap_or(name), values)
    }
}

/// A text with what is in braces filled in, in one pass: what is filled in is not looked at again.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(its, _)| *its == name)?;
            Some((*value, after))
        });
        let (value, after) = value.unwrap_or(("{", after));
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in braces of a text.
    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<&str> =
            text.split('{').skip(1).map(|part| part.split('}').next().unwrap_or_default()).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn every_language_says_all_that_english_says_and_nothing_else() {
        let english = Language::english();
        assert!(english.words.len() > 50);
        for language in &*LANGUAGES {
            let names = |language: &Language| language.words.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(language), names(english), "{}", language.tag);
            for (name, text) in &language.words {
                assert_eq!(places(text), places(&english.words[name]), "{} {name}", language.tag);
                assert!(!text.trim().is_empty() && !text.contains(['<', '>']), "{} {name}: {text}", language.tag);
            }
        }
    }

    #[test]
    fn the_browser_chooses_before_its_tenant() {
        for (accept, tenants, tag) in [
            (Some("de-AT,de;q=0.9,en;q=0.8"), Some("en"), "de"),
            (Some("DE"), None, "de"),
            (Some("fr, en;q=0.3"), Some("de"), "en"),
            (Some("fr"), Some("de-CH"), "de"),
            (Some("*"), Some("de"), "de"),
            (None, Some("pt-BR"), "en"),
            (None, None, "en"),
        ] {
            assert_eq!(Language::of(accept, tenants).tag, tag, "{accept:?} {tenants:?}");
        }
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let values = [("a", "{b}"), ("b", "x")];
        assert_eq!(filled("{a} {b} {c} {", &values), "{b} x {c} {");
    }
}

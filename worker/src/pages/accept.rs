//! What a browser says it takes (RFC 9110, section 12.5): pages rather than data, and in which languages.

/// Whether a page is wanted at least as much as data. Who names no pages, as programs do, wants data.
pub fn prefers_pages(accept: Option<&str>) -> bool {
    let weight = |wanted: &[&str]| {
        let its = ranges(accept).filter(|(range, _)| wanted.iter().any(|name| range.eq_ignore_ascii_case(name)));
        its.map(|(_, weight)| weight).max().unwrap_or(0)
    };
    let page = weight(&["text/html", "application/xhtml+xml"]);
    page > 0 && page >= weight(&["application/json", "application/problem+json"])
}

/// The primary languages of what is wanted, the most wanted first; of two alike the one that is named first.
pub fn languages(accept: Option<&str>) -> Vec<&str> {
    let mut wanted: Vec<(&str, u16)> =
        ranges(accept).filter(|(name, weight)| !name.is_empty() && *weight > 0).collect();
    wanted.sort_by_key(|(_, weight)| u16::MAX - weight);
    wanted.into_iter().map(|(range, _)| range.split('-').next().unwrap_or(range)).collect()
}

/// So many are looked at.
const MOST: usize = 64;

/// Each range with its weight, in thousandths; one that is malformed weighs nothing.
fn ranges(accept: Option<&str>) -> impl Iterator<Item = (&str, u16)> {
    accept.unwrap_or_default().split(',').take(MOST).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (name, weight.map_or(1000, thousandths))
    })
}

/// `0`, `0.8`, `1.000` (RFC 9110, section 12.4.2).
fn thousandths(text: &str) -> u16 {
    let number = text.parse::<f64>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    number.map_or(0, |weight| (weight * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn browsers_want_pages_and_programs_data() {
        for (accept, pages) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("TEXT/HTML", true),
            ("application/json, text/html", true),
            ("application/json, text/html;q=0.9", false),
            ("*/*", false),
            ("application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=nonsense", false),
            ("text/htmlx", false),
            ("image/avif,image/webp,*/*;q=0.8", false),
            ("", false),
        ] {
            assert_eq!(prefers_pages(Some(accept)), pages, "{accept}");
        }
        assert!(!prefers_pages(None));
    }

    #[test]
    fn languages_come_as_they_are_wanted() {
        assert_eq!(languages(Some("de-AT, de;q=0.9, en;q=0.8")), ["de", "de", "en"]);
        assert_eq!(languages(Some("fr;q=0.1, en;q=0.5 , de;q=0.7,it;q=0")), ["de", "en", "fr"]);
        assert!(languages(None).is_empty() && languages(Some(" , ;q=1")).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read(text in ".{0,80}") {
            let _ = (prefers_pages(Some(&text)), languages(Some(&text)));
        }
    }
}

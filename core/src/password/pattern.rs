//! What of a password can be foretold: repetitions, sequences, rows of the keyboard, and words in disguise.

/// What counts as a run has so many characters.
const RUN: usize = 3;

/// What a run weighs: where it begins, and how it goes on.
const RUN_WEIGHT: usize = 2;

/// Along and across keyboards, in the orders in which people wander over them.
const KEYBOARD: [&str; 14] = [
    "1234567890-=",
    "!@#$%^&*()_+",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl;",
    "zxcvbnm,./",
    "yxcvbnm,.-",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qazxsw23edcvfr45tgbnhy67ujm",
    "1qa2ws3ed4rf5tg6yh7uj8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
];

/// Characters that are written for letters, each with one.
const DISGUISES: [(char, char); 14] = [
    ('0', 'o'),
    ('1', 'i'),
    ('1', 'l'),
    ('!', 'i'),
    ('3', 'e'),
    ('4', 'a'),
    ('@', 'a'),
    ('5', 's'),
    ('$', 's'),
    ('7', 't'),
    ('+', 't'),
    ('8', 'b'),
    ('9', 'g'),
    ('6', 'g'),
];

/// A password's characters, in lower case.
pub(super) fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A digit, a space or punctuation of ASCII: what people put around a word.
pub(super) fn is_filler(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphabetic()
}

/// What a text repeats: its shortest beginning that, said again and again, is the whole, perhaps without the last characters
/// (`horse horse`). It is the text itself where nothing is said twice.
pub(super) fn repeated(text: &[char]) -> &[char] {
    let said_again = |length: &usize| text.iter().zip(text.iter().skip(*length)).all(|(one, next)| one == next);
    let length = (1..=text.len().div_ceil(2)).find(said_again).unwrap_or(text.len());
    text.get(..length).unwrap_or(text)
}

/// How long the run is that a text begins with: one character again and again, neighbours in Unicode's order (`abc`,
/// `321`), or on a keyboard, either way; or a year. 1 where there is none.
pub(super) fn run(text: &[char]) -> usize {
    let Some(first) = text.first() else { return 0 };
    let stepping = |step: i64| {
        let pairs = text.iter().zip(text.iter().skip(1));
        1 + pairs.take_while(|(one, next)| i64::from(u32::from(**next)) - i64::from(u32::from(**one)) == step).count()
    };
    let along = |row: &mut dyn Iterator<Item = char>| row.zip(text).take_while(|(key, c)| key == *c).count();
    let steps = [0, 1, -1].into_iter().map(stepping);
    let rows = KEYBOARD.iter().flat_map(|row| {
        let forth = along(&mut row.chars().skip_while(|key| key != first));
        let back = along(&mut row.chars().rev().skip_while(|key| key != first));
        [forth, back]
    });
    let year = match text {
        ['1', '9', decade, year, ..] | ['2', '0', decade, year, ..] => decade.is_ascii_digit() && year.is_ascii_digit(),
        _ => false,
    };
    let longest = steps.chain(rows).chain(year.then_some(4)).max().unwrap_or(1);
    if longest < RUN { 1 } else { longest }
}

/// How many characters a text is worth: a run counts [`RUN_WEIGHT`], whatever its length.
pub(super) fn weight(mut text: &[char]) -> usize {
    let mut weight = 0;
    while !text.is_empty() {
        let length = run(text);
        weight += if length < RUN { 1 } else { RUN_WEIGHT };
        text = text.get(length..).unwrap_or_default();
    }
    weight
}

/// Whether a text begins with a word, some letters of it perhaps in disguise. At least half are themselves, or a number
/// would spell a word.
pub(super) fn spells(text: &[char], word: impl ExactSizeIterator<Item = char>) -> bool {
    let length = word.len();
    let Some(text) = text.get(..length) else { return false };
    let mut themselves = 0;
    let spelt = text.iter().zip(word).all(|(c, letter)| {
        themselves += usize::from(*c == letter);
        *c == letter || DISGUISES.contains(&(*c, letter))
    });
    spelt && 2 * themselves >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_from_what_only_begins_alike() {
        let cases = [
            ("", 0),
            ("a", 1),
            ("ab", 1),
            ("aab", 1),
            ("aaab", 3),
            ("abcx", 3),
            ("cbax", 3),
            ("4321", 4),
            ("абвг", 4),
            ("890-", 4),
            ("qwertz", 6),
            ("qwerty1", 6),
            ("poiuytx", 6),
            ("1qaz2wsx3e", 10),
            ("1q2w3e", 6),
            ("!@#$5", 4),
            ("acegik", 1),
            ("1987!", 4),
            ("20aa", 1),
            ("2187", 1),
        ];
        for (text, length) in cases {
            assert_eq!(run(&folded(text)), length, "{text}");
        }
    }

    #[test]
    fn a_run_weighs_two() {
        let cases =
            [("", 0), ("xkq7", 4), ("1234abcd", 4), ("aaaaaaaaaaaaaaaa", 2), ("aaaaaaaaaaaaaa1", 3), ("xabcy", 4)];
        for (text, expected) in cases {
            assert_eq!(weight(&folded(text)), expected, "{text}");
        }
    }

    #[test]
    fn what_is_said_again_is_found() {
        let cases = [
            ("", ""),
            ("a", "a"),
            ("aa", "a"),
            ("abcabcab", "abc"),
            ("abcab", "abc"),
            ("abca", "abca"),
            ("horse horse", "horse "),
            ("dragonDragondragon", "dragon"),
            ("correct horse correct horse", "correct horse "),
        ];
        for (text, unit) in cases {
            assert_eq!(repeated(&folded(text)), folded(unit), "{text}");
        }
    }

    #[test]
    fn words_are_seen_through_their_disguise() {
        let spells = |text: &str, word: &str| {
            let letters: Vec<char> = word.chars().collect();
            spells(&folded(text), letters.into_iter())
        };
        assert!(spells("P@ssw0rd", "password") && spells("p455word!", "password") && spells("Adm1n1", "admini"));
        assert!(!spells("passwor", "password") && !spells("paszword", "password"));
        assert!(!spells("1337", "leet") && !spells("5011", "soil"), "a number is a number");
    }
}

//! Words that whoever attacks an account knows: names of the person, the tenant and the service.

use super::pattern::{folded, is_filler, run, spells};
use super::prepare::normalized;

/// The service's own name.
const SERVICE: &str = "parapet";

/// What is known of an account. A password that is nothing but such words, with digits and punctuation around, is refused;
/// one that merely holds some is not.
#[derive(Debug, Clone)]
pub struct Context {
    words: Vec<Vec<char>>,
}

impl Default for Context {
    fn default() -> Self {
        Self { words: vec![] }.with(SERVICE)
    }
}

impl Context {
    /// The same, and a name or address: of the tenant, its slug and domain, the person's names, username, e-mail address.
    /// It counts as a whole, and so does each part of it of two letters or digits and more.
    #[must_use]
    pub fn with(mut self, name: &str) -> Self {
        let name = folded(&normalized(name));
        let parts = name.split(|c| !c.is_alphanumeric()).map(<[char]>::to_vec);
        let joined: Vec<char> = name.iter().copied().filter(|c| c.is_alphanumeric()).collect();
        for word in parts.chain([name.clone(), joined]).filter(|word| word.len() > 1) {
            if !self.words.contains(&word) {
                self.words.push(word);
            }
        }
        self
    }

    /// Whether a password, in lower case, is nothing but these words, digits, punctuation and runs, and one of the words is
    /// in it.
    pub(super) fn is_all_of(&self, password: &[char]) -> bool {
        // For each length: whether that much can be taken apart without a word, and with one.
        let mut reached = vec![(false, false); password.len() + 1];
        if let Some(start) = reached.first_mut() {
            start.0 = true;
        }
        for (at, first) in password.iter().enumerate() {
            let (without, with) = reached.get(at).copied().unwrap_or_default();
            let rest = password.get(at..).filter(|_| without || with).unwrap_or_default();
            let mut reach = |length: usize, word: bool| {
                if let Some(there) = reached.get_mut(at + length).filter(|_| !rest.is_empty()) {
                    there.0 |= without && !word;
                    there.1 |= with || word;
                }
            };
            if is_filler(*first) {
                reach(1, false);
            }
            // A run may be broken off, where a word begins with its end.
            for length in 3..=run(rest) {
                reach(length, false);
            }
            for word in self.words.iter().filter(|word| spells(rest, word.iter().copied())) {
                reach(word.len(), true);
            }
        }
        reached.last().is_some_and(|end| end.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> bool {
        let context = Context::default()
            .with("Acme & Söhne GmbH")
            .with("acme-prod")
            .with("Anna-Lena")
            .with("O'Neil")
            .with("anna.oneil@mail.acme.example")
            .with("王小明");
        context.is_all_of(&folded(password))
    }

    #[test]
    fn nothing_but_names_is_refused() {
        let passwords = [
            "acme2024!!!!!!!",
            "2024-ACME-2024-12",
            "Anna.ONeil.1987.07",
            "O'Neil 1987 1987",
            "anna.oneil@mail.acme.example",
            "annalena annalena",
            "Acme Söhne 123456",
            "P4r4pet-2024-2024",
            "Parapet abcdefgh 1",
            "@cme@cme@cme2024",
            "王小明19870704!!!!",
            // A sequence whose end is a name's beginning.
            "xyzanna1987!!!!",
        ];
        for password in passwords {
            assert!(refused(password), "{password}");
        }
    }

    #[test]
    fn a_passphrase_that_holds_a_name_is_not() {
        let passwords = [
            "anna rides a green bicycle",
            "my acme lunch is late",
            "Annapurna-Sunrise-77",
            "parapets of the castle",
            "839201746283917",
            "!!!!!!!!!!!!!!!",
            "王小明 likes noodles",
            "acme🐢🐙🦊🐘",
            "",
        ];
        for password in passwords {
            assert!(!refused(password), "{password}");
        }
    }
}

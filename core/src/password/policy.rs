//! Whether a password that somebody chose is good enough: NIST SP 800-63B-4 section 3.1.1.2, OWASP ASVS 5.0 V6.2.
//!
//! What counts is length, and that it is not among the first that an attacker tries. There are no rules of composition.

use super::pattern::{folded, is_filler, repeated, spells, weight};
use super::{Context, Password, common};
use crate::Finding;

/// The shortest password where nothing else is asked for, in characters.
pub const LEAST_ALONE: usize = 15;

/// The shortest password where a second factor is enforced, in characters.
pub const LEAST: usize = 8;

/// What a tenant asks of passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether whoever signs in with this password must show a second factor too.
    pub second_factor: bool,
    /// The tenant's own shortest length, in characters. It counts where it is more than the standard's.
    pub own_minimum: usize,
}

impl Policy {
    /// The shortest password, in characters.
    pub fn minimum(&self) -> usize {
        self.own_minimum.max(if self.second_factor { LEAST } else { LEAST_ALONE })
    }
}

/// What is wrong with a password; nothing where it is good. No finding holds a part of it.
///
/// - `password.too_short`
/// - `password.repetitive`: half of it or more repeats something or is a run (`aaa`, `123`, `qwerty`), and of what is left
///   there are fewer than 8 characters.
/// - `password.context`: it is nothing but words of the [`Context`], digits, punctuation and runs.
/// - `password.common`: it is a common password, or one with so little around it (digits and punctuation) that
///   fewer than 8 characters are left if the common one counts for one. Letters may be in disguise (`p@ssw0rd`).
///
/// Case does not count. What a password repeats is judged like the password: `passwordpassword` is `password`.
pub fn check(password: &Password, policy: &Policy, context: &Context) -> Vec<Finding> {
    let finding = |code: &str, message: String| Finding::error("user", code, message).field("password");
    let mut findings = vec![];
    let (characters, minimum) = (password.characters(), policy.minimum());
    if characters < minimum {
        let message = format!("it has {characters} characters; at least {minimum} are needed");
        findings.push(finding("password.too_short", message));
    }
    let whole = folded(password.prepared());
    let once = repeated(&whole);
    let left = weight(once);
    if left < LEAST && 2 * left <= whole.len() {
        let message = "most of it repeats something, or is a sequence such as `abc`, `123` or `qwerty`";
        findings.push(finding("password.repetitive", message.to_owned()));
    }
    if context.is_all_of(once) {
        let message = "it is nothing but names that others know, with digits and punctuation";
        findings.push(finding("password.context", message.to_owned()));
    }
    if is_common(once) || (once.len() < whole.len() && is_common(&whole)) {
        let message = "it is one of the passwords that are tried first, or one of them with a few digits around it";
        findings.push(finding("password.common", message.to_owned()));
    }
    findings
}

/// Whether a password, in lower case, is a common one with little around it.
fn is_common(password: &[char]) -> bool {
    let before = password.iter().take_while(|c| is_filler(**c)).count();
    let after = password.iter().rev().take_while(|c| is_filler(**c)).count();
    common::any(|common| {
        let Some(room) = password.len().checked_sub(common.len()) else { return false };
        // What is not of the common one must be filler, on either side.
        (room.saturating_sub(after)..=before.min(room)).any(|start| {
            let (lead, rest) = password.split_at_checked(start).unwrap_or_default();
            let letters = common.iter().map(|byte| char::from(*byte));
            spells(rest, letters) && 1 + weight(lead) + weight(rest.get(common.len()..).unwrap_or_default()) < LEAST
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALONE: Policy = Policy { second_factor: false, own_minimum: 0 };
    const SECOND: Policy = Policy { second_factor: true, own_minimum: 0 };

    fn codes(password: &str, policy: Policy) -> Vec<String> {
        let context = Context::default().with("Acme").with("Anna").with("anna.smith@acme.example");
        let findings = check(&Password::chosen(password).unwrap(), &policy, &context);
        findings.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn lengths_are_15_alone_and_8_beside_a_second_factor_and_a_tenant_may_raise_them() {
        let policy = |second_factor, own_minimum| Policy { second_factor, own_minimum };
        let minimums = [(false, 0, 15), (false, 12, 15), (false, 20, 20), (true, 0, 8), (true, 4, 8), (true, 12, 12)];
        for (second_factor, own, minimum) in minimums {
            let policy = policy(second_factor, own);
            assert_eq!(policy.minimum(), minimum);
            let long: String = "xkvq7mzr2wpl9dth4bng".chars().take(minimum).collect();
            assert_eq!(codes(&long, policy), [""; 0], "{policy:?}");
            assert_eq!(codes(long.trim_start_matches('x'), policy), ["password.too_short"], "{policy:?}");
        }
        assert_eq!(codes("kälte🐢 wörter 🐙", ALONE), [""; 0], "characters, not bytes");
        let finding = &check(&Password::chosen("kxw7").unwrap(), &SECOND, &Context::default())[0];
        assert_eq!(
            finding.to_string(),
            "error[password.too_short] user password: it has 4 characters; at least 8 are needed"
        );
    }

    #[test]
    fn what_is_good_passes() {
        let passwords = [
            "correct horse battery staple",
            "Anna rides a green bicycle",
            "acme pays my rent in june",
            "password managers are nice",
            "the dragon ate my monkey",
            "sunshine princess football",
            "qwerty is how keyboards begin",
            "KÖNIGLICH-bayerisch grantig",
            "мой дядя самых честных правил",
            "839201746283917",
            "gT7#kQ2!vB9@xW4",
            "iloveyou839201746283917",
            "🐢🐙🦊🐘🦒🐬🦉🐝🦋🐞🦔🐿🦜🦩🐧",
            "aaa bbb ccc and then some",
        ];
        for password in passwords {
            assert_eq!(codes(password, ALONE), [""; 0], "{password}");
        }
        for password in ["xk7#abcQ", "propertz", "rosebud-lemon", "k2!werty"] {
            assert_eq!(codes(password, SECOND), [""; 0], "{password}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        let cases = [
            ("Password1234567", "password.common"),
            ("P@ssw0rd2024!!!", "password.common"),
            ("123456password", "password.common"),
            ("passwordpassword", "password.common"),
            ("Iloveyou!Iloveyou!", "password.common"),
            ("!Dragon! 2024", "password.common"),
            ("qwerty123456789", "password.common"),
            ("football", "password.common"),
            ("sunshine1", "password.common"),
            ("trustno1", "password.common"),
            ("aaaaaaaaaaaaaaa", "password.repetitive"),
            ("aaaaaaaaaaaaaa1", "password.repetitive"),
            ("123456789012345", "password.repetitive"),
            ("1234abcd", "password.repetitive"),
            ("abcdefgh12345678", "password.repetitive"),
            ("1qaz2wsx3edc4rfv", "password.repetitive"),
            ("qwertyuiopasdfgh", "password.repetitive"),
            ("Q1w2e3r4t5y6u7i8", "password.repetitive"),
            ("xk!xk!xk!xk!xk!xk!", "password.repetitive"),
            ("яяяяяяяяяяяяяяя", "password.repetitive"),
            ("Acme2024!Acme2024!", "password.context"),
            ("anna.smith.1987", "password.context"),
            ("P4rapet-20241231", "password.context"),
        ];
        for (password, code) in cases {
            assert!(codes(password, SECOND).iter().any(|found| found == code), "{password}");
        }
    }

    #[test]
    fn the_list_is_refused_in_upper_case_too() {
        let long = |line: &&str| line.is_ascii() && line.len() >= LEAST;
        let listed = include_str!("common/django.txt").lines().filter(long).step_by(17);
        assert_eq!(listed.clone().count(), 491);
        for password in listed {
            assert!(!codes(&password.to_uppercase(), SECOND).is_empty(), "{password}");
        }
    }

    proptest! {
        #[test]
        fn any_password_is_judged_and_longer_is_never_too_short(password in "\\PC{1,60}") {
            if let Ok(password) = Password::chosen(&password) {
                let findings = check(&password, &ALONE, &Context::default());
                let short = findings.iter().any(|finding| finding.code == "password.too_short");
                prop_assert_eq!(short, password.characters() < LEAST_ALONE);
            }
        }

        /// Five words of a list, as `diceware` makes them: never anything.
        #[test]
        fn passphrases_pass(words in prop::collection::vec("[a-z]{4,7}", 5)) {
            let findings = codes(&words.join(" "), ALONE);
            prop_assert!(findings.is_empty() || findings == ["password.repetitive"], "{:?}", findings);
        }
    }
}

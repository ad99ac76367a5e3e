//! Standard Webhooks 1.0 (<https://github.com/standard-webhooks/standard-webhooks>): secrets, signatures, and when it is
//! tried again.
//!
//! What is signed is `<webhook-id>.<webhook-timestamp>.<body>` by HMAC-SHA256; the header `webhook-signature` has one
//! `v1,<base64>` a secret, with spaces between, so that a secret can be changed while the old one still counts.

use crate::model::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The header that names the event: the same however often it is sent.
pub const ID: &str = "webhook-id";

/// The header with the time of this attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// The header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// A secret has so many bytes (24 to 64 by the specification).
pub const SECRET_BYTES: usize = 32;

/// How long after the attempt before it each attempt is made, in seconds: the schedule that the specification recommends.
pub const SCHEDULE: [i64; 10] = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// No `Retry-After` counts for longer, in milliseconds: a day.
const LONGEST_WAIT: i64 = 86_400_000;

/// A signing secret. It is not serialized, and its `Debug` is blank.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// A secret from fresh random bytes.
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(random.to_vec())
    }

    /// Reads `whsec_<base64>`; nothing where it is none, or of less than 24 or more than 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The secret's text, to be shown once.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The signature of one attempt: `v1,<base64>`.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The value of [`SIGNATURE`]: one signature a secret. `id` holds no dot, since a dot ends it.
pub fn signatures(secrets: &[SigningSecret], id: &str, seconds: i64, body: &[u8]) -> String {
    secrets.iter().map(|secret| secret.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
}

/// How many milliseconds after the attempt number `tried` (from 1) the next one is made; nothing after the last of `most`.
/// `random` spreads them over a tenth of that time, so that what failed together does not come back together.
pub fn next_attempt(tried: usize, most: usize, random: u32) -> Option<i64> {
    let delay = SCHEDULE.get(tried.max(1)).filter(|_| tried < most)?.saturating_mul(1000);
    let spread = delay / 10;
    Some(delay.saturating_add(spread.saturating_mul(i64::from(random)) / i64::from(u32::MAX)))
}

/// How many milliseconds from `now` a `Retry-After` asks to wait (RFC 9110, section 10.2.3): seconds, or a date; at most
/// a day. Nothing where it says nothing that can be read.
pub fn retry_after(text: &str, now: Timestamp) -> Option<i64> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse::<i64>().map_or(LONGEST_WAIT, |seconds| seconds.saturating_mul(1000))
    } else {
        DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis().saturating_sub(now.as_millis())
    };
    Some(wait.clamp(0, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries.
    #[test]
    fn it_signs_as_the_reference_libraries_do() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_24_to_64_bytes_and_reads_back() {
        let secret = SigningSecret::new([7; SECRET_BYTES]);
        assert_eq!(SigningSecret::parse(&secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
        for (bytes, sound) in [(23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
            assert_eq!(SigningSecret::parse(&text).is_some(), sound, "{bytes}");
        }
        assert_eq!(SigningSecret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), None);
    }

    #[test]
    fn two_secrets_sign_beside_each_other() {
        let (old, new) = (SigningSecret::new([1; 32]), SigningSecret::new([2; 32]));
        let both = signatures(&[new.clone(), old.clone()], "e", 1, b"{}");
        let each = [signatures(&[new], "e", 1, b"{}"), signatures(&[old], "e", 1, b"{}")];
        assert_eq!(both, each.join(" "));
    }

    #[test]
    fn it_is_tried_ten_times_within_three_days_and_a_half() {
        let delays: Vec<i64> = (1..10).map(|tried| next_attempt(tried, 10, 0).unwrap() / 1000).collect();
        assert_eq!(delays, SCHEDULE[1..]);
        assert_eq!((next_attempt(10, 10, 0), next_attempt(3, 3, 0), next_attempt(11, 20, 0)), (None, None, None));
        assert_eq!(next_attempt(2, 10, u32::MAX), Some(330_000));
    }

    #[test]
    fn a_peer_says_when_to_come_back_in_both_forms() {
        let now: Timestamp = "2026-03-02T10:00:00.000Z".parse().unwrap();
        for (text, wait) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(LONGEST_WAIT)),
            ("Mon, 02 Mar 2026 10:01:00 GMT", Some(60_000)),
            ("Mon, 02 Mar 2026 09:00:00 GMT", Some(0)),
            ("Tue, 02 Mar 2027 10:00:00 GMT", Some(LONGEST_WAIT)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), wait, "{text}");
        }
    }
}

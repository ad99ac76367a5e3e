//! The audit log: a hash chain a tenant, which anyone can verify from its export, and in which the personal data of one
//! subject can be made unreadable without breaking it.
//!
//! # The hash
//!
//! `hash` is SHA-256, in lower-case hex, over the row's canonical JSON in UTF-8: the object that the export has on the
//! row's line, `tenant_id`, `sequence` and `previous_hash` included, without the member `hash` alone. Canonical JSON
//! ([`canonical`]) is RFC 8785 (JCS), with one rule more for numbers of 2⁵³ and above:
//!
//! - no spaces; an object's members in the order of their names' UTF-16 code units, at every depth; null columns are
//!   members too;
//! - in text, `"`, `\` and U+0000 to U+001F are escaped, as `\b`, `\t`, `\n`, `\f`, `\r` or else as `\u` and four
//!   lower-case hex digits; every other character is itself;
//! - a number without fraction and exponent, from -2⁶³ to 2⁶⁴-1, is its decimal digits, all of them;
//! - any other number is the IEEE 754 double nearest to it, as ECMAScript's `Number::toString` writes it (`0.1`, `100`
//!   for `100.0`, `1e-7`, `0` for `-0.0`); from 2⁵³ on always with an exponent (`9007199254740992.0` is
//!   `9.007199254740992e+15`), where RFC 8785 has one from 10²¹ on: else it might read as another whole number.
//!
//! `previous_hash` of the row with the sequence 1 is 64 zeros.
//!
//! # What a chain shows
//!
//! That no row in it was changed, removed, inserted or moved. Not that the newest rows are there, nor that nobody wrote
//! the whole of it anew: for that a [`Head`] must be kept elsewhere, and the log held against it.

mod canonical;
mod chain;
mod changes;
mod line;
mod personal;
mod verify;

#[cfg(test)]
mod tests;

pub use canonical::canonical;
pub use chain::{Entry, Head, HeadError, hash};
pub use changes::{Changes, changes};
pub use line::{line, read_line};
pub use personal::{Personal, SubjectKey, event_data, open_personal, seal_personal, split, subject};
pub use verify::{Verified, Verifier, verify};

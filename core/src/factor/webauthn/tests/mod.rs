//! Ceremonies: the vectors of the specification, and a key in software that says whatever a test wants.

mod anything;
mod authenticator;
mod ceremonies;
mod keys;
mod vectors;

use super::*;

/// The user of the tests.
const USER: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

fn party() -> RelyingParty {
    RelyingParty::new("id.example", "Example", &["https://id.example", "https://id.example:8443"]).unwrap()
}

fn registrant() -> Registrant<'static> {
    Registrant { id: USER, name: "ada@id.example", display_name: "Ada" }
}

const RANDOM: [u8; CHALLENGE_BYTES] = [9; CHALLENGE_BYTES];

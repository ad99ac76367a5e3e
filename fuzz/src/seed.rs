//! Real snapshots, which `make fuzz-readers` compiles from fixtures, and the key that they are signed with.

use parapet::snapshot::{Keyring, SigningKey};

macro_rules! snapshots {
    ($($name:literal)*) => { &[$(include_bytes!(concat!("../seeds/", $name))),*] };
}

/// The snapshots. Between them they have every section and most nodes of programs.
pub const SNAPSHOTS: &[&[u8]] = snapshots! {
    "saas" "hospital" "feature_flags" "organization_unit_inheritance" "cedar_expression" "nested_record" "time_of_day"
    "ip_address" "decimal" "for_any_value" "service_account" "access_request_permission"
};

/// The key, as the Makefile gives it to `parapet compile`.
pub fn key() -> SigningKey {
    SigningKey::hmac("k1", &[0; 32]).expect("32 bytes")
}

/// A ring that trusts it.
pub fn keyring() -> Keyring {
    Keyring::new().with(key().verifying_key())
}

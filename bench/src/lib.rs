//! What the benches share: one tenant, one trace, the floor, and how it is measured.
//!
//! Ratios of one run count; single times are the machine's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench fails by panicking")]

mod floor;
mod random;
mod trace;

pub mod measure;
pub mod results;
pub mod tenant;

pub use floor::{Floor, Plain};
pub use random::Random;
pub use tenant::{Tenant, tenant};
pub use trace::{Asked, trace};

use parapet::snapshot::{SigningKey, Snapshot};
use parapet::{Engine, Timestamp};

/// The time of all decisions.
pub const NOW: &str = "2026-03-02T10:00:00.000Z";
/// How many requests the trace holds.
pub const TRACE: usize = 10_000;
/// How many grants a tenant has, one tenant after the other.
pub const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// The secret that signs snapshots here.
pub const SECRET: [u8; 32] = [7; 32];

/// The time of all decisions.
pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// The key that signs snapshots here.
pub fn key() -> SigningKey {
    SigningKey::hmac("bench", &SECRET).unwrap()
}

/// An engine from a snapshot. The only place that knows how the two come together.
pub fn engine(snapshot: Snapshot) -> Engine {
    Engine::new(snapshot).unwrap()
}

//! The floor, asked as the others are.

use crate::Peer;
use parapet_bench::{Asked, Plain, Tenant};

/// The floor.
pub struct Floor(parapet_bench::Floor);

impl Peer for Floor {
    type Source = Tenant;

    fn source(tenant: Tenant) -> Tenant {
        tenant
    }

    fn load(tenant: Tenant) -> Self {
        Self(parapet_bench::Floor::new(&tenant))
    }

    fn allows(&mut self, asked: &Asked) -> bool {
        self.0.allows(&Plain::of(asked))
    }
}

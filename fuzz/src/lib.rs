//! What the fuzz targets share: real snapshots to begin with, and everything that an engine is asked.

mod ask;
mod edit;
mod seed;

pub use ask::{ask, said};
pub use edit::edited;
pub use seed::{SNAPSHOTS, key, keyring};

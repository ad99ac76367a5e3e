//! Opening a snapshot with the platform's cryptography: WebCrypto hashes and verifies at the machine's own speed, but
//! asynchronously and in JavaScript. So a snapshot is opened in steps, and `js/open.js` goes from one to the next.

use crate::options::OpenOptions;
use crate::{Engine, Failure};
use parapet::snapshot::{Snapshot, SnapshotError};
use wasm_bindgen::prelude::wasm_bindgen;

/// Verifies the signature of a snapshot of which this is the header. One of HMAC-SHA256 is verified here; for one of
/// ES256, which takes a library that is larger than the engine, gives the public key that it must be verified with, as
/// the JSON text `{"x", "y"}`.
#[wasm_bindgen(js_name = verifyHeader)]
pub fn verify_header(head: &[u8], options: &str) -> Result<Option<String>, Failure> {
    let options = OpenOptions::read(options)?;
    options.verify(head, &Snapshot::header(head)?)
}

/// A snapshot whose signature was verified, and whose content was not.
#[wasm_bindgen]
pub struct Opening {
    snapshot: Snapshot,
}

#[wasm_bindgen]
impl Opening {
    /// Takes a file whose signature was verified: checks tenant, version and layout.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Vec<u8>, options: &str) -> Result<Opening, Failure> {
        let options = OpenOptions::read(options)?;
        options.expected().expects(&Snapshot::header(&bytes)?)?;
        Ok(Self { snapshot: Snapshot::open_trusted(bytes)? })
    }

    /// Where the sections lie that are to be hashed: for each its start and its end.
    pub fn sections(&self) -> Vec<u32> {
        // Nothing in the memory of wasm lies beyond 32 bits.
        self.snapshot.ranges().flat_map(|range| [range.start as u32, range.end as u32]).collect()
    }

    /// The engine of the snapshot, if these are its sections' SHA-256, one behind the other.
    pub fn finish(self, digests: &[u8]) -> Result<Engine, Failure> {
        let (digests, rest) = digests.as_chunks();
        if !rest.is_empty() {
            return Err(SnapshotError::WrongHash.into());
        }
        self.snapshot.check_digests(digests)?;
        Ok(Engine::of(parapet::Engine::new(self.snapshot)?))
    }
}

//! What a run found: JSON lines under `target/bench`, from which `report.mjs` writes BENCHMARKS.md.

use serde_json::Value;
use std::fs::{File, OpenOptions, create_dir_all};
use std::io::Write;
use std::path::PathBuf;

/// Where a run keeps what it makes.
pub fn directory() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    create_dir_all(&directory).unwrap();
    directory
}

/// The results of one part of the run.
pub struct Results(File);

impl Results {
    /// Begins a part anew.
    pub fn new(part: &str) -> Self {
        let path = directory().join(format!("{part}.jsonl"));
        Self(OpenOptions::new().create(true).write(true).truncate(true).open(path).unwrap())
    }

    /// Adds a result.
    pub fn add(&mut self, result: &Value) {
        writeln!(self.0, "{result}").unwrap();
    }
}

//! Why a snapshot cannot decide.

use crate::snapshot::{SectionKind, SnapshotError};

/// Why a snapshot cannot decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The file itself is wrong.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A section is not what it should be.
    #[error("the snapshot's section `{section}` cannot be read: {message}")]
    Section {
        /// Which one.
        section: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl EngineError {
    /// Stable and dotted, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Snapshot(error) => error.code(),
            Self::Section { .. } => "snapshot.malformed",
        }
    }
}

/// A section that is not what it should be.
pub(crate) fn malformed(kind: SectionKind, what: impl ToString) -> EngineError {
    EngineError::Section { section: kind.name(), message: what.to_string() }
}

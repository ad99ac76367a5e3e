//! Why a hash was refused, and which part of it.

use std::fmt;
use thiserror::Error;

/// Why a hash was refused, or could not be worked out. Each has a stable [`code`](Self::code); none holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HashError {
    /// It begins as no hash that is known here.
    #[error("it is no Argon2, bcrypt or PBKDF2 hash that is known here")]
    UnknownAlgorithm,
    /// A part is missing, not of its form, or out of the algorithm's own range.
    #[error("{0} cannot be read, or no such value is allowed")]
    Malformed(Part),
    /// Verifying it would take too much time or memory.
    #[error("{part} would make it too costly to verify: here at most {limit}")]
    TooCostly {
        /// The part that is too large.
        part: Part,
        /// The largest value that is taken, given the other parts.
        limit: u32,
    },
    /// There is no memory for it now.
    #[error("there is not enough memory to work out the hash")]
    OutOfMemory,
}

impl HashError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownAlgorithm => "password_hash.unknown_algorithm",
            Self::Malformed(_) => "password_hash.malformed",
            Self::TooCostly { .. } => "password_hash.too_costly",
            Self::OutOfMemory => "password_hash.out_of_memory",
        }
    }
}

/// A part of a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The fields between the `$`, as a whole: one is missing, or there is one too many.
    Fields,
    /// Argon2's version, `v`: 16 or 19.
    Version,
    /// The list of parameters: one is missing, unknown or twice there.
    Parameters,
    /// Argon2's memory, `m`, in KiB.
    Memory,
    /// Argon2's passes, `t`.
    Passes,
    /// Argon2's lanes, `p`.
    Lanes,
    /// bcrypt's cost, the logarithm to the base of 2 of its rounds.
    Cost,
    /// PBKDF2's iterations.
    Iterations,
    /// The salt.
    Salt,
    /// The hash proper.
    Hash,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fields => "the order of its fields",
            Self::Version => "the version `v`",
            Self::Parameters => "the list of its parameters",
            Self::Memory => "the memory `m`",
            Self::Passes => "the passes `t`",
            Self::Lanes => "the lanes `p`",
            Self::Cost => "the cost",
            Self::Iterations => "the number of iterations",
            Self::Salt => "the salt",
            Self::Hash => "the hash proper",
        })
    }
}

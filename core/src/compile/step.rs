//! The steps of compiling: told as they are done, for whoever has a clock.

/// A step of [`compile_by_steps`](super::compile_by_steps).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows became grants.
    Collect,
    /// The schema was declared or inferred.
    Schema,
    /// The conditions of grants were compiled.
    Expressions,
    /// The conditions of grants were validated.
    Validate,
    /// Grants became policies.
    Policies,
    /// Group rules, flags and the policies written as text were compiled and validated.
    Custom,
    /// The hierarchy and the principals were read.
    Directory,
    /// The arrays of the snapshot were written: programs, index, directory, sources.
    Store,
    /// The policies were printed, each distinct clause accepted by Cedar.
    Print,
    /// Their text was packed.
    Pack,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 10] = [
        Self::Collect,
        Self::Schema,
        Self::Expressions,
        Self::Validate,
        Self::Policies,
        Self::Custom,
        Self::Directory,
        Self::Store,
        Self::Print,
        Self::Pack,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Schema => "schema",
            Self::Expressions => "expressions",
            Self::Validate => "validate",
            Self::Policies => "policies",
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Store => "store",
            Self::Print => "print",
            Self::Pack => "pack",
        }
    }
}

//! Why a page of a search is not answered.

/// Why a page of a search is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// A page of nothing was asked for.
    #[error("a page has at least one result")]
    Limit,
    /// The token does not lead on.
    #[error("the page's token {0}")]
    Token(#[from] TokenFault),
}

/// Why a token does not lead on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It was not made here.
    #[error("is malformed")]
    Malformed,
    /// Another search answered with it: what is asked may not change between pages.
    #[error("is of another search")]
    OtherSearch,
    /// The policies changed since, or the principals: the listing begins anew.
    #[error("is of another version of the policies or the principals")]
    OtherVersion,
}

impl SearchError {
    /// Stable and dotted, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit => "search.limit",
            Self::Token(_) => "search.token",
        }
    }
}

//! Pages: how many answers at once, and where a listing goes on.

use super::token::Token;
use super::{SearchError, TokenFault};
use crate::engine::{Engine, Request};

/// How many answers a page has where nothing is said.
pub const DEFAULT_PAGE: usize = 100;

/// How many answers a page has at most.
pub const MAX_PAGE: usize = 1_000;

/// Which page of the answers is asked for (AuthZEN 8.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// The [`Page::next`] of the page before; `None` for the first page.
    pub token: Option<String>,
    /// At most so many answers: [`DEFAULT_PAGE`] where nothing is said; more than [`MAX_PAGE`] are [`MAX_PAGE`].
    pub limit: Option<u64>,
    /// The version of the principals that the caller has, which all pages are of, as of one version of the policies; 0
    /// where they lie in the snapshot.
    pub directory_version: u64,
}

/// A page of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The answers.
    pub items: Vec<T>,
    /// The token of the next page; `None` where this one is the last.
    ///
    /// It holds a position, and what it belongs to: the parameters of the search and the content of the snapshot. The
    /// instant is not among them: each page is decided for its own.
    pub next: Option<String>,
}

/// A listing that is about to give one page.
pub(super) struct Listing {
    token: Token,
    size: usize,
}

impl Listing {
    /// Reads which page is asked for. `kind` and `request` say of which search, with `more` that belongs to it; there are
    /// `end` candidates.
    ///
    /// # Errors
    /// A page of nothing, or a token that does not lead on.
    pub(super) fn open(
        engine: &Engine,
        (kind, request, more): (&str, &Request, u128),
        page: &PageRequest,
        end: u128,
    ) -> Result<Self, SearchError> {
        let size = page.limit.map_or(Ok(DEFAULT_PAGE), usize::try_from).unwrap_or(MAX_PAGE).min(MAX_PAGE);
        if size == 0 {
            return Err(SearchError::Limit);
        }
        let first = Token::first(engine.snapshot(), page.directory_version, kind, request, more);
        let token = match page.token.as_deref() {
            None => first,
            Some(text) => first.resume(text)?,
        };
        // A page ends before an answer that is there: no token leads behind the candidates.
        if page.token.is_some() && token.position >= end {
            return Err(TokenFault::Malformed.into());
        }
        Ok(Self { token, size })
    }

    /// The position of the first candidate of the page.
    pub(super) fn start(&self) -> usize {
        usize::try_from(self.token.position).unwrap_or(usize::MAX)
    }

    /// How many answers the page has at most.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The position of the first candidate of the page, as it stands in the token.
    pub(super) fn position(&self) -> u128 {
        self.token.position
    }

    /// The token of a page that begins at another position.
    pub(super) fn token_at(&self, position: u128) -> String {
        self.token.at(position).to_string()
    }

    /// The page: the candidates that are answers, up to its size. It is the last exactly if no further one is an answer.
    pub(super) fn page<C, T>(
        &self,
        candidates: impl Iterator<Item = (usize, C)>,
        mut answer: impl FnMut(C) -> Option<T>,
    ) -> Page<T> {
        let mut items = vec![];
        for (position, candidate) in candidates {
            let Some(item) = answer(candidate) else { continue };
            if items.len() == self.size {
                return Page { items, next: Some(self.token_at(position as u128)) };
            }
            items.push(item);
        }
        Page { items, next: None }
    }
}

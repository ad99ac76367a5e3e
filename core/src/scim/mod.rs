//! SCIM 2.0 (RFC 7643, RFC 7644), as far as it needs no database: schemas, filters, PATCH, and what users and groups look
//! like.

pub mod discovery;
mod error;
pub mod filter;
pub mod group;
mod matching;
pub mod patch;
pub mod projection;
pub mod schema;
pub mod sql;
pub mod user;

pub use error::{ErrorType, ScimError};
pub use filter::{AttributePath, Filter, Path};
pub use matching::matches;
pub use schema::ResourceType;

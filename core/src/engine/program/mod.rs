//! Programs: Cedar policies in the form in which they are executed.
//!
//! Cedar remains the language and the judge of what it means; a program is the way its policies are
//! run. The same programs run over Cedar's own entities and over a snapshot: what is read from the
//! outside comes through a [`World`].

mod evaluate;
mod extension;
mod node;
mod record;
mod step;
mod value;

#[cfg(feature = "cedar")]
pub(crate) use evaluate::evaluate;
pub(crate) use evaluate::{Failure, holds};
pub(crate) use extension::{call, call2};
#[cfg(feature = "cedar")]
pub(crate) use node::MAX_SIZE;
pub(crate) use node::{ANY_TEXT, Function, Function2, Node, NodeId, Program, matches};
pub(crate) use record::Bounds;
pub(crate) use value::{Record, Set, Value, World};

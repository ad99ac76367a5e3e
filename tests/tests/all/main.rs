//! All tests that need more than one part of the system, in one binary.

#[cfg(test)]
mod api;
#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod recompile;
#[cfg(test)]
mod residual;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod searches;
#[cfg(test)]
mod store;
#[cfg(test)]
mod unknown;

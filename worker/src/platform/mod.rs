//! What Cloudflare gives us: the database, the resolver, the stores, the queues, requests and connections to other
//! services, a mailer, the clock, random bytes, signatures and the log.
//!
//! Only the files here (and `lib.rs`) name `worker::`. Off the edge each of them has the same API over something
//! in memory, so that the whole HTTP API runs under `cargo test`.

pub mod clock;
pub mod db;
pub mod dns;
pub mod fetch;
#[cfg(not(target_arch = "wasm32"))]
pub mod fuse;
#[cfg(target_arch = "wasm32")]
pub mod http;
pub mod kv;
pub mod log;
pub mod mailer;
#[cfg(target_arch = "wasm32")]
pub mod pieces;
pub mod queue;
pub mod random;
pub mod signer;
pub mod socket;
pub mod unread;
#[cfg(target_arch = "wasm32")]
pub mod variables;

pub use clock::Clock;
pub use db::Db;
pub use dns::Dns;
pub use fetch::Fetch;
pub use kv::Kv;
pub use mailer::Mailer;
pub use queue::Queue;
pub use signer::Signer;
pub use socket::Sockets;
pub use unread::Unread;

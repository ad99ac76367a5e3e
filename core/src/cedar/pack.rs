//! Cedar text in a snapshot: deflated (RFC 1951), since only the slow twin and people read it.

use miniz_oxide::{deflate, inflate};

/// No tenant's policies are as long as this; nothing may unpack without bound.
const LONGEST: usize = 1 << 30;

/// Packs a text. The same text gives the same bytes.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    deflate::compress_to_vec(text.as_bytes(), 6)
}

/// Unpacks a text.
///
/// # Errors
/// What is wrong, for people.
pub(crate) fn unpack(packed: &[u8]) -> Result<String, &'static str> {
    let bytes = inflate::decompress_to_vec_with_limit(packed, LONGEST).map_err(|_| "it cannot be inflated")?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")
}

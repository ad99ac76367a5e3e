//! Random bytes: WebCrypto at the edge, the operating system's elsewhere.

/// There is no randomness to be had. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("random: {0}")]
pub struct RandomError(String);

/// So many fresh random bytes, fit for secrets.
pub fn bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| RandomError(error.to_string()))?;
    Ok(bytes)
}

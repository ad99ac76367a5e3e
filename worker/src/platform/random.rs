//! Random bytes: WebCrypto at the edge, the operating system's elsewhere.

use std::cell::RefCell;

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

/// So many bytes are asked for at once for [`identifying`]: asking costs more than the bytes.
const POOL: usize = 4096;

thread_local! {
    static LEFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Fresh random bytes for a name that is no secret: they may have lain in memory for a while.
pub fn identifying() -> Result<[u8; 16], RandomError> {
    LEFT.with_borrow_mut(|left| {
        if left.is_empty() {
            left.extend(bytes::<POOL>()?);
        }
        let at = left.len().saturating_sub(16);
        let mut taken = [0; 16];
        for (byte, fresh) in taken.iter_mut().zip(left.drain(at..)) {
            *byte = fresh;
        }
        Ok(taken)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{POOL, identifying};

    #[test]
    fn no_two_names_are_alike_where_the_bytes_run_out() {
        let names: BTreeSet<[u8; 16]> = (0..3 * POOL / 16).map(|_| identifying().expect("random")).collect();
        assert_eq!(names.len(), 3 * POOL / 16);
    }
}

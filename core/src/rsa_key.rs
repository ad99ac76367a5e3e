//! RSA's public keys and what they signed: of passkeys that lie in a TPM, and of other issuers' tokens.

use rsa::BoxedUint;
use rsa::signature::Verifier as _;
use sha2::Sha256;

/// How many bits a modulus has: fewer are no key any more (NIST SP 800-131A), more cost too much to verify.
const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Reads a key from its modulus and its exponent, both big-endian.
pub(crate) fn read(n: &[u8], e: &[u8]) -> Option<rsa::PublicKey> {
    // Longer is refused before anything is worked out.
    if n.len() > BITS.end() / 8 || e.len() > 8 {
        return None;
    }
    let [n, e] = [n, e].map(BoxedUint::from_be_slice_vartime);
    rsa::PublicKey::new_with_size_limits(n, e, BITS).ok()
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2).
pub(crate) fn verifies_pkcs1(key: &rsa::PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let key = rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key.clone());
    rsa::pkcs1v15::Signature::try_from(signature).and_then(|its| key.verify(message, &its)).is_ok()
}

/// RSASSA-PSS with SHA-256 and a salt as long as the hash (RFC 8017, section 8.1; RFC 7518, section 3.5).
#[cfg(feature = "token")]
pub(crate) fn verifies_pss(key: &rsa::PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let key = rsa::pss::VerifyingKey::<Sha256>::new(key.clone());
    rsa::pss::Signature::try_from(signature).and_then(|its| key.verify(message, &its)).is_ok()
}

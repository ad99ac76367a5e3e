//! TEMPORARY
#![allow(missing_docs)]
use crate::model::Secret;
pub const SALT_BYTES: usize = 16;
pub fn hash(password: &str, salt: [u8; SALT_BYTES]) -> Result<Secret, std::fmt::Error> {
    use sha2::Digest;
    let mut h = sha2::Sha256::new();
    h.update(salt);
    h.update(password);
    Ok(Secret::new(format!("{}:{}", hex::encode(salt), hex::encode(h.finalize()))))
}
#[derive(Default)]
pub struct Hasher {
    runs: u64,
}
impl Hasher {
    pub fn runs(&self) -> u64 {
        self.runs
    }
    pub fn verify(&mut self, password: &str, phc: &str) -> bool {
        self.runs += 1;
        let salt: [u8; 16] =
            hex::decode(phc.split(':').next().unwrap_or("")).unwrap_or_default().try_into().unwrap_or([0; 16]);
        hash(password, salt).is_ok_and(|h| h.expose() == phc)
    }
}

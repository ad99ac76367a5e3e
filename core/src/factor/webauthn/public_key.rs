//! A credential's public key: a COSE key (RFC 9052, section 7; RFC 9053; RFC 8230) with just what section 5.8.5 and 6.5.1.1
//! leave of one, and what it signed.

use super::WebauthnError;
use crate::rsa_key;
use minicbor::Decoder;
use minicbor::decode::Error;
use p256::ecdsa::signature::Verifier as _;

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The algorithms that are asked for (RFC 9053, sections 2.1 and 2.2; RFC 8812), the best first. RS256 is what Windows
/// signs with by its TPM.
pub(super) const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];

const MALFORMED: WebauthnError = WebauthnError::Malformed { part: "public key" };

/// A public key that is one: on its curve, and of no small order or size.
pub(super) enum PublicKey {
    Es256(p256::ecdsa::VerifyingKey),
    EdDsa(ed25519_dalek::VerifyingKey),
    Rs256(rsa::PublicKey),
}

/// The parameters of a key by their labels: `kty` 1, `alg` 3, `crv` or `n` −1, `x` or `e` −2, `y` −3.
#[derive(Default)]
struct Parameters<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    crv: Option<i64>,
    n: Option<&'a [u8]>,
    x: Option<&'a [u8]>,
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// Reads a key at the decoder's place.
    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, WebauthnError> {
        let parameters = Parameters::read(decoder).map_err(|_| MALFORMED)?;
        match parameters {
            Parameters { kty: Some(2), alg: Some(ES256), crv: Some(1), n: None, x: Some(x), y: Some(y) } => {
                es256(x, y).map(Self::Es256)
            }
            Parameters { kty: Some(1), alg: Some(EDDSA), crv: Some(6), n: None, x: Some(x), y: None } => {
                eddsa(x).map(Self::EdDsa)
            }
            Parameters { kty: Some(3), alg: Some(RS256), crv: None, n: Some(n), x: Some(e), y: None } => {
                rsa_key::read(n, e).map(Self::Rs256)
            }
            Parameters { alg: Some(alg), .. } if !ALGORITHMS.contains(&alg) => {
                return Err(WebauthnError::UnknownAlgorithm);
            }
            _ => None,
        }
        .ok_or(MALFORMED)
    }

    /// Reads a key that was kept.
    pub(super) fn parse(cose: &[u8]) -> Result<Self, WebauthnError> {
        let mut decoder = Decoder::new(cose);
        let key = Self::read(&mut decoder)?;
        if decoder.position() == cose.len() { Ok(key) } else { Err(MALFORMED) }
    }

    /// Whether its private key signed a message (section 6.5.5).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        let sound = match self {
            Self::Es256(key) => {
                p256::ecdsa::Signature::from_der(signature).and_then(|its| key.verify(message, &its)).is_ok()
            }
            Self::EdDsa(key) => {
                ed25519_dalek::Signature::from_slice(signature).and_then(|its| key.verify_strict(message, &its)).is_ok()
            }
            Self::Rs256(key) => rsa_key::verifies_pkcs1(key, message, signature),
        };
        if sound { Ok(()) } else { Err(WebauthnError::WrongSignature) }
    }
}

impl<'a> Parameters<'a> {
    fn read(decoder: &mut Decoder<'a>) -> Result<Self, Error> {
        let mut its = Self::default();
        // In any order; a parameter that no key of ours has, or one that comes twice, makes it none (section 6.5.1.1).
        for _ in 0..decoder.map()?.ok_or_else(|| Error::message("a length"))? {
            let is_new = match decoder.i64()? {
                1 => its.kty.replace(decoder.i64()?).is_none(),
                3 => its.alg.replace(decoder.i64()?).is_none(),
                -1 if decoder.datatype()? == minicbor::data::Type::Bytes => its.n.replace(decoder.bytes()?).is_none(),
                -1 => its.crv.replace(decoder.i64()?).is_none(),
                -2 => its.x.replace(decoder.bytes()?).is_none(),
                -3 => its.y.replace(decoder.bytes()?).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(Error::message("a parameter"));
            }
        }
        Ok(its)
    }
}

fn es256(x: &[u8], y: &[u8]) -> Option<p256::ecdsa::VerifyingKey> {
    let (x, y): ([u8; 32], [u8; 32]) = (x.try_into().ok()?, y.try_into().ok()?);
    p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], x.as_slice(), &y].concat()).ok()
}

fn eddsa(x: &[u8]) -> Option<ed25519_dalek::VerifyingKey> {
    ed25519_dalek::VerifyingKey::from_bytes(x.try_into().ok()?).ok().filter(|key| !key.is_weak())
}

//! What the key says: authenticator data (section 6.1).

use super::public_key::PublicKey;
use super::{RelyingParty, Usage, WebauthnError};
use minicbor::Decoder;
use minicbor::data::Type;
use uuid::Uuid;

/// The longest id that a credential may have (section 4, *credential ID*).
const LONGEST_ID: usize = 1023;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, read to its last byte.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// A credential that was made (section 6.5.1).
pub(super) struct Attested<'a> {
    pub(super) aaguid: Uuid,
    pub(super) id: &'a [u8],
    /// A COSE key of an algorithm that was asked for.
    pub(super) public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let cut = WebauthnError::Malformed { part: "authenticator data" };
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or(cut)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(cut)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(cut)?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(cut)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(cut)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, after) =
                after.split_at_checked(length).filter(|_| (1..=LONGEST_ID).contains(&length)).ok_or(cut)?;
            let mut decoder = Decoder::new(after);
            PublicKey::read(&mut decoder)?;
            let (public_key, after) = after.split_at_checked(decoder.position()).ok_or(cut)?;
            attested = Some(Attested { aaguid: Uuid::from_bytes(*aaguid), id, public_key });
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            let mut decoder = Decoder::new(rest);
            let is_map = decoder.datatype().is_ok_and(|its| its == Type::Map);
            decoder.skip().ok().filter(|()| is_map).ok_or(cut)?;
            rest = rest.get(decoder.position()..).ok_or(cut)?;
        }
        if !rest.is_empty() {
            return Err(cut);
        }
        Ok(Self { rp_id_hash: *rp_id_hash, flags, sign_count: u32::from_be_bytes(*sign_count), attested })
    }

    /// What both ceremonies ask of it.
    pub(super) fn check(&self, party: &RelyingParty, usage: Usage) -> Result<(), WebauthnError> {
        if self.rp_id_hash != party.id_hash() {
            return Err(WebauthnError::WrongRelyingParty);
        }
        if !self.has(USER_PRESENT) {
            return Err(WebauthnError::NotPresent);
        }
        if usage.verifies_user() && !self.user_verified() {
            return Err(WebauthnError::NotVerified);
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(WebauthnError::BackupFlags);
        }
        Ok(())
    }

    pub(super) fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    pub(super) fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    pub(super) fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

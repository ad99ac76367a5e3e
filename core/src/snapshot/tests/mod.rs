//! Tests of the snapshot, and what they share: keys, a snapshot, and a way to sign what is wrong.

mod content;
mod format;
mod keys;
mod refused;

use super::*;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);

fn hmac() -> SigningKey {
    SigningKey::hmac("hmac-1", &[7; 32]).unwrap()
}

fn es256() -> SigningKey {
    SigningKey::es256("es256-1", &[9; 32]).unwrap()
}

fn ring() -> Keyring {
    Keyring::new().with(hmac().verifying_key()).with(es256().verifying_key())
}

fn builder() -> SnapshotBuilder {
    SnapshotBuilder::new(TENANT)
        .section(SectionKind::Cedar, "permit(principal, action, resource);")
        .section(SectionKind::Tenant, r#"{"status":"active"}"#)
        .section(SectionKind::Source, "")
}

fn code(bytes: Vec<u8>, ring: &Keyring) -> &'static str {
    Snapshot::open(bytes, ring).unwrap_err().code()
}

/// The file with a change to its header, signed anew: what a holder of the key, or a faulty writer, could make.
fn resigned(mut file: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    change(&mut file);
    let tenant = Uuid::from_slice(&file[16..32]).unwrap();
    let signature = hmac().sign(tenant, &file[..SIGNED_LENGTH]);
    file[152..184].copy_from_slice(&signature);
    file
}

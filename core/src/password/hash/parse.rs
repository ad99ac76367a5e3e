//! Reading stored hashes: PHC strings, bcrypt's and passlib's modular crypt format, and Django's.
//!
//! The crate `phc` reads the first kind alone, and says less of what is wrong with it.

use super::{HashError, Part, Scheme, StoredHash};
use HashError::{Malformed, TooCostly};
use argon2::{Algorithm, Params, Version};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};
use base64::{Engine as _, alphabet::BCRYPT};

/// The most memory of Argon2, in KiB: what many libraries take by default. An isolate has 128 MiB for everything.
const MOST_MEMORY: u32 = 64 * 1024;

/// The most memory of Argon2 times its passes, in KiB: four passes over all of it, about a quarter of a second.
const MOST_WORK: u32 = 4 * MOST_MEMORY;

/// More lanes than this are no faster anywhere, and here there is one thread.
const MOST_LANES: u32 = 16;

/// The highest cost of bcrypt: 2¹⁴ rounds, about two seconds.
const MOST_COST: u32 = 14;

/// The most iterations of PBKDF2 with SHA-256, about two seconds. Django 6.0 takes 1,200,000.
const MOST_ITERATIONS: u32 = 2_000_000;

/// A shorter hash would be guessed; a longer one is more than any algorithm here gives at once.
const TAG: std::ops::RangeInclusive<usize> = 16..=64;

/// bcrypt's Base64. The last character of a salt has bits that nobody reads, and some programs leave them as they come.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

pub(super) fn parse(text: &str) -> Result<StoredHash, HashError> {
    let fields: Vec<&str> = text.split('$').collect();
    match *fields.as_slice() {
        ["", id @ ("argon2id" | "argon2i" | "argon2d"), ref rest @ ..] => match *rest {
            [version, params, salt, tag] => argon2(id, version, params, salt, tag),
            // Argon2 1.0, before hashes said their version.
            [params, salt, tag] => argon2(id, "v=16", params, salt, tag),
            _ => Err(Malformed(Part::Fields)),
        },
        ["", "2a" | "2b" | "2y", ref rest @ ..] => match *rest {
            [cost, hash] => bcrypt(cost, hash),
            _ => Err(Malformed(Part::Fields)),
        },
        ["", id @ ("pbkdf2-sha256" | "pbkdf2-sha512"), ref rest @ ..] => match *rest {
            [params, salt, tag] => pbkdf2_phc(id == "pbkdf2-sha512", params, salt, tag),
            _ => Err(Malformed(Part::Fields)),
        },
        ["pbkdf2_sha256", ref rest @ ..] => match *rest {
            [iterations, salt, tag] => {
                let tag = STANDARD.decode(tag).map_err(|_| Malformed(Part::Hash))?;
                // Its salt is text, and not encoded.
                pbkdf2(false, number(iterations, Part::Iterations)?, salt.as_bytes().to_vec(), tag)
            }
            _ => Err(Malformed(Part::Fields)),
        },
        _ => Err(HashError::UnknownAlgorithm),
    }
}

/// The PHC string format's section on Argon2, without `keyid` and `data`, which hashes of passwords do not have.
fn argon2(id: &str, version: &str, params: &str, salt: &str, tag: &str) -> Result<StoredHash, HashError> {
    let algorithm = Algorithm::new(id).map_err(|_| HashError::UnknownAlgorithm)?;
    let version = match version {
        "v=16" => Version::V0x10,
        "v=19" => Version::V0x13,
        _ => return Err(Malformed(Part::Version)),
    };
    let [Some(memory), Some(passes), Some(lanes)] =
        parameters(params, [("m", Part::Memory), ("t", Part::Passes), ("p", Part::Lanes)])?
    else {
        return Err(Malformed(Part::Parameters));
    };
    in_range(lanes, 1, MOST_LANES, Part::Lanes)?;
    in_range(memory, 8 * lanes, MOST_MEMORY, Part::Memory)?;
    in_range(passes, 1, MOST_WORK / memory, Part::Passes)?;
    let salt = decoded(salt, Part::Salt, 8..=64)?;
    let tag = decoded(tag, Part::Hash, TAG)?;
    let params = Params::new(memory, passes, lanes, Some(tag.len())).map_err(|_| Malformed(Part::Parameters))?;
    Ok(StoredHash { scheme: Scheme::Argon2(algorithm, version, params), salt, tag })
}

/// Two digits of cost, then 22 characters of salt and 31 of hash without anything between.
fn bcrypt(cost: &str, hash: &str) -> Result<StoredHash, HashError> {
    let cost = if cost.len() == 2 { number(cost, Part::Cost)? } else { return Err(Malformed(Part::Cost)) };
    in_range(cost, 4, MOST_COST, Part::Cost)?;
    let (salt, tag) = hash.split_at_checked(22).ok_or(Malformed(Part::Salt))?;
    let read = |text: &str, length, part| {
        let bytes = BCRYPT_BASE64.decode(text).ok().filter(|bytes| bytes.len() == length);
        bytes.ok_or(Malformed(part))
    };
    let (salt, tag) = (read(salt, 16, Part::Salt)?, read(tag, 23, Part::Hash)?);
    Ok(StoredHash { scheme: Scheme::Bcrypt { cost }, salt, tag })
}

/// `i=<iterations>`, perhaps with the hash's length `l`; or, by passlib, the iterations alone, and `.` for `+`.
fn pbkdf2_phc(sha512: bool, params: &str, salt: &str, tag: &str) -> Result<StoredHash, HashError> {
    let (iterations, length) = if params.contains('=') {
        let [iterations, length] = parameters(params, [("i", Part::Iterations), ("l", Part::Hash)])?;
        (iterations.ok_or(Malformed(Part::Parameters))?, length)
    } else {
        (number(params, Part::Iterations)?, None)
    };
    let salt = decoded(&salt.replace('.', "+"), Part::Salt, 8..=64)?;
    let tag = decoded(&tag.replace('.', "+"), Part::Hash, TAG)?;
    if length.is_some_and(|length| length as usize != tag.len()) {
        return Err(Malformed(Part::Hash));
    }
    pbkdf2(sha512, iterations, salt, tag)
}

fn pbkdf2(sha512: bool, iterations: u32, salt: Vec<u8>, tag: Vec<u8>) -> Result<StoredHash, HashError> {
    // SHA-512 takes twice the time in wasm; and so does a hash of two digests of SHA-256, each with all iterations.
    let work = if sha512 || tag.len() > 32 { 2 } else { 1 };
    in_range(iterations, 1, MOST_ITERATIONS / work, Part::Iterations)?;
    if !(1..=64).contains(&salt.len()) {
        return Err(Malformed(Part::Salt));
    }
    if !TAG.contains(&tag.len()) {
        return Err(Malformed(Part::Hash));
    }
    let scheme = if sha512 { Scheme::Pbkdf2Sha512 { iterations } } else { Scheme::Pbkdf2Sha256 { iterations } };
    Ok(StoredHash { scheme, salt, tag })
}

/// `name=number` with commas between, in any order; what is not there is `None`.
fn parameters<const N: usize>(text: &str, names: [(&str, Part); N]) -> Result<[Option<u32>; N], HashError> {
    let mut values = [None; N];
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or(Malformed(Part::Parameters))?;
        let found = names.iter().zip(&mut values).find(|((known, _), _)| *known == name);
        let ((_, part), slot) = found.filter(|(_, slot)| slot.is_none()).ok_or(Malformed(Part::Parameters))?;
        *slot = Some(number(value, *part)?);
    }
    Ok(values)
}

/// Digits alone: `parse` takes a sign as well.
fn number(text: &str, part: Part) -> Result<u32, HashError> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Malformed(part));
    }
    // Digits that are no `u32` are too many for any part.
    Ok(text.parse().unwrap_or(u32::MAX))
}

fn in_range(value: u32, least: u32, limit: u32, part: Part) -> Result<(), HashError> {
    match value {
        _ if value < least => Err(Malformed(part)),
        _ if value > limit => Err(TooCostly { part, limit }),
        _ => Ok(()),
    }
}

/// Base64 without padding, as PHC strings have it.
fn decoded(text: &str, part: Part, lengths: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, HashError> {
    let bytes = STANDARD_NO_PAD.decode(text).ok().filter(|bytes| lengths.contains(&bytes.len()));
    bytes.ok_or(Malformed(part))
}

//! What is read: tenant documents, snapshots, requests, keys and the clock.

use super::Failure;
use crate::authzen::Caller;
use crate::compile::{Compiled, compile_text};
use crate::engine::Engine;
use crate::model::{TenantDocument, Timestamp};
use crate::snapshot::{Keyring, SigningKey, Snapshot};
use clap::Args;
use serde::de::DeserializeOwned;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The name by which the standard input is read.
const STANDARD_INPUT: &str = "-";

/// The key that snapshots are signed and verified with.
#[derive(Debug, Args)]
pub(super) struct KeyArguments {
    /// The key of snapshots in hex, at least 32 bytes; better in the environment than on the command line
    #[arg(long, env = "PARAPET_SNAPSHOT_KEY", hide_env_values = true, value_name = "HEX")]
    key: Option<String>,
    /// The key's id
    #[arg(long, env = "PARAPET_SNAPSHOT_KEY_ID", default_value = "k1", value_name = "ID")]
    key_id: String,
}

/// What every question to a tenant says: whom it is put to, where it stands, and when and how the subject came.
#[derive(Debug, Args)]
pub(super) struct QuestionArguments {
    /// A tenant document (`*.json`) or a snapshot
    tenant: PathBuf,
    /// The request, as AuthZEN writes it, in JSON (`-` for the standard input)
    #[arg(default_value = STANDARD_INPUT)]
    request: PathBuf,
    /// When the request is made (RFC 3339); the clock's time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    /// A scope of the key that the subject itself came with; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    key: KeyArguments,
}

impl QuestionArguments {
    /// The tenant that is asked.
    pub(super) fn engine(&self) -> Result<Engine, Failure> {
        engine(&self.tenant, &self.key)
    }

    /// The request's JSON.
    pub(super) fn request(&self) -> Result<Vec<u8>, Failure> {
        bytes(&self.request)
    }

    /// When it is made.
    pub(super) fn now(&self) -> Timestamp {
        now(self.now)
    }

    /// How the subject came: whoever runs the program says so itself.
    pub(super) fn caller(&self) -> Caller {
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.clone());
        Caller { sets_context: true, scopes }
    }
}

impl KeyArguments {
    /// The key, if one is given.
    pub(super) fn signing_key(&self) -> Result<Option<SigningKey>, Failure> {
        let Some(text) = &self.key else { return Ok(None) };
        let secret = hex::decode(text).map_err(|_| Failure::Usage("the key is not hex".to_owned()))?;
        Ok(Some(SigningKey::hmac(&self.key_id, &secret)?))
    }
}

/// Reads a file, or the standard input for `-`.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut read = vec![];
    let result = if path == Path::new(STANDARD_INPUT) {
        std::io::stdin().read_to_end(&mut read).map(drop)
    } else {
        std::fs::read(path).map(|bytes| read = bytes)
    };
    result.map(|()| read).map_err(|error| Failure::Read { path: path.to_owned(), error })
}

/// Reads a text file, or the standard input for `-`.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?).map_err(|error| Failure::Read {
        path: path.to_owned(),
        error: std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()),
    })
}

/// Gives each line of a file, or of the standard input for `-`, with its number from 1 and without its end. Only one line
/// is held at a time.
pub(super) fn each_line(path: &Path, mut each: impl FnMut(u64, &[u8])) -> Result<(), Failure> {
    let unreadable = |error| Failure::Read { path: path.to_owned(), error };
    let mut reader: Box<dyn BufRead> = if path == Path::new(STANDARD_INPUT) {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(unreadable)?))
    };
    let mut line = vec![];
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        each(number, text.strip_suffix(b"\r").unwrap_or(text));
    }
    Ok(())
}

/// Reads and compiles a tenant document.
pub(super) fn compiled(path: &Path) -> Result<(TenantDocument, Compiled), Failure> {
    compile_text(&text(path)?).map_err(|findings| Failure::Findings { path: path.to_owned(), findings })
}

/// Reads values, one a line as JSON.
pub(super) fn json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    let text = text(path)?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let values = lines.map(|(line, text)| {
        let read = serde_json::from_str(text);
        read.map_err(|error| Failure::Usage(format!("line {line} of `{}`: {error}", path.display())))
    });
    values.collect()
}

/// Reads an engine: from a tenant document, or from a snapshot, which needs the key.
pub(super) fn engine(path: &Path, key: &KeyArguments) -> Result<Engine, Failure> {
    tenant(path, key).map(|(engine, _)| engine)
}

/// Reads an engine, and the tenant document where it is made from one.
pub(super) fn tenant(path: &Path, key: &KeyArguments) -> Result<(Engine, Option<TenantDocument>), Failure> {
    let is_document = path.extension().is_some_and(|extension| extension == "json");
    if is_document {
        let (document, compiled) = compiled(path)?;
        return Ok((compiled.engine()?, Some(document)));
    }
    let Some(signing) = key.signing_key()? else {
        return Err(Failure::Usage("a snapshot needs its key: PARAPET_SNAPSHOT_KEY".to_owned()));
    };
    let snapshot = Snapshot::open(bytes(path)?, &Keyring::new().with(signing.verifying_key()))?;
    Ok((Engine::new(snapshot)?, None))
}

/// The time that was given, or the clock's.
pub(super) fn now(given: Option<Timestamp>) -> Timestamp {
    given.unwrap_or_else(|| {
        Timestamp::from_millis(chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp_millis())
    })
}

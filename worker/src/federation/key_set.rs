//! The keys of an issuer: fetched where it says they are, kept in the database, and fetched anew when they are old or when a
//! token names one that is not there.
//!
//! They lie in D1 and not in KV: what lies there is what all isolates see at once, it comes with the statement that a token
//! costs anyway, and *who asks the issuer now* is one conditional write. So however many tokens come with however many made
//! up ids, at however many isolates, an issuer is asked once in [`RETRY`]; whoever does not ask goes on with what is there.

use std::time::Duration;

use parapet::model::Timestamp;
use parapet::token::{KeySet, LONGEST_SET, SKEW, Trust};
use parapet::web_address::WebAddress;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::messaging::{Leads, leads};
use crate::platform::db::{Row, Statement};
use crate::platform::fetch::{Incoming, Outgoing};
use crate::platform::log;

const MINUTE: i64 = 60_000;

/// An issuer is asked again no sooner, in milliseconds, whatever tokens name: half a minute.
pub const RETRY: i64 = MINUTE / 2;

/// A set is fresh so long, in milliseconds, where its issuer does not say how long it may be kept.
const FRESH: i64 = 10 * MINUTE;

/// What the issuer says counts within these bounds. A key that it takes back verifies nothing after the upper one.
const SHORTEST_FRESH: i64 = MINUTE;
const LONGEST_FRESH: i64 = 60 * MINUTE;

/// While its issuer does not answer, the last set counts until it is so old, in milliseconds: six hours. Long enough for an
/// outage; whoever keeps us from hearing that a stolen key was taken back has no more than that.
pub const LONGEST_STALE: i64 = 6 * 60 * MINUTE;

/// So long the issuer has for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right to ask: for whoever writes first since [`RETRY`] ago (`?5`), or where the clock went back (`?6`). What was got by
/// other words goes.
const CLAIM: &str = "
    INSERT INTO issuer_key_set (identity_provider_id, tenant_id, source, tried_at)
    SELECT p.id, p.tenant_id, ?3, ?4 FROM identity_provider p WHERE p.tenant_id = ?1 AND p.id = ?2
    ON CONFLICT (identity_provider_id) DO UPDATE
    SET tried_at = excluded.tried_at,
        keys = CASE WHEN source = excluded.source THEN keys END,
        fetched_at = CASE WHEN source = excluded.source THEN fetched_at END,
        fresh_until = CASE WHEN source = excluded.source THEN fresh_until END,
        source = excluded.source
    WHERE tried_at <= ?5 OR tried_at > ?6 OR source <> excluded.source
    RETURNING tried_at";

const KEEP: &str = "
    UPDATE issuer_key_set SET keys = ?4, fetched_at = ?5, fresh_until = ?6
    WHERE tenant_id = ?1 AND identity_provider_id = ?2 AND source = ?3";

/// The keys of an issuer, as they are kept.
struct Kept {
    keys: KeySet,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

impl Kept {
    /// Reads it from the columns `key_source`, `keys`, `fetched_at` and `fresh_until`; nothing where it was got by other
    /// words, or where the clock went back far behind it.
    fn read(row: &Row, trust: &Trust, now: Timestamp) -> Option<Self> {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let time = |name: &str| text(name)?.parse::<Timestamp>().ok();
        let (fetched_at, fresh_until) = (time("fetched_at")?, time("fresh_until")?);
        let keys = KeySet::read(text("keys")?.as_bytes())?;
        let is_it = text("key_source")? == trust.source() && fetched_at <= now.plus_millis(SKEW);
        is_it.then_some(Self { keys, fetched_at, fresh_until })
    }
}

/// The keys that count now, for a token that names one of them. 503 where there are none.
pub async fn current(
    app: &App,
    id: &str,
    provider: (Uuid, Uuid),
    trust: &Trust,
    row: &Row,
    key_id: &str,
) -> Result<KeySet, ApiError> {
    let now = app.clock.now();
    let kept = Kept::read(row, trust, now).filter(|kept| now < kept.fetched_at.plus_millis(LONGEST_STALE));
    let kept = match kept {
        Some(kept) if now < kept.fresh_until && kept.keys.has(key_id) => return Ok(kept.keys),
        kept => kept,
    };
    let (tenant, provider) = provider;
    if let Some(keys) = asked(app, id, tenant, provider, trust).await? {
        return Ok(keys);
    }
    let kept = kept.ok_or_else(|| {
        ApiError::unavailable("issuer.unavailable", "the issuer's keys are not known", trust.issuer.as_str())
    })?;
    Ok(kept.keys)
}

/// Fetches the keys of an issuer that is trusted from now on. What cannot be had now is asked for when a token comes.
pub async fn prepare(app: &App, id: &str, tenant: Uuid, provider: Uuid, trust: &Trust) {
    if let Err(error) = asked(app, id, tenant, provider, trust).await {
        log::error(id, "issuer.unavailable", &error.to_string());
    }
}

/// The issuer's keys as it says now; nothing where it was asked just before, or does not say.
async fn asked(app: &App, id: &str, tenant: Uuid, provider: Uuid, trust: &Trust) -> Result<Option<KeySet>, ApiError> {
    let (now, source) = (app.clock.now(), trust.source());
    let claim = Statement::new(CLAIM).bind(tenant).bind(provider).bind(source.as_str()).bind(now);
    let claim = claim.bind(now.plus_millis(-RETRY)).bind(now.plus_millis(SKEW));
    if app.db.first(claim).await.map_err(ApiError::database)?.is_none() {
        return Ok(None);
    }
    let (keys, fresh) = match fetch(app, trust).await {
        Ok(fetched) => fetched,
        Err(why) => {
            log::error(id, "issuer.unavailable", &format!("{}: {why}", trust.issuer));
            return Ok(None);
        }
    };
    let keep = Statement::new(KEEP)
        .bind(tenant)
        .bind(provider)
        .bind(source.as_str())
        .bind(keys.to_json().to_string())
        .bind(now)
        .bind(now.plus_millis(fresh));
    app.db.all(keep).await.map_err(ApiError::database)?;
    Ok(Some(keys))
}

/// The keys, and for how many milliseconds they are fresh; else why there are none.
async fn fetch(app: &App, trust: &Trust) -> Result<(KeySet, i64), String> {
    let address = match &trust.jwks_uri {
        Some(address) => address.clone(),
        None => {
            let said = get(app, &trust.discovery()).await?;
            let said: Value = serde_json::from_slice(&said.body).map_err(|error| error.to_string())?;
            // Whoever speaks in another's name would have us fetch keys of its own (Discovery, section 4.3).
            if said.get("issuer").and_then(Value::as_str) != Some(trust.issuer.as_str()) {
                return Err("what is found at its address is another issuer's".to_owned());
            }
            said.get("jwks_uri").and_then(Value::as_str).ok_or("it does not say where its keys are")?.to_owned()
        }
    };
    let answer = get(app, &address).await?;
    let keys = KeySet::read(&answer.body).ok_or("what is found there is no set of keys")?;
    // A set by which nothing can be verified is not worth more than the one before.
    if keys.is_empty() {
        return Err("no key of the set verifies anything here".to_owned());
    }
    Ok((keys, fresh_for(answer.cache_control.as_deref())))
}

/// Fetches something from the public internet: the rules of webhooks hold at each request.
async fn get(app: &App, text: &str) -> Result<Incoming, String> {
    let config = app.config().map_err(|error| error.to_string())?;
    let address = WebAddress::parse(text, config.local).map_err(|error| error.to_string())?;
    match leads(app, config, &address).await.map_err(|error| error.to_string())? {
        Leads::Out => {}
        leads => return Err(format!("{} leads {leads:?}", address.without_query())),
    }
    let headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let outgoing = Outgoing { url: address.to_string(), headers, body: String::new() };
    let answer = app.fetch.get(&outgoing, PATIENCE, LONGEST_SET).await.map_err(|error| error.to_string())?;
    match answer.status {
        200 => Ok(answer),
        // A redirect is not followed: what it leads to was not looked at.
        status => Err(format!("{} answers {status}", address.without_query())),
    }
}

/// For how many milliseconds an answer is fresh (RFC 9111, section 5.2.2), within our own bounds.
fn fresh_for(cache_control: Option<&str>) -> i64 {
    let directives = cache_control.unwrap_or_default().to_ascii_lowercase();
    let mut directives = directives.split(',').map(str::trim);
    if directives.clone().any(|directive| ["no-store", "no-cache"].contains(&directive)) {
        return SHORTEST_FRESH;
    }
    let seconds = directives.find_map(|directive| directive.strip_prefix("max-age="));
    let seconds = seconds.and_then(|seconds| seconds.trim_matches('"').parse::<u32>().ok());
    seconds.map_or(FRESH, |seconds| i64::from(seconds) * 1000).clamp(SHORTEST_FRESH, LONGEST_FRESH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_fresh_for_as_long_as_the_issuer_says_within_bounds() {
        for (said, minutes) in [
            (None, 10),
            (Some(""), 10),
            (Some("public"), 10),
            (Some("max-age=600, must-revalidate"), 10),
            (Some("public, Max-Age=1800"), 30),
            (Some("max-age=0"), 1),
            (Some("max-age=59"), 1),
            (Some("max-age=31536000"), 60),
            (Some("max-age=-1"), 10),
            (Some("max-age=99999999999999999999"), 10),
            (Some("no-store"), 1),
            (Some("max-age=3600, no-cache"), 1),
        ] {
            assert_eq!(fresh_for(said), minutes * MINUTE, "{said:?}");
        }
    }
}

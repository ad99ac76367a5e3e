//! How often a key may be used a minute, over all isolates; and how often an address may come without one, in each.
//!
//! An isolate counts by itself, and tells the database after each twentieth of the limit, which answers what all of them
//! have counted. So a key that is used within reason costs nothing, and one that is not is stopped everywhere, late by at
//! most a twentieth of the limit an isolate. While the database does not answer, the isolate's own count stands.
//!
//! Whoever comes without a key that is known may cost a statement each time, so an isolate counts them by their address,
//! and asks nothing beyond the limit. That is no wall against many addresses or isolates: the platform's own limits stand
//! before it. A key that this isolate knows already is not looked up in the table at all.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;

use lru::LruCache;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::platform::db::Statement;
use crate::platform::log;
use crate::request::Request;

const MINUTE: i64 = 60_000;

/// The limit is told in so many parts.
const PARTS: i64 = 20;

/// An isolate counts so many addresses at once; the one that came longest ago is forgotten first.
const ADDRESSES: NonZeroUsize = NonZeroUsize::new(5_000).expect("not zero");

const KEYS: NonZeroUsize = NonZeroUsize::new(5_000).expect("not zero");

/// An isolate whose clock is behind adds nothing to a minute that is over.
const COUNT: &str = "
    INSERT INTO rate_limit (credential_id, tenant_id, minute, requests) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (credential_id) DO UPDATE
    SET requests = CASE WHEN minute = excluded.minute THEN requests + excluded.requests
                        WHEN minute < excluded.minute THEN excluded.requests
                        ELSE requests END,
        minute = max(minute, excluded.minute)
    WHERE tenant_id = ?2
    RETURNING minute, requests";

/// What an isolate has counted.
pub struct Rates(RefCell<LruCache<Uuid, Count>>);

/// The uses of a key in one minute.
#[derive(Clone, Copy, Default)]
struct Count {
    minute: i64,
    /// What all isolates have told, as this one last heard.
    told: i64,
    /// What this one has not told yet.
    untold: i64,
}

impl Default for Rates {
    fn default() -> Self {
        Self(RefCell::new(LruCache::new(KEYS)))
    }
}

impl Rates {
    /// Counts a use. Nothing where it is one too many; else how many uses are to be told now.
    fn take(&self, key: Uuid, minute: i64, limit: i64) -> Option<i64> {
        let mut counts = self.0.borrow_mut();
        let count = counts.get_or_insert_mut(key, Count::default);
        if count.minute != minute {
            *count = Count { minute, ..Count::default() };
        }
        if count.told.saturating_add(count.untold) >= limit {
            return None;
        }
        count.untold += 1;
        if count.untold < (limit / PARTS).max(1) {
            return Some(0);
        }
        let tell = std::mem::take(&mut count.untold);
        count.told = count.told.saturating_add(tell);
        Some(tell)
    }

    /// What all isolates have counted.
    fn heard(&self, key: Uuid, minute: i64, requests: i64) {
        if let Some(count) = self.0.borrow_mut().get_mut(&key).filter(|count| count.minute == minute) {
            count.told = count.told.max(requests);
        }
    }
}

/// Who came without a key that is known.
pub struct Strangers(RefCell<LruCache<IpAddr, Tries>>);

/// The tries of an address in one minute.
#[derive(Clone, Copy, Default)]
struct Tries {
    minute: i64,
    count: i64,
}

impl Default for Strangers {
    fn default() -> Self {
        Self(RefCell::new(LruCache::new(ADDRESSES)))
    }
}

/// One try of an address, which is given back where it was no stranger's.
pub struct Try {
    address: Option<IpAddr>,
    minute: i64,
}

/// Counts a try of the address that a request comes from; 429 where it is one too many. Without an address, as off the
/// platform, nothing is counted.
pub fn stranger(app: &App, request: &Request) -> Result<Try, ApiError> {
    let limit = app.config()?.stranger_rate_limit;
    let now = app.clock.now().as_millis();
    let minute = now.div_euclid(MINUTE);
    let address = request.address().filter(|_| limit > 0).map(network);
    if let Some(address) = address {
        let mut tries = app.memory.strangers.0.borrow_mut();
        let tries = tries.get_or_insert_mut(address, Tries::default);
        if tries.minute != minute {
            *tries = Tries { minute, count: 0 };
        }
        if tries.count >= limit {
            return Err(too_many(now));
        }
        tries.count += 1;
    }
    Ok(Try { address, minute })
}

impl Try {
    /// The key is known: the try does not count.
    pub fn give_back(self, app: &App) {
        let Some(address) = self.address else { return };
        let mut tries = app.memory.strangers.0.borrow_mut();
        if let Some(tries) = tries.get_mut(&address).filter(|tries| tries.minute == self.minute) {
            tries.count -= 1;
        }
    }
}

/// Whoever has one address of IPv6 has a whole /64 of them (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// 429, until the next minute.
fn too_many(now: i64) -> ApiError {
    let left = MINUTE - now.rem_euclid(MINUTE);
    ApiError::TooManyRequests { retry_after: (left + 999) / 1000 }
}

/// Counts a use of the caller's key; 429 where it is one too many.
pub async fn take(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let limit = app.config()?.rate_limit;
    if limit == 0 {
        return Ok(());
    }
    let (key, now) = (caller.standing.credential.lasting().id(), app.clock.now().as_millis());
    let minute = now.div_euclid(MINUTE);
    let rates = &app.memory.rates;
    let Some(tell) = rates.take(key, minute, limit) else { return Err(too_many(now)) };
    if tell == 0 {
        return Ok(());
    }
    let count = Statement::new(COUNT).bind(key).bind(caller.standing.tenant).bind(minute).bind(tell);
    match app.db.first(count).await {
        Ok(Some(row)) => {
            let number = |name: &str| row.get(name).and_then(Value::as_f64).map(|number| number as i64);
            if let (Some(its), Some(requests)) = (number("minute"), number("requests")) {
                rates.heard(key, its, requests);
            }
        }
        Ok(None) => {}
        Err(error) => log::error("-", "rate.not_counted", &error.to_string()),
    }
    Ok(())
}

//! Which application a host is, and the newest versions of its tenant: one statement, remembered like a credential.

use std::cell::Cell;
use std::rc::Rc;

use parapet::model::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::authenticate::candidate;
use crate::error::ApiError;
use crate::memory::{Candidate, Newest, Versions};
use crate::platform::db::{Row, Statement};
use crate::platform::log;
use crate::rate;
use crate::request::Request;

const READ: &str = "
    SELECT g.id, g.tenant_id, g.host, g.origin, g.route_map, t.status AS tenant_status, t.slug AS tenant_slug,
           t.domain AS tenant_domain, e.policy_version, e.directory_version, s.content_hash,
           c.id AS candidate_id, c.content_hash AS candidate_hash, c.expires_at AS candidate_expires_at
    FROM gateway_host g
    JOIN tenant t ON t.id = g.tenant_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = g.tenant_id
    LEFT JOIN snapshot s ON s.tenant_id = g.tenant_id AND s.policy_version = e.policy_version
    LEFT JOIN snapshot_candidate c ON c.tenant_id = g.tenant_id AND c.base_version = e.policy_version
    WHERE g.host = ?1 AND g.is_active = 1";

/// So long, in milliseconds, a host is known to be no application's, whatever else has to be fresh: it is answered as any
/// other host meanwhile, which gives nobody anything.
const NONE_KNOWN_FOR: i64 = 5000;

/// An application behind the gateway, as the database said at an instant.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its host.
    pub host: String,
    /// Where requests are passed on to; nothing where another server does.
    pub origin: Option<String>,
    /// The name of its route map.
    pub route_map: String,
    /// Its tenant's slug.
    pub tenant_slug: String,
    /// Its tenant's own domain, where people sign in.
    pub tenant_domain: Option<String>,
    /// Whether its tenant is active. Where it is not, nothing is passed on.
    pub tenant_active: bool,
    /// Its tenant.
    pub tenant: Uuid,
    /// The tenant's newest versions.
    pub versions: Versions,
    content_hash: Option<String>,
    /// Rules of the tenant that decide beside those.
    pub candidate: Option<Rc<Candidate>>,
    /// When the database was asked.
    pub as_of: Timestamp,
    /// Whether the database did not answer, and what was known before still counts.
    pub stale: bool,
}

/// What is remembered of a host.
#[derive(Debug)]
pub struct Known {
    application: Option<Rc<Application>>,
    as_of: Timestamp,
    /// Whether a request asks again already.
    asked_again: Cell<bool>,
}

impl Application {
    /// The application at a host; nothing where there is none. 503 where that cannot be known.
    pub async fn of(app: &App, request: &Request, host: &str) -> Result<Option<Rc<Self>>, ApiError> {
        let (config, freshness) = (app.config()?, request.freshness(app.config()?));
        let now = app.clock.now();
        // Whoever has seen newer rules or people of the tenant asks again, as for a credential.
        let is_newest = |its: &Rc<Self>| !its.versions.older_than(app.memory.newest(its.tenant));
        let known = app.memory.host(host).filter(|known| known.application.as_ref().is_none_or(is_newest));
        if let Some(none) = known.as_ref().filter(|known| known.application.is_none())
            && none.age(now).is_some_and(|age| age < freshness.max(NONE_KNOWN_FOR))
        {
            return Ok(None);
        }
        let is_known_for = |known: &&Rc<Known>, limit| known.age(now).is_some_and(|age| age < limit);
        let fresh = known.as_ref().filter(|known| is_known_for(known, freshness));
        if let Some(fresh) = fresh.filter(|fresh| !fresh.is_mine_to_ask(now, freshness)) {
            return Ok(fresh.application.clone());
        }
        // Whoever comes to a host that is not known may come to any: that costs a question each time.
        let stranger = if known.is_none() { Some(rate::stranger(app, request)?) } else { None };
        match app.db.first(Statement::new(READ).bind(host)).await {
            Ok(row) => {
                if let Some(stranger) = stranger.filter(|_| row.is_some()) {
                    stranger.give_back(app);
                }
                let application = row.map(|row| Self::read(row, now).map(Rc::new)).transpose()?;
                if let Some(application) = &application {
                    app.memory.see(application.tenant, application.versions)?;
                }
                let known = Known { application: application.clone(), as_of: now, asked_again: Cell::new(false) };
                app.memory.keep_host(host, Rc::new(known));
                Ok(application)
            }
            Err(error) => {
                let limit = freshness.max(config.max_stale);
                let known = known.filter(|known| is_known_for(&known, limit));
                let Some(known) = known else { return Err(ApiError::database(error)) };
                log::error("-", "database.stale", &error.to_string());
                let is_fresh = is_known_for(&&known, freshness);
                Ok(known.application.as_ref().map(|its| if is_fresh { its.clone() } else { its.stale() }))
            }
        }
    }

    /// Its tenant's newest rules and people.
    pub fn newest(&self) -> Newest<'_> {
        let content_hash = self.content_hash.as_deref();
        Newest { tenant: self.tenant, versions: self.versions, content_hash }
    }

    fn read(row: Row, as_of: Timestamp) -> Result<Self, ApiError> {
        let row: ApplicationRow = serde_json::from_value(row.into()).map_err(|error| {
            ApiError::unavailable("database.malformed_row", "the database holds something unexpected", error)
        })?;
        let (Some(policy), Some(directory)) = (row.policy_version, row.directory_version) else {
            return Err(ApiError::unavailable("epoch.missing", "the tenant's versions are not known", row.tenant_id));
        };
        Ok(Self {
            host: row.host,
            origin: row.origin,
            route_map: row.route_map,
            tenant_slug: row.tenant_slug,
            tenant_domain: row.tenant_domain,
            tenant_active: row.tenant_status == "active",
            tenant: row.tenant_id,
            versions: Versions { policy, directory },
            content_hash: row.content_hash,
            candidate: candidate(row.candidate_id, row.candidate_hash, row.candidate_expires_at, policy),
            as_of,
            stale: false,
        })
    }

    fn stale(&self) -> Rc<Self> {
        Rc::new(Self { stale: true, ..self.clone() })
    }
}

impl Known {
    fn age(&self, now: Timestamp) -> Option<i64> {
        let age = now.as_millis() - self.as_of.as_millis();
        (age >= 0).then_some(age)
    }

    /// The first request in the last fifth of `freshness` asks again, as for a credential.
    fn is_mine_to_ask(&self, now: Timestamp, freshness: i64) -> bool {
        let is_near_its_end = self.age(now).is_some_and(|age| age >= freshness - freshness / 5);
        is_near_its_end && !self.asked_again.replace(true)
    }
}

#[derive(Deserialize)]
struct ApplicationRow {
    tenant_id: Uuid,
    host: String,
    origin: Option<String>,
    route_map: String,
    tenant_status: String,
    tenant_slug: String,
    tenant_domain: Option<String>,
    policy_version: Option<u64>,
    directory_version: Option<u64>,
    content_hash: Option<String>,
    candidate_id: Option<Uuid>,
    candidate_hash: Option<String>,
    candidate_expires_at: Option<Timestamp>,
}

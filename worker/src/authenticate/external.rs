//! Tokens of other issuers, at an application of a tenant that trusts them.
//!
//! They count at the gateway alone, and open nothing of our own API: a token that an application's client has is for that
//! application, and with it whoever holds it would administer the tenant in its user's name.
//!
//! One statement reads what the tenant says of the issuer, its keys as they were last fetched, and whoever the subject is
//! here, by the token's own words. Nothing of the answer counts until a key of the issuer has verified them.

use parapet::model::Timestamp;
use parapet::token::{ExternalToken, Trust};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Standing;
use crate::app::App;
use crate::error::ApiError;
use crate::federation::key_set;
use crate::platform::db::{Row, Statement};
use crate::platform::log;

/// `?1` the tenant, `?2` the issuer, `?3` the subject, `?4` its verified e-mail address.
const READ: &str = "
    SELECT p.id, p.tenant_id, p.configuration, p.attribute_mapping,
           k.source AS key_source, k.keys, k.fetched_at, k.fresh_until,
           u.id AS user_id, u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           c.id AS service_account_id, c.is_active AS service_account_is_active,
           t.status AS tenant_status, t.slug AS tenant_slug, e.policy_version, e.directory_version, n.content_hash
    FROM identity_provider p
    JOIN tenant t ON t.id = p.tenant_id
    LEFT JOIN issuer_key_set k ON k.tenant_id = p.tenant_id AND k.identity_provider_id = p.id
    LEFT JOIN user u ON u.tenant_id = p.tenant_id AND u.id =
        CASE coalesce(json_extract(p.configuration, '$.subject'), 'linked')
        WHEN 'linked' THEN (SELECT f.user_id FROM federated_identity f
                            WHERE f.tenant_id = p.tenant_id AND f.identity_provider_id = p.id AND f.external_id = ?3)
        WHEN 'id' THEN ?3
        WHEN 'email' THEN (SELECT m.id FROM user m
                           WHERE m.tenant_id = p.tenant_id AND m.email = ?4 AND m.email_verified = 1
                             AND m.deleted_at IS NULL)
        END
    LEFT JOIN service_account c ON c.tenant_id = p.tenant_id AND c.id =
        CASE json_extract(p.configuration, '$.subject') WHEN 'id' THEN ?3 END
    LEFT JOIN tenant_epoch e ON e.tenant_id = p.tenant_id
    LEFT JOIN snapshot n ON n.tenant_id = p.tenant_id AND n.policy_version = e.policy_version
    WHERE p.tenant_id = ?1 AND p.type = 'oidc' AND p.is_active = 1
      AND json_extract(p.configuration, '$.issuer') = ?2";

/// A token that says that somebody else than we issued it, at an application of this tenant.
pub(super) struct External<'a> {
    token: ExternalToken<'a>,
    tenant: Uuid,
}

impl<'a> External<'a> {
    /// Nothing where it is no such token, or says that it is one of `ours`.
    pub(super) fn read(text: &'a str, tenant: Uuid, ours: &str) -> Option<Self> {
        let token = ExternalToken::read(text).ok().filter(|token| token.issuer() != ours)?;
        Some(Self { token, tenant })
    }

    pub(super) fn statement(&self) -> Statement {
        let read = Statement::new(READ).bind(self.tenant).bind(self.token.issuer()).bind(self.token.subject());
        read.bind(self.token.verified_email())
    }

    /// The standing that it gives; nothing where it does not count, whatever the reason, which the log says. 503 where the
    /// issuer's keys cannot be known.
    pub(super) async fn standing(
        &self,
        app: &App,
        id: &str,
        row: Row,
        now: Timestamp,
    ) -> Result<Option<Standing>, ApiError> {
        let refused = |why: &str| {
            log::info(id, "token.refused", &format!("{}: {why}", self.token.issuer().escape_debug()));
            Ok(None)
        };
        let object = |name: &str| -> Map<String, Value> {
            let text = row.get(name).and_then(Value::as_str).unwrap_or_default();
            serde_json::from_str(text).unwrap_or_default()
        };
        let local = app.config()?.local;
        let Ok(trust) = Trust::read(&object("configuration"), &object("attribute_mapping"), local) else {
            return refused("what the tenant says of this issuer cannot be read");
        };
        // What can be known to be wrong without a key costs the issuer nothing.
        if let Err(error) = self.token.check(&trust, now) {
            return refused(error.code());
        }
        let provider = row.get("id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
        let provider = provider.ok_or_else(|| ApiError::internal("an identity provider without an id"))?;
        let key_id = self.token.key_id().unwrap_or_default();
        let keys = key_set::current(app, id, (self.tenant, provider), &trust, &row, key_id).await?;
        let claims = match self.token.verify(&keys, &trust, now) {
            Ok(claims) => claims,
            Err(error) => return refused(error.code()),
        };
        let is_somebody =
            ["user_id", "service_account_id"].iter().any(|name| row.get(*name).is_some_and(Value::is_string));
        if !is_somebody {
            return refused("its subject is nobody here");
        }
        let (said, ends) = (trust.said(claims), self.token.ends().map_err(ApiError::internal)?);
        Ok(Some(Standing::read(row, now)?.of_issuer(provider, said, ends)))
    }
}

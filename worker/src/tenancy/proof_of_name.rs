//! That a tenant may speak for a host name: a TXT record of DNS that only whoever keeps the name can publish.
//!
//! Nothing is kept between asking and verifying: the token in the record follows from the tenant, the name and the data
//! key. It is bound to the tenant, so that what one published serves no other.

use parapet::Finding;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;

/// What stands before the token in the record.
const MARK: &str = "parapet-verify=";

/// A record that shows it.
pub struct ProofOfName {
    /// Where it stands.
    pub name: String,
    /// What it holds.
    pub value: String,
    /// What the token is for.
    context: String,
}

impl ProofOfName {
    /// The record for a host name.
    pub fn of(app: &App, tenant: Uuid, host: &str) -> Result<Self, ApiError> {
        let context = format!("tenant/{tenant}/domain/{host}");
        let token = app.config()?.data_keys()?.token(&context);
        Ok(Self { name: format!("_parapet.{host}"), value: format!("{MARK}{token}"), context })
    }

    /// Whether it is published; 503 where the resolver does not answer.
    pub async fn is_there(&self, app: &App) -> Result<bool, ApiError> {
        let config = app.config()?;
        let texts = app.dns.texts(&config.doh_url, &self.name).await;
        let texts =
            texts.map_err(|error| ApiError::unavailable("dns.unavailable", "the resolver does not answer", error))?;
        let keys = config.data_keys()?;
        let tokens = texts.iter().filter_map(|text| text.trim().strip_prefix(MARK));
        Ok(tokens.into_iter().any(|token| keys.is_token(&self.context, token)))
    }

    /// What is wrong where it is not, with the record to publish.
    pub fn missing(&self, table: &str, code: &str, field: &str) -> Finding {
        Finding::error(table, code, format!("no TXT record of `{}` holds `{}`", self.name, self.value)).field(field)
    }
}

//! How often somebody may try to sign in: by account, by address and by tenant, counted before a password is looked at.
//!
//! Tries count in the database, each by one statement that either counts it or finds that it is too early: so it holds
//! over all isolates, and of a hundred at once only as many come through as one after the other would. What is beyond the
//! free tries waits, twice as long each time: an account is never locked by what strangers do to it, and its owner, who
//! comes with a browser that has signed in before, is counted by that browser alone (OWASP, device cookies). Nobody
//! gets near the 100 tries in a row of NIST 800-63B-4, section 3.2.2, without waiting for days.

use parapet::model::{Timestamp, User};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::site::Site;
use crate::platform::db::{Row, Statement};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// What nobody tried for so long counts from the beginning; a success forgets it at once.
const FORGOTTEN: i64 = 60 * MINUTE;

/// Free tries of one address, behind which many people may be, and the longest wait after them.
const OF_ADDRESS: Limit = Limit { free: 100, longest: 5 * MINUTE };

/// Of one tenant: beyond it a list of passwords is being tried at all accounts. So those wait who come with an unknown
/// browser, a second each.
const OF_TENANT: Limit = Limit { free: 1_000, longest: SECOND };

/// Messages that are asked for without a proof of who asks: as many an hour reach one account, and one address asks for.
const OF_MESSAGES: Limit = Limit { free: 3, longest: 60 * MINUTE };
const OF_ADDRESS_ASKING: Limit = Limit { free: 30, longest: 60 * MINUTE };

/// Free tries, and the longest wait after them in milliseconds.
#[derive(Clone, Copy)]
struct Limit {
    free: i64,
    longest: i64,
}

/// Counts a try, unless it is too early: then it gives no row. Waits double: 1 s, 2 s, 4 s, … A known browser of the
/// account counts for itself, under its own name.
const COUNT: &str = "
    INSERT INTO login_throttle (tenant_id, subject, tries, next_at, updated_at)
    SELECT ?1, CASE WHEN EXISTS (
               SELECT 1 FROM known_device d JOIN user u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
               WHERE d.tenant_id = ?1 AND d.token_hash = ?7 AND u.deleted_at IS NULL AND (u.email = ?8 OR u.username = ?8)
           ) THEN ?2 || '/' || ?7 ELSE ?2 END, 1, ?3, ?3
    WHERE true
    ON CONFLICT (tenant_id, subject) DO UPDATE
    SET tries = CASE WHEN updated_at < ?3 - ?4 THEN 1 ELSE tries + 1 END,
        next_at = ?3 + CASE WHEN updated_at < ?3 - ?4 OR tries + 1 < ?5 THEN 0
                            ELSE min(?6, 1000 << min(tries + 1 - ?5, 30)) END,
        updated_at = ?3
    WHERE next_at <= ?3
    RETURNING subject, tries";

/// Who waits longest of these.
const READ_WAIT: &str = "SELECT max(next_at) AS next_at FROM login_throttle
    WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

const FORGET_ALL: &str = "
    DELETE FROM login_throttle WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

const FORGET: &str = "DELETE FROM login_throttle WHERE tenant_id = ?1 AND subject = ?2";

const GIVE_BACK: &str = "
    UPDATE login_throttle SET tries = max(tries - 1, 0) WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

/// Who tries: what they are counted by.
pub struct Try {
    tenant: Uuid,
    account: String,
    address: String,
    everybody: String,
    limit: Limit,
    of_address: Limit,
    device: Option<String>,
    name: String,
    at: i64,
}

/// A try that was counted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    tenant: Uuid,
    subject: String,
    /// A list, as JSON.
    others: String,
    /// How often it was tried since it last worked, with this.
    pub tries: i64,
    /// Whether it comes from a browser that the user has signed in with before.
    pub is_known_device: bool,
}

impl Try {
    /// A try at the account of this name, which may not exist; from an address, where that is known, and a browser.
    pub fn new(site: &Site, name: &str, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        let limit = Limit {
            free: site.number("lockout_attempts"),
            longest: site.number("lockout_minutes").saturating_mul(MINUTE),
        };
        Self {
            tenant: site.tenant.id,
            account: account(name),
            address: format!("address/{}", address.unwrap_or_default()),
            everybody: "tenant".to_owned(),
            limit,
            of_address: OF_ADDRESS,
            device,
            name: name.to_owned(),
            at: now.as_millis(),
        }
    }

    /// Somebody who asks for a message to the account of this name, without showing who they are: counted apart from those
    /// who try to sign in.
    pub fn asking(site: &Site, name: &str, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        let tried = Self::new(site, name, address, device, now);
        Self {
            account: format!("asking/{}", tried.account),
            address: format!("asking/{}", tried.address),
            everybody: "asking/tenant".to_owned(),
            limit: OF_MESSAGES,
            of_address: OF_ADDRESS_ASKING,
            ..tried
        }
    }

    /// Forgets what was tried at a user's account, by either name: its password is another now.
    pub fn forget_account(site: &Site, user: &User) -> Statement {
        let names = [Some(&user.email), user.username.as_ref()].into_iter().flatten();
        let subjects: Vec<String> = names.map(|name| account(&name.to_lowercase())).collect();
        Statement::new(FORGET_ALL).bind(site.tenant.id).bind(serde_json::json!(subjects).to_string())
    }

    /// The same for what comes after a password: counted apart, so that who knows the password guesses no faster.
    pub fn of_factor(mut self) -> Self {
        self.account = format!("factor/{}", self.account);
        self
    }

    /// The statements that count it, for one batch: the answers are [`Try::read`].
    pub fn statements(&self) -> Vec<Statement> {
        vec![
            self.count(&self.account, self.limit, self.device.as_deref()),
            self.count(&self.address, self.of_address, None),
            self.count(&self.everybody, OF_TENANT, None),
            Statement::new(READ_WAIT)
                .bind(self.tenant)
                .bind(serde_json::json!([self.account, self.of_device(), self.address, self.everybody]).to_string()),
        ]
    }

    /// How many statements that are.
    pub const STATEMENTS: usize = 4;

    fn count(&self, subject: &str, limit: Limit, device: Option<&str>) -> Statement {
        Statement::new(COUNT)
            .bind(self.tenant)
            .bind(subject)
            .bind(self.at)
            .bind(FORGOTTEN)
            .bind(limit.free)
            .bind(limit.longest)
            .bind(device)
            .bind(self.name.as_str())
    }

    fn of_device(&self) -> String {
        format!("{}/{}", self.account, self.device.as_deref().unwrap_or_default())
    }

    /// What the statements answered: the try, or for how many seconds it is too early.
    pub fn read(&self, answers: &[Vec<Row>]) -> Result<Counted, i64> {
        let row = |at: usize| answers.get(at).and_then(|rows| rows.first());
        let text = |row: &Row| row.get("subject").and_then(Value::as_str).map(str::to_owned);
        let number = |row: &Row, name: &str| row.get(name).and_then(Value::as_f64).map(|number| number as i64);
        let account = row(0).and_then(|row| Some((text(row)?, number(row, "tries")?)));
        let is_known_device = account.as_ref().is_some_and(|(subject, _)| *subject != self.account);
        match account {
            Some((subject, tries)) if row(1).is_some() && (row(2).is_some() || is_known_device) => Ok(Counted {
                tenant: self.tenant,
                subject,
                others: serde_json::json!([self.address, self.everybody]).to_string(),
                tries,
                is_known_device,
            }),
            _ => {
                let next = row(3).and_then(|row| number(row, "next_at")).unwrap_or(self.at);
                Err((next - self.at).max(0) / SECOND + 1)
            }
        }
    }
}

/// What the account of a name is counted as. What was typed may be a password, in the wrong field: it lies nowhere in the
/// clear.
fn account(name: &str) -> String {
    format!("account/{}", hex::encode(Sha256::digest(name)))
}

impl Counted {
    /// Nothing was counted, since what was shown cannot be guessed.
    pub fn nothing(site: &Site, is_known_device: bool) -> Self {
        Self { tenant: site.tenant.id, subject: String::new(), others: "[]".to_owned(), tries: 0, is_known_device }
    }

    /// It was the right one: the account is as if nobody had tried, and the others as if this one had not.
    pub fn forget(&self) -> Vec<Statement> {
        vec![
            Statement::new(FORGET).bind(self.tenant).bind(self.subject.as_str()),
            Statement::new(GIVE_BACK).bind(self.tenant).bind(self.others.as_str()),
        ]
    }
}

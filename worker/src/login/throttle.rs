//! How often somebody may try to sign in: by account, by address and by tenant, counted before a password is looked at.
//!
//! Tries count in the database, each by one statement that either counts it or finds that it is too early: so it holds
//! over all isolates, and of a hundred at once only as many come through as one after the other would. What is beyond the
//! free tries waits, twice as long each time: an account is never locked by what strangers do to it, and its owner, who
//! comes with a browser that has signed in before, is counted by that browser alone (OWASP, device cookies). Nobody
//! gets near the 100 tries in a row of NIST 800-63B-4, section 3.2.2, without waiting for days.
//!
//! An account has two names, so it is counted by the name that was typed and by its user. To be told to wait at a name that
//! nobody has tried would say that there is an account, and which its other name is: so whoever is too early by the user
//! alone is refused like anybody with a wrong password, whatever they show.

use parapet::model::{Timestamp, User};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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

/// What a try is counted as: `?2`.
const BY_NAME: &str = "
    INSERT INTO login_throttle (tenant_id, subject, tries, next_at, updated_at) SELECT ?1, ?2";

/// The account's user, whichever of its names was typed; `?2`, where there is none.
const BY_USER: &str = "
    INSERT INTO login_throttle (tenant_id, subject, tries, next_at, updated_at)
    SELECT ?1, coalesce((SELECT ?11 || u.id FROM user u
               WHERE u.tenant_id = ?1 AND u.deleted_at IS NULL AND (u.email = ?8 OR u.username = ?9)), ?2)";

/// Counts a try, unless it is too early: then it gives no row. Waits double: 1 s, 2 s, 4 s, … A known browser of the
/// account counts for itself, under its own name.
const COUNT: &str = " || CASE WHEN EXISTS (
               SELECT 1 FROM known_device d JOIN user u ON u.tenant_id = d.tenant_id AND u.id = d.user_id
               WHERE d.tenant_id = ?1 AND d.token_hash = ?7 AND u.deleted_at IS NULL
                 AND (u.email = ?8 OR u.username = ?9 OR u.id = ?10)
           ) THEN '/' || ?7 ELSE '' END, 1, ?3, ?3
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

const FORGET: &str = "
    DELETE FROM login_throttle WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

const GIVE_BACK: &str = "
    UPDATE login_throttle SET tries = max(tries - 1, 0) WHERE tenant_id = ?1 AND subject IN (SELECT value FROM json_each(?2))";

/// Who tries: what they are counted by.
pub struct Try {
    tenant: Uuid,
    kind: &'static str,
    account: Account,
    address: String,
    limit: Limit,
    of_address: Limit,
    device: Option<String>,
    at: i64,
}

/// The account that is tried.
enum Account {
    /// Of this name, if there is one: as it is counted, and as it was typed.
    Named { name: String, typed: String },
    /// Of a user who is known already.
    Of(Uuid),
}

/// A try that was counted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    tenant: Uuid,
    /// The counters of the account, and those of others: lists, as JSON.
    account: String,
    others: String,
    /// How often it was tried since it last worked, with this.
    pub tries: i64,
    /// Whether it comes from a browser that the user has signed in with before.
    pub is_known_device: bool,
    /// Whether it is too early for the user by what was tried under another name: it is refused without being told so.
    pub is_early: bool,
}

impl Try {
    /// A try at the account of a name as it was typed, which may not exist; from an address, where that is known, and a
    /// browser.
    pub fn new(site: &Site, typed: &str, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        let account = Account::Named { name: typed.to_lowercase(), typed: typed.to_owned() };
        Self::at(site, account, address, device, now)
    }

    /// A try of a user who is known already: by the same counter.
    pub fn of_user(site: &Site, user: Uuid, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        Self::at(site, Account::Of(user), address, device, now)
    }

    fn at(site: &Site, account: Account, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        let limit = Limit {
            free: site.number("lockout_attempts"),
            longest: site.number("lockout_minutes").saturating_mul(MINUTE),
        };
        let address = format!("address/{}", address.unwrap_or_default());
        let (tenant, at) = (site.tenant.id, now.as_millis());
        Self { tenant, kind: "", account, address, limit, of_address: OF_ADDRESS, device, at }
    }

    /// Somebody who asks for a message to the account of this name, without showing who they are: counted apart from those
    /// who try to sign in.
    pub fn asking(site: &Site, typed: &str, address: Option<String>, device: Option<String>, now: Timestamp) -> Self {
        let tried = Self::new(site, typed, address, device, now);
        Self { kind: "asking/", limit: OF_MESSAGES, of_address: OF_ADDRESS_ASKING, ..tried }
    }

    /// Forgets what was tried at a user's account, by either name: its password is another now.
    pub fn forget_account(site: &Site, user: &User) -> Statement {
        let names = [Some(&user.email), user.username.as_ref()].into_iter().flatten();
        let names = names.map(|name| of_name(&name.to_lowercase()));
        let subjects: Vec<String> = names.chain([of_user(user.id)]).collect();
        Statement::new(FORGET).bind(site.tenant.id).bind(json!(subjects).to_string())
    }

    /// The same for what comes after a password: counted apart, so that who knows the password guesses no faster.
    pub fn of_factor(self) -> Self {
        Self { kind: "factor/", ..self }
    }

    /// The statements that count it, for one batch: the answers are [`Try::read`]. Of a name that nobody has there are as
    /// many.
    pub fn statements(&self) -> Vec<Statement> {
        let (account, device) = (self.subject(), self.device.as_deref());
        let [address, everybody] = self.others();
        let wait = json!([account, format!("{account}/{}", device.unwrap_or_default()), address, everybody]);
        let mut statements = vec![
            self.count(BY_NAME, &account, self.limit, device),
            self.count(BY_NAME, &address, self.of_address, None),
            self.count(BY_NAME, &everybody, OF_TENANT, None),
            Statement::new(READ_WAIT).bind(self.tenant).bind(wait.to_string()),
        ];
        if let Account::Named { name, .. } = &self.account {
            let nobody = format!("{}nobody/{}", self.kind, of_name(name));
            let user = self.count(BY_USER, &nobody, self.limit, device);
            statements.push(user.bind(format!("{}{USER}", self.kind)));
        }
        statements
    }

    fn subject(&self) -> String {
        let account = match &self.account {
            Account::Named { name, .. } => of_name(name),
            Account::Of(user) => of_user(*user),
        };
        format!("{}{account}", self.kind)
    }

    fn others(&self) -> [String; 2] {
        // What comes after a password counts with it there.
        let kind = if self.kind == "asking/" { self.kind } else { "" };
        [format!("{kind}{}", self.address), format!("{kind}tenant")]
    }

    fn count(&self, by: &str, subject: &str, limit: Limit, device: Option<&str>) -> Statement {
        let (name, typed, user) = match &self.account {
            Account::Named { name, typed } => (Some(name.as_str()), Some(typed.as_str()), None),
            Account::Of(user) => (None, None, Some(*user)),
        };
        Statement::new(format!("{by}{COUNT}"))
            .bind(self.tenant)
            .bind(subject)
            .bind(self.at)
            .bind(FORGOTTEN)
            .bind(limit.free)
            .bind(limit.longest)
            .bind(device)
            .bind(name)
            .bind(typed)
            .bind(user)
    }

    /// What the statements answered: the try, or for how many seconds it is too early.
    pub fn read(&self, answers: &[Vec<Row>]) -> Result<Counted, i64> {
        let row = |at: usize| answers.get(at).and_then(|rows| rows.first());
        let text = |row: &Row| row.get("subject").and_then(Value::as_str).map(str::to_owned);
        let number = |row: &Row, name: &str| row.get(name).and_then(Value::as_f64).map(|number| number as i64);
        let counted = |row: &Row| Some((text(row)?, number(row, "tries")?));
        let (account, user) = (row(0).and_then(counted), row(4).and_then(counted));
        let is_known_device = account.as_ref().is_some_and(|(subject, _)| *subject != self.subject());
        let is_early = matches!(self.account, Account::Named { .. }) && user.is_none();
        let others = row(1).is_some() && (row(2).is_some() || is_known_device);
        match account {
            // To a browser of the account nothing new is said.
            Some((subject, tries)) if others && !(is_early && is_known_device) => Ok(Counted {
                tenant: self.tenant,
                tries: user.as_ref().map_or(tries, |(_, tries)| *tries),
                account: json!([Some(subject), user.map(|(subject, _)| subject)]).to_string(),
                others: json!(self.others()).to_string(),
                is_known_device,
                is_early,
            }),
            _ => {
                let next = row(3).and_then(|row| number(row, "next_at")).unwrap_or(self.at);
                Err((next - self.at).max(0) / SECOND + 1)
            }
        }
    }
}

/// What the counter of a user begins with.
const USER: &str = "user/";

/// What the account of a name is counted as. What was typed may be a password, in the wrong field: it lies nowhere in the
/// clear.
fn of_name(name: &str) -> String {
    format!("account/{}", hex::encode(Sha256::digest(name)))
}

fn of_user(user: Uuid) -> String {
    format!("{USER}{user}")
}

impl Counted {
    /// Nothing was counted, since what was shown cannot be guessed.
    pub fn nothing(site: &Site, is_known_device: bool) -> Self {
        let none = || "[]".to_owned();
        let tenant = site.tenant.id;
        Self { tenant, account: none(), others: none(), tries: 0, is_known_device, is_early: false }
    }

    /// It was the right one: the account is as if nobody had tried, and the others as if this one had not.
    pub fn forget(&self) -> Vec<Statement> {
        vec![
            Statement::new(FORGET).bind(self.tenant).bind(self.account.as_str()),
            Statement::new(GIVE_BACK).bind(self.tenant).bind(self.others.as_str()),
        ]
    }
}

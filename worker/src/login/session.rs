//! A session that begins: its row, its cookie, and what goes with it.

use parapet::model::{Secret, Timestamp, UserSession};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::site::Site;
use crate::administration::{RowChange, address, fresh_id};
use crate::cookie;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

const HOUR: i64 = 60 * 60 * 1000;

/// A browser is remembered for so long after it was last used, in seconds: the longest that browsers keep a cookie.
const DEVICE_KEPT: i64 = 400 * 24 * 60 * 60;

/// The longest text that is kept of what a browser says of itself.
const LONGEST_USER_AGENT: usize = 512;

/// `last_login_at` bumps no epoch.
const WRITE_LOGIN: &str = "UPDATE user SET last_login_at = ?3 WHERE tenant_id = ?1 AND id = ?2";

/// A change of a row leaves secrets as they are.
const WRITE_TOKEN: &str =
    "UPDATE user_session SET session_token = ?4 WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3";

/// With more than a tenant allows, the oldest end.
const END_OLDEST: &str = "
    DELETE FROM user_session WHERE tenant_id = ?1 AND id IN (
        SELECT id FROM user_session WHERE tenant_id = ?1 AND user_id = ?2
        ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?3)";

const KNOW_DEVICE: &str = "
    INSERT INTO known_device (tenant_id, user_id, token_hash, created_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?4)
    ON CONFLICT (tenant_id, user_id, token_hash) DO UPDATE SET last_seen_at = excluded.last_seen_at";

/// A session that begins, or whose user proved once more who they are, with the only copy of its token.
#[derive(Clone)]
pub struct NewSession {
    /// The row.
    pub row: UserSession,
    /// The row as it was, where it was there.
    before: Option<Box<UserSession>>,
    renews: bool,
    token: OpaqueToken,
    device: OpaqueToken,
    most: i64,
}

impl NewSession {
    /// A session of a user, who proved by these methods (RFC 8176) who they are.
    pub fn new(site: &Site, call: &Call, user: Uuid, amr: &[&str], now: Timestamp) -> Result<Self, ApiError> {
        let token = |kind| {
            let random = random::bytes().map_err(ApiError::internal)?;
            Ok::<_, ApiError>(OpaqueToken::from_random(kind, random))
        };
        let session = token(TokenKind::Session)?;
        // The browser's own is kept: another user of it is as known as before.
        let device = cookie::device(&call.request).map_or_else(|| token(TokenKind::Device), Ok)?;
        let user_agent = call.request.header("user-agent");
        let row = UserSession {
            id: fresh_id(now)?,
            tenant_id: site.tenant.id,
            user_id: user,
            session_token: Some(Secret::new(session.hash())),
            device_info: user_agent.map(device_info),
            ip_address: address(call).map(|ip| ip.to_string()),
            user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
            auth_time: now,
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
            expires_at: now.plus_millis(site.number("session_absolute_hours").saturating_mul(HOUR)),
            created_at: now,
            last_accessed_at: None,
        };
        let most = site.number("sessions_per_user").max(1);
        Ok(Self { row, before: None, renews: false, token: session, device, most })
    }

    /// The same, for a session that is there: it gets this proof and this token, and keeps its end.
    #[must_use]
    pub fn instead_of(mut self, id: Uuid) -> Self {
        self.row.id = id;
        self.renews = true;
        self
    }

    /// Reads the session that is there, where this is one.
    pub fn read_before(&self) -> Statement {
        select::<UserSession>("tenant_id = ?1 AND id = ?2", self.row.tenant_id).bind(self.row.id)
    }

    /// What is to be written after what was read: nothing where the session has ended meanwhile, or is another's.
    pub fn after(&self, before: Option<UserSession>, user: Uuid) -> Option<Self> {
        let mut session = self.clone();
        if !self.renews {
            return Some(session);
        }
        let before = before.filter(|before| before.user_id == user)?;
        let added = self.row.amr.iter().filter(|method| !before.amr.contains(method));
        session.row = UserSession {
            session_token: self.row.session_token.clone(),
            auth_time: self.row.auth_time,
            amr: before.amr.iter().chain(added).cloned().collect(),
            ..before.clone()
        };
        session.before = Some(Box::new(before));
        Some(session)
    }

    /// What is written beside the row.
    pub fn statements(&self) -> Vec<Statement> {
        let of_user = |sql: &'static str| Statement::new(sql).bind(self.row.tenant_id).bind(self.row.user_id);
        let know = of_user(KNOW_DEVICE).bind(self.device.hash()).bind(self.row.auth_time);
        if self.before.is_some() {
            return vec![know, of_user(WRITE_TOKEN).bind(self.row.id).bind(self.token.hash())];
        }
        vec![know, of_user(WRITE_LOGIN).bind(self.row.created_at), of_user(END_OLDEST).bind(self.most - 1)]
    }

    /// The row, as a change; with whether the user is told of a browser that was not known.
    pub fn change(&self, is_known_device: bool) -> RowChange {
        if let Some(before) = &self.before {
            return RowChange::rewritten(before.as_ref(), &self.row, "renewed");
        }
        let device = if is_known_device { "known" } else { "new" };
        RowChange::made(&self.row, "created").because(json!({ "device": device }))
    }

    /// The answer to whoever signed in: the cookies, and for what is no browser the token itself.
    pub fn answer(&self, wants_token: bool) -> Result<Response, ApiError> {
        let mut answer = json!({
            "status": "signed_in",
            "session": {
                "id": self.row.id,
                "user_id": self.row.user_id,
                "amr": self.row.amr,
                "auth_time": self.row.auth_time,
                "expires_at": self.row.expires_at,
            },
            "csrf_token": cookie::csrf_token(&self.token),
        });
        if wants_token {
            if let Some(members) = answer.as_object_mut() {
                members.insert("token".to_owned(), Value::from(self.token.expose()));
                members.remove("csrf_token");
            }
            return Response::json(&answer);
        }
        Ok(self.cookies(Response::json(&answer)?))
    }

    /// The same response, which makes the browser one that is signed in.
    pub fn cookies(&self, response: Response) -> Response {
        response
            .with("set-cookie", cookie::set_session(&self.token))
            .with("set-cookie", cookie::set_device(&self.device, DEVICE_KEPT))
    }
}

/// A browser as people know it: `Firefox on Linux`. What says neither is its first word.
fn device_info(user_agent: &str) -> String {
    // The order counts: most browsers name others as well.
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |list: &[(&str, &'static str)]| list.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => user_agent.split(['/', ' ']).next().unwrap_or_default().chars().take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::device_info;

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("", ""),
        ] {
            assert_eq!(device_info(user_agent), name);
        }
    }
}

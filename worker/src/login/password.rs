//! A password that is shown: the same work for every account, whether it has one or not. And one that is chosen: judged,
//! and hashed.

use parapet::Finding;
use parapet::model::{Secret, User};
use parapet::password::{Context, LEAST_ALONE, Password, Policy, StoredHash, Verdict, check};
use uuid::Uuid;

use super::breach;
use super::site::Site;
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;
use crate::platform::{log, random};

/// It stays where another came in between.
const REHASH: &str = "UPDATE user SET password_hash = ?4 WHERE tenant_id = ?1 AND id = ?2 AND password_hash = ?3";

/// The password whose hash this is may be alone; where it is another by now, nothing is said.
const LONE: &str = "
    INSERT INTO lone_password (tenant_id, user_id)
    SELECT tenant_id, id FROM user WHERE tenant_id = ?1 AND id = ?2 AND password_hash = ?3
    ON CONFLICT DO NOTHING";

/// What no account has, for what cannot be one's password at all.
const NOBODYS: &str = "x";

/// Whether it is the user's. Of nobody, and of somebody without one, it is not, and takes as long. A hash of another
/// algorithm, or of parameters that are no longer ours, is replaced.
pub async fn is_right(app: &App, shown: &Secret, user: Option<&mut User>) -> Result<bool, ApiError> {
    let stored = user.as_ref().and_then(|user| user.password_hash.as_ref()).and_then(|hash| {
        let stored = StoredHash::parse(hash.expose());
        stored.inspect_err(|error| log::error("-", error.code(), "a password hash cannot be read")).ok()
    });
    let (password, stored) = match (Password::offered(shown.expose()), stored) {
        (Ok(password), stored) => (password, stored),
        (Err(_), _) => (Password::offered(NOBODYS).map_err(ApiError::internal)?, None),
    };
    // Between two awaits nobody else has it: the borrow ends before the next.
    let found = {
        let mut hasher = app.memory.hasher.borrow_mut();
        match &stored {
            Some(stored) => hasher.verify(&password, stored).map_err(ApiError::internal)?,
            None => {
                hasher.verify_nobody(&password).map_err(ApiError::internal)?;
                Verdict::NoMatch
            }
        }
    };
    if let (Verdict::Match { rehash: true }, Some(user)) = (found, user) {
        let new = hash(app, &password)?;
        let before = user.password_hash.as_ref().map(Secret::expose);
        let replace = Statement::new(REHASH).bind(user.tenant_id).bind(user.id).bind(before).bind(new.expose());
        let mut statements = vec![replace];
        // By now it is known how long it is, which its hash did not say.
        statements.extend(may_be_alone(&password).then(|| lone(user.tenant_id, user.id, new.expose())));
        app.db.batch(statements).await.map_err(ApiError::database)?;
        user.password_hash = Some(new);
    }
    Ok(matches!(found, Verdict::Match { .. }))
}

/// Writes that the password with this hash, which the user has, may be alone.
pub fn lone(tenant: Uuid, user: Uuid, hash: &str) -> Statement {
    Statement::new(LONE).bind(tenant).bind(user).bind(hash)
}

/// A password that somebody chose.
pub struct Choice<'a> {
    /// What was typed.
    pub typed: &'a Secret,
    /// The field that it was typed into.
    pub field: &'a str,
    /// Whether a second factor is asked for beside it: then it may be shorter.
    pub has_factor: bool,
    /// Hashes of those that it must not be: the one before, and as many older ones as the tenant remembers.
    pub former: &'a [Secret],
}

/// A password that was good enough.
pub struct Chosen {
    /// Its hash.
    pub hash: Secret,
    /// Whether it would be without a second factor.
    pub may_be_alone: bool,
}

/// A password that somebody chose for this user; all that is wrong with it, where it is not good enough.
pub async fn chosen(app: &App, site: &Site, user: &User, choice: &Choice<'_>) -> Result<Chosen, ApiError> {
    let password = judged(site, user, choice)?;
    for former in choice.former.iter().filter_map(|hash| StoredHash::parse(hash.expose()).ok()) {
        let mut hasher = app.memory.hasher.borrow_mut();
        if hasher.verify(&password, &former).map_err(ApiError::internal)? != Verdict::NoMatch {
            let message = "it is the password of before, or one of those before it";
            return Err(ApiError::invalid(Finding::error("user", "password.reused", message).field(choice.field)));
        }
    }
    accepted(app, site, &password, choice.field).await
}

/// A password that is good enough by itself, whatever the user had before: what can be said at no cost.
pub fn judged(site: &Site, user: &User, choice: &Choice<'_>) -> Result<Password, ApiError> {
    let refuse = |finding: Finding| ApiError::invalid(finding.field(choice.field));
    let password = Password::chosen(choice.typed.expose())
        .map_err(|error| refuse(Finding::error("user", error.code(), error.to_string())))?;
    let own_minimum = usize::try_from(site.number("password_min_length")).unwrap_or_default();
    let policy = Policy { second_factor: choice.has_factor, own_minimum };
    let known = [
        Some(&site.tenant.name),
        Some(&site.tenant.slug),
        site.tenant.domain.as_ref(),
        Some(&user.email),
        user.username.as_ref(),
        user.first_name.as_ref(),
        user.last_name.as_ref(),
    ];
    let context = known.into_iter().flatten().fold(Context::default(), |context, name| context.with(name));
    let findings = check(&password, &policy, &context);
    if !findings.is_empty() {
        let findings = findings.into_iter().map(|finding| finding.field(choice.field)).collect();
        return Err(ApiError::Invalid { findings });
    }
    Ok(password)
}

/// A password that was judged, unless it is known from a breach.
pub async fn accepted(app: &App, site: &Site, password: &Password, field: &str) -> Result<Chosen, ApiError> {
    if breach::is_known(app, site, password).await {
        let message = "it is known from a breach of another service, and is tried early";
        return Err(ApiError::invalid(Finding::error("user", "password.breached", message).field(field)));
    }
    Ok(Chosen { hash: hash(app, password)?, may_be_alone: may_be_alone(password) })
}

/// Whether a password is long enough to be all that is asked for.
fn may_be_alone(password: &Password) -> bool {
    password.characters() >= LEAST_ALONE
}

/// The hash of a password, with a fresh salt.
fn hash(app: &App, password: &Password) -> Result<Secret, ApiError> {
    let salt = random::bytes().map_err(ApiError::internal)?;
    app.memory.hasher.borrow_mut().hash(password, salt).map_err(ApiError::internal)
}

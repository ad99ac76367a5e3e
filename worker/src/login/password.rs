//! A password that is shown: the same work for every account, whether it has one or not.

use parapet::model::{Secret, User};
use parapet::password::{Password, StoredHash, Verdict};

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;
use crate::platform::{log, random};

/// It stays where another came in between.
const REHASH: &str = "UPDATE user SET password_hash = ?4 WHERE tenant_id = ?1 AND id = ?2 AND password_hash = ?3";

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
        app.db.all(replace).await.map_err(ApiError::database)?;
        user.password_hash = Some(new);
    }
    Ok(matches!(found, Verdict::Match { .. }))
}

/// The hash of a password, with a fresh salt.
pub fn hash(app: &App, password: &Password) -> Result<Secret, ApiError> {
    let salt = random::bytes().map_err(ApiError::internal)?;
    app.memory.hasher.borrow_mut().hash(password, salt).map_err(ApiError::internal)
}

//! What was proved in the steps before, while another is waited for.

use parapet::model::{Secret, User};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::login::Site;
use crate::login::sign_in::{Pending, read_again};

/// What was proved, by a password that was the user's at that time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Proved {
    /// What becomes of it.
    pub pending: Pending,
    /// A hash of the password's hash: another password ends what was begun with this one.
    password: Option<String>,
}

impl Proved {
    /// Of this user.
    pub fn new(user: &User, pending: Pending) -> Self {
        Self { pending, password: fingerprint(user) }
    }

    /// The user as they are now, if they may go on.
    pub async fn user(&self, app: &App, site: &Site, user: Option<Uuid>) -> Result<Option<User>, ApiError> {
        let Some(user) = user else { return Ok(None) };
        let found = app.db.all(read_again(site.tenant.id, user)).await.map_err(ApiError::database)?;
        let user = rows::<User>(found)?.pop();
        Ok(user.filter(|user| user.may_act() && fingerprint(user) == self.password))
    }
}

fn fingerprint(user: &User) -> Option<String> {
    user.password_hash.as_ref().map(Secret::expose).map(|hash| hex::encode(Sha256::digest(hash)))
}

//! What a notification is made of until it is sent: its values, secrets among them, and to whom it goes, under the data key.

use parapet::model::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::messaging::text::Values;
use crate::platform::random;

/// What a notification is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sealed {
    /// The e-mail address or number, where it is not the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The values of all variables.
    pub values: Values,
    /// From then on it is not sent any more, as what it says is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<parapet::Timestamp>,
}

impl Sealed {
    /// The column of a notification.
    pub fn seal(&self, app: &App, notification: Uuid) -> Result<Secret, ApiError> {
        let text = serde_json::to_vec(self).map_err(ApiError::internal)?;
        let nonce = random::bytes().map_err(ApiError::internal)?;
        Ok(Secret::new(app.config()?.data_keys()?.seal(&text, &context(notification), nonce)))
    }

    /// Opens the column of a notification.
    pub fn open(app: &App, notification: Uuid, sealed: &Secret) -> Result<Self, ApiError> {
        let text =
            app.config()?.data_keys()?.open(sealed.expose(), &context(notification)).map_err(ApiError::internal)?;
        serde_json::from_slice(&text).map_err(ApiError::internal)
    }
}

fn context(notification: Uuid) -> String {
    format!("user_notification/{notification}/sealed")
}

//! How often somebody may show a second factor: counted by account before anything is looked at.

use parapet::model::User;

use crate::administration::address;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::throttle::{Counted, Try};
use crate::login::{Site, attempt};
use crate::{cookie, rate};

/// Counts a try at a user's second factor; 429 where it is too early for one.
pub async fn count(app: &App, call: &Call, site: &Site, user: &User) -> Result<Counted, ApiError> {
    let now = app.clock.now();
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::of_user(site, user.id, from, device, now).of_factor();
    let answers = app.db.batch(tried.statements()).await.map_err(ApiError::database)?;
    match tried.read(&answers) {
        Ok(counted) => Ok(counted),
        Err(wait) => {
            let row = attempt::row(site, call, Some(user.id), &user.email, Some("throttled"), now)?;
            app.db.batch(attempt::insert(&row)).await.map_err(ApiError::database)?;
            Err(ApiError::TooManyRequests { retry_after: wait })
        }
    }
}

/// Writes a try that was in vain, and gives what whoever is refused is told: nothing of what was wrong.
pub async fn in_vain(
    app: &App,
    call: &Call,
    site: &Site,
    user: Option<&User>,
    tries: i64,
) -> Result<ApiError, ApiError> {
    let name = user.map_or("", |user| &user.email);
    let row = attempt::row(site, call, user.map(|user| user.id), name, Some("factor"), app.clock.now())?;
    attempt::in_vain(app, call, site, &row, tries).await?;
    Ok(ApiError::Unauthenticated { code: "factor.refused", detail: "this is not it, or does not count any more" })
}

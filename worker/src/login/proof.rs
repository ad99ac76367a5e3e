//! One's password, shown once more by who is signed in: counted like a try to sign in, by the same counters.

use parapet::Finding;
use parapet::model::{Secret, User};

use super::site::Site;
use super::throttle::{Counted, Try};
use super::{attempt, new_password, password};
use crate::administration::address;
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::Call;
use crate::me::Me;
use crate::{cookie, rate};

/// The user with the hash, and what the try was counted by; refused at `field`, where it is not the password.
pub async fn prove(
    app: &App,
    call: &Call,
    site: &Site,
    me: &Me,
    shown: &Secret,
    field: &str,
) -> Result<(User, Counted), ApiError> {
    let now = app.clock.now();
    let read = new_password::read_again(me.tenant, me.user);
    let user = rows::<User>(app.db.all(read).await.map_err(ApiError::database)?)?.pop();
    let mut user = user.ok_or(ApiError::NotFound)?;
    let device = cookie::device(&call.request).map(|token| token.hash());
    let from = address(call).map(|ip| rate::network(ip).to_string());
    let tried = Try::of_user(site, user.id, from, device, now);
    let answers = app.db.batch(tried.statements()).await.map_err(ApiError::database)?;
    let counted = match tried.read(&answers) {
        Ok(counted) => counted,
        Err(wait) => {
            let row = attempt::row(site, call, Some(user.id), &user.email, Some("throttled"), now)?;
            app.db.batch(attempt::insert(&row)).await.map_err(ApiError::database)?;
            return Err(ApiError::TooManyRequests { retry_after: wait });
        }
    };
    if password::is_right(app, shown, Some(&mut user)).await? {
        return Ok((user, counted));
    }
    let row = attempt::row(site, call, Some(user.id), &user.email, Some("password"), now)?;
    attempt::in_vain(app, call, site, &row, counted.tries).await?;
    Err(ApiError::invalid(Finding::error("request", "password.wrong", "it is not the password").field(field)))
}

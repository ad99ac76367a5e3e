//! Addresses at which nothing arrives: `/v1/message-suppressions`. Removing one has messages go there again.

use parapet::Finding;
use parapet::model::MessageSuppression;

use crate::administration::{Collection, Edit, ListOf, Plan, routes as table};
use crate::error::ApiError;
use crate::guard::Route;

impl ListOf for MessageSuppression {
    const PATH: &'static str = "/v1/message-suppressions";
    const READ: &'static str = "user_notification.read";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["user_id", "address"];
    const SELECTIVE: &'static [&'static str] = &["user_id", "address"];
}

impl Collection for MessageSuppression {
    const ITEM: &'static str = "/v1/message-suppressions/{id}";
    const WRITE: &'static str = "user_notification.write";

    fn rules(_edit: &Edit<'_, Self>, _plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        Ok(())
    }
}

/// They are made by what comes back, and by nobody else.
pub fn routes() -> Vec<Route> {
    table::<MessageSuppression>().into_iter().filter(|route| matches!(route.method, "GET" | "DELETE")).collect()
}

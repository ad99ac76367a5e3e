//! Service accounts: `/v1/service-accounts`.

use parapet::Finding;
use parapet::model::{ApiKey, ServiceAccount, TenantDocument};
use parapet::rights::Rights;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::{Collection, Edit, ListOf, Plan, RowChange, routes as table};
use crate::authenticate::Owner;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::Route;
use crate::platform::db::Statement;

/// The rows.
pub fn routes() -> Vec<Route> {
    table::<ServiceAccount>()
}

impl ListOf for ServiceAccount {
    const PATH: &'static str = "/v1/service-accounts";
    const READ: &'static str = "service_account.read";
    const FILTERS: &'static [&'static str] = &["name", "is_active"];
    const SORTS: &'static [&'static str] = &["name"];
}

impl Collection for ServiceAccount {
    const ITEM: &'static str = "/v1/service-accounts/{id}";
    const WRITE: &'static str = "service_account.write";

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.service_account)
    }

    fn reads(tenant: Uuid, id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        vec![select::<ApiKey>("tenant_id = ?1 AND service_account_id = ?2", tenant).bind(id)]
    }

    /// Whoever has a key of the account gains what is added to it. Its keys go with it, each with its own event.
    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let (state, of) = (edit.state, edit.state.rights());
        let rights = |account: Option<&Self>| {
            let account = account.filter(|account| account.is_active);
            account.map(|account| of.entries(&account.permissions, None)).unwrap_or_default()
        };
        plan.gains(state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        let own = |account: &Self| state.actor.owner == Owner::ServiceAccount(account.id);
        plan.facts().own_rights = edit.before.is_some_and(own);
        if edit.after.is_none() {
            for key in state.rows::<ApiKey>(edit.first)? {
                plan.change(RowChange::delete(&key, "revoked"));
            }
        }
        Ok(())
    }
}

//! The tenant as a decision needs it: its standing and its feature flags.

use crate::model::{Tenant, TenantStatus};
use serde::{Deserialize, Serialize};

/// The tenant as a decision needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// The row's id.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// Whether anybody may do anything in it.
    pub status: TenantStatus,
    /// The feature flags that are switched on, by name.
    pub flags: Vec<Flag>,
    /// The names of those that are off for everybody.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub flags_off: Vec<String>,
}

/// A feature flag that is switched on, perhaps not for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// The share of principals that it is on for, from 0 to 100; absent for all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub percentage: Option<u8>,
    /// A Cedar expression over `principal` and `context`; absent for everybody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<String>,
}

impl TenantRecord {
    /// The tenant of a row, with its flags: those that are switched on, and the names of the others.
    pub fn of(tenant: &Tenant, flags: Vec<Flag>, flags_off: Vec<String>) -> Self {
        let status = if tenant.deleted_at.is_some() { TenantStatus::Deleted } else { tenant.status };
        Self { id: tenant.id.to_string(), slug: tenant.slug.clone(), status, flags, flags_off }
    }
}

impl Flag {
    /// Whether it is on for everybody.
    pub fn is_static(&self) -> bool {
        self.percentage.is_none() && self.condition.is_none()
    }

    /// Whether a principal is within the flag's share: always the same for one flag and principal.
    pub fn includes(&self, principal: &str) -> bool {
        use sha2::{Digest, Sha256};
        let Some(percentage) = self.percentage else { return true };
        let hash = Sha256::digest(format!("{}:{principal}", self.name));
        let head = hash.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
        head % 100 < u64::from(percentage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_a_share_that_stays() {
        let flag = |percentage| Flag { name: "beta".to_owned(), percentage, condition: None };
        let share = |percentage| (0..2_000).filter(|n| flag(percentage).includes(&format!("user-{n}"))).count();
        assert_eq!(share(None), 2_000);
        assert_eq!(share(Some(100)), 2_000);
        assert_eq!(share(Some(0)), 0);
        assert!((500..700).contains(&share(Some(30))), "{}", share(Some(30)));
        // Who is in at 30 stays in at 60.
        let grown = (0..2_000)
            .map(|n| format!("user-{n}"))
            .all(|user| !flag(Some(30)).includes(&user) || flag(Some(60)).includes(&user));
        assert!(grown);
    }
}

//! Users: the people of a tenant.

use super::row::{Invariants, Problems, Row, row};
use super::{Secret, Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// Where a user's account stands.
    UserState {
        /// Asked to join, not yet come.
        Invited = "invited",
        /// In use.
        Active = "active",
        /// Kept out until somebody lets them in again, after a breach or too many failures.
        Locked = "locked",
        /// Kept out by an administrator.
        Suspended = "suspended",
        /// Gone; the e-mail and the username are free again.
        Deleted = "deleted",
    }
}

row! {
    /// A person. May act only while `is_active`, in state `active`, and not deleted: [`User::may_act`].
    User in user {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// In lower case; unique among the tenant's users that are not deleted.
        email: String,
        /// Another name to sign in by; no `@` and no UUID; unique like the e-mail.
        username: Option<String>,
        /// Argon2id as a PHC string.
        #[serde(skip_serializing)]
        password_hash: Option<Secret>,
        /// Given name.
        first_name: Option<String>,
        /// Family name.
        last_name: Option<String>,
        /// E.164, such as `+4930123456`.
        phone: Option<String>,
        /// Address of a picture.
        avatar_url: Option<String>,
        /// Attributes that the tenant declares; none is named like a column.
        custom_attributes: Map<String, Value> = Map::new(),
        /// Whether the e-mail was confirmed.
        email_verified: bool = false,
        /// Whether the phone was confirmed.
        phone_verified: bool = false,
        /// An administrator's switch beside the state.
        is_active: bool = true,
        /// Where the account stands. An addition to the diagram.
        state: UserState = UserState::Active,
        /// The password must be changed at the next sign-in.
        force_password_change: bool = false,
        /// When the password was last set.
        password_changed_at: Option<Timestamp>,
        /// When the user last signed in. Changing it never bumps an epoch.
        last_login_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
        /// When it was deleted; set exactly while the state is `deleted`.
        deleted_at: Option<Timestamp>,
        /// The id by which a provisioning client knows the user.
        external_id: Option<String>,
        /// What a provisioning client says of the user that no other column is for: attributes of RFC 7643. No policy
        /// reads it.
        scim_attributes: Option<Map<String, Value>>,
    }
    unique ["tenant_id", "email"] while "deleted_at"
    unique ["tenant_id", "username"] while "deleted_at"
}

impl User {
    /// Whether the user may do anything at all.
    pub fn may_act(&self) -> bool {
        self.is_active && self.state == UserState::Active && self.deleted_at.is_none()
    }
}

impl Invariants for User {
    fn check(&self, problems: &mut Problems<'_>) {
        if !shape::is_email(&self.email) {
            problems.add("email", "user.email", format!("`{}` is no e-mail address", self.email));
        } else if !shape::is_lower_case(&self.email) {
            problems.add("email", "user.email_case", format!("`{}` is not in lower case", self.email));
        }
        if let Some(username) = &self.username
            && !shape::is_username(username)
        {
            let message = format!("`{username}` is no username: 1 to 128 characters, no space, no `@`, no UUID");
            problems.add("username", "user.username", message);
        }
        if let Some(phone) = &self.phone {
            problems.require(
                shape::is_phone(phone),
                "phone",
                "user.phone",
                "expected a number as `+4930123456` (E.164)",
            );
        }
        if let Some(url) = &self.avatar_url {
            problems.require(shape::is_url(url), "avatar_url", "user.url", "expected an http(s) address");
        }
        for name in self.custom_attributes.keys() {
            let field = || format!("custom_attributes/{name}");
            if Self::COLUMNS.iter().any(|column| column.name == name) {
                problems.add(&field(), "user.custom_attribute", format!("`{name}` is a column of the user"));
            } else if !shape::is_identifier(name) {
                problems.add(&field(), "user.custom_attribute", format!("`{name}` is no attribute name"));
            }
        }
        problems.require(
            (self.state == UserState::Deleted) == self.deleted_at.is_some(),
            "deleted_at",
            "user.deleted_at",
            "`deleted_at` is set exactly while the state is `deleted`",
        );
    }
}

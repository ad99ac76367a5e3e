//! The rows of a tenant, one area a file, and the document that holds them.

pub(crate) mod shape;

pub mod api_key;
pub mod audit;
pub mod document;
pub mod federation;
pub mod field;
pub mod flag;
pub mod gateway;
pub mod group;
pub mod json;
pub mod mfa;
pub mod notification;
pub mod organization;
pub mod outbox;
pub mod password_reset;
pub mod permission;
pub mod publication;
pub mod request;
pub mod resource;
pub mod review;
pub mod role;
pub mod row;
#[cfg(feature = "cli")]
pub mod schema;
pub mod secret;
pub mod service_account;
pub mod session;
pub mod setting;
pub mod tenant;
pub mod timestamp;
pub mod token;
pub mod user;
pub mod webhook;

pub use api_key::{ApiKey, OWN_SCOPE};
pub use audit::{AttemptResult, AuditLog, AuditRoot, AuditSubject, DecisionCaller, DecisionLog, LoginAttempt, Outcome};
pub use document::{TABLES, TenantDocument};
pub use federation::{FederatedIdentity, IdentityProvider, IdentityProviderType};
pub use field::{Field, Kind, SqlValue};
pub use flag::FeatureFlag;
pub use gateway::{GatewayHost, is_gateway_host};
pub use group::{AssignmentType, UserGroup, UserGroupMembership, UserGroupRole};
pub use mfa::{MfaDevice, MfaDeviceType};
pub use notification::{
    MessageSuppression, NotificationPreference, NotificationStatus, NotificationTemplate, NotificationType,
    UserNotification,
};
pub use organization::{MAX_LEVELS, OrganizationUnit};
pub use outbox::Outbox;
pub use password_reset::PasswordReset;
pub use permission::{Effect, Permission, PermissionEntry, PermissionTarget};
pub use publication::{SnapshotCandidate, SnapshotVersion, TenantEpoch};
pub use request::{AccessRequest, AccessRequestStatus, AccessRequestType};
pub use resource::{Resource, ResourceReference};
pub use review::{AccessReview, AccessReviewItem, AccessReviewItemStatus, AccessReviewStatus, AccessReviewType};
pub use role::{Role, RolePermission, RoleType, UserRole};
pub use row::{Column, Invariants, Problems, Row, TableInfo, Unique};
#[cfg(feature = "cli")]
pub use schema::json_schema;
pub use secret::Secret;
pub use service_account::ServiceAccount;
pub use session::UserSession;
pub use setting::{SettingCategory, TenantSetting};
pub use shape::{is_domain, is_email, is_locale, is_name, is_phone, is_reserved_slug, is_url};
pub use tenant::{Tenant, TenantStatus};
pub use timestamp::Timestamp;
pub use token::{TokenAlgorithm, TokenKey, TokenRevocation};
pub use user::{User, UserState};
pub use webhook::{Webhook, WebhookDelivery};

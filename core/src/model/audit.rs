//! What was done, who tried to sign in, and what was decided.

use super::Secret;
use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// How something that was tried came out.
    AttemptResult {
        /// It was done.
        Success = "success",
        /// It was refused, or failed.
        Failure = "failure",
    }
}

row! {
    /// Something that somebody did or tried. Append-only: a hash chain a tenant.
    AuditLog in audit_log {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it is about.
        tenant_id: Uuid => tenant,
        /// The row's place in the tenant's chain, from 1 without gaps. An addition to the diagram.
        sequence: i64,
        /// Who did it; no reference, since the log outlives the user.
        user_id: Option<Uuid>,
        /// Lower-case words joined by dots: `role.assigned`.
        event_type: String,
        /// The table, or the type, of what it was done to.
        resource_type: Option<String>,
        /// The id of what it was done to.
        resource_id: Option<Uuid>,
        /// Before and after, without secrets; personal data in it lies under the subject's key (`audit_subject`).
        event_data: Map<String, Value> = Map::new(),
        /// Where from.
        ip_address: Option<String>,
        /// The client's own words.
        user_agent: Option<String>,
        /// How it came out.
        result: AttemptResult,
        /// The `hash` of the row before, 64 zeros in the first. An addition to the diagram.
        previous_hash: String,
        /// SHA-256, in hex, over the row and `previous_hash`. An addition to the diagram.
        hash: String,
        /// When.
        created_at: Timestamp,
    }
    unique ["tenant_id", "sequence"]
}

impl Invariants for AuditLog {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(self.sequence >= 1, "sequence", "audit_log.sequence", "a sequence starts at 1");
        check_event_type(&self.event_type, "audit_log.event_type", problems);
        for (field, hash) in [("previous_hash", &self.previous_hash), ("hash", &self.hash)] {
            problems.require(shape::is_sha256(hash), field, "audit_log.hash", "expected SHA-256 as 64 hex digits");
        }
    }
}

pub(crate) fn check_event_type(event_type: &str, code: &str, problems: &mut Problems<'_>) {
    if !shape::is_dotted(event_type) {
        let message = format!("`{event_type}` is no event type: lower-case words joined by dots");
        problems.add("event_type", code, message);
    }
}

row! {
    /// A point of the audit chain that was exported. Only rows up to such a point may be removed. An addition.
    AuditRoot in audit_root {
        /// UUIDv7.
        id: Uuid,
        /// The tenant of the chain.
        tenant_id: Uuid => tenant,
        /// The last row of the export.
        sequence: i64,
        /// That row's hash.
        hash: String,
        /// When it was exported.
        created_at: Timestamp,
    }
    unique ["tenant_id", "sequence"]
}

impl Invariants for AuditRoot {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(self.sequence >= 1, "sequence", "audit_root.sequence", "a sequence starts at 1");
        problems.require(shape::is_sha256(&self.hash), "hash", "audit_root.hash", "expected SHA-256 as 64 hex digits");
    }
}

row! {
    /// The key under which the personal data of one subject lies in the audit log. A purge destroys it. An addition.
    AuditSubject in audit_subject {
        /// The subject's id: a user's. No reference, since it outlives the user.
        id: Uuid,
        /// The subject's tenant.
        tenant_id: Uuid => tenant,
        /// AES-256-GCM under the data key; null once destroyed.
        #[serde(skip_serializing)]
        subject_key: Option<Secret>,
        /// When it was made.
        created_at: Timestamp,
        /// When it was destroyed.
        destroyed_at: Option<Timestamp>,
    }
}

impl Invariants for AuditSubject {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.destroyed_at.is_none() || self.subject_key.is_none(),
            "destroyed_at",
            "audit_subject.destroyed_at",
            "a destroyed key is gone",
        );
    }
}

row! {
    /// Somebody tried to sign in.
    LoginAttempt in login_attempt {
        /// UUIDv7.
        id: Uuid,
        /// The tenant whose door it was.
        tenant_id: Uuid => tenant,
        /// Who; null where nobody was recognised.
        user_id: Option<Uuid> => user,
        /// The e-mail (or username) as it was typed, in lower case.
        email_attempted: String,
        /// Where from.
        ip_address: Option<String>,
        /// The client's own words.
        user_agent: Option<String>,
        /// How it came out.
        result: AttemptResult,
        /// Why it failed: a lower-case word; set exactly where it failed.
        failure_reason: Option<String>,
        /// When.
        attempted_at: Timestamp,
    }
}

impl Invariants for LoginAttempt {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.failure_reason.is_none() || self.result == AttemptResult::Failure,
            "failure_reason",
            "login_attempt.failure_reason",
            "only a failure has a reason",
        );
    }
}

words! {
    /// What was decided.
    Outcome {
        /// A permit and no forbid.
        Allow = "allow",
        /// A forbid, or a state that refuses everything.
        Forbidden = "forbidden",
        /// Nothing permits it.
        NoPermit = "no_permit",
        /// It could not be evaluated.
        Error = "error",
    }
}

words! {
    /// Who asked for a decision.
    DecisionCaller {
        /// The gateway, before an application.
        Gateway = "gateway",
        /// Another server, before it passes a request on.
        ForwardAuth = "forward_auth",
        /// A policy enforcement point, by AuthZEN.
        Evaluation = "evaluation",
    }
}

row! {
    /// A decision of the PDP. Kept apart from `audit_log`, and not for ever. An addition to the diagram.
    DecisionLog in decision_log {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it was decided for.
        tenant_id: Uuid => tenant,
        /// The request that asked, as the access log has it.
        request_id: Option<String>,
        /// Who asked.
        caller: DecisionCaller,
        /// The principal's type and id, as Cedar has them; no references, since they outlive the rows.
        principal_type: String,
        /// See `principal_type`.
        principal_id: String,
        /// The action's name.
        action: String,
        /// The resource's type.
        resource_type: String,
        /// The resource's id.
        resource_id: String,
        /// What else the request said: `principal`, `action`, `resource` and `context`, each with its attributes, and the
        /// `scopes` of the principal's own key. `resource` is absent where the registry was asked.
        request: Map<String, Value> = Map::new(),
        /// What the request said and this row does not, masked or too long: `context.ip`.
        left_out: Vec<String> = Vec::new(),
        /// What was decided.
        outcome: Outcome,
        /// Why, where no policy decided.
        reason: Option<String>,
        /// Ids of the determining policies.
        policies: Vec<String> = Vec::new(),
        /// Ids of the policies that failed.
        errors: Vec<String> = Vec::new(),
        /// The version of the policies that decided.
        policy_version: i64,
        /// The version of the directory that the principal was read as of.
        directory_version: i64,
        /// How long before, in milliseconds, the database had said that these versions are the newest.
        age: i64,
        /// The candidate that would have decided otherwise; no reference, since it outlives the row.
        candidate: Option<Uuid>,
        /// What it would have decided.
        shadow_outcome: Option<Outcome>,
        /// Ids of the policies that would have determined that.
        shadow_policies: Vec<String> = Vec::new(),
        /// The instant for which it was decided.
        created_at: Timestamp,
    }
}

impl Invariants for DecisionLog {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.candidate.is_some() == self.shadow_outcome.is_some(),
            "shadow_outcome",
            "decision_log.shadow_outcome",
            "what a candidate would have decided stands beside the candidate",
        );
        const PARTS: [&str; 5] = ["principal", "action", "resource", "context", "scopes"];
        for (name, said) in &self.request {
            let fits = if name == "scopes" {
                said.as_array().is_some_and(|scopes| scopes.iter().all(Value::is_string))
            } else {
                PARTS.contains(&name.as_str()) && said.is_object()
            };
            let message = "expected attributes of `principal`, `action`, `resource` and `context`, and `scopes`";
            problems.require(fits, &format!("request/{name}"), "decision_log.request", message);
        }
    }
}

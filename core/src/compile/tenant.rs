//! A tenant's rows become a snapshot: every step in its order, and all findings at once.

use super::known::{Known, Learning};
use super::own::Own;
use super::policy::Policy;
use super::print::{self, Printed};
use super::{Step, automatic, custom, decisions, flag, grant, policy, routes, schema, source::SourceMap, validate};
use crate::condition::Condition;
use crate::directory::{Hierarchy, PrincipalRecord};
use crate::engine::{Engine, EngineError};
use crate::model::{AccessRequest, TenantDocument, Timestamp, UserGroupMembership, UserRole};
use crate::schema::Schema;
use crate::snapshot::{SectionKind, SigningKey, Snapshot, SnapshotBuilder};
use crate::store::write::{Content, Sources};
use crate::tenant::TenantRecord;
use crate::{Finding, cedar, store};
use cedar_policy::PolicySet;
use std::collections::HashMap;
use std::sync::OnceLock;
use uuid::Uuid;

/// A compiled tenant.
#[derive(Debug, Clone)]
pub struct Compiled {
    schema: Schema,
    /// In the order of their ids.
    policies: Vec<Policy>,
    printed: Printed,
    /// The names of the actions of the policies' sources.
    actions: Vec<String>,
    /// The sources as text, once somebody asks.
    sources: OnceLock<SourceMap>,
    principals: Vec<PrincipalRecord>,
    /// The snapshot, but for its version, its time and its signature.
    content: SnapshotBuilder,
    warnings: Vec<Finding>,
    known: Known,
}

/// Compiles a tenant's rows. Where a finding is an error, nothing is compiled and all findings are returned, sorted.
pub fn compile(document: &TenantDocument) -> Result<Compiled, Vec<Finding>> {
    compile_by_steps(document, &mut |_| {})
}

/// The same, for a tenant that was compiled before: what Cedar is not asked again is in [`Compiled::known`] of then. What
/// comes out is what comes out without it, byte for byte, and so are the findings.
///
/// # Errors
/// As [`compile`].
pub fn compile_again(document: &TenantDocument, known: &Known) -> Result<Compiled, Vec<Finding>> {
    compile_whole_or_own(document, None, known, &mut |_| {})
}

/// The same, telling each step when it is done; not all of them, where a finding is an error.
pub fn compile_by_steps(document: &TenantDocument, done: &mut dyn FnMut(Step)) -> Result<Compiled, Vec<Finding>> {
    compile_whole_or_own(document, None, &Known::default(), done)
}

/// Compiles what a tenant's rules say to one principal, for an application that it holds in its own hands: the policies
/// whose scope it can match, the roles, groups and units that it lies in, and itself. No source map, no other principal
/// and no registered resource, so a resource's attributes come with the request.
///
/// The whole tenant must compile, and the schema is the whole tenant's: so a request means the same here and there.
pub fn compile_for(document: &TenantDocument, principal: &PrincipalRecord) -> Result<Compiled, Vec<Finding>> {
    compile_whole_or_own(document, Some(principal), &Known::default(), &mut |_| {})
}

fn compile_whole_or_own(
    document: &TenantDocument,
    only: Option<&PrincipalRecord>,
    known: &Known,
    done: &mut dyn FnMut(Step),
) -> Result<Compiled, Vec<Finding>> {
    let mut findings = vec![];
    let mut learning = Learning::after(known);
    let grants = grant::collect(document, &mut findings);
    let rules = automatic::rules(document, &mut findings);
    let targeting = flag::targeting(document, &mut findings);
    done(Step::Collect);
    let conditions: Vec<Condition> = rules.iter().map(|rule| rule.condition.clone()).collect();
    let schema = schema::of(document, &grants, &conditions, &targeting, &mut findings);
    done(Step::Schema);

    let expressions = policy::expressions(&schema, &grants, &mut findings);
    done(Step::Expressions);
    validate::grants(&schema, &grants, &expressions, &mut learning, &mut findings);
    done(Step::Validate);
    let actions = grants.actions.clone();
    let mut policies = policy::policies(grants, expressions, &mut findings);
    done(Step::Policies);
    automatic::expressions(&schema, &rules, &mut learning, &mut findings);
    let (flags, flags_off) = flag::flags(document, &schema, &targeting, &mut learning, &mut findings);
    for (policy, setting) in custom::policies(document, &mut findings) {
        validate::custom(&schema, &policy, setting, &mut learning, &mut findings);
        policies.push(policy);
    }
    policies.extend(custom::guardrails());
    let routes = routes::section(document, &schema, &mut findings);
    let decisions = decisions::section(document, &schema, &mut findings);
    policies.sort_by(|one, other| one.id.cmp(&other.id));
    done(Step::Custom);

    findings.sort();
    findings.dedup();
    if findings.iter().any(Finding::is_error) {
        return Err(findings);
    }
    let tenant = TenantRecord::of(&document.tenant, flags, flags_off);
    let mut hierarchy = Hierarchy::of(document);
    let principals = match only {
        None => principals(document),
        Some(principal) => {
            let own = Own::of(principal, &mut hierarchy);
            policies.retain(|policy| own.may_match(&policy.template.principal));
            findings.clear();
            vec![principal.clone()]
        }
    };
    done(Step::Directory);
    let named: Vec<_> = policies.iter().map(|policy| (policy.id.as_str(), &policy.template)).collect();
    let sources = Sources { actions: &actions, of: policies.iter().map(|policy| &policy.source).collect() };
    let content = Content {
        tenant: &tenant,
        schema: &schema,
        policies: &named,
        sources: only.is_none().then_some(&sources),
        hierarchy: &hierarchy,
        principals: &principals,
    };
    let content = store::write::write(&content, SnapshotBuilder::new(document.tenant.id));
    let content = content.map_err(|unwritable| vec![Finding::from(unwritable)])?;
    done(Step::Store);
    let printed = print::print(&policies, &mut learning).map_err(|finding| vec![*finding])?;
    done(Step::Print);
    let mut content = content
        .section(SectionKind::Tenant, json(&tenant))
        .section(SectionKind::Schema, json(&schema))
        .section(SectionKind::Cedar, cedar::pack::pack(&printed.text));
    // What one principal's application holds stands before nothing, and logs nothing.
    let beside = [(SectionKind::Routes, routes), (SectionKind::DecisionLog, decisions)];
    for (kind, section) in beside.into_iter().filter(|_| only.is_none()) {
        if let Some(section) = section {
            content = content.section(kind, section);
        }
    }
    done(Step::Pack);
    Ok(Compiled {
        schema,
        policies,
        printed,
        actions,
        sources: OnceLock::new(),
        principals,
        content,
        warnings: findings,
        known: learning.known(),
    })
}

/// Reads and compiles a tenant document. Where anything is wrong, all of that is returned, in the rows and in what
/// they mean.
pub fn compile_text(text: &str) -> Result<(TenantDocument, Compiled), Vec<Finding>> {
    let (document, mut findings) = TenantDocument::from_value_partly(TenantDocument::parse(text)?);
    let Some(document) = document else { return Err(findings) };
    if !findings.iter().any(Finding::is_error) {
        return compile(&document).map(|compiled| (document, compiled));
    }
    // With a part of the schema missing, what speaks of it would look wrong too; and references were read above.
    let meaningful = !findings.iter().any(|finding| SCHEMA_TABLES.contains(&finding.table.as_str()));
    if meaningful && let Err(more) = compile(&document) {
        findings.extend(more.into_iter().filter(|finding| finding.code != "reference.not_found"));
        findings.sort();
    }
    Err(findings)
}

/// The tables that make the schema.
const SCHEMA_TABLES: [&str; 4] = ["tenant", "permission", "tenant_setting", "resource"];

impl Compiled {
    /// The policies as Cedar's own set, each with its id. It is made when it is asked for: nothing decides with it.
    ///
    /// # Errors
    /// None is known: whatever a policy is made of was accepted by Cedar when it was printed.
    pub fn policies(&self) -> Result<PolicySet, Vec<Finding>> {
        print::policy_set(&self.policies).map_err(|finding| vec![*finding])
    }

    /// The ids of the policies in their order, each with its Cedar text.
    pub fn policy_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.policies.iter().map(|policy| policy.id.as_str()).zip(self.printed.each())
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The schema in Cedar's JSON format.
    pub fn cedar_schema(&self) -> serde_json::Value {
        cedar::schema::whole(&self.schema)
    }

    /// The policies as Cedar text, each with its id as `@id`, in the order of the ids.
    pub fn cedar(&self) -> &str {
        &self.printed.text
    }

    /// Where every policy comes from.
    pub fn sources(&self) -> &SourceMap {
        self.sources.get_or_init(|| {
            let source = |policy: &Policy| (policy.id.clone(), policy.source.source(&self.actions));
            self.policies.iter().map(source).collect()
        })
    }

    /// What is allowed, but probably not what was meant.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// What was found out, for [`compile_again`].
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The same, when the rest is no longer needed.
    pub fn into_known(self) -> Known {
        self.known
    }

    /// The principals of the document.
    pub fn principals(&self) -> &[PrincipalRecord] {
        &self.principals
    }

    /// An engine that decides with it, here and now.
    pub fn engine(&self) -> Result<Engine, EngineError> {
        // It never leaves this process, so there is nothing for a signature to protect.
        let key = SigningKey::hmac("local", &[0; 32])
            .map_err(|error| EngineError::Section { section: "header", message: error.to_string() })?;
        let bytes = self.snapshot(0, Timestamp::from_millis(0), &key);
        Engine::new(Snapshot::open_trusted(bytes)?)
    }

    /// The snapshot file. The same rows, version, time and key give the same bytes.
    pub fn snapshot(&self, version: u64, created: Timestamp, key: &SigningKey) -> Vec<u8> {
        self.content.build(version, created.as_millis(), key)
    }
}

/// A section as JSON. Maps are sorted, so equal values give equal bytes.
pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    // None of the sections has a map with other keys than text, the only thing that can fail here;
    // and an empty section would be refused when the snapshot is opened.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The principals of a document: each user with its own rows.
fn principals(document: &TenantDocument) -> Vec<PrincipalRecord> {
    let mut roles: HashMap<Uuid, Vec<UserRole>> = HashMap::new();
    for row in &document.user_role {
        roles.entry(row.user_id).or_default().push(row.clone());
    }
    let mut memberships: HashMap<Uuid, Vec<UserGroupMembership>> = HashMap::new();
    for row in &document.user_group_membership {
        memberships.entry(row.user_id).or_default().push(row.clone());
    }
    let mut requests: HashMap<Uuid, Vec<AccessRequest>> = HashMap::new();
    for row in &document.access_request {
        requests.entry(row.requester_id).or_default().push(row.clone());
    }
    let users = document.user.iter().map(|user| {
        PrincipalRecord::of_user(
            user,
            roles.get(&user.id).map_or(&[], Vec::as_slice),
            memberships.get(&user.id).map_or(&[], Vec::as_slice),
            requests.get(&user.id).map_or(&[], Vec::as_slice),
        )
    });
    let accounts = document.service_account.iter().map(PrincipalRecord::of_service_account);
    let mut principals: Vec<PrincipalRecord> = users.chain(accounts).collect();
    principals.sort_by(|one, other| (&one.r#type, &one.id).cmp(&(&other.r#type, &other.id)));
    principals
}

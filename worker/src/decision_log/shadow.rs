//! What a candidate would have decided, asked after the answer: only where it decides otherwise is it told.

use std::rc::Rc;

use parapet::Request;
use parapet::directory::PrincipalRecord;
use parapet::gateway::ANONYMOUS;
use parapet::model::DecisionLog;

use crate::app::App;
use crate::memory::Candidate;
use crate::publish;

/// A decision that a candidate is to be asked for as well.
pub struct Shadow {
    /// The candidate.
    pub candidate: Rc<Candidate>,
    /// What was asked, whole: the row leaves something out.
    pub request: Request,
    /// The principal, where it is known.
    pub principal: Option<PrincipalRecord>,
}

impl Shadow {
    /// Asks the candidate, and writes into the row what it would have decided where that is something else. A candidate
    /// that is not to be had decides nothing.
    pub async fn ask(self, app: &App, row: &mut DecisionLog) {
        let Self { candidate, request, principal } = self;
        let request_id = row.request_id.as_deref().unwrap_or("-");
        let Some(published) = publish::candidate(app, row.tenant_id, &candidate, request_id).await else { return };
        // Whoever does not say who they are has the role that the candidate gives them.
        let principal = match principal {
            Some(record) if record.id == ANONYMOUS => published.routes.anonymous(),
            principal => principal,
        };
        let decision = published.engine.decide_with(principal.as_ref(), &request, row.created_at);
        let outcome = decision.outcome.into();
        if outcome != row.outcome {
            row.candidate = Some(candidate.id);
            row.shadow_outcome = Some(outcome);
            row.shadow_policies = decision.policies;
        }
    }
}

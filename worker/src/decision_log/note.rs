//! Noting a decision: whether it is logged, and its row.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use parapet::decision_log::{Decided, is_short};
use parapet::directory::PrincipalRecord;
use parapet::model::{DecisionCaller, DecisionLog, Timestamp};
use parapet::{Decision, Outcome, Request};
use uuid::Uuid;

use super::NO_ROUTE;
use super::shadow::Shadow;
use crate::administration::fresh_id;
use crate::app::App;
use crate::memory::{Candidate, Published};
use crate::platform::log;

/// So many decisions wait in memory for the queue. More of them in one request are lost.
const MOST: usize = 1_000;

/// A candidate is asked of no longer request: all of them are kept until the answer was given.
const LONGEST_SHADOWED: usize = 16 * 1024;

/// The decisions that wait for the queue, and how many found no place.
#[derive(Default)]
pub struct Noted {
    notes: RefCell<Vec<Note>>,
    lost: Cell<usize>,
}

/// A decision that may be logged.
pub(super) struct Note {
    pub row: DecisionLog,
    /// Whether the tenant's rules say that it is.
    pub is_logged: bool,
    /// The candidate that is to be asked as well: where it decides otherwise, the decision is logged all the same.
    pub shadow: Option<Shadow>,
}

/// What was decided about, and what was known then.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Who asked.
    pub caller: DecisionCaller,
    /// The HTTP request's id.
    pub request_id: &'a str,
    /// The rules that decided.
    pub published: &'a Published,
    /// The tenant.
    pub tenant: Uuid,
    /// The version of the directory.
    pub directory_version: u64,
    /// For how many milliseconds the versions had been known.
    pub age: i64,
    /// What was asked.
    pub request: &'a Request,
    /// The principal, where it is known.
    pub principal: Option<&'a PrincipalRecord>,
    /// Rules that decide beside those.
    pub candidate: Option<&'a Rc<Candidate>>,
    /// The instant for which it was decided.
    pub now: Timestamp,
}

impl Noted {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.notes.borrow().is_empty() && self.lost.get() == 0
    }

    /// Takes what waits, and how many were lost.
    pub(super) fn take(&self) -> (Vec<Note>, usize) {
        (self.notes.take(), self.lost.take())
    }

    fn push(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < MOST {
            notes.push(note);
        } else if note.is_logged {
            self.lost.set(self.lost.get().saturating_add(1));
        }
    }
}

/// Notes a decision, where it is logged; its id then. Where none with its outcome is, and nothing decides beside, that is
/// two comparisons.
#[inline]
pub fn note(app: &App, asked: &Asked<'_>, decision: &Decision, id: Option<Uuid>) -> Option<Uuid> {
    if asked.candidate.is_none() && !asked.published.logging.asks(decision.outcome) {
        None
    } else {
        noted(app, asked, decision, id, None)
    }
}

/// Notes that no rule of the route map spoke of a request: `action` is its method, `resource` its path.
pub fn note_unrouted(app: &App, asked: &Asked<'_>, id: Uuid) {
    let decision =
        Decision { outcome: Outcome::NoPermit, reason: None, at: None, policies: Vec::new(), errors: Vec::new() };
    noted(app, asked, &decision, Some(id), Some(NO_ROUTE));
}

fn noted(app: &App, asked: &Asked<'_>, decision: &Decision, id: Option<Uuid>, reason: Option<&str>) -> Option<Uuid> {
    let published = asked.published;
    let id = match id.map_or_else(|| fresh_id(asked.now), Ok) {
        Ok(id) => id,
        Err(error) => {
            log::error(asked.request_id, "decision_log.no_id", &error.cause());
            return None;
        }
    };
    let is_logged = published.logging.wants(decision.outcome, id);
    // Whoever was not asked about by any rule has nothing that a candidate could decide.
    let candidate = Candidate::at(asked.candidate, asked.now).filter(|_| reason.is_none());
    let candidate = candidate.filter(|_| is_short(asked.request, LONGEST_SHADOWED));
    if !is_logged && candidate.is_none() {
        return None;
    }
    let decided = Decided {
        id,
        tenant: asked.tenant,
        request_id: asked.request_id,
        caller: asked.caller,
        request: asked.request,
        principal: asked.principal,
        decision,
        policy_version: published.version,
        directory_version: asked.directory_version,
        age: asked.age,
        now: asked.now,
    };
    let row = published.logging.row(&decided, published.engine.schema());
    let row = DecisionLog { reason: reason.map(str::to_owned).or(row.reason), ..row };
    let shadow = candidate.map(|candidate| Shadow {
        candidate: candidate.clone(),
        request: asked.request.clone(),
        principal: asked.principal.cloned(),
    });
    app.noted.push(Note { row, is_logged, shadow });
    is_logged.then_some(id)
}

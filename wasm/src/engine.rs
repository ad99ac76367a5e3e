//! The engine: a snapshot that decides. AuthZEN requests come and answers go as JSON text.

use crate::Failure;
use crate::options::{self, DecideOptions};
use parapet::authzen::{AuthzenError, Caller, Evaluation, EvaluationResponse, EvaluationsRequest};
use parapet::{Request, Timestamp};
use parapet_plain::{self as plain, Words};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// A tenant that decides.
#[wasm_bindgen]
pub struct Engine {
    engine: parapet::Engine,
    words: Words,
}

#[wasm_bindgen]
impl Engine {
    /// Answers an AuthZEN evaluation. `clock` is the host's time, which counts where the options name no `now`.
    pub fn decide(&self, request: &str, options: &str, clock: f64) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let request = asked.request(&Evaluation::parse(request.as_bytes())?)?;
        json(&EvaluationResponse::of(self.engine.decide(&request, asked.now), None))
    }

    /// Answers an AuthZEN evaluations request: a batch, or one evaluation where it has no items.
    #[wasm_bindgen(js_name = decideBatch)]
    pub fn decide_batch(&self, request: &str, options: &str, clock: f64) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let decide = |evaluation: &Evaluation| -> Result<EvaluationResponse, AuthzenError> {
            let request = asked.request(evaluation)?;
            Ok(EvaluationResponse::of(self.engine.decide(&request, asked.now), None))
        };
        match EvaluationsRequest::parse(request.as_bytes())? {
            EvaluationsRequest::Single(evaluation) => json(&decide(&evaluation)?),
            EvaluationsRequest::Batch(batch) => json(&batch.answer(|item| {
                let answer = item.map_err(Clone::clone).and_then(decide);
                answer.unwrap_or_else(|error| EvaluationResponse::refused(&error, None))
            })),
        }
    }

    /// Decides an AuthZEN evaluation and says why.
    pub fn explain(&self, request: &str, options: &str, clock: f64) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let request = asked.request(&Evaluation::parse(request.as_bytes())?)?;
        json(&self.engine.explain(&request, asked.now))
    }

    /// Answers the requests of plain values that lie on the border, so many of them: whether it did. Where it did not,
    /// they are to be asked as JSON.
    #[wasm_bindgen(js_name = askPlain)]
    pub fn ask_plain(&self, requests: usize, text: usize, clock: f64) -> bool {
        options::instant(clock).is_some_and(|now| plain::ask(&self.engine, &self.words, requests, text, now, None))
    }

    /// The same, with options.
    #[wasm_bindgen(js_name = askPlainWith)]
    pub fn ask_plain_with(&self, requests: usize, text: usize, options: &str, clock: f64) -> Result<bool, Failure> {
        let Asked { now, caller } = Asked::read(options, clock)?;
        Ok(plain::ask(&self.engine, &self.words, requests, text, now, caller.scopes.as_deref()))
    }

    /// Learns a text that lies on the border: the number that stands for it there from now on, or a negative one.
    pub fn learn(&mut self, from: usize, to: usize, is_principal: bool) -> i32 {
        let number = self.words.learn(&self.engine, from, to, is_principal);
        number.and_then(|number| i32::try_from(number).ok()).unwrap_or(-1)
    }

    /// The id of a policy that an answer to plain requests names by number.
    #[wasm_bindgen(js_name = policyId)]
    pub fn policy_id(&self, number: u32) -> Option<String> {
        self.engine.policy_id(number).map(str::to_owned)
    }

    /// The version of the policies that it decides with. Exact below 2^53, as JavaScript's numbers are.
    #[wasm_bindgen(getter, js_name = policyVersion)]
    pub fn policy_version(&self) -> f64 {
        self.engine.policy_version() as f64
    }

    /// The tenant's id.
    #[wasm_bindgen(getter)]
    pub fn tenant(&self) -> String {
        self.engine.tenant().id.clone()
    }
}

/// Makes room on the border for so many bytes of text, numbers and numbers of answers, and says where each begins. What
/// lies there is lost, and after any call the memory may have moved.
#[wasm_bindgen(js_name = makeRoom)]
pub fn make_room(texts: usize, numbers: usize, answers: usize) -> Vec<usize> {
    plain::make_room(texts, numbers, answers).to_vec()
}

/// The name of a reason that an answer gives by number.
#[wasm_bindgen(js_name = reasonName)]
pub fn reason_name(number: usize) -> Option<String> {
    plain::reason_name(number).map(str::to_owned)
}

impl Engine {
    /// The engine for JavaScript.
    pub fn of(engine: parapet::Engine) -> Self {
        Self { engine, words: Words::default() }
    }

    /// The core's own.
    pub(crate) fn engine(&self) -> &parapet::Engine {
        &self.engine
    }
}

/// What the options say of a request.
pub(crate) struct Asked {
    pub(crate) now: Timestamp,
    pub(crate) caller: Caller,
}

impl Asked {
    pub(crate) fn read(options: &str, clock: f64) -> Result<Self, Failure> {
        let options = DecideOptions::read(options)?;
        let now = options.now(clock)?;
        // The application that holds the engine is the decision point, so it says where a subject is and how it signed
        // in; over HTTP that takes the scope `access:context`.
        Ok(Self { now, caller: Caller { sets_context: true, scopes: options.scopes } })
    }

    fn request(&self, evaluation: &Evaluation) -> Result<Request, AuthzenError> {
        evaluation.request(&self.caller)
    }
}

pub(crate) fn json(answer: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(answer).map_err(|error| Failure::new("internal", error.to_string()))
}

//! Any bytes as the body of an AuthZEN request: refused with an error, or answered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::authzen::{
    ActionSearch, AuthzenError, Caller, Evaluation, EvaluationResponse, EvaluationsRequest, ResourceSearch,
    SearchResponse, SubjectSearch,
};
use parapet::engine::Candidates;
use parapet::snapshot::Snapshot;
use parapet::{Engine, Request, Timestamp};
use parapet_fuzz::{SNAPSHOTS, said};
use std::sync::LazyLock;

/// The two companies: between them they declare every type.
static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
    let open = |bytes: &&[u8]| Snapshot::open_trusted(bytes.to_vec()).map_err(Into::into).and_then(Engine::new);
    SNAPSHOTS.iter().take(2).map(|bytes| open(bytes).expect("a seed that this program wrote")).collect()
});

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let strange = Caller::default();
    let trusted = Caller { sets_context: true, scopes: Some(vec!["document:read".to_owned()]) };
    for engine in ENGINES.iter() {
        for caller in [&strange, &trusted] {
            if let Err(error) = answer(engine, caller, body, now) {
                said(&[error.code(), error.pointer(), &error.to_string()]);
            }
        }
    }
});

fn answer(engine: &Engine, caller: &Caller, body: &[u8], now: Timestamp) -> Result<(), AuthzenError> {
    let decided = |request: &Request| {
        let decision = engine.decide(request, now);
        assert_eq!(engine.explain(request, now).decision, decision);
        EvaluationResponse::of(decision, None)
    };
    let one = |evaluation: &Evaluation| match evaluation.request(caller) {
        Ok(request) => decided(&request),
        Err(error) => EvaluationResponse::refused(&error, None),
    };
    if let Ok(search) = SubjectSearch::parse(body) {
        let found = engine.search_subjects(&search.request(caller)?, now, &search.page)?;
        said(&SearchResponse::of_entities(&search.subject_type, found));
    }
    if let Ok(search) = ResourceSearch::parse(body) {
        let found = engine.search_resources(&search.request(caller)?, Candidates::Registered, now, &search.page)?;
        said(&SearchResponse::of_entities(&search.resource_type, found));
    }
    if let Ok(search) = ActionSearch::parse(body) {
        said(&SearchResponse::of_actions(engine.search_actions(&search.request(caller)?, now, &search.page)?));
    }
    if let Ok(evaluation) = Evaluation::parse(body) {
        said(&one(&evaluation));
    }
    match EvaluationsRequest::parse(body)? {
        EvaluationsRequest::Single(evaluation) => said(&one(&evaluation)),
        EvaluationsRequest::Batch(batch) => said(&batch.answer(|item| match item {
            Ok(evaluation) => one(evaluation),
            Err(error) => EvaluationResponse::refused(error, None),
        })),
    }
    Ok(())
}

//! `parapet search`: which actions, resources or subjects are allowed, page by page.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::authzen::{ActionSearch, AuthzenError, Caller, ResourceSearch, SearchResponse, SubjectSearch};
use crate::directory::EntityRef;
use crate::engine::{Candidate, Candidates, Page, PageRequest, SearchError};
use crate::model::Timestamp;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Search {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Which actions may this subject do to this resource?
    Actions(Question),
    /// To which resources of a type may this subject do this action?
    Resources(Resources),
    /// Which subjects of a type may do this action to this resource?
    Subjects(Question),
}

#[derive(Debug, Args)]
struct Question {
    /// A tenant document (`*.json`) or a snapshot
    tenant: PathBuf,
    /// The search: an AuthZEN search request as JSON (`-` for the standard input)
    #[arg(default_value = "-")]
    request: PathBuf,
    /// When the request is made (RFC 3339); the clock's time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    /// A scope of the key that the subject itself came with; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Every page, from the one that is asked for to the last
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    key: KeyArguments,
}

#[derive(Debug, Args)]
struct Resources {
    #[command(flatten)]
    question: Question,
    /// Look among these: a file with one `{"id": …, "properties"?: {…}}` a line; without it, among those that the tenant
    /// registers
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
}

impl Search {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        match self.what {
            What::Actions(question) => {
                let engine = input::engine(&question.tenant, &question.key)?;
                let search = ActionSearch::parse(&input::bytes(&question.request)?)?;
                let (request, now) = (search.request(&question.caller())?, input::now(question.now));
                question.answer(None, search.page, as_json, |page| engine.search_actions(&request, now, page))
            }
            What::Resources(Resources { question, candidates }) => {
                let engine = input::engine(&question.tenant, &question.key)?;
                let search = ResourceSearch::parse(&input::bytes(&question.request)?)?;
                let (request, now) = (search.request(&question.caller())?, input::now(question.now));
                let given: Option<Vec<Candidate>> = candidates.map(|path| input::json_lines(&path)).transpose()?;
                let candidates = given.as_deref().map_or(Candidates::Registered, Candidates::Given);
                question.answer(Some(&search.resource_type), search.page, as_json, |page| {
                    engine.search_resources(&request, candidates, now, page).map(ids)
                })
            }
            What::Subjects(question) => {
                let engine = input::engine(&question.tenant, &question.key)?;
                let search = SubjectSearch::parse(&input::bytes(&question.request)?)?;
                let (request, now) = (search.request(&question.caller())?, input::now(question.now));
                question.answer(Some(&search.subject_type), search.page, as_json, |page| {
                    engine.search_subjects(&request, now, page).map(ids)
                })
            }
        }
    }
}

impl Question {
    fn caller(&self) -> Caller {
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.clone());
        Caller { sets_context: true, scopes }
    }

    /// Prints pages of names, or of ids of a type.
    fn answer(
        &self,
        ty: Option<&str>,
        mut asked: PageRequest,
        as_json: bool,
        page: impl Fn(&PageRequest) -> Result<Page<String>, SearchError>,
    ) -> Result<ExitCode, Failure> {
        loop {
            let found = page(&asked).map_err(AuthzenError::from)?;
            asked.token.clone_from(&found.next);
            if as_json {
                output::json(&match ty {
                    Some(ty) => SearchResponse::entities(found.items.into_iter().map(|id| (ty.into(), id)), found.next),
                    None => SearchResponse::of_actions(found),
                })?;
            } else {
                for item in &found.items {
                    output::line(item)?;
                }
            }
            match &asked.token {
                Some(_) if self.all => {}
                Some(token) if !as_json => {
                    output::note(&format!("there are more: `\"page\": {{\"token\": \"{token}\"}}`, or --all"));
                    return Ok(ExitCode::SUCCESS);
                }
                _ => return Ok(ExitCode::SUCCESS),
            }
        }
    }
}

fn ids(page: Page<EntityRef>) -> Page<String> {
    Page { items: page.items.into_iter().map(|entity| entity.id).collect(), next: page.next }
}

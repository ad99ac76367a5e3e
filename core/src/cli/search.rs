//! `parapet search`: which actions, resources or subjects are allowed, page by page.

use super::input::QuestionArguments;
use super::{Failure, input, output};
use crate::authzen::{ActionSearch, AuthzenError, ResourceSearch, SearchResponse, SubjectSearch};
use crate::directory::EntityRef;
use crate::engine::{Candidate, Candidates, Page, PageRequest, SearchError};
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
    Actions(Pages),
    /// To which resources of a type may this subject do this action?
    Resources(Resources),
    /// Which subjects of a type may do this action to this resource?
    Subjects(Pages),
}

#[derive(Debug, Args)]
struct Pages {
    #[command(flatten)]
    question: QuestionArguments,
    /// Every page, from the one that is asked for to the last
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct Resources {
    #[command(flatten)]
    pages: Pages,
    /// Look among these: a file with one `{"id": …, "properties"?: {…}}` a line; without it, among those that the tenant
    /// registers
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
}

impl Search {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        match self.what {
            What::Actions(pages) => {
                let (engine, search) = (pages.question.engine()?, ActionSearch::parse(&pages.question.request()?)?);
                let (request, now) = (search.request(&pages.question.caller())?, pages.question.now());
                pages.answer(None, search.page, as_json, |page| engine.search_actions(&request, now, page))
            }
            What::Resources(Resources { pages, candidates }) => {
                let (engine, search) = (pages.question.engine()?, ResourceSearch::parse(&pages.question.request()?)?);
                let (request, now) = (search.request(&pages.question.caller())?, pages.question.now());
                let given: Option<Vec<Candidate>> = candidates.map(|path| input::json_lines(&path)).transpose()?;
                let candidates = given.as_deref().map_or(Candidates::Registered, Candidates::Given);
                pages.answer(Some(&search.resource_type), search.page, as_json, |page| {
                    engine.search_resources(&request, candidates, now, page).map(ids)
                })
            }
            What::Subjects(pages) => {
                let (engine, search) = (pages.question.engine()?, SubjectSearch::parse(&pages.question.request()?)?);
                let (request, now) = (search.request(&pages.question.caller())?, pages.question.now());
                pages.answer(Some(&search.subject_type), search.page, as_json, |page| {
                    engine.search_subjects(&request, now, page).map(ids)
                })
            }
        }
    }
}

impl Pages {
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

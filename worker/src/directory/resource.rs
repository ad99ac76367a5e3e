//! The registry of resources: `/v1/resources`, one under `/v1/resources/{type}/{id}`, its id percent-encoded.

use std::collections::{HashMap, HashSet};

use parapet::Finding;
use parapet::model::{Resource, ResourceReference, Row as _, TenantDocument};
use serde_json::{Map, Value};

use super::attributes;
use crate::administration::{
    Actor, Collection, Edit, ListOf, Plan, RowChange, State, commit, given, if_match, key, lengths, read_only,
    routes as table, row_answer, select_one,
};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// The rows. Whoever registers a resource knows its key, so it is put and not posted.
pub fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = table::<Resource>().into_iter().filter(|route| route.method != "POST").collect();
    let access = Access::Permission(Resource::WRITE, |app, call, actor| Box::pin(put(app, call, actor)));
    routes.push(Route { method: "PUT", path: Resource::ITEM, access });
    routes
}

impl ListOf for Resource {
    const PATH: &'static str = "/v1/resources";
    const READ: &'static str = "resource.read";
    const KEY: &'static [&'static str] = &["type", "id"];
    const FILTERS: &'static [&'static str] = &["type"];
}

impl Collection for Resource {
    const ITEM: &'static str = "/v1/resources/{type}/{id}";
    const WRITE: &'static str = "resource.write";
    const FIXED: &'static [&'static str] = &["type"];
    const EVENTS: [&'static str; 3] = ["registered", "updated", "removed"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.resource)
    }

    fn complete(
        row: &mut Self,
        before: Option<&Self>,
        state: &State<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        fits_the_schema(row, before, state.document, findings);
        let known = state.document.resource.iter().map(|row| ((row.r#type.as_str(), row.id.as_str()), row));
        let known: HashMap<(&str, &str), &Self> = known.collect();
        for (index, parent) in row.parents.iter().enumerate() {
            if leads_to(parent, row, &known) {
                let message = format!("`{}` of type `{}` lies in this one already", parent.id, parent.r#type);
                findings.push(Finding::error("resource", "resource.cycle", message).field(format!("parents/{index}")));
            }
        }
        Ok(())
    }

    fn rules(_edit: &Edit<'_, Self>, _plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        Ok(())
    }
}

/// Adds attributes and parents that the tenant's schema does not allow, where it speaks of the type.
fn fits_the_schema(row: &Resource, before: Option<&Resource>, document: &TenantDocument, findings: &mut Vec<Finding>) {
    let (Some(setting), Some(schema)) = (attributes::setting(document), attributes::declared(document)) else { return };
    let Some(declared) = schema.types.get(&row.r#type) else {
        let message = format!("neither the schema nor a permission knows the type `{}`", row.r#type);
        findings.push(Finding::error("resource", "resource.unknown_type", message).field("type"));
        return;
    };
    if setting.setting_value.get("types").and_then(|types| types.get(&row.r#type)).is_some() {
        let before = before.map(|before| &before.attributes);
        attributes::check::<Resource>(&declared.attributes, "attributes", &row.attributes, before, findings);
    }
    for (index, parent) in row.parents.iter().enumerate() {
        let stood = before.is_some_and(|before| before.parents.contains(parent));
        if !stood && !declared.parents.contains(&parent.r#type) {
            let message = format!("by the schema no `{}` lies in a `{}`", row.r#type, parent.r#type);
            let place = format!("parents/{index}/type");
            findings.push(Finding::error("resource", "resource.parent_type", message).field(place));
        }
    }
}

/// Whether a parent is the row itself or lies in it, at any distance.
fn leads_to(parent: &ResourceReference, row: &Resource, known: &HashMap<(&str, &str), &Resource>) -> bool {
    let mut seen = HashSet::new();
    let mut left = vec![(parent.r#type.as_str(), parent.id.as_str())];
    while let Some(next) = left.pop() {
        if next == (row.r#type.as_str(), row.id.as_str()) {
            return true;
        }
        if seen.insert(next)
            && let Some(known) = known.get(&next)
        {
            left.extend(known.parents.iter().map(|above| (above.r#type.as_str(), above.id.as_str())));
        }
    }
    false
}

/// Registers a resource, or replaces what is known of it.
async fn put(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let (its_key, body) = (key::<Resource>(call)?, call.object()?);
    let reads = vec![select_one::<Resource>(actor.tenant, &its_key)];
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<Resource>(0)?.pop();
        match &before {
            // RFC 9110, section 13.1.2: only what is not there yet.
            Some(_) if call.request.header("if-none-match") == Some("*") => return Err(ApiError::PreconditionFailed),
            Some(before) => if_match(call, before)?,
            // RFC 9110, section 13.1.1: of what is not there, no representation matches.
            None if call.request.header("if-match").is_some() => return Err(ApiError::PreconditionFailed),
            None => {}
        }
        let mut own = given::<Resource>(state)?;
        own.extend(Resource::KEY.iter().zip(&its_key).map(|(name, value)| ((*name).to_owned(), value.as_str().into())));
        let known = before.as_ref().map(Resource::to_object).unwrap_or_else(|| own.clone());
        own.extend(before.as_ref().map(|before| ("created_at".to_owned(), before.created_at.to_string().into())));
        let (mut findings, mut stated) = (Vec::new(), Map::<String, Value>::new());
        for (name, value) in &body {
            // Whoever sends back what they got changes nothing by it.
            match (own.contains_key(name), known.get(name) == Some(value)) {
                (true, true) => {}
                (true, false) => findings.push(read_only::<Resource>(name)),
                (false, _) => drop(stated.insert(name.clone(), value.clone())),
            }
        }
        lengths::<Resource>(&stated, &body, &mut findings);
        let row = Resource::from_json_within(stated, &own, &its_key.join("/"), &mut findings);
        let Some(mut row) = row else { return Err(ApiError::Invalid { findings }) };
        Resource::complete(&mut row, before.as_ref(), state, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let mut plan = Plan::new(state, Response::default());
        match before {
            None => {
                let mut answer = row_answer(&row)?.with("location", call.request.path.as_str());
                answer.status = 201;
                plan.change(RowChange::insert(&row, Resource::EVENTS[0]));
                plan.answer(answer);
            }
            Some(before) if before.attributes == row.attributes && before.parents == row.parents => {
                plan.answer(row_answer(&before)?);
            }
            Some(before) => {
                plan.change(RowChange::update(&before, &row, Resource::EVENTS[1]));
                plan.answer(row_answer(&row)?);
            }
        }
        Ok(plan)
    })
    .await
}

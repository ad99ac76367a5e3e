//! `POST /access/v1/search/subject`, `/resource` and `/action` (AuthZEN 1.0, section 8): who, what and which actions a
//! decision would allow.
//!
//! Resources and service accounts are among the rules, so the engine finds them in the snapshot. Users lie in the database:
//! the engine says whom the permits can reach, the database who that is, a piece at a time in the order of their ids, and
//! the engine decides about each.

use parapet::Request;
use parapet::authzen::{ActionSearch, AuthzenError, ResourceSearch, SearchResponse, SubjectSearch};
use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::engine::{Candidates, Engine, Page, PageRequest, Reach};
use parapet::model::Timestamp;
use parapet::schema::{GROUP, ROLE, USER};
use serde_json::{Value, json};
use uuid::Uuid;

use super::evaluation::{SCOPE, answer, asking, principal_of};
use super::principal;
use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row, Statement};
use crate::publish;
use crate::response::Response;

/// So many users are read at once, at least and at most.
const PIECE: std::ops::RangeInclusive<usize> = 32..=1_000;

/// So many users are decided about for one page at most. It ends there, full or not, and the next goes on.
const MOST_DECIDED: usize = 10_000;

/// So many users are walked past by one statement, at least and at most: of those that can be reached there may be none
/// among many. Walking costs even where nobody is read, so it begins with few.
const WINDOW: std::ops::RangeInclusive<usize> = 1_000..=20_000;

/// So many statements look for users for one page at most.
const MOST_WINDOWS: usize = 25;

/// How the tenant names a subject: `id`, `username` or `email`; null where nothing is set.
const SUBJECT_ID: &str = "
    SELECT coalesce(
        (SELECT json_extract(s.setting_value, '$') FROM tenant_setting s
         WHERE s.tenant_id = ?1 AND s.category = 'auth' AND s.setting_key = 'subject_id'),
        (SELECT json_extract(t.settings, '$.auth.subject_id') FROM tenant t WHERE t.id = ?1)) AS form";

/// From an id on, the user behind so many others: there a window ends.
const WINDOW_END: &str = "SELECT id FROM user WHERE tenant_id = ?1 AND id >= ?2 ORDER BY id LIMIT 1 OFFSET ?3";

/// The users from an id on.
const EVERYBODY: &str = "SELECT id FROM user WHERE tenant_id = ?1 AND id >= ?2 ORDER BY id LIMIT ?3";

/// What leads to users, by the type of what a scope names: a table, its column with the user, and the one with what is named.
const WAYS: [(&str, &str, &str, &str); 4] = [
    (USER, "user", "id", "id"),
    (ROLE, "user_role", "user_id", "role_id"),
    (ROLE, "access_request", "requester_id", "role_id"),
    (GROUP, "user_group_membership", "user_id", "user_group_id"),
];

/// The three searches.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/access/v1/search/subject",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(subjects(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/access/v1/search/resource",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(resources(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/access/v1/search/action",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(actions(app, call, caller))),
        },
    ]
}

async fn subjects(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let search = SubjectSearch::parse(call.json()?)?;
    let request = search.request(&asking(&caller, None))?;
    let page = as_of(&caller, &search.page);
    let engine = publish::current(app, caller.newest(), &call.id).await?.engine;
    let now = app.clock.now();
    let page = if request.principal.r#type == USER {
        users(app, caller.standing.tenant, &engine, &request, now, &page).await?
    } else {
        engine.search_subjects(&request, now, &page).map_err(AuthzenError::from)?
    };
    answer(&caller, &SearchResponse::of_entities(&search.subject_type, page))
}

async fn resources(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let search = ResourceSearch::parse(call.json()?)?;
    // What a caller may not say is refused before anything is looked up.
    search.request(&asking(&caller, None))?;
    let engine = publish::current(app, caller.newest(), &call.id).await?.engine;
    let record = principal_of(app, call, &caller, &search.subject).await?;
    let request = search.request(&asking(&caller, record.as_deref()))?;
    let (now, page) = (app.clock.now(), as_of(&caller, &search.page));
    let page = engine
        .search_resources_with(record.as_deref(), &request, Candidates::Registered, now, &page)
        .map_err(AuthzenError::from)?;
    answer(&caller, &SearchResponse::of_entities(&search.resource_type, page))
}

async fn actions(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let search = ActionSearch::parse(call.json()?)?;
    search.request(&asking(&caller, None))?;
    let engine = publish::current(app, caller.newest(), &call.id).await?.engine;
    let record = principal_of(app, call, &caller, &search.subject).await?;
    let request = search.request(&asking(&caller, record.as_deref()))?;
    let (now, page) = (app.clock.now(), as_of(&caller, &search.page));
    let page = engine.search_actions_with(record.as_deref(), &request, now, &page).map_err(AuthzenError::from)?;
    answer(&caller, &SearchResponse::of_actions(page))
}

/// The page that is asked for, as of the directory that decisions are of.
fn as_of(caller: &Caller, page: &PageRequest) -> PageRequest {
    PageRequest { directory_version: caller.standing.versions.directory, ..page.clone() }
}

/// A page of the users that are allowed, as the tenant names them.
async fn users(
    app: &App,
    tenant: Uuid,
    engine: &Engine,
    request: &Request,
    now: Timestamp,
    page: &PageRequest,
) -> Result<Page<EntityRef>, ApiError> {
    let listing = engine.subject_listing(request, page).map_err(AuthzenError::from)?;
    let Some(search) = Search::of(engine.reach(request, now)) else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let mut items = Vec::new();
    let (mut decided, mut from) = (0, Some(listing.start()));
    let mut window = *WINDOW.start();
    for _ in 0..MOST_WINDOWS {
        let Some(start) = from.filter(|_| decided < MOST_DECIDED) else { break };
        let piece = piece(listing.size() + 1 - items.len(), items.len(), decided);
        let found = search.next(app, tenant, start, piece, window).await?;
        window = (4 * window).min(*WINDOW.end());
        let records = principal::find_users(app, tenant, &found.users).await?;
        decided += found.users.len();
        for record in &records {
            if engine.decide_with(Some(record), request, now).is_allow() {
                if items.len() == listing.size() {
                    let id = Uuid::try_parse(&record.id).map_err(ApiError::internal)?;
                    return Ok(Page { items, next: Some(listing.token(id)) });
                }
                items.push(EntityRef::new(USER, named(record, &found.form)));
            }
        }
        from = found.next;
    }
    Ok(Page { items, next: from.map(|id| listing.token(id)) })
}

/// How many users to read for so many more that are allowed, by what share of those who were decided about was: with an
/// eighth to spare. At first as if everybody were, which costs a further piece where it is wrong, and a page half the reading
/// where it is right.
fn piece(wanted: usize, allowed: usize, decided: usize) -> usize {
    let most = *PIECE.end();
    let expected = match (allowed, decided) {
        (_, 0) => wanted,
        (0, _) => most,
        _ => (wanted * decided).div_ceil(allowed),
    };
    (expected + expected.div_ceil(8)).clamp(*PIECE.start(), most)
}

/// What a tenant calls a subject. Who has no username is called by id: a decision finds both.
fn named<'r>(record: &'r PrincipalRecord, form: &str) -> &'r str {
    let name = record.attributes.get(form).filter(|_| ["username", "email"].contains(&form));
    name.and_then(|name| name.as_str()).unwrap_or(&record.id)
}

/// How users are looked for: the statement, and the ids that its ways begin at, as JSON.
struct Search {
    sql: String,
    begin: Vec<String>,
}

/// Some users that can be reached, in the order of their ids.
struct Piece {
    users: Vec<String>,
    /// Where the next piece begins, if there may be one.
    next: Option<Uuid>,
    /// How the tenant names them.
    form: String,
}

impl Search {
    /// For those whom permits can reach; nothing where that is nobody.
    fn of(reach: Reach) -> Option<Self> {
        let Reach::Of(entities) = reach else { return Some(Self { sql: EVERYBODY.to_owned(), begin: Vec::new() }) };
        let (mut ways, mut begin) = (Vec::new(), Vec::new());
        for (ty, table, user, column) in WAYS {
            let ids: Vec<&str> = entities.iter().filter(|its| its.r#type == ty).map(|its| its.id.as_str()).collect();
            if ids.is_empty() {
                continue;
            }
            begin.push(json!(ids).to_string());
            let place = begin.len() + 4;
            // Each way is walked by its index in the order of the users, and no other (`+`): so SQLite merges the ways, and
            // stops as soon as the piece is full.
            ways.push(format!(
                "SELECT {user} FROM {table} WHERE tenant_id = ?1 AND {user} >= ?2 AND {user} < (SELECT id FROM window)
                 AND +{column} IN (SELECT value FROM json_each(?{place}))"
            ));
        }
        let sql = format!(
            "WITH window (id) AS (SELECT coalesce((SELECT id FROM user WHERE tenant_id = ?1 AND id >= ?2
                                                   ORDER BY id LIMIT 1 OFFSET ?4), '~'))
             {} ORDER BY 1 LIMIT ?3",
            ways.join(" UNION ")
        );
        (!ways.is_empty()).then_some(Self { sql, begin })
    }

    /// The next so many users from an id on, or those within the window.
    async fn next(&self, app: &App, tenant: Uuid, from: Uuid, most: usize, window: usize) -> Result<Piece, ApiError> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let mut users = Statement::new(self.sql.clone()).bind(tenant).bind(from).bind(count(most + 1));
        let mut statements = vec![Statement::new(SUBJECT_ID).bind(tenant)];
        if !self.begin.is_empty() {
            users = users.bind(count(window));
            statements.push(Statement::new(WINDOW_END).bind(tenant).bind(from).bind(count(window)));
        }
        users = self.begin.iter().fold(users, |users, ids| users.bind(ids.as_str()));
        statements.push(users);
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?;
        let mut users = texts(answers.pop());
        // One more than asked for is where the next piece begins; else it is where the window ends.
        let next = if users.len() > most { users.pop() } else { texts(answers.get_mut(1).map(std::mem::take)).pop() };
        let next = next.map(|id| Uuid::try_parse(&id)).transpose().map_err(ApiError::internal)?;
        Ok(Piece { users, next, form: texts(answers.first_mut().map(std::mem::take)).pop().unwrap_or_default() })
    }
}

/// The first column of each row, where it is text.
fn texts(rows: Option<Vec<Row>>) -> Vec<String> {
    let text = |row: Row| match row.into_iter().next() {
        Some((_, Value::String(text))) => Some(text),
        _ => None,
    };
    rows.unwrap_or_default().into_iter().filter_map(text).collect()
}

//! Searches find exactly what deciding every candidate one by one finds, on pages of any size; tokens lead on or not at all.

use parapet::compile::Compiled;
use parapet::directory::EntityRef;
use parapet::engine::{Candidate, Candidates, Page, PageRequest, SearchError, TokenFault};
use parapet::fixture::Requests;
use parapet::{Engine, Request, TenantDocument, Timestamp, compile_text};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

const NOW: &str = "2026-03-02T10:00:00.000Z";

/// A tenant with requests to it.
struct Tenant {
    name: String,
    document: TenantDocument,
    compiled: Compiled,
    engine: Engine,
    asked: Vec<(Request, Timestamp)>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn fixture(folder: &Path) -> Tenant {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let (document, compiled) = compile_text(&read("tenant.json")).unwrap();
    let requests = Requests::read(&read("requests.json")).unwrap();
    let asked = requests.requests.iter().map(|case| {
        let request = case.engine_request(&document).unwrap();
        (request, case.now.unwrap_or(requests.now))
    });
    let asked = asked.collect();
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    Tenant { name, engine: compiled.engine().unwrap(), document, compiled, asked }
}

fn generated(users: usize, requests: usize) -> Tenant {
    let document = parapet_tests::generate::tenant(5, users, 30, 900);
    let bodies = parapet_tests::generate::requests(5, &document, requests);
    let (document, compiled) = compile_text(&document.to_string()).unwrap();
    let asked = bodies.iter().map(|body| (request(body), NOW.parse().unwrap())).collect();
    Tenant { name: "generated".to_owned(), engine: compiled.engine().unwrap(), document, compiled, asked }
}

fn request(body: &Value) -> Request {
    use parapet::authzen::{Caller, Evaluation};
    let caller = Caller { sets_context: true, scopes: None };
    Evaluation::parse(body.to_string().as_bytes()).unwrap().request(&caller).unwrap()
}

/// Every tenant of the fixtures with all of its requests, and a generated one.
fn tenants() -> Vec<Tenant> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.join("tenant.json").is_file());
    folders.sort();
    let tenants: Vec<Tenant> = folders.iter().map(|folder| fixture(folder)).chain([generated(150, 60)]).collect();
    assert!(tenants.len() > 40);
    tenants
}

type Answer<T> = Result<Page<T>, SearchError>;

/// The whole listing, page by page: every page but the last is full, and the last is not empty unless it is the only one.
fn listing<T>(size: u64, page: impl Fn(&PageRequest) -> Answer<T>) -> Vec<T> {
    let mut asked = PageRequest { limit: Some(size), ..PageRequest::default() };
    let mut found = vec![];
    loop {
        let Page { items, next } = page(&asked).unwrap();
        assert!(items.len() as u64 == size || (next.is_none() && (items.len() as u64) < size));
        assert!(asked.token.is_none() || !items.is_empty());
        found.extend(items);
        match next {
            Some(_) => asked.token = next,
            None => return found,
        }
    }
}

fn is_listed<T: PartialEq + Debug>(whole: &[T], page: impl Fn(&PageRequest) -> Answer<T>, about: &str) {
    for size in [1, 7, 100] {
        assert_eq!(listing(size, &page), whole, "{about}, {size} a page");
    }
}

#[test]
fn actions_are_those_that_are_allowed() {
    let mut found = 0;
    for Tenant { name, engine, asked, .. } in tenants() {
        for (request, now) in &asked {
            let actions = engine.schema().actions.iter();
            let actions = actions.filter(|(_, action)| action.resource == request.resource.r#type);
            let actions = actions.map(|(name, _)| name.split_once(':').unwrap().1.to_owned());
            let whole: Vec<String> = actions
                .filter(|action| engine.decide(&Request { action: action.clone(), ..request.clone() }, *now).is_allow())
                .collect();
            found += whole.len();
            is_listed(&whole, |page| engine.search_actions(request, *now, page), &format!("{name}: {request:?}"));
            let record = engine.principal(&request.principal);
            let with = |page: &PageRequest| engine.search_actions_with(record.as_ref(), request, *now, page);
            is_listed(&whole, with, &format!("{name} with a record: {request:?}"));
        }
    }
    assert!(found > 500, "only {found}");
}

#[test]
fn subjects_are_those_that_are_allowed() {
    let mut found = 0;
    for Tenant { name, engine, compiled, asked, .. } in tenants() {
        let mut known: Vec<EntityRef> =
            compiled.principals().iter().map(|record| EntityRef::new(&record.r#type, &record.id)).collect();
        known.sort();
        for (request, now) in &asked {
            for ty in ["User", "ServiceAccount", "Robot"] {
                let mut request = request.clone();
                request.principal.r#type = ty.to_owned();
                let whole: Vec<EntityRef> = known
                    .iter()
                    .filter(|principal| {
                        let own = Request { principal: (*principal).clone(), ..request.clone() };
                        principal.r#type == ty && engine.decide(&own, *now).is_allow()
                    })
                    .cloned()
                    .collect();
                found += whole.len();
                is_listed(&whole, |page| engine.search_subjects(&request, *now, page), &format!("{name}: {request:?}"));
            }
        }
    }
    assert!(found > 1_000, "only {found}");
}

#[test]
fn resources_are_those_that_are_allowed() {
    let (mut registered, mut given) = (0, 0);
    for Tenant { name, engine, document, asked, .. } in tenants() {
        let allowed = |request: &Request, now, id: &str| {
            let resource = EntityRef::new(&request.resource.r#type, id);
            let own = Request { resource: resource.clone(), ..request.clone() };
            engine.decide(&own, now).is_allow().then_some(resource)
        };
        for (request, now) in &asked {
            let about = format!("{name}: {request:?}");
            let mut ids: Vec<&str> = document
                .resource
                .iter()
                .filter(|resource| resource.r#type == request.resource.r#type)
                .map(|resource| resource.id.as_str())
                .collect();
            ids.sort_unstable();
            let nothing_said = Request { resource_attributes: None, ..request.clone() };
            for request in [request, &nothing_said] {
                let whole: Vec<EntityRef> = ids.iter().filter_map(|id| allowed(request, *now, id)).collect();
                registered += whole.len();
                let search = |page: &PageRequest| engine.search_resources(request, Candidates::Registered, *now, page);
                is_listed(&whole, search, &about);
            }
            // The registered ones, those of the other requests with and without what these say of them, one twice.
            let others = asked.iter().filter(|(other, _)| other.resource.r#type == request.resource.r#type).take(20);
            let candidates: Vec<Candidate> = others
                .flat_map(|(other, _)| {
                    [(&other.resource.id, other.resource_attributes.clone()), (&other.resource.id, None)]
                })
                .map(|(id, attributes)| Candidate { id: id.clone(), attributes })
                .chain(ids.iter().map(|id| Candidate { id: (*id).to_owned(), attributes: None }))
                .collect();
            let whole: Vec<EntityRef> = candidates
                .iter()
                .filter_map(|candidate| {
                    let attributes = candidate.attributes.clone().or(request.resource_attributes.clone());
                    let request = Request { resource_attributes: attributes, ..request.clone() };
                    allowed(&request, *now, &candidate.id)
                })
                .collect();
            given += whole.len();
            let candidates = Candidates::Given(&candidates);
            is_listed(&whole, |page| engine.search_resources(request, candidates, *now, page), &about);
            let record = engine.principal(&request.principal);
            let with =
                |page: &PageRequest| engine.search_resources_with(record.as_ref(), request, candidates, *now, page);
            is_listed(&whole, with, &about);
        }
    }
    assert!(registered > 30 && given > 500, "only {registered} and {given}");
}

#[test]
fn a_batch_decides_as_its_requests_do() {
    for Tenant { name, engine, asked, .. } in tenants() {
        let now = asked[0].1;
        // Some principals one after another, some twice in a row.
        let requests: Vec<&Request> = asked.iter().flat_map(|(request, _)| [request, request]).collect();
        let one_by_one: Vec<_> = requests.iter().map(|request| engine.decide(request, now)).collect();
        let batch: Vec<_> = engine.decide_batch(requests, now).collect();
        assert_eq!(batch, one_by_one, "{name}");
        for (request, _) in &asked {
            let record = engine.principal(&request.principal);
            assert_eq!(
                engine.asker_with(record.as_ref(), now).decide(request),
                engine.decide_with(record.as_ref(), request, now)
            );
        }
    }
}

/// A tenant in which everybody reads documents, and some edit them.
fn small(version: u64, groups: usize) -> Engine {
    use parapet::snapshot::{Keyring, SigningKey, Snapshot};
    let user = |number: usize| {
        json!({"id": format!("01890000-0000-7000-8000-0000000000{number:02}"), "email": format!("u{number}@x.example"),
            "username": format!("u{number}"), "first_name": "U", "last_name": "X", "email_verified": true})
    };
    let group = |number: usize| {
        json!({"id": format!("01890000-0000-7000-8000-0000000001{number:02}"),
        "name": format!("g{number}"), "type": "manual"})
    };
    let permit = "permit (principal is User, action in [Action::\"document:read\"], resource);";
    let document = json!({
        "tenant": {"id": "01890000-0000-7000-8000-000000000100", "name": "Small", "slug": "small", "status": "active",
            "created_at": NOW, "updated_at": NOW},
        "user": (0..30).map(user).collect::<Vec<_>>(),
        "user_group": (0..groups).map(group).collect::<Vec<_>>(),
        "permission": [{"id": "01890000-0000-7000-8000-000000000200", "name": "document.read", "resource": "document",
            "action": "read", "category": "user", "description": ""}, {"id": "01890000-0000-7000-8000-000000000201",
            "name": "document.edit", "resource": "document", "action": "edit", "category": "user", "description": ""}],
        "tenant_setting": [{"id": "01890000-0000-7000-8000-000000000300", "setting_key": "policy.all_read",
            "setting_value": permit, "category": "auth"}]
    });
    let (_, compiled) = compile_text(&document.to_string()).unwrap();
    let key = SigningKey::hmac("k1", &[7; 32]).unwrap();
    let bytes = compiled.snapshot(version, NOW.parse().unwrap(), &key);
    Engine::new(Snapshot::open(bytes, &Keyring::new().with(key.verifying_key())).unwrap()).unwrap()
}

#[test]
fn tokens_lead_on_or_not_at_all() {
    let now: Timestamp = NOW.parse().unwrap();
    let engine = small(3, 0);
    let request = Request::new(EntityRef::new("User", ""), "read", EntityRef::new("document", "d1"));
    let page = |engine: &Engine, request: &Request, token: Option<&str>, limit| {
        let page = PageRequest { token: token.map(str::to_owned), limit, ..PageRequest::default() };
        engine.search_subjects(request, now, &page)
    };
    let first = page(&engine, &request, None, Some(10)).unwrap();
    let token = first.next.as_deref();
    assert_eq!(first.items.len(), 10);
    // The id that is passed over, the instant and the size of the page may change.
    let mut named = request.clone();
    named.principal.id = "somebody".to_owned();
    let rest = page(&engine, &named, token, Some(50)).unwrap();
    assert_eq!((rest.items.len(), rest.next), (20, None));
    assert!(first.items.last() < rest.items.first());
    // Nothing is said of sizes, or too much.
    assert_eq!(page(&engine, &request, None, None).unwrap().items.len(), 30);
    assert_eq!(page(&engine, &request, None, Some(u64::MAX)).unwrap().items.len(), 30);
    assert_eq!(page(&engine, &request, None, Some(0)), Err(SearchError::Limit));

    let refused = |engine: &Engine, request: &Request, fault| {
        let error = page(engine, request, token, Some(10)).unwrap_err();
        assert_eq!((error, error.code()), (SearchError::Token(fault), "search.token"));
    };
    let mut changed = vec![request.clone(); 8];
    changed[0].action = "edit".to_owned();
    changed[1].resource.id = "d2".to_owned();
    changed[2].resource_attributes = Some(serde_json::Map::new());
    changed[3].context.insert("mfa".to_owned(), true.into());
    changed[4].principal.r#type = "ServiceAccount".to_owned();
    changed[5].principal_attributes.insert("mfa".to_owned(), true.into());
    changed[6].action_attributes.insert("mfa".to_owned(), true.into());
    changed[7].scopes = Some(vec![]);
    for changed in &changed {
        refused(&engine, changed, TokenFault::OtherSearch);
    }
    let other_kind = |kind: &dyn Fn(&PageRequest) -> Option<SearchError>| {
        let asked = PageRequest { token: first.next.clone(), ..PageRequest::default() };
        assert_eq!(kind(&asked), Some(SearchError::Token(TokenFault::OtherSearch)));
    };
    other_kind(&|page| engine.search_actions(&request, now, page).err());
    other_kind(&|page| engine.search_resources(&request, Candidates::Registered, now, page).err());
    other_kind(&|page| engine.search_resources(&request, Candidates::Given(&[]), now, page).err());
    refused(&small(4, 0), &request, TokenFault::OtherVersion);
    // Another content under the same version, as after a roll-back that went wrong.
    refused(&small(3, 1), &request, TokenFault::OtherSearch);
    refused(&small(3, 0), &changed[0], TokenFault::OtherSearch);

    let token = token.unwrap();
    for garbage in [
        "",
        " ",
        "x",
        "null",
        token.get(1..).unwrap(),
        token.get(..20).unwrap(),
        &format!("{token}AA"),
        &"A".repeat(44),
    ] {
        let error = page(&engine, &request, Some(garbage), None).unwrap_err();
        assert_eq!(error, SearchError::Token(TokenFault::Malformed), "{garbage}");
    }
    // The position is the token's end: nothing is read behind the candidates.
    let mut far = token.to_owned();
    far.replace_range(34..44, "__________");
    assert_eq!(page(&engine, &request, Some(&far), None), Err(SearchError::Token(TokenFault::Malformed)));
}

#[test]
fn a_list_of_candidates_belongs_to_its_search() {
    let now: Timestamp = NOW.parse().unwrap();
    let engine = small(3, 0);
    let user = EntityRef::new("User", "u1");
    let request = Request::new(user, "read", EntityRef::new("document", ""));
    let mut given: Vec<Candidate> =
        (0..5).map(|number| Candidate { id: format!("d{number}"), attributes: None }).collect();
    let first = PageRequest { limit: Some(2), ..PageRequest::default() };
    let next = engine.search_resources(&request, Candidates::Given(&given), now, &first).unwrap().next;
    let second = PageRequest { token: next, ..first };
    let found = engine.search_resources(&request, Candidates::Given(&given), now, &second).unwrap();
    assert_eq!(found.items, [EntityRef::new("document", "d2"), EntityRef::new("document", "d3")]);
    given[4].attributes = Some(serde_json::Map::new());
    let error = engine.search_resources(&request, Candidates::Given(&given), now, &second).unwrap_err();
    assert_eq!(error, SearchError::Token(TokenFault::OtherSearch));
}

/// AuthZEN's words for a search become the engine's, and its answer AuthZEN's.
#[test]
fn searches_speak_authzen() {
    use parapet::authzen::{ActionSearch, AuthzenError, Caller, ResourceSearch, SearchResponse, SubjectSearch};
    let now: Timestamp = NOW.parse().unwrap();
    let engine = small(3, 0);
    let caller = Caller { sets_context: false, scopes: Some(vec!["document:edit".to_owned()]) };
    let body = json!({"subject": {"type": "user", "id": "u1"}, "action": {"name": "read"},
        "resource": {"type": "document", "id": "d1"}, "page": {"limit": 1}});
    let body = body.to_string();

    let search = SubjectSearch::parse(body.as_bytes()).unwrap();
    let page = engine.search_subjects(&search.request(&caller).unwrap(), now, &search.page).unwrap();
    let next = page.next.clone();
    let response = serde_json::to_value(SearchResponse::of_entities(&search.subject_type, page)).unwrap();
    assert_eq!(
        response,
        json!({"page": {"next_token": next, "count": 1},
        "results": [{"type": "user", "id": "01890000-0000-7000-8000-000000000000"}]})
    );

    // The subject itself came with a key that only edits: it does nothing.
    let search = ActionSearch::parse(body.as_bytes()).unwrap();
    let actions = |caller: &Caller| engine.search_actions(&search.request(caller).unwrap(), now, &search.page).unwrap();
    assert!(actions(&caller).items.is_empty());
    assert_eq!(actions(&Caller::default()).items, ["read"]);
    let search = ResourceSearch::parse(body.as_bytes()).unwrap();
    let request = search.request(&Caller::default()).unwrap();
    assert!(engine.search_resources(&request, Candidates::Registered, now, &search.page).unwrap().items.is_empty());

    let page = PageRequest { token: Some("x".to_owned()), ..PageRequest::default() };
    let search = SubjectSearch { page, ..search_of(&body) };
    let error = engine.search_subjects(&search.request(&caller).unwrap(), now, &search.page).unwrap_err();
    let error = AuthzenError::from(error);
    assert_eq!((error.code(), error.pointer()), ("search.token", "/page/token"));
}

fn search_of(body: &str) -> parapet::authzen::SubjectSearch {
    parapet::authzen::SubjectSearch::parse(body.as_bytes()).unwrap()
}

/// The way leads through groups and organization units to what the scope names, each step with its row.
#[test]
fn explanations_lead_through_units() {
    let Tenant { engine, asked, document, .. } = fixture(&fixtures().join("organization_unit_inheritance"));
    let now = asked[0].1;
    let explain = |user: &str| {
        let user = document.user.iter().find(|row| row.username.as_deref() == Some(user)).unwrap();
        let principal = EntityRef::new("User", user.id.to_string());
        engine.explain(&Request::new(principal, "read", EntityRef::new("document", "d1")), now)
    };
    let steps = |user: &str| -> Vec<(String, String, String, Option<String>)> {
        let explanation = explain(user);
        let policy = &explanation.policies[0];
        assert_eq!(policy.policy, "custom/north_reads");
        let steps = policy.path.iter();
        let step = |step: &parapet::engine::PathStep| {
            (step.to.r#type.clone(), step.name.clone(), step.source.table.clone(), step.source.field.clone())
        };
        steps.map(step).collect()
    };
    let step = |ty: &str, name: &str, table: &str, field: Option<&str>| {
        (ty.to_owned(), name.to_owned(), table.to_owned(), field.map(str::to_owned))
    };
    let column = Some("organization_unit_id");
    assert_eq!(
        steps("leaf"),
        [
            step("Group", "oslo office", "user_group_membership", None),
            step("OrganizationUnit", "oslo", "user_group", column),
            step("OrganizationUnit", "north", "organization_unit", Some("parent_id")),
        ]
    );
    assert_eq!(
        steps("mid"),
        [
            step("Group", "north office", "user_group_membership", None),
            step("OrganizationUnit", "north", "user_group", column),
        ]
    );
    let last = explain("leaf").policies[0].path[2].source.clone();
    let oslo = document.organization_unit.iter().find(|unit| unit.name == "oslo").unwrap();
    assert_eq!(last.id, oslo.id.to_string());
    assert!(explain("beside").policies.is_empty());
}

/// Wherever a determining policy's scope names what the principal only lies in, the way there is shown.
#[test]
fn explanations_of_fixtures_have_their_way() {
    let mut ways = 0;
    for Tenant { name, engine, asked, .. } in tenants() {
        for (request, now) in &asked {
            for policy in engine.explain(request, *now).policies {
                let role = matches!(policy.origin, parapet::compile::Origin::Role { .. });
                assert!(!role || !policy.path.is_empty(), "{name}: {}", policy.policy);
                ways += usize::from(!policy.path.is_empty());
            }
        }
    }
    assert!(ways > 200, "only {ways}");
}

//! The hosted pages: what each shows, what its forms do, and what hostile forms, addresses and words do not.

use super::sign_in::{Browser, HOST, PASSWORD, edge, give_password};
use super::*;
use parapet_worker::guard::Access;

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What would be a script in a text, in an attribute and in an address, if it were not escaped.
pub const HOSTILE: &str = "\"><script>alert(1)</script>{{csrf}}{{{csrf}}}' onload=x javascript:alert(2)";

/// A person with a browser.
#[derive(Default)]
pub struct Tab {
    pub browser: Browser,
    pub language: Option<&'static str>,
}

impl Tab {
    pub fn signed_in(edge: &Edge) -> Self {
        let mut tab = Self::default();
        let response = tab.sign_in(edge, "anna", PASSWORD);
        assert_eq!((response.status, response.header("location")), (303, Some("/account")));
        tab
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = request(method, path);
        request.query = query.to_owned();
        request.headers.insert("accept".to_owned(), HTML.to_owned());
        if let Some(language) = self.language {
            request.headers.insert("accept-language".to_owned(), language.to_owned());
        }
        request
    }

    pub fn open(&mut self, edge: &Edge, path: &str) -> Response {
        let request = self.request("GET", path);
        self.browser.deliver(edge, request)
    }

    /// Sends exactly these fields.
    pub fn post(&mut self, edge: &Edge, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut request = self.request("POST", path);
        request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        request.body = Body::Bytes(body.finish().into_bytes());
        self.browser.deliver(edge, request)
    }

    /// Opens a page and sends its form, with what is hidden in it.
    pub fn submit(&mut self, edge: &Edge, path: &str, fields: &[(&str, &str)]) -> Response {
        let page = html(&self.open(edge, path));
        let token = hidden(&page, "csrf_token").unwrap();
        let return_to = hidden(&page, "return_to");
        let mut all: Vec<(&str, &str)> = vec![("csrf_token", &token)];
        all.extend(return_to.as_deref().map(|value| ("return_to", value)));
        all.extend(fields);
        self.post(edge, path.split('?').next().unwrap(), &all)
    }

    pub fn sign_in(&mut self, edge: &Edge, name: &str, password: &str) -> Response {
        self.submit(edge, "/sign-in", &[("identifier", name), ("password", password)])
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.browser.cookies.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }
}

/// A page, with what holds for every one.
#[track_caller]
pub fn html(response: &Response) -> String {
    let mut text = String::from_utf8(response.body.clone()).unwrap();
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"), "{text}");
    let policy = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    // A page that may load our script loads it, and has no other.
    let loads = text.split_once("<script type=\"module\" src=\"/script/").map(|(before, rest)| {
        let (path, after) = rest.split_once("\"></script>").unwrap();
        assert!(path.len() == "0123456789abcdef/passkey.js".len() && path.ends_with("/passkey.js"), "{path}");
        format!("{before}{after}")
    });
    let with_script = policy.replacen("style-src", "script-src 'self'; style-src", 1);
    let expected = if loads.is_some() { with_script.as_str() } else { policy };
    assert_eq!(response.header("content-security-policy"), Some(expected));
    text = loads.unwrap_or(text);
    assert_eq!(response.header("referrer-policy"), Some("same-origin"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert!(text.starts_with("<!doctype html>\n<html lang=\""));
    for never in ["<script", "<style", " style=", "javascript:", "onload=x'", "<iframe", "{{", "http://"] {
        // As text it may stand there, where nothing of it is a tag, an attribute or an address.
        assert!(!text.contains(never) || ["javascript:", "{{"].contains(&never), "{never}: {text}");
    }
    for address in text.split("href=\"").skip(1).chain(text.split("action=\"").skip(1)) {
        let address = address.split('"').next().unwrap();
        assert!(
            ["/", "#", "mailto:", "https://", "data:,"].iter().any(|begins| address.starts_with(begins)),
            "{address}"
        );
    }
    // Each `id` stands once, and what is pointed at is there.
    let ids: Vec<&str> = text.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
    for pointer in ["for=\"", "aria-describedby=\"", "aria-labelledby=\""] {
        for target in text.split(pointer).skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' ')) {
            assert!(ids.contains(&target), "{pointer}{target}");
        }
    }
    text
}

/// The value of a hidden field, as a browser reads it.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let begin = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let value = page.split(begin.as_str()).nth(1)?.split('"').next().unwrap();
    let entities = [("&#x3D;", "="), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    Some(entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}

#[track_caller]
pub fn assert_leads(response: &Response, path: &str) {
    let text = String::from_utf8_lossy(&response.body);
    assert_eq!((response.status, response.header("location")), (303, Some(path)), "{text}");
}

#[track_caller]
fn assert_sessions(edge: &Edge, number: usize) {
    assert_eq!(edge.sql("SELECT 1 FROM user_session").len(), number);
}

#[test]
fn a_name_and_a_password_lead_to_the_account() {
    let edge = edge();
    let mut tab = Tab::default();
    let page = html(&tab.open(&edge, "/sign-in"));
    for part in [
        "<title>Sign in – Acme</title>",
        "<html lang=\"en\" data-theme=\"system\">",
        "<label for=\"identifier\">E-mail address or username</label>",
        "autocomplete=\"username\" required",
        "<label for=\"password\">Password</label>",
        "type=\"password\" value=\"\" autocomplete=\"current-password\" required",
        "<main id=\"main\"",
        "<a class=\"skip\" href=\"#main\">",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert_leads(&tab.sign_in(&edge, "anna@acme.example", PASSWORD), "/account");
    let account = html(&tab.open(&edge, "/account"));
    assert!(account.contains("anna@acme.example") && account.contains("(not confirmed)"), "{account}");
    assert!(account.contains("<a href=\"/account\" aria-current=\"page\">Your account</a>"));
    // Who is signed in is asked nothing.
    assert_leads(&tab.open(&edge, "/sign-in"), "/account");
    assert_leads(&tab.open(&edge, "/sign-in?return_to=/account/sessions"), "/account/sessions");
    assert_leads(&tab.open(&edge, "/"), "/account");
    assert_sessions(&edge, 1);
}

#[test]
fn a_wrong_password_is_said_in_words_and_typed_again() {
    let edge = edge();
    let mut tab = Tab::default();
    let response = tab.sign_in(&edge, "an\"na", "not the password");
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("<title>Error: Sign in – Acme</title>"));
    assert!(page.contains("role=\"alert\"") && page.contains("<li>The name or the password is wrong.</li>"), "{page}");
    assert!(page.contains("value=\"an&quot;na\"") && !page.contains("not the password"), "{page}");
    assert!(!page.contains("sign_in.refused"));
    // It can be sent again as it stands.
    let token = hidden(&page, "csrf_token").unwrap();
    let sent = [("csrf_token", token.as_str()), ("identifier", "anna"), ("password", PASSWORD)];
    assert_leads(&tab.post(&edge, "/sign-in", &sent), "/account");
}

#[test]
fn what_is_not_filled_in_is_said_beside_its_field() {
    let edge = edge();
    let response = Tab::default().sign_in(&edge, "", "");
    assert_eq!(response.status, 422);
    let page = html(&response);
    assert!(page.contains("<li><a href=\"#identifier\">This must be filled in.</a></li>"), "{page}");
    assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"password-error\""), "{page}");
    assert!(page.contains("<p class=\"error\" id=\"password-error\">This must be filled in.</p>"), "{page}");
    assert!(edge.sql("SELECT 1 FROM login_attempt").is_empty(), "nothing was tried");
}

#[test]
fn too_many_tries_wait_and_are_told_for_how_long() {
    let edge = edge();
    let mut tab = Tab::default();
    for _ in 0..10 {
        assert_eq!(tab.sign_in(&edge, "anna", "wrong").status, 422);
    }
    let response = tab.sign_in(&edge, "anna", PASSWORD);
    assert_eq!((response.status, response.header("retry-after")), (429, Some("2")));
    assert!(html(&response).contains("There were too many tries. Wait 2 seconds, then try again."));
    assert_sessions(&edge, 0);
}

#[test]
fn a_form_of_nobody_signs_nobody_in() {
    let edge = edge();
    let name = [("identifier", "anna"), ("password", PASSWORD)];
    let with = |token: &'static str| [("csrf_token", token), name[0], name[1]];
    let refused = |response: &Response| {
        assert_eq!(response.status, 403);
        html(response)
    };
    // Without a token, with one of another form, with a changed one.
    let mut tab = Tab::default();
    let page = html(&tab.open(&edge, "/sign-in"));
    let token = hidden(&page, "csrf_token").unwrap();
    assert!(refused(&tab.post(&edge, "/sign-in", &name)).contains("This form could not be checked."));
    for other in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        refused(&tab.post(&edge, "/sign-in", &with(other)));
    }
    // With the token of another browser, or without the cookie that it goes with.
    let sent = [("csrf_token", token.as_str()), name[0], name[1]];
    let mut other = Tab::default();
    other.open(&edge, "/sign-in");
    refused(&other.post(&edge, "/sign-in", &sent));
    refused(&Tab::default().post(&edge, "/sign-in", &sent));
    // From a page of another origin, whatever it knows.
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://other.id.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let mut request = tab.request("POST", "/sign-in");
        request.headers.insert(header.to_owned(), value.to_owned());
        request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let body = format!("csrf_token={token}&identifier=anna&password={}", PASSWORD.replace(' ', "+"));
        request.body = Body::Bytes(body.into_bytes());
        let page = refused(&tab.browser.deliver(&edge, request));
        assert!(page.contains("This is not allowed"), "{page}");
    }
    assert_sessions(&edge, 0);
    assert!(edge.sql("SELECT 1 FROM login_attempt").is_empty());
    assert_leads(&tab.post(&edge, "/sign-in", &sent), "/account");
}

#[test]
fn a_form_of_another_session_changes_nothing() {
    let edge = edge();
    let (mut anna, mut again) = (Tab::signed_in(&edge), Tab::signed_in(&edge));
    let token = |tab: &mut Tab| hidden(&html(&tab.open(&edge, "/account")), "csrf_token").unwrap();
    let others = token(&mut again);
    let mut stranger = Tab::default();
    let strangers = hidden(&html(&stranger.open(&edge, "/sign-in")), "csrf_token").unwrap();
    for csrf in ["", "x", &others, &strangers] {
        for (path, field) in [
            ("/account/sessions", ("end", "others")),
            ("/account/notifications", ("up_to", ANNA)),
            ("/sign-in/again", ("password", PASSWORD)),
            ("/account/profile", ("first_name", "Mallory")),
            ("/account/email", ("verify", "yes")),
            ("/account/password", ("current_password", PASSWORD)),
            ("/account/factors/add", ("what", "totp")),
            ("/account/factors/confirm", ("flow", "x")),
            ("/account/factors/change", ("remove", "yes")),
            ("/account/factors/codes", ("renew", "yes")),
            ("/account/api-keys", ("revoke", ANNA)),
            ("/account/api-keys/new", ("name", "mine")),
            ("/sign-in/again/passkey", ("credential", "{}")),
            ("/sign-out", ("x", "y")),
        ] {
            let response = anna.post(&edge, path, &[("csrf_token", csrf), field]);
            assert_eq!(response.status, 403, "{path}");
            html(&response);
        }
    }
    let own = token(&mut anna);
    for (header, value) in [("origin", "https://evil.example"), ("origin", "null")] {
        let mut request = anna.request("POST", "/account/sessions");
        request.headers.insert(header.to_owned(), value.to_owned());
        request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        request.body = Body::Bytes(format!("csrf_token={own}&end=others").into_bytes());
        assert_eq!(anna.browser.deliver(&edge, request).status, 403);
    }
    assert_sessions(&edge, 2);
    assert_leads(
        &anna.post(&edge, "/account/sessions", &[("csrf_token", &own), ("end", "others")]),
        "/account/sessions?done=others_ended",
    );
    assert_sessions(&edge, 1);
}

#[test]
fn nobody_is_led_to_another_origin() {
    let edge = edge();
    for wanted in [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\r\nlocation: https://evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:evil.example",
        " https://evil.example",
        "evil.example",
        "@evil.example",
        "/a//evil.example",
        HOSTILE,
    ] {
        let encoded: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        let mut tab = Tab::default();
        // By the address of the page, and by a field that somebody has changed.
        let path = format!("/sign-in?return_to={encoded}");
        let response = tab.submit(&edge, &path, &[("identifier", "anna"), ("password", PASSWORD)]);
        assert_leads(&response, "/account");
        assert_leads(&tab.open(&edge, &path), "/account");
        let mut tab = Tab::default();
        let page = html(&tab.open(&edge, "/sign-in"));
        let token = hidden(&page, "csrf_token").unwrap();
        let sent =
            [("csrf_token", token.as_str()), ("return_to", wanted), ("identifier", "anna"), ("password", PASSWORD)];
        assert_leads(&tab.post(&edge, "/sign-in", &sent), "/account");
    }
}

#[test]
fn who_is_not_signed_in_comes_back_to_where_they_wanted() {
    let edge = edge();
    let mut tab = Tab::default();
    let response = tab.open(&edge, "/account/notifications?cursor=1&x=%2F%2F");
    let door = "/sign-in?return_to=%2Faccount%2Fnotifications%3Fcursor%3D1%26x%3D%252F%252F";
    assert_leads(&response, door);
    let response = tab.submit(&edge, door, &[("identifier", "anna"), ("password", PASSWORD)]);
    assert_leads(&response, "/account/notifications?cursor=1&x=%2F%2F");
    // A form that was open when the session ended; its cookie goes.
    edge.sql("DELETE FROM user_session");
    assert_leads(
        &tab.post(&edge, "/account/sessions", &[("end", "others")]),
        "/sign-in?return_to=%2Faccount%2Fsessions",
    );
    assert_eq!(tab.cookie("__Host-session"), None);
    // What is no browser is told so as a program is.
    let mut request = request("GET", "/account");
    request.headers.insert("accept".to_owned(), "*/*".to_owned());
    assert_problem(&edge.send(request), 401, "key.missing");
}

#[test]
fn signing_out_ends_the_session_and_leads_to_the_door() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let page = html(&tab.open(&edge, "/account"));
    let response = tab.post(&edge, "/sign-out", &[("csrf_token", &hidden(&page, "csrf_token").unwrap())]);
    assert_leads(&response, "/sign-in?done=signed_out");
    assert_eq!(tab.cookie("__Host-session"), None);
    assert_sessions(&edge, 0);
    let page = html(&tab.open(&edge, "/sign-in?done=signed_out"));
    assert!(page.contains("<p class=\"notice\" role=\"status\">You are signed out.</p>"), "{page}");
    // Nobody puts words there.
    for done in ["<b>x</b>", "nothing", "../x", HOSTILE] {
        let encoded: String = form_urlencoded::byte_serialize(done.as_bytes()).collect();
        assert!(!html(&tab.open(&edge, &format!("/sign-in?done={encoded}"))).contains("class=\"notice\""));
    }
}

#[test]
fn sessions_are_listed_and_ended() {
    let edge = edge();
    let (mut first, mut second, mut third) = (Tab::signed_in(&edge), Tab::signed_in(&edge), Tab::signed_in(&edge));
    let page = html(&first.open(&edge, "/account/sessions"));
    assert_eq!(page.matches("Firefox on Linux").count(), 3, "{page}");
    assert!(page.contains("192.0.2.7") && page.contains("2026-03-02 10:00 UTC"), "{page}");
    assert_eq!(page.matches("(this browser)").count(), 1);
    let id_of = |tab: &mut Tab| body(&tab.browser.get(&edge, "/v1/me/session"))["id"].as_str().unwrap().to_owned();
    let id = id_of(&mut second);
    assert_leads(&first.submit(&edge, "/account/sessions", &[("end", &id)]), "/account/sessions?done=session_ended");
    assert_leads(&second.open(&edge, "/account"), "/sign-in?return_to=%2Faccount");
    // Once more, and what is no session of hers.
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Tab::default();
    ben.sign_in(&edge, "ben@acme.example", PASSWORD);
    for other in [id, id_of(&mut ben), "x".to_owned(), String::new()] {
        assert_leads(&first.submit(&edge, "/account/sessions", &[("end", &other)]), "/account/sessions");
    }
    assert_eq!(ben.open(&edge, "/account").status, 200);
    assert_leads(
        &first.submit(&edge, "/account/sessions", &[("end", "others")]),
        "/account/sessions?done=others_ended",
    );
    assert_leads(&third.open(&edge, "/account"), "/sign-in?return_to=%2Faccount");
    let page = html(&first.open(&edge, "/account/sessions?done=others_ended"));
    assert!(page.contains("You are signed out everywhere else.") && !page.contains("value=\"others\""), "{page}");
    // One's own is signing out.
    let id = id_of(&mut first);
    first.submit(&edge, "/account/sessions", &[("end", &id)]);
    assert_eq!(first.cookie("__Host-session"), None);
}

/// Something that Anna was told.
fn tell(edge: &Edge, id: usize, subject: &str, content: &str) {
    let statement = Statement::new(
        "INSERT INTO user_notification
             (id, tenant_id, user_id, notification_template_id, subject, content, type, status, metadata, created_at)
         SELECT ?1, ?2, ?3, id, ?4, ?5, 'in_app', 'delivered', '{}', ?6 FROM notification_template LIMIT 1",
    );
    let at = format!("2026-03-01T00:00:{:02}.000Z", id % 60);
    let statement = statement.bind(format!("01980000-0000-7000-8000-{id:012}")).bind(TENANT).bind(ANNA);
    pollster::block_on(edge.app.db.all(statement.bind(subject).bind(content).bind(at))).unwrap();
}

#[test]
fn notifications_are_listed_in_pages_and_marked() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    assert!(html(&tab.open(&edge, "/account/notifications")).contains("You have not been told of anything."));
    for id in 0..25 {
        tell(&edge, id, &format!("Subject {id}."), "Line one\nline two");
    }
    let account = html(&tab.open(&edge, "/account"));
    assert!(account.contains("Notifications you have not read: 25"), "{account}");
    let page = html(&tab.open(&edge, "/account/notifications"));
    assert!(page.contains("Subject 24.") && page.contains("Subject 5.") && !page.contains("Subject 4."), "{page}");
    let older = page.split("<a href=\"/account/notifications?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = html(&tab.open(&edge, &format!("/account/notifications?cursor={older}")));
    assert!(second.contains("Subject 4.") && !second.contains("?cursor="), "{second}");
    let up_to = page.split("name=\"up_to\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_leads(&tab.submit(&edge, "/account/notifications", &[("up_to", up_to)]), "/account/notifications");
    let page = html(&tab.open(&edge, "/account/notifications"));
    assert!(!page.contains("(new)") && !page.contains("name=\"up_to\""), "{page}");
    // What is no cursor is no page.
    let response = tab.open(&edge, "/account/notifications?cursor=x%26limit%3D1");
    assert_eq!(response.status, 400);
    html(&response);
}

#[test]
fn nothing_that_anybody_wrote_is_more_than_text() {
    let edge = edge();
    let set = |sql: &'static str| pollster::block_on(edge.app.db.all(Statement::new(sql).bind(HOSTILE))).unwrap();
    let mut tab = Tab::signed_in(&edge);
    for sql in [
        "UPDATE tenant SET name = ?1, logo_url = 'https://a.example/' || ?1, primary_color = ?1, secondary_color = ?1 WHERE slug = 'acme'",
        "UPDATE user SET first_name = ?1, last_name = ?1, username = ?1 WHERE username = 'anna'",
        "UPDATE user_session SET device_info = ?1, user_agent = ?1, ip_address = ?1",
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000c01', id, 'ui', 'support_url', json_quote('javascript:' || ?1), created_at, updated_at FROM tenant",
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000c02', id, 'ui', 'support_email', json_quote(?1), created_at, updated_at FROM tenant",
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000c03', id, 'ui', 'theme', json_quote(?1), created_at, updated_at FROM tenant",
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000c04', id, 'ui', 'language', json_quote(?1), created_at, updated_at FROM tenant",
    ] {
        set(sql);
    }
    tell(&edge, 1, HOSTILE, HOSTILE);
    for path in routes()
        .iter()
        .filter(|route| route.method == "GET" && route.path.starts_with("/account"))
        .map(|route| route.path)
    {
        let response = tab.open(&edge, path);
        if response.status == 303 {
            // There is nothing to show yet.
            continue;
        }
        let page = html(&response);
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }
    let mut stranger = Tab::default();
    html(&stranger.open(&edge, "/sign-in"));
    let response = stranger.sign_in(&edge, HOSTILE, HOSTILE);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("&lt;script&gt;"));
    let page =
        html(&stranger.post(&edge, "/sign-in", &[("return_to", HOSTILE), ("csrf_token", HOSTILE), (HOSTILE, HOSTILE)]));
    assert!(page.contains("&lt;script&gt;"));
    let mut request = stranger.request("GET", "/nowhere");
    request.headers.insert("x-request-id".to_owned(), HOSTILE.to_owned());
    assert!(html(&edge.send(request)).contains("&lt;script&gt;"));
}

#[test]
fn a_page_speaks_as_the_browser_wants_or_as_its_tenant() {
    let edge = edge();
    let mut german = Tab { language: Some("de-AT,de;q=0.9,en;q=0.8"), ..Tab::default() };
    let page = html(&german.open(&edge, "/sign-in"));
    assert!(page.contains("<html lang=\"de\"") && page.contains("<h1>Anmelden</h1>"), "{page}");
    let page = html(&german.sign_in(&edge, "anna", "falsch"));
    assert!(page.contains("Der Name oder das Passwort ist falsch."), "{page}");
    assert!(html(&german.open(&edge, "/nirgends")).contains("Hier ist nichts"));
    german.sign_in(&edge, "anna", PASSWORD);
    assert!(html(&german.open(&edge, "/account/sessions")).contains("02.03.2026, 10:00 UTC"));
    let mut other = Tab { language: Some("fr"), ..Tab::default() };
    assert!(html(&other.open(&edge, "/sign-in")).contains("<html lang=\"en\""));
    edge.sql(
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000c01', id, 'ui', 'language', '\"de-CH\"', created_at, updated_at FROM tenant",
    );
    assert!(html(&other.open(&edge, "/sign-in")).contains("<html lang=\"de\""));
    let mut english = Tab { language: Some("en-GB"), ..Tab::default() };
    assert!(html(&english.open(&edge, "/sign-in")).contains("<html lang=\"en\""));
}

#[test]
fn a_page_looks_as_its_tenant_wants() {
    let edge = edge();
    edge.sql(
        "UPDATE tenant SET name = 'Acme & Söhne', logo_url = 'https://cdn.example/logo.svg', primary_color = '#FFE600',
         settings = '{\"ui\": {\"theme\": \"dark\", \"support_email\": \"help@acme.example\"}}' WHERE slug = 'acme'",
    );
    let page = html(&Tab::default().open(&edge, "/sign-in"));
    assert!(page.contains("<img src=\"https://cdn.example/logo.svg\" alt=\"Acme &amp; Söhne\">"), "{page}");
    assert!(page.contains("data-theme=\"dark\"") && page.contains("href=\"mailto:help@acme.example\""), "{page}");
    let sheet = page.split("<link rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(sheet.ends_with("/ffe600.css"));
    let response = edge.get(sheet);
    assert_eq!((response.status, response.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(response.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let css = String::from_utf8(response.body).unwrap();
    assert!(css.starts_with(":root { --fill: #ffe600; --ink: #000000; "), "{css}");
    // Of another version it is not kept, and what is no colour is no sheet.
    assert_eq!(edge.get("/style/0000000000000000/ffe600.css").header("cache-control"), Some("no-store"));
    for other in ["ffe60.css", "ffe600", "}body{}.css", "FFE60g.css", "ffe600.css.css"] {
        assert_problem(&edge.get(&format!("/style/0000000000000000/{other}")), 404, "http.not_found");
    }
}

#[test]
fn what_goes_wrong_is_a_page_where_a_browser_asks_for_one() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    for (method, path, status, words) in
        [("GET", "/nowhere", 404, "There is nothing here"), ("POST", "/account", 405, "This address is not a page")]
    {
        let request = tab.request(method, path);
        let response = tab.browser.deliver(&edge, request);
        assert_eq!(response.status, status, "{path}");
        let page = html(&response);
        assert!(page.contains(words) && page.contains(response.header("x-request-id").unwrap()), "{page}");
        let problem = edge.send(request_of(method, path));
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem.status, status);
    }
    assert_eq!(edge.send(tab.request("POST", "/account")).header("allow"), Some("GET, HEAD"));
    // The API answers programs, whatever they take.
    for path in ["/v1/me/session", "/v1/nowhere", "/access/v1/nowhere", "/.well-known/nowhere", "/openapi.json/x"] {
        let response = edge.send(Tab::default().request("GET", path));
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{path}");
    }
    // While the database does not answer.
    edge.app.db.fail(true);
    let response = Tab::default().open(&edge, "/sign-in");
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    assert!(html(&response).contains("The service is not available"));
    edge.app.db.fail(false);
}

fn request_of(method: &str, path: &str) -> Request {
    let mut request = request(method, path);
    request.origin = HOST.to_owned();
    request
}

#[test]
fn who_comes_too_often_is_told_on_a_page() {
    let edge =
        Edge::with(&[("BASE_DOMAIN", "id.example"), ("STRANGER_RATE_LIMIT", "2"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let mut tab = Tab::default();
    for status in [200, 200, 429] {
        assert_eq!(tab.open(&edge, "/sign-in").status, status);
    }
    let response = tab.open(&edge, "/sign-in");
    assert_eq!(response.header("retry-after"), Some("60"));
    assert!(html(&response).contains("Too many requests"));
}

#[test]
fn pages_are_at_a_tenants_own_host_alone() {
    let edge = edge();
    edge.seed(&other());
    let tab = Tab::signed_in(&edge);
    let at = |origin: &str, path: &str| {
        let mut request = tab.request("GET", path);
        request.origin = origin.to_owned();
        let cookies: Vec<String> = tab.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers.insert("cookie".to_owned(), cookies.join("; "));
        edge.send(request)
    };
    for origin in ["https://id.example", "https://www.id.example", "https://none.id.example"] {
        for path in ["/", "/sign-in"] {
            let response = at(origin, path);
            assert_eq!(response.status, 404, "{origin}{path}");
            html(&response);
        }
    }
    assert_leads(&at("https://other.id.example", "/account"), "/sign-in?return_to=%2Faccount");
    assert_eq!(at(HOST, "/account").status, 200);
    // A key is no session, and has no pages.
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let mut request = tab.request("GET", "/account");
    request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
    assert_eq!(edge.send(request).status, 404);
}

#[test]
fn what_is_no_form_is_refused() {
    let edge = edge();
    let mut tab = Tab::default();
    let page = html(&tab.open(&edge, "/sign-in"));
    let token = hidden(&page, "csrf_token").unwrap();
    let valid = format!("csrf_token={token}&identifier=anna&password={}", PASSWORD.replace(' ', "+"));
    for (media_type, body, status) in [
        ("application/json", valid.clone(), 415),
        ("multipart/form-data; boundary=x", valid.clone(), 415),
        ("text/plain", valid.clone(), 415),
        ("application/x-www-form-urlencoded", format!("{valid}&identifier=ben"), 400),
        ("application/x-www-form-urlencoded", format!("{valid}&x={}", "y".repeat(1024 * 1024)), 413),
        ("application/x-www-form-urlencoded; charset=utf-8", valid.clone(), 303),
    ] {
        let mut request = tab.request("POST", "/sign-in");
        request.headers.insert("content-type".to_owned(), media_type.to_owned());
        request.body = Body::Bytes(body.into_bytes());
        let response = tab.browser.deliver(&edge, request);
        assert_eq!(response.status, status, "{media_type}");
        if status != 303 {
            html(&response);
        }
    }
    assert_sessions(&edge, 1);
}

#[test]
fn a_second_factor_is_asked_for_without_a_secret_in_the_address() {
    let edge = edge();
    edge.sql(
        "INSERT INTO mfa_device (id, tenant_id, user_id, type, device_name, counter, is_verified, is_primary, created_at)
         SELECT '01980000-0000-7000-8000-000000000a01', tenant_id, id, 'totp', 'phone', 0, 1, 1, created_at FROM user
         WHERE username = 'anna'",
    );
    let mut tab = Tab::default();
    let response =
        tab.submit(&edge, "/sign-in?return_to=/account/sessions", &[("identifier", "anna"), ("password", PASSWORD)]);
    assert_leads(&response, "/sign-in/second-factor");
    assert_eq!(tab.cookie("__Host-session"), None);
    assert!(tab.cookie("__Host-step").is_some());
    let set = response
        .headers
        .iter()
        .find(|(name, value)| *name == "set-cookie" && value.starts_with("__Host-step"))
        .unwrap();
    assert!(set.1.contains("Max-Age=600"), "{}", set.1);
    assert_sessions(&edge, 0);
}

#[test]
fn who_proves_again_who_they_are_goes_on() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let before = tab.cookie("__Host-session").unwrap().to_owned();
    let response = tab.submit(&edge, "/sign-in/again?return_to=/account/sessions", &[("password", "wrong")]);
    assert_eq!(response.status, 422);
    assert!(html(&response).contains("The name or the password is wrong."));
    let response = tab.submit(&edge, "/sign-in/again?return_to=/account/sessions", &[("password", PASSWORD)]);
    assert_leads(&response, "/account/sessions");
    assert_ne!(tab.cookie("__Host-session"), Some(before.as_str()));
    assert_eq!(tab.open(&edge, "/account").status, 200);
    assert_sessions(&edge, 1);
}

/// Every page there is, in every language: each of its words is there.
#[test]
fn every_page_can_be_shown_in_every_language() {
    let edge = edge();
    super::own_password::set(&edge, "sign_up", json!("open"));
    tell(&edge, 1, "Subject", "Content");
    let mut walked = 0;
    for language in ["en", "de"] {
        let mut stranger = Tab { language: Some(language), ..Tab::default() };
        let mut tab = Tab::signed_in(&edge);
        tab.language = Some(language);
        let pages = parapet_worker::pages::routes();
        for route in pages.iter().filter(|route| route.method == "GET" && !route.path.contains('{')) {
            let tab = if matches!(route.access, Access::Public(_)) { &mut stranger } else { &mut tab };
            let response = tab.open(&edge, route.path);
            if response.status == 303 {
                continue;
            }
            assert_eq!(response.status, 200, "{}", route.path);
            assert!(html(&response).contains(&format!("<html lang=\"{language}\"")), "{}", route.path);
            walked += 1;
        }
    }
    assert!(walked >= 10, "{walked}");
}

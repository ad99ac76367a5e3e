//! Cookies (RFC 6265bis): a session's and a browser's own, and that what comes with one was meant by its user.
//!
//! Both are `__Host-` cookies: sent to exactly the host that set them, over TLS, and set by no other host. Scripts cannot
//! read them, and `SameSite=Lax` keeps them from what other sites send. Browsers that are older than that, and sites under
//! the same registrable domain, are kept off by the origin of a request and by a token that only the session's own pages
//! know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use sha2::Sha256;

use crate::error::ApiError;
use crate::request::Request;

/// The session.
const SESSION: &str = "__Host-session";

/// The browser, whoever uses it.
const DEVICE: &str = "__Host-device";

/// What forms of strangers are bound to.
const FORM: &str = "__Host-form";

/// What a page hands to the next one, so that it stands in no address.
const STEP: &str = "__Host-step";

/// The header in which scripts send the token of [`csrf_token`]; forms send it as a field of that name.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The session that a request's cookie names. Decisions are asked for with keys alone.
pub fn session(request: &Request) -> Option<OpaqueToken> {
    if request.is_deciding() {
        return None;
    }
    OpaqueToken::parse(TokenKind::Session, value(request, SESSION)?)
}

/// The browser that a request's cookie names.
pub fn device(request: &Request) -> Option<OpaqueToken> {
    OpaqueToken::parse(TokenKind::Device, value(request, DEVICE)?)
}

/// The `Set-Cookie` of a session: until the browser is closed, or the session ends.
pub fn set_session(token: &OpaqueToken) -> String {
    format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.expose())
}

/// The `Set-Cookie` that takes the session away.
pub fn clear_session() -> String {
    format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The `Set-Cookie` of a browser, for so many seconds.
pub fn set_device(token: &OpaqueToken, seconds: i64) -> String {
    format!("{DEVICE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}", token.expose())
}

/// What this browser's forms are bound to while nobody is signed in.
pub fn form(request: &Request) -> Option<OpaqueToken> {
    OpaqueToken::parse(TokenKind::Form, value(request, FORM)?)
}

/// The `Set-Cookie` of that: until the browser is closed.
pub fn set_form(token: &OpaqueToken) -> String {
    format!("{FORM}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.expose())
}

/// What the page before handed on, as it wrote it.
pub fn step(request: &Request) -> Option<&str> {
    value(request, STEP)
}

/// The `Set-Cookie` that hands on what has the characters of base64url, for so many seconds.
pub fn set_step(value: &str, seconds: i64) -> String {
    format!("{STEP}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The `Set-Cookie` that takes it away.
pub fn clear_step() -> String {
    set_step("", 0)
}

/// Refuses what changes something and comes with a cookie, unless it comes from a page of the same origin, or with the
/// session's token.
pub fn is_meant(request: &Request, session: &OpaqueToken) -> Result<(), ApiError> {
    let is_safe = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let has_token = || request.header(CSRF_HEADER).is_some_and(|token| is_csrf_token(session, token));
    if is_safe || is_same_origin(request) || has_token() { Ok(()) } else { Err(ApiError::CrossSite) }
}

/// Refuses what a page of another origin sends that signs somebody in: nobody is to find themselves in another's account.
pub fn is_no_stranger(request: &Request) -> Result<(), ApiError> {
    let is_foreign = match request.header("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => request.header("origin").is_some() && !is_same_origin(request),
    };
    if is_foreign { Err(ApiError::CrossSite) } else { Ok(()) }
}

/// Whether the page that sends this is of the origin that it is sent to. Without a word of that it is not: every browser
/// says it of a request that may change something (the Fetch standard, section 3.2).
pub fn is_same_origin(request: &Request) -> bool {
    match request.header("origin") {
        Some(origin) => !request.origin.is_empty() && origin.eq_ignore_ascii_case(&request.origin),
        None => request.header("sec-fetch-site") == Some("same-origin"),
    }
}

/// What a session's own pages send along: an HMAC under the session's token, which no other site can know.
pub fn csrf_token(session: &OpaqueToken) -> String {
    form_token(session, CSRF)
}

/// Whether this is the token of the session, in constant time.
pub fn is_csrf_token(session: &OpaqueToken, token: &str) -> bool {
    is_form_token(session, CSRF, token)
}

/// What a form sends along while nobody is signed in: an HMAC under the browser's cookie, for the form at this path.
pub fn form_token(form: &OpaqueToken, path: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(form, path).finalize().into_bytes())
}

/// Whether this is the token of that form, in constant time.
pub fn is_form_token(form: &OpaqueToken, path: &str, token: &str) -> bool {
    URL_SAFE_NO_PAD.decode(token).is_ok_and(|token| mac(form, path).verify_slice(&token).is_ok())
}

/// What is under the HMAC of a session; no path is the same.
const CSRF: &str = "parapet csrf";

fn mac(token: &OpaqueToken, purpose: &str) -> Hmac<Sha256> {
    // A key of HMAC may have any length.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(token.expose().as_bytes()).expect("any length");
    mac.chain_update(purpose)
}

/// A header `Cookie` without the cookies that are ours; nothing where no other is left.
pub fn without_ours(header: &str) -> Option<String> {
    let is_ours = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name).trim();
        [SESSION, DEVICE, FORM, STEP].contains(&name)
    };
    let others: Vec<&str> =
        header.split(';').map(str::trim).filter(|pair| !pair.is_empty() && !is_ours(pair)).collect();
    (!others.is_empty()).then(|| others.join("; "))
}

/// The value of a cookie; nothing where it is there twice, since one of the two is not ours.
fn value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let pairs = request.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(its, _)| *its == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parapet::opaque_token::RANDOM_BYTES;

    fn token(byte: u8) -> OpaqueToken {
        OpaqueToken::from_random(TokenKind::Session, [byte; RANDOM_BYTES])
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            origin: "https://acme.example.com".to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Request::default()
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_and_counts_once() {
        let text = token(1).expose().to_owned();
        for (cookie, found) in [
            (format!("__Host-session={text}"), true),
            (format!("a=b; __Host-session={text}; c"), true),
            (format!("session={text}; x__Host-session={text}"), false),
            (format!("__Host-session={text}; __Host-session={}", token(2).expose()), false),
            ("__Host-session=".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(session(&request("GET", &[("cookie", &cookie)])), found.then(|| token(1)), "{cookie}");
        }
    }

    #[test]
    fn what_changes_something_comes_from_the_own_pages_or_with_the_token() {
        let csrf = csrf_token(&token(1));
        for (headers, meant) in [
            (vec![("origin", "https://acme.example.com")], true),
            (vec![("origin", "https://evil.example.com")], false),
            (vec![("origin", "https://acme.example.com.evil.com")], false),
            (vec![("origin", "http://acme.example.com")], false),
            (vec![("origin", "null")], false),
            (vec![], false),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("origin", "null"), ("sec-fetch-site", "same-origin")], false),
            (vec![("origin", "null"), (CSRF_HEADER, &csrf)], true),
            (vec![(CSRF_HEADER, "x")], false),
        ] {
            let request = request("POST", &headers);
            assert_eq!(is_meant(&request, &token(1)).is_ok(), meant, "{headers:?}");
            assert!(
                is_meant(&request, &token(2)).is_ok()
                    == (meant && headers.iter().all(|(name, _)| *name != CSRF_HEADER))
            );
        }
        assert!(is_meant(&request("GET", &[]), &token(1)).is_ok());
    }

    #[test]
    fn a_forms_token_is_of_one_browser_and_one_path() {
        let form = |byte| OpaqueToken::from_random(TokenKind::Form, [byte; RANDOM_BYTES]);
        let sent = form_token(&form(1), "/sign-in");
        assert!(is_form_token(&form(1), "/sign-in", &sent));
        for (browser, path) in [(form(2), "/sign-in"), (form(1), "/reset"), (token(1), "/sign-in")] {
            assert!(!is_form_token(&browser, path, &sent), "{path}");
        }
        for other in ["", &format!("{sent}A"), &sent.to_lowercase()] {
            assert!(!is_form_token(&form(1), "/sign-in", other), "{other}");
        }
    }
}

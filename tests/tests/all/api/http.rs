//! What holds for every answer: ids, methods, headers, sizes.

use super::*;

#[test]
fn the_service_says_that_it_is_up() {
    let response = Edge::new().get("/healthz");
    assert_eq!((response.status, body(&response)), (200, json!({ "status": "ok" })));
}

#[test]
fn an_unknown_path_is_not_found() {
    for path in ["/", "/healthz/", "/access/v1", "/access/v1/evaluation/x", "/../etc", "/%2e%2e", "//"] {
        assert_problem(&Edge::new().get(path), 404, "http.not_found");
    }
}

#[test]
fn a_wrong_method_says_which_are_right() {
    let response = Edge::new().get("/access/v1/evaluation");
    assert_problem(&response, 405, "http.method_not_allowed");
    assert_eq!(response.header("allow"), Some("POST"));
    let response = Edge::new().send(request("DELETE", "/healthz"));
    assert_eq!(response.header("allow"), Some("GET, HEAD"));
}

#[test]
fn head_is_get_without_the_content() {
    let response = Edge::new().send(request("HEAD", "/healthz"));
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert_eq!(response.header("content-type"), Some("application/json"));
    let response = Edge::new().send(request("HEAD", "/nowhere"));
    assert_eq!((response.status, response.body.len()), (404, 0));
}

#[test]
fn a_valid_request_id_comes_back() {
    let mut request = request("GET", "/healthz");
    request.headers.insert("x-request-id".to_owned(), "a b~!".to_owned());
    assert_eq!(Edge::new().send(request).header("x-request-id"), Some("a b~!"));
}

#[test]
fn another_request_id_is_replaced() {
    for id in ["", "é", "a\nb", &"x".repeat(129)] {
        let mut request = request("GET", "/healthz");
        request.headers.insert("x-request-id".to_owned(), id.to_owned());
        let response = Edge::new().send(request);
        assert_ne!(response.header("x-request-id"), Some(id));
        assert_eq!(response.header("x-request-id").unwrap().len(), 36);
    }
}

#[test]
fn every_answer_forbids_caching_guessing_and_framing() {
    let edge = Edge::new();
    for response in [edge.get("/healthz"), edge.get("/nowhere"), edge.ask(&edge.key(&[]))] {
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(response.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    }
}

#[test]
fn a_body_of_a_mebibyte_is_read_and_a_longer_one_is_not() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let mut question = question(ANNA, "read").to_string();
    question.push_str(&" ".repeat(1024 * 1024 - question.len()));
    let mut bytes = question.into_bytes();
    assert_decision(&edge.post_bytes("/access/v1/evaluation", &key, bytes.clone()), true);
    bytes.push(b' ');
    assert_problem(&edge.post_bytes("/access/v1/evaluation", &key, bytes), 413, "http.body_too_large");
}

#[test]
fn a_body_that_was_not_read_is_too_large() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let mut request = request("POST", "/access/v1/evaluation");
    request.headers.insert("authorization".to_owned(), format!("bearer {}", key.expose()));
    request.body = Body::TooLong;
    assert_problem(&edge.send(request), 413, "http.body_too_large");
}

#[test]
fn another_media_type_is_refused() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    for (media_type, status) in
        [("text/plain", 415), ("application/json; charset=utf-8", 200), ("Application/JSON", 200)]
    {
        let mut request = request("POST", "/access/v1/evaluation");
        request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
        request.headers.insert("content-type".to_owned(), media_type.to_owned());
        request.body = Body::Bytes(question(ANNA, "read").to_string().into_bytes());
        assert_eq!(edge.send(request).status, status, "{media_type}");
    }
}

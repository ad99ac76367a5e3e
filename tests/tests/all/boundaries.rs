//! The rules of the repository that no compiler keeps.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Rust files below a folder, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(folder)];
    let mut found = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The lines that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

/// Invariant 2: the rest of the Worker runs anywhere.
#[test]
fn only_the_platform_and_the_events_name_the_worker() {
    for (path, text) in sources("worker/src") {
        let allowed = path.components().any(|part| part.as_os_str() == "platform") || path.ends_with("src/lib.rs");
        for line in code(&text).filter(|_| !allowed) {
            assert!(!line.contains("worker::") && !line.contains("js_sys::"), "{}: {line}", path.display());
        }
    }
}

/// Every file says in its first line what it is.
#[test]
fn every_file_says_what_it_is() {
    for (path, text) in
        ["core/src", "worker/src", "wasm/src", "wasm/plain/src", "tests/tests"].into_iter().flat_map(sources)
    {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

/// Invariant 3, as far as text can tell: a statement on a tenant's table binds the tenant's id.
#[test]
fn statements_bind_the_tenant() {
    // The key, the session and the host are what a tenant is found by, and the `kid` of what is signed; a preflight and the
    // sweep are of no tenant; the clock finds whose
    // turn it is; and off the edge tests look at whole tables.
    let finds_the_tenant = [
        "WHERE k.key_hash = ?1",
        "WHERE s.session_token = ?1",
        "FROM tenant WHERE domain = ?1",
        "FROM gateway_host WHERE host = ?1",
        "WHERE g.host = ?1",
        "WHERE t.slug = ?1 AND s.category IN ('security', 'ui')",
        "WHERE t.domain = ?1 AND s.category IN ('security', 'ui')",
        "FROM tenant WHERE slug = ?1",
        "ON e.tenant_id = t.id WHERE t.slug = ?1",
        "ON e.tenant_id = t.id WHERE t.domain = ?1",
        "WHERE k.service_account_id = ?1 AND k.public_key IS NOT NULL",
        "WHERE k.id = ?1 AND (k.retires_at IS NULL",
        "FROM token_key WHERE retires_at IS NULL AND signs_from <= ?1",
        "FROM token_key WHERE retires_at IS NOT NULL AND retires_at <= ?1",
        "FROM token_revocation WHERE expires_at <= ?1",
        "FROM used_assertion WHERE expires_at <= ?1",
        "AND o.value = ?1 LIMIT 1",
        "AND t.deleted_at <= ?1",
        "FROM tenant_purge WHERE finished_at IS NULL",
        "FROM idempotency_key WHERE created_at < ?1",
        " < ?1 ORDER BY expires_at LIMIT ?2",
        "FROM known_device WHERE last_seen_at < ?1",
        "FROM login_throttle WHERE updated_at < ?1",
        "FROM rate_limit WHERE minute < ?1",
        "FROM tenant_epoch e WHERE e.tenant_id > ?1",
        "FROM json_each(?1) k",
        "AND t.tenant_id = j.tenant",
        "WHERE t.expires_at > ?1 AND t.expires_at <= ?2 AND (t.expires_at, t.id) > (?3, ?4)",
        "FROM reminder r WHERE r.tenant_id = t.tenant_id",
        "FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id WHERE e.tenant_id > ?1",
        "WHERE tenant_id = json_extract(k.value, '$.tenant')",
        "FROM outbox WHERE published_at IS NULL) AS oldest_event",
        "FROM outbox WHERE published_at IS NULL LIMIT ?1)) AS events",
        "FROM scheduled_run WHERE name IN",
        "FROM reminder WHERE expires_at <= ?1",
        "FROM outbox WHERE published_at IS NULL AND created_at <= ?1",
        "FROM user_notification\n    WHERE next_attempt_at IS NOT NULL AND next_attempt_at <= ?1",
        "FROM webhook_delivery WHERE next_attempt_at <= ?1",
        " FROM '{table}'",
        // Below `ListOf::TENANT`, which says how a table's rows are the tenant's.
        "{} AND ({names}) IN (SELECT {values} FROM json_each(?2))",
    ];
    for (path, text) in sources("worker/src") {
        for statement in
            text.replace("\\\"", "'").split('"').filter(|text| text.contains("SELECT ") && text.contains(" FROM "))
        {
            let bound = statement.contains("tenant_id = ?1") || statement.contains("WHERE {condition}");
            let exempt = finds_the_tenant.iter().any(|exemption| statement.contains(exemption));
            assert!(bound || exempt, "{}: {statement}", path.display());
        }
    }
}

/// Invariant 1: time and random bytes are arguments, and nothing is read or written. The program is the exception.
#[test]
fn the_core_is_pure() {
    let impure = [
        "worker::",
        "js_sys::",
        "SystemTime",
        "Instant",
        "getrandom",
        "std::fs",
        "std::env",
        "std::io",
        "std::process",
    ];
    for (path, text) in sources("core/src") {
        let program = path.components().any(|part| ["cli", "bin"].iter().any(|name| part.as_os_str() == *name));
        for line in code(&text).filter(|_| !program) {
            let found = impure.iter().find(|word| line.contains(*word));
            assert!(found.is_none(), "{}: {line}", path.display());
        }
    }
}

//! Where a decision's rules come from, and that nothing broken ever decides.

use super::*;
use parapet_worker::platform::kv::PutOptions;

fn put(edge: &Edge, key: &str, value: &[u8]) {
    pollster::block_on(edge.app.kv.put(key, value, PutOptions::default())).unwrap();
}

fn get(edge: &Edge, key: &str) -> Vec<u8> {
    pollster::block_on(edge.app.kv.get(key)).unwrap().unwrap()
}

fn snapshot_key(edge: &Edge) -> String {
    edge.app.kv.keys().into_iter().rfind(|key| key.starts_with("snapshot/")).unwrap()
}

#[test]
fn the_first_decision_publishes() {
    let edge = Edge::new();
    assert_decision(&edge.ask(&edge.key(&["access:evaluate"])), true);
    let rows = edge.sql("SELECT * FROM snapshot");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["policy_version"], 7);
    let hash = rows[0]["content_hash"].as_str().unwrap();
    assert_eq!(snapshot_key(&edge), format!("snapshot/{TENANT}/7/{hash}"));
}

#[test]
fn a_new_isolate_takes_what_was_published() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let fresh = edge.restarted();
    let asked = fresh.app.db.round_trips();
    assert_decision(&fresh.ask(&key), true);
    assert_eq!(fresh.app.db.round_trips() - asked, 1, "only the key: snapshot and principal lie in the store");
}

#[test]
fn a_change_makes_a_new_snapshot_and_keeps_the_old() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE role SET permissions = '[]'");
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE tenant_epoch SET policy_version = 8");
    let response = edge.ask(&key);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["as_of"]["policy_version"], 8);
    assert_eq!(edge.sql("SELECT * FROM snapshot").len(), 2);
}

#[test]
fn a_broken_value_is_not_trusted_and_is_replaced() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let name = snapshot_key(&edge);
    let good = get(&edge, &name);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let truncated = good[..good.len() / 2].to_vec();
    for broken in [Vec::new(), b"nonsense".to_vec(), truncated, flipped, vec![0; 1024 * 1024]] {
        put(&edge, &name, &broken);
        assert_decision(&edge.restarted().ask(&key), true);
        assert_ne!(get(&edge, &name), broken, "the broken value was replaced");
        let fresh = edge.restarted();
        let asked = fresh.app.db.round_trips();
        assert_decision(&fresh.ask(&key), true);
        assert_eq!(fresh.app.db.round_trips() - asked, 1);
    }
}

#[test]
fn a_value_signed_by_another_key_is_not_trusted() {
    let mut edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    // Somebody with another key publishes rules that allow nothing, under the right name.
    edge.sql("UPDATE role SET permissions = '[]'");
    edge.app.config =
        configuration(&[("FRESHNESS_SECONDS", "0"), ("SNAPSHOT_KEY", &"cd".repeat(32)), ("SNAPSHOT_KEY_ID", "test")]);
    assert_decision(&edge.ask(&key), false);
    edge.sql(r#"UPDATE role SET permissions = '[{"permission": "documents.read"}]'"#);
    assert_decision(&edge.restarted().ask(&key), true);
}

#[test]
fn another_tenants_or_an_older_snapshot_is_not_trusted() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let old = get(&edge, &snapshot_key(&edge));
    edge.sql("UPDATE role SET permissions = '[]'");
    edge.sql("UPDATE tenant_epoch SET policy_version = 8");
    assert_decision(&edge.ask(&key), false);
    // The old file, which allows, under the new file's name.
    put(&edge, &snapshot_key(&edge), &old);
    assert_decision(&edge.restarted().ask(&key), false);
}

#[test]
fn a_broken_value_and_no_database_deny() {
    let edge = Edge::with(&[("FRESHNESS_SECONDS", "5"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE tenant_setting SET setting_value = 'null'");
    edge.sql("DROP TABLE role_permission");
    assert_problem(&edge.ask(&key), 503, "database.unavailable");
    assert!(edge.app.kv.keys().is_empty());
}

#[test]
fn rules_that_do_not_compile_deny_and_publish_nothing() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql(
        "INSERT INTO tenant_setting (id, tenant_id, setting_key, setting_value, category, updated_at, created_at)
         VALUES ('01980000-0000-7000-8000-000000000601', '01980000-0000-7000-8000-000000000001', 'policy.broken',
                 '\"permit(\"', 'auth', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let response = edge.ask(&key);
    assert_problem(&response, 503, "snapshot.does_not_compile");
    assert_ne!(body(&response)["findings"], json!([]));
    assert!(edge.app.kv.keys().is_empty());
    assert!(edge.sql("SELECT * FROM snapshot").is_empty());
}

#[test]
fn a_row_that_cannot_be_read_denies() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql(r#"UPDATE role SET permissions = '{"not": "a list"}'"#);
    assert_problem(&edge.ask(&key), 503, "database.malformed_row");
}

#[test]
fn without_a_key_for_snapshots_nothing_is_decided() {
    let edge = Edge::with(&[("FRESHNESS_SECONDS", "0")]);
    assert_problem(&edge.ask(&edge.key(&["access:evaluate"])), 503, "snapshot.no_key");
    assert!(edge.app.kv.keys().is_empty());
}

#[test]
fn without_a_store_it_compiles_for_itself() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.app.kv.fail(true);
    assert_decision(&edge.ask(&key), true);
    assert_decision(&edge.restarted().ask(&key), true);
}

#[test]
fn a_tenant_without_versions_denies() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql("DELETE FROM tenant_epoch");
    assert_problem(&edge.ask(&key), 503, "epoch.missing");
}

#[test]
fn a_database_that_goes_back_in_time_denies() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("DELETE FROM tenant_epoch");
    edge.sql("INSERT INTO tenant_epoch VALUES ('01980000-0000-7000-8000-000000000001', 6, 3)");
    assert_problem(&edge.ask(&key), 503, "epoch.older");
}

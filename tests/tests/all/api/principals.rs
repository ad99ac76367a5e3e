//! What is known of who asks, and that it is never older than the directory.

use super::*;
use parapet_worker::platform::kv::PutOptions;

fn principal_keys(edge: &Edge) -> Vec<String> {
    edge.app.kv.keys().into_iter().filter(|key| key.starts_with("principal/")).collect()
}

#[test]
fn a_principal_lies_in_the_store_under_the_directorys_version() {
    let edge = Edge::new();
    assert_decision(&edge.ask(&edge.key(&["access:evaluate"])), true);
    assert_eq!(principal_keys(&edge), [format!("principal/{TENANT}/3/User/{ANNA}")]);
}

#[test]
fn a_change_of_the_directory_is_seen_with_its_version() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE user_role SET is_active = 0");
    edge.sql("UPDATE tenant_epoch SET directory_version = 4");
    assert_decision(&edge.ask(&key), false);
    assert_decision(&edge.restarted().ask(&key), false);
}

#[test]
fn an_assignment_ends_at_exactly_its_end() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE user_role SET expires_at = '2026-03-02T10:00:00.001Z'");
    assert_decision(&edge.ask(&key), true);
    edge.app.clock.set(time("2026-03-02T10:00:00.001Z"));
    assert_decision(&edge.ask(&key), false);
}

#[test]
fn a_broken_or_forged_record_is_read_again() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let name = format!("principal/{TENANT}/3/User/{ANNA}");
    let annas = pollster::block_on(edge.app.kv.get(&name)).unwrap().unwrap();
    for broken in [&b""[..], b"{}", b"null", b"{\"type\":\"User\"}"] {
        pollster::block_on(edge.app.kv.put(&name, broken, PutOptions::default())).unwrap();
        assert_decision(&edge.restarted().ask(&key), true);
    }
    // Anna's record, rightly signed, under Ben's name gives Ben nothing.
    let bens = format!("principal/{TENANT}/3/User/{BEN}");
    pollster::block_on(edge.app.kv.put(&bens, &annas, PutOptions::default())).unwrap();
    assert_decision(&edge.restarted().post("/access/v1/evaluation", &key, &question(BEN, "read")), false);
}

#[test]
fn a_deleted_user_is_known_as_deleted() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE user SET state = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'");
    let response = edge.ask(&key);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["reason"], "principal_deleted");
    let response = edge.post("/access/v1/evaluation", &key, &question("anna", "read"));
    assert_eq!(body(&response)["context"]["reason"], "principal_unknown", "the name is free again");
}

#[test]
fn unknown_subjects_are_not_stored() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question("nobody", "read")), false);
    assert_eq!(principal_keys(&edge), Vec::<String>::new());
}

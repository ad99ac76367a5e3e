//! Chains: any single change is found, and a destroyed key leaves the rest verifiable.

use super::*;
use crate::model::{AttemptResult, AuditLog, AuditSubject, Row, Timestamp};
use crate::seal::{DataKey, DataKeyring};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn id(table: u16, number: u64) -> Uuid {
    format!("01890000-{table:04x}-7000-8000-{number:012x}").parse().unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn entry(number: u64) -> Entry {
    Entry {
        id: id(1, number),
        tenant_id: id(0, 1),
        user_id: Some(id(2, 1)),
        event_type: "role.updated".to_owned(),
        resource_type: Some("role".to_owned()),
        resource_id: Some(id(3, number)),
        event_data: object(json!({"before": {"name": "a"}, "after": {"name": format!("b{number}"), "weight": 0.5}})),
        ip_address: None,
        user_agent: Some("curl/8".to_owned()),
        result: AttemptResult::Success,
        created_at: Timestamp::from_millis(1_772_445_600_000 + number as i64),
    }
}

/// The first rows of a chain, and where it stands after them.
fn chain(rows: u64) -> (Vec<AuditLog>, Head) {
    let mut head = Head::default();
    let rows = (1..=rows).map(|number| {
        let (row, next) = head.append(entry(number));
        head = next;
        row
    });
    (rows.collect(), head)
}

/// What is found in rows that should be a whole log, which was last seen at `root`.
fn findings(rows: &[AuditLog], root: &Head) -> Vec<String> {
    let mut verifier = Verifier::new(Some(Head::default())).holding(root.clone());
    let mut findings: Vec<_> = rows.iter().flat_map(|row| verifier.row(row)).collect();
    findings.extend(verifier.finish().1);
    findings.into_iter().map(|finding| finding.code).collect()
}

#[test]
fn the_hash_is_the_published_one() {
    let (row, head) = Head::default().append(entry(1));
    // Worked out by another program, from the module's documentation.
    assert_eq!(row.hash, "251053ac0795173c2217a3eb3ddf91e17bc84432266d8576a896a108a1152105");
    assert_eq!(head, Head { sequence: 1, hash: row.hash.clone() });
    assert_eq!(row.previous_hash, "0".repeat(64));
    assert_eq!(head.to_string().parse::<Head>(), Ok(head));
}

#[test]
fn a_point_is_a_sequence_and_a_hash() {
    let (zeros, ones) = ("0".repeat(64), "1".repeat(64));
    assert_eq!(format!("0:{zeros}").parse(), Ok(Head::default()));
    for text in ["", "1", "1:", &ones, &format!("-1:{ones}"), &format!("0:{ones}"), &format!("1:{}", "A".repeat(64))] {
        assert_eq!(text.parse::<Head>(), Err(HeadError), "{text}");
    }
}

#[test]
fn a_chain_verifies_whole_and_in_parts() {
    let (rows, head) = chain(6);
    let whole = verify(rows.clone(), None).unwrap();
    assert_eq!(whole, Verified { rows: 6, start: Head::default(), head: head.clone() });
    // After retention: from what the first row says, or from a point that was kept.
    let kept = Head::of(&rows[1]);
    for from in [None, Some(kept.clone())] {
        let part = verify(rows[2..].to_vec(), from).unwrap();
        assert_eq!(part, Verified { rows: 4, start: kept.clone(), head: head.clone() });
    }
    let codes = |rows: &[AuditLog], from| {
        let findings = verify(rows.to_vec(), from).unwrap_err();
        findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&rows[2..], Some(Head::default())), ["audit.gap"]);
    assert_eq!(codes(&rows[1..], Some(kept.clone())), ["audit.out_of_order"]);
    let other = Head { hash: "1".repeat(64), ..kept };
    assert_eq!(codes(&rows[2..], Some(other)), ["audit.wrong_previous_hash"]);
    assert_eq!(verify([], None).unwrap(), Verified { rows: 0, start: Head::default(), head: Head::default() });
}

#[test]
fn a_finding_has_the_rows_id_and_sequence() {
    let (mut rows, head) = chain(4);
    rows[1].user_agent = None;
    let found = verify(rows.clone(), None).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].row.as_deref(), Some(rows[1].id.to_string().as_str()));
    assert_eq!(found[0].message, "row 2: the hash does not fit the row");
    // Who changes a row and its hash has to change what follows.
    rows[1].hash = hash(&rows[1]);
    assert_eq!(findings(&rows, &head), ["audit.wrong_previous_hash"]);
    // Who writes everything after it anew is found by a point kept elsewhere alone.
    rows[2].previous_hash = rows[1].hash.clone();
    rows[2].hash = hash(&rows[2]);
    rows[3].previous_hash = rows[2].hash.clone();
    rows[3].hash = hash(&rows[3]);
    assert!(verify(rows.clone(), None).is_ok());
    assert_eq!(findings(&rows, &head), ["audit.wrong_root"]);
}

#[test]
fn a_log_is_held_against_a_point_kept_elsewhere() {
    let (rows, head) = chain(6);
    let held = |rows: &[AuditLog], root: &Head| {
        let mut verifier = Verifier::new(None).holding(root.clone());
        let mut findings: Vec<_> = rows.iter().flat_map(|row| verifier.row(row)).collect();
        findings.extend(verifier.finish().1);
        findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    for root in rows.iter().map(Head::of).chain([Head::default()]) {
        assert_eq!(held(&rows, &root), none, "{root}");
    }
    assert_eq!(held(&rows[..5], &head), ["audit.cut_off"]);
    assert_eq!(held(&[], &head), ["audit.cut_off"]);
    assert_eq!(held(&rows[2..], &Head::of(&rows[1])), none);
    assert_eq!(held(&rows[2..], &Head { hash: "1".repeat(64), ..Head::of(&rows[1]) }), ["audit.wrong_root"]);
    assert_eq!(held(&rows[2..], &Head::of(&rows[0])), ["audit.no_root"]);
    let holed = [&rows[..2], &rows[3..]].concat();
    assert_eq!(held(&holed, &Head::of(&rows[2])), ["audit.gap", "audit.no_root"]);
}

#[test]
fn a_line_is_read_only_as_it_is_written() {
    let (rows, _) = chain(1);
    let text = line(&rows[0]);
    let codes = |text: &str| {
        let findings = read_line(text, 3).unwrap_err();
        assert!(findings.iter().all(|finding| finding.row.as_deref() == Some("#3")), "{findings:?}");
        findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    for malformed in ["", "7", "[]", "{", text.trim_end_matches('}'), &format!("{text}{text}")] {
        assert_eq!(codes(malformed), ["audit.malformed"], "{malformed}");
    }
    assert_eq!(codes("{}"), ["row.missing"; 8], "every column that may not be left out");
    assert_eq!(codes(&text.replace("\"sequence\":1", "\"sequence\":0")), ["audit_log.sequence"]);
    assert_eq!(codes(&text.replacen('{', "{\"more\":1,", 1)), ["row.unknown_field"]);
    let twice = text.replacen('{', "{\"sequence\":2,", 1);
    let spaced = text.replace("\":", "\": ");
    let same_double = text.replace("0.5", "0.50000000000000001");
    let upper_case = text.replace(&rows[0].hash, &rows[0].hash.to_uppercase());
    for other in [twice, spaced, same_double, text.replace(".001Z", ".0011Z")] {
        assert_ne!(other, text);
        assert_eq!(codes(&other), ["audit.not_as_exported"], "{other}");
    }
    assert_eq!(codes(&upper_case), ["audit_log.hash"]);
}

#[test]
fn what_differs_is_all_that_is_kept_of_an_update() {
    let was = object(json!({"id": 1, "name": "a", "description": null, "updated_at": "x"}));
    let mut is = was.clone();
    is.insert("updated_at".to_owned(), json!("y"));
    assert!(changes(Some(&was), Some(&is)).is_empty());
    is.insert("description".to_owned(), json!("d"));
    let map = changes(Some(&was), Some(&is)).into_map();
    assert_eq!(Value::Object(map), json!({"before": {"description": null}, "after": {"description": "d"}}));
    assert_eq!(Value::Object(changes(None, Some(&is)).into_map()), json!({"after": is}));
    assert_eq!(Value::Object(changes(Some(&was), None).into_map()), json!({"before": was}));
    assert!(changes(None, None).is_empty());
}

#[test]
fn personal_data_is_lost_with_its_key_and_the_log_still_verifies() {
    let (user, row_id) = (id(2, 7), id(1, 1));
    let key = SubjectKey::new(user, [5; 32]);
    let was = json!({"id": user, "email": "ann@a.example", "is_active": true, "custom_attributes": {"x": 1}});
    let mut is = was.clone();
    is["email"] = json!("bea@a.example");
    is["is_active"] = json!(false);
    let (was, is) = (object(was), object(is));
    assert_eq!(subject("user", &was), Some(user));
    assert_eq!(subject("role", &was), None);

    let (public, personal) = changes(Some(&was), Some(&is)).split("user");
    let sealed = seal_personal(&key, personal.clone(), row_id, [1; 12]);
    let data = event_data(public, Some(sealed.clone()));
    assert_eq!(Personal::of(&data), Some(sealed.clone()));
    assert!(!json!(data).to_string().contains("example"));
    assert_eq!(data["before"], json!({"is_active": true}));
    assert_eq!(data["after"], json!({"is_active": false}));
    assert_eq!(data["personal"]["subject"], json!(user));

    assert_eq!(open_personal(&key, &sealed, row_id), Ok(personal.clone()));
    let map = json!({"before": {"email": "ann@a.example"}, "after": {"email": "bea@a.example"}});
    assert_eq!(Value::Object(personal.into_map()), map);
    let refused = |key: &SubjectKey, row| open_personal(key, &sealed, row).unwrap_err().code();
    assert_eq!(refused(&key, id(1, 2)), "seal.not_authentic", "it opens in its own row alone");
    assert_eq!(refused(&SubjectKey::new(user, [6; 32]), row_id), "seal.not_authentic");
    assert_eq!(refused(&SubjectKey::new(id(2, 8), [5; 32]), row_id), "seal.unknown_key");

    // The key lies under the data key; once it is gone, the rows are as they were.
    let ring = DataKeyring::new(DataKey::new("d1", [9; 32]).unwrap());
    let mut subject = AuditSubject {
        id: user,
        tenant_id: id(0, 1),
        subject_key: Some(key.seal(&ring, [2; 12])),
        created_at: Timestamp::from_millis(0),
        destroyed_at: None,
    };
    let opened = SubjectKey::open(&subject, &ring).unwrap().unwrap();
    assert!(open_personal(&opened, &sealed, row_id).is_ok());
    assert_eq!(format!("{opened:?}"), format!("SubjectKey({user}, …)"));
    let moved = AuditSubject { id: id(2, 8), ..subject.clone() };
    assert_eq!(SubjectKey::open(&moved, &ring).unwrap_err().code(), "seal.not_authentic");
    subject.subject_key = None;
    assert!(SubjectKey::open(&subject, &ring).unwrap().is_none());

    let (row, head) = Head::default().append(Entry { event_data: data, ..entry(1) });
    let (next, head) = head.append(entry(2));
    assert_eq!(verify([row, next], None).unwrap().head, head);
}

/// Any JSON that a column of ours might hold.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

prop_compose! {
    /// A row's content; its columns are drawn one by one.
    fn any_entry(number: u64)(
        user in prop::option::of(0..3u64),
        event_type in prop::sample::select(vec!["user.created", "user.deleted", "role.assigned"]),
        resource in prop::option::of(0..3u64),
        data in prop::collection::vec(("[a-c]", any_value()), 0..3),
        ip_address in prop::option::of("[0-9.]{0,6}"),
        user_agent in prop::option::of(any::<String>()),
        success in any::<bool>(),
        millis in any::<i64>(),
    ) -> Entry {
        Entry {
            id: id(1, number),
            tenant_id: id(0, 1),
            user_id: user.map(|user| id(2, user)),
            event_type: event_type.to_owned(),
            resource_type: resource.map(|_| "user".to_owned()),
            resource_id: resource.map(|resource| id(2, resource)),
            event_data: data.into_iter().collect(),
            ip_address,
            user_agent: user_agent.map(|text| text.replace('\0', "")),
            result: if success { AttemptResult::Success } else { AttemptResult::Failure },
            created_at: Timestamp::from_millis(millis),
        }
    }
}

fn any_chain() -> impl Strategy<Value = (Vec<AuditLog>, Head)> {
    (1..6u64).prop_flat_map(|rows| (1..=rows).map(any_entry).collect::<Vec<_>>()).prop_map(|entries| {
        let mut head = Head::default();
        let rows = entries.into_iter().map(|entry| {
            let (row, next) = head.append(entry);
            head = next;
            row
        });
        (rows.collect(), head)
    })
}

/// A row as the database gives it back.
fn through_the_database(row: &AuditLog) -> AuditLog {
    let values = AuditLog::COLUMNS.iter().zip(row.to_sql()).map(|(column, value)| {
        let value = match value {
            crate::model::SqlValue::Null => Value::Null,
            crate::model::SqlValue::Integer(number) => json!(number),
            crate::model::SqlValue::Text(text) => json!(text),
        };
        (column.name.to_owned(), value)
    });
    AuditLog::from_sql(values.collect()).unwrap()
}

/// A row as its line in an export gives it back.
fn through_the_export(row: &AuditLog) -> AuditLog {
    read_line(&line(row), 1).unwrap_or_else(|findings| panic!("{findings:?}"))
}

/// Another value for one column, told by its number.
fn change(row: &mut AuditLog, column: usize, new: &Value, text: &str, number: i64) {
    let other_id = id(9, number.unsigned_abs() % 4);
    match AuditLog::COLUMNS[column].name {
        "id" => row.id = other_id,
        "tenant_id" => row.tenant_id = other_id,
        "sequence" => row.sequence = number,
        "user_id" => row.user_id = (number % 2 == 0).then_some(other_id),
        "event_type" => row.event_type = text.to_owned(),
        "resource_type" => row.resource_type = (number % 2 == 0).then(|| text.to_owned()),
        "resource_id" => row.resource_id = (number % 2 == 0).then_some(other_id),
        "event_data" => drop(row.event_data.insert("a".to_owned(), new.clone())),
        "ip_address" => row.ip_address = (number % 2 == 0).then(|| text.to_owned()),
        "user_agent" => row.user_agent = (number % 2 == 0).then(|| text.to_owned()),
        "result" => {
            row.result = match row.result {
                AttemptResult::Success => AttemptResult::Failure,
                AttemptResult::Failure => AttemptResult::Success,
            }
        }
        "previous_hash" => row.previous_hash = format!("{:064x}", number.unsigned_abs()),
        "hash" => row.hash = format!("{:064x}", number.unsigned_abs()),
        "created_at" => row.created_at = Timestamp::from_millis(number),
        other => panic!("a column without a change: {other}"),
    }
}

proptest! {
    #[test]
    fn any_changed_character_of_a_line_is_found(
        (rows, head) in any_chain(),
        at in any::<Index>(),
        place in any::<Index>(),
        new in prop_oneof!["[0-9a-f\",:.]", any::<char>().prop_map(String::from)],
    ) {
        let at = at.index(rows.len());
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        let text = &mut lines[at];
        let places: Vec<(usize, char)> = text.char_indices().collect();
        let (start, old) = places[place.index(places.len())];
        prop_assume!(new != old.to_string());
        text.replace_range(start..start + old.len_utf8(), &new);
        let read: Result<Vec<AuditLog>, _> = lines.iter().map(|text| read_line(text, 1)).collect();
        prop_assert!(read.is_err() || !findings(&read.unwrap(), &head).is_empty());
    }

    #[test]
    fn a_chain_verifies_however_it_was_carried((rows, head) in any_chain()) {
        for carry in [AuditLog::clone, through_the_database, through_the_export] {
            let carried: Vec<AuditLog> = rows.iter().map(carry).collect();
            prop_assert_eq!(&carried, &rows);
            prop_assert_eq!(&verify(carried, Some(Head::default())).unwrap().head, &head);
        }
    }

    #[test]
    fn any_changed_field_is_found(
        (rows, head) in any_chain(),
        at in any::<Index>(),
        column in 0..AuditLog::COLUMNS.len(),
        new in any_value(),
        text in "[a-z.]{0,6}",
        number in prop_oneof![0..9i64, any::<i64>()],
    ) {
        let at = at.index(rows.len());
        let mut changed = rows.clone();
        change(&mut changed[at], column, &new, &text, number);
        // Numbers that differ in how they are written alone are one number.
        prop_assume!(canonical(&json!(changed[at])) != canonical(&json!(rows[at])));
        prop_assert!(!findings(&changed, &head).is_empty());
        prop_assert!(verify(changed, None).is_err());
    }

    #[test]
    fn any_removed_row_is_found((rows, head) in any_chain(), at in any::<Index>()) {
        let mut rows = rows;
        rows.remove(at.index(rows.len()));
        prop_assert!(!findings(&rows, &head).is_empty());
    }

    #[test]
    fn any_swapped_rows_are_found((rows, head) in any_chain(), one in any::<Index>(), other in any::<Index>()) {
        let (one, other) = (one.index(rows.len()), other.index(rows.len()));
        prop_assume!(one != other);
        let mut rows = rows;
        rows.swap(one, other);
        prop_assert!(!findings(&rows, &head).is_empty());
    }

    #[test]
    fn any_inserted_row_is_found(
        (rows, head) in any_chain(),
        at in any::<Index>(),
        copy in any::<Index>(),
        forged in any_entry(77),
        tenant in 1..3u64,
    ) {
        let at = at.index(rows.len());
        // A copy of a row; and one that follows, as well as it can, what stands before it.
        let before = at.checked_sub(1).map_or_else(Head::default, |before| Head::of(&rows[before]));
        let (forged, _) = before.append(Entry { tenant_id: id(0, tenant), ..forged });
        for inserted in [rows[copy.index(rows.len())].clone(), forged] {
            let mut rows = rows.clone();
            rows.insert(at, inserted);
            prop_assert!(!findings(&rows, &head).is_empty());
            prop_assert!(verify(rows, None).is_err());
        }
    }
}

//! Any text at all, and any change of a good token.

use super::*;
use proptest::prelude::*;

fn some_claims() -> impl Strategy<Value = Claims> {
    let words = || prop::collection::vec("[!-~&&[^ ]]{1,12}", 0..4);
    let credential = prop_oneof![
        any::<u128>().prop_map(|id| Credential::ApiKey(Uuid::from_u128(id))),
        (any::<u128>(), 0_i64..4_000_000_000, words()).prop_map(|(id, at, amr)| Credential::Session {
            id: Uuid::from_u128(id),
            auth_time: Timestamp::from_millis(at * 1000),
            amr,
        }),
    ];
    let kinds = prop_oneof![Just(SubjectType::User), Just(SubjectType::ServiceAccount), Just(SubjectType::Tenant)];
    (".{0,20}", kinds, ".{0,20}", any::<u128>(), 1_i64..=900, credential, words(), prop::option::of(words())).prop_map(
        |(subject, subject_type, client, id, life, credential, scopes, roles)| Claims {
            subject,
            subject_type,
            client,
            id: Uuid::from_u128(id),
            expires_at: now().plus_millis(life * 1000),
            credential,
            scopes,
            roles,
            ..claims()
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_issued_is_taken_as_it_was(claims in some_claims()) {
        prop_assert_eq!(take(&issue(&claims, &key()).unwrap()), Ok(claims));
    }

    #[test]
    fn any_text_is_refused(text in ".{0,400}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..5)) {
        prop_assert!(take(&text).is_err());
        prop_assert!(take(&parts.join(".")).is_err());
        prop_assert!(Assertion::read(&text).is_err());
        prop_assert!(key_id(&text).is_err());
    }

    /// Signed by the very key: it is what the token says that is refused.
    #[test]
    fn any_json_that_is_signed_is_read_without_a_panic(head in "[{}\\[\\]\",:a-z0-9\\\\ ]{0,60}", body in ".{0,120}") {
        let _ = take(&signed(&head, &body));
        let _ = take(&signed(&header(|_| {}), &body));
        let _ = Assertion::read(&signed(&head, &body));
    }

    #[test]
    fn any_changed_character_is_noticed(at in 0_usize..2000, new in "[A-Za-z0-9_.=-]") {
        let token = issue(&claims(), &key()).unwrap();
        let at = at % token.len();
        let mut changed = token.clone();
        changed.replace_range(at..=at, &new);
        prop_assert!(changed == token || take(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn any_object_as_a_key_is_read_or_refused(x in "[A-Za-z0-9_=-]{0,50}", y in "[A-Za-z0-9_-]{43}", kty in "EC|OKP|RSA|.{0,3}") {
        let jwk = object(json!({ "kty": kty, "crv": if kty == "OKP" { "Ed25519" } else { "P-256" }, "x": x, "y": y }));
        if let Ok(key) = PublicKey::from_jwk(&jwk) {
            prop_assert_eq!(PublicKey::from_jwk(&key.jwk()), Ok(key));
        }
    }
}

//! Both ceremonies, with everything that is said in them changed one by one.

use super::authenticator::{ATTESTED, BACKED_UP, ELIGIBLE, EXTENSIONS, PRESENT, Says, VERIFIED, none};
use super::*;
use crate::factor::webauthn::{AuthenticationResponse, RegistrationResponse};
use serde_json::{Value, json};

fn register(usage: Usage, change: impl Fn(&mut Says)) -> Result<Credential, WebauthnError> {
    let (ceremony, _) = party().registration(usage, &registrant(), &[], RANDOM);
    let mut says = Says::to(&ceremony);
    change(&mut says);
    RegistrationResponse::parse(&says.response().to_string())?.verify(&party(), &ceremony)
}

fn passkey() -> Credential {
    register(Usage::Passkey, |_| {}).unwrap()
}

/// A sign-in by a passkey, of a user whom nobody named.
fn sign_in(credential: &Credential, change: impl Fn(&mut Says)) -> Result<Authenticated, WebauthnError> {
    let (ceremony, _) = party().authentication(Usage::Passkey, None, RANDOM);
    answer(&ceremony, credential, change)
}

/// A second factor after the password of `USER`.
fn second(credential: &Credential, change: impl Fn(&mut Says)) -> Result<Authenticated, WebauthnError> {
    let known = std::slice::from_ref(credential);
    let (ceremony, _) = party().authentication(Usage::SecondFactor, Some((USER, known)), RANDOM);
    answer(&ceremony, credential, change)
}

fn answer(
    ceremony: &Ceremony,
    credential: &Credential,
    change: impl Fn(&mut Says),
) -> Result<Authenticated, WebauthnError> {
    let mut says = Says::to(ceremony);
    says.sign_count = 6;
    change(&mut says);
    AuthenticationResponse::parse(&says.response().to_string())?.verify(&party(), ceremony, credential, USER)
}

/// Something that browser or key says otherwise.
type Change = fn(&mut Says);

const CLIENT_DATA: WebauthnError = WebauthnError::Malformed { part: "client data" };
const RESPONSE: WebauthnError = WebauthnError::Malformed { part: "response" };
const DATA: WebauthnError = WebauthnError::Malformed { part: "authenticator data" };
const ATTESTATION: WebauthnError = WebauthnError::Malformed { part: "attestation object" };

#[test]
fn a_passkey_is_added_and_signs_in() {
    let credential = passkey();
    assert_eq!(credential.id, "AQID");
    assert_eq!(credential.sign_count, 5);
    assert_eq!(credential.key.transports, ["internal", "hybrid"]);
    assert_eq!(credential.key.aaguid, Uuid::from_bytes([0xAA; 16]));
    let shown = sign_in(&credential, |_| {}).unwrap();
    assert_eq!(shown, Authenticated { sign_count: 6, user_verified: true, backed_up: true });
    let shown = second(&credential, |says| (says.flags, says.user_handle) = (PRESENT | ELIGIBLE, None)).unwrap();
    assert_eq!(shown, Authenticated { sign_count: 6, user_verified: false, backed_up: false });
}

/// What is refused in both ceremonies alike.
fn changes() -> Vec<(&'static str, Change, WebauthnError)> {
    vec![
        ("type of credential", |says| says.r#type = json!("password"), RESPONSE),
        ("no type of credential", |says| says.r#type = json!(null), RESPONSE),
        ("act", |says| says.client["type"] = json!("payment.get"), WebauthnError::WrongAct),
        ("no act", |says| says.client["type"] = json!(null), CLIENT_DATA),
        (
            "challenge",
            |says| says.client["challenge"] = json!(base64url::encode(&[8; 32])),
            WebauthnError::WrongChallenge,
        ),
        ("no challenge", |says| says.client["challenge"] = json!(""), WebauthnError::WrongChallenge),
        (
            "challenge with padding",
            |says| {
                says.client["challenge"] = json!(format!("{}=", says.client["challenge"].as_str().unwrap()));
            },
            WebauthnError::WrongChallenge,
        ),
        ("origin", |says| says.client["origin"] = json!("https://id.example.evil.example"), WebauthnError::WrongOrigin),
        ("origin below", |says| says.client["origin"] = json!("https://a.id.example"), WebauthnError::WrongOrigin),
        ("port", |says| says.client["origin"] = json!("https://id.example:8444"), WebauthnError::WrongOrigin),
        ("scheme", |says| says.client["origin"] = json!("http://id.example"), WebauthnError::WrongOrigin),
        ("slash", |says| says.client["origin"] = json!("https://id.example/"), WebauthnError::WrongOrigin),
        ("frame", |says| says.client["crossOrigin"] = json!(true), WebauthnError::CrossOrigin),
        ("page around", |says| says.client["topOrigin"] = json!("https://id.example"), WebauthnError::CrossOrigin),
        ("frame that is no boolean", |says| says.client["crossOrigin"] = json!("false"), CLIENT_DATA),
        ("client data that is none", |says| says.client = json!("webauthn.get"), CLIENT_DATA),
        ("relying party", |says| says.rp_id = "a.id.example", WebauthnError::WrongRelyingParty),
        ("nobody there", |says| says.flags &= !PRESENT, WebauthnError::NotPresent),
        ("nobody verified", |says| says.flags &= !VERIFIED, WebauthnError::NotVerified),
        ("a backup that cannot be", |says| says.flags &= !ELIGIBLE, WebauthnError::BackupFlags),
        ("a byte too many", |says| says.after = vec![0], DATA),
        ("no extensions where there should be", |says| says.flags |= EXTENSIONS, DATA),
        (
            "extensions that are no map",
            |says| {
                says.flags |= EXTENSIONS;
                says.after = vec![0x80];
            },
            DATA,
        ),
        (
            "extensions cut short",
            |says| {
                says.flags |= EXTENSIONS;
                says.after = vec![0xA1, 0x61, b'a'];
            },
            DATA,
        ),
    ]
}

#[test]
fn whatever_else_is_said_is_refused() {
    let credential = passkey();
    for (what, change, error) in changes() {
        assert_eq!(register(Usage::Passkey, change), Err(error), "registration, {what}");
        assert_eq!(sign_in(&credential, change), Err(error), "authentication, {what}");
    }
}

#[test]
fn what_may_be_said_otherwise() {
    let credential = passkey();
    let changes: [(&str, Change); 5] = [
        ("another origin of ours", |says| says.client["origin"] = json!("https://id.example:8443")),
        ("more client data", |says| says.client["later"] = json!({ "a": [1] })),
        ("nothing of frames", |says| drop(says.client.as_object_mut().unwrap().remove("crossOrigin"))),
        ("not backed up", |says| says.flags &= !BACKED_UP),
        ("extensions", |says| {
            says.flags |= EXTENSIONS;
            says.after = vec![0xA1, 0x61, b'a', 0xF5];
        }),
    ];
    for (what, change) in changes {
        register(Usage::Passkey, change).unwrap_or_else(|error| panic!("registration, {what}: {error}"));
        sign_in(&credential, change).unwrap_or_else(|error| panic!("authentication, {what}: {error}"));
    }
}

#[test]
fn what_is_no_new_credential_is_refused() {
    let changes: [(&str, Change, WebauthnError); 9] = [
        ("another id", |says| says.raw_id = vec![1, 2, 4], WebauthnError::WrongCredential),
        ("no credential", |says| says.flags &= !ATTESTED, DATA),
        ("no id", |says| (says.raw_id, says.attested_id) = (vec![], vec![]), DATA),
        ("an id too long", |says| (says.raw_id, says.attested_id) = (vec![1; 1024], vec![1; 1024]), DATA),
        ("no map", |says| says.attestation = |_| vec![0x80], ATTESTATION),
        ("something after it", |says| says.attestation = |data| [none(data), vec![0]].concat(), ATTESTATION),
        (
            "a statement of `none`",
            |says| {
                says.attestation = |data| replace(&none(data), b"\x67attStmt\xA0", b"\x67attStmt\xA1\x61a\x01");
            },
            ATTESTATION,
        ),
        (
            "a statement that is no map",
            |says| {
                says.attestation = |data| replace(&none(data), b"\x67attStmt\xA0", b"\x67attStmt\x80");
            },
            ATTESTATION,
        ),
        (
            "an entry twice",
            |says| {
                says.attestation =
                    |data| replace(&none(data), b"\xA3\x63fmt\x64none", b"\xA4\x63fmt\x64none\x63fmt\x64none");
            },
            ATTESTATION,
        ),
    ];
    for (what, change, error) in changes {
        assert_eq!(register(Usage::Passkey, change), Err(error), "{what}");
    }
    assert!(register(Usage::Passkey, |says| (says.raw_id, says.attested_id) = (vec![1; 1023], vec![1; 1023])).is_ok());
    // The statement of another format is as good as none.
    let other = |says: &mut Says| {
        says.attestation =
            |data| replace(&none(data), b"\x64none\x67attStmt\xA0", b"\x66packed\x67attStmt\xA1\x63sig\x41\x00");
    };
    assert!(register(Usage::Passkey, other).is_ok());
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn a_second_factor_need_not_verify_its_user_and_does_not_sign_in_alone() {
    let credential = register(Usage::SecondFactor, |says| says.flags &= !VERIFIED).unwrap();
    assert!(!credential.key.user_verified);
    assert!(second(&credential, |says| says.flags &= !VERIFIED).is_ok());
    assert_eq!(sign_in(&credential, |_| {}), Err(WebauthnError::NotVerified));
}

#[test]
fn a_credential_is_its_owners() {
    let credential = passkey();
    let other = Uuid::from_u128(2);
    for handle in [None, Some(vec![]), Some(other.as_bytes().to_vec())] {
        let wrong = |says: &mut Says| says.user_handle = handle.clone();
        assert_eq!(sign_in(&credential, wrong), Err(WebauthnError::WrongUser), "{handle:?}");
    }
    let wrong = |says: &mut Says| says.user_handle = Some(other.as_bytes().to_vec());
    assert_eq!(second(&credential, wrong), Err(WebauthnError::WrongUser));
    // Another user's ceremony is not ended by it.
    let (ceremony, _) = party().authentication(Usage::SecondFactor, Some((other, &[])), RANDOM);
    assert_eq!(answer(&ceremony, &credential, |_| {}), Err(WebauthnError::WrongUser));
    assert_eq!(sign_in(&credential, |says| says.raw_id = vec![9]), Err(WebauthnError::WrongCredential));
}

#[test]
fn a_counter_only_grows() {
    for (before, after, grew) in [(5, 6, true), (5, 5, false), (5, 4, false), (5, 0, false), (0, 0, true), (0, 1, true)]
    {
        let credential = Credential { sign_count: before, ..passkey() };
        let answer = sign_in(&credential, |says| says.sign_count = after);
        let expected = if grew { Ok(after) } else { Err(WebauthnError::CounterWentBack) };
        assert_eq!(answer.map(|shown| shown.sign_count), expected, "{before} {after}");
    }
}

#[test]
fn what_can_be_backed_up_stays_so() {
    let credential = passkey();
    let never = |says: &mut Says| says.flags &= !(ELIGIBLE | BACKED_UP);
    assert_eq!(sign_in(&credential, never), Err(WebauthnError::BackupFlags));
    let bound = register(Usage::Passkey, never).unwrap();
    assert!(sign_in(&bound, never).is_ok());
    assert_eq!(sign_in(&bound, |_| {}), Err(WebauthnError::BackupFlags));
}

#[test]
fn an_authentication_makes_no_credential() {
    assert_eq!(sign_in(&passkey(), |says| says.flags |= ATTESTED), Err(DATA));
}

#[test]
fn a_ceremony_ends_by_its_own_act() {
    let credential = passkey();
    let (registration, _) = party().registration(Usage::Passkey, &registrant(), &[], RANDOM);
    let (authentication, _) = party().authentication(Usage::Passkey, None, RANDOM);
    let response = AuthenticationResponse::parse(&Says::to(&authentication).response().to_string()).unwrap();
    assert_eq!(response.verify(&party(), &registration, &credential, USER), Err(WebauthnError::WrongAct));
    let response = RegistrationResponse::parse(&Says::to(&registration).response().to_string()).unwrap();
    assert_eq!(response.verify(&party(), &authentication), Err(WebauthnError::WrongAct));
}

#[test]
fn what_a_page_sends_has_its_form() {
    let (ceremony, _) = party().authentication(Usage::Passkey, None, RANDOM);
    let sound = Says::to(&ceremony).response();
    let changes: [fn(&mut Value); 8] = [
        |its| its["rawId"] = json!("AQIE"),
        |its| its["id"] = json!("AQID=="),
        |its| its["id"] = json!("AQ ID"),
        |its| drop(its.as_object_mut().unwrap().remove("rawId")),
        |its| its["response"]["signature"] = json!("+/8"),
        |its| its["response"]["authenticatorData"] = json!(7),
        |its| its["response"]["userHandle"] = json!("?"),
        |its| its["response"] = json!([]),
    ];
    assert!(AuthenticationResponse::parse(&sound.to_string()).is_ok());
    for change in changes {
        let mut wrong = sound.clone();
        change(&mut wrong);
        assert_eq!(AuthenticationResponse::parse(&wrong.to_string()).err(), Some(RESPONSE), "{wrong}");
    }
}

#[test]
fn ways_to_a_key_are_kept_that_are_words() {
    let credential = register(Usage::Passkey, |says| {
        says.transports = json!(["usb", "", "smart-card", "<b>", "NFC", "a-way-of-tomorrow", "x".repeat(33)]);
    });
    assert_eq!(credential.unwrap().key.transports, ["usb", "smart-card", "a-way-of-tomorrow"]);
    let many = register(Usage::Passkey, |says| says.transports = json!(vec!["usb"; 100]));
    assert_eq!(many.unwrap().key.transports.len(), 8);
}

#[test]
fn options_are_what_browsers_read() {
    let credential = passkey();
    let known = std::slice::from_ref(&credential);
    let challenge = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";
    let (ceremony, options) = party().registration(Usage::Passkey, &registrant(), known, RANDOM);
    assert_eq!(
        serde_json::to_value(&options).unwrap(),
        json!({
            "rp": { "id": "id.example", "name": "Example" },
            "user": { "id": "AZAAAAAAcACAAAAAAAAAAQ", "name": "ada@id.example", "displayName": "Ada" },
            "challenge": challenge,
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [{ "type": "public-key", "id": "AQID", "transports": ["internal", "hybrid"] }],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "attestation": "none",
        })
    );
    assert_eq!(
        serde_json::to_value(&ceremony).unwrap(),
        json!({ "challenge": challenge, "act": "registration", "usage": "passkey", "user": USER })
    );
    let (_, options) = party().registration(Usage::SecondFactor, &registrant(), &[], RANDOM);
    assert_eq!(
        serde_json::to_value(&options).unwrap()["authenticatorSelection"],
        json!({ "residentKey": "discouraged", "requireResidentKey": false, "userVerification": "discouraged" })
    );
    let (_, options) = party().authentication(Usage::SecondFactor, Some((USER, known)), RANDOM);
    assert_eq!(
        serde_json::to_value(&options).unwrap(),
        json!({
            "challenge": challenge,
            "timeout": 300_000,
            "rpId": "id.example",
            "allowCredentials": [{ "type": "public-key", "id": "AQID", "transports": ["internal", "hybrid"] }],
            "userVerification": "discouraged",
        })
    );
    let (ceremony, options) = party().authentication(Usage::Passkey, None, RANDOM);
    let options = serde_json::to_value(&options).unwrap();
    assert_eq!((&options["allowCredentials"], &options["userVerification"]), (&json!([]), &json!("required")));
    let kept = serde_json::to_string(&ceremony).unwrap();
    assert_eq!(serde_json::from_str::<Ceremony>(&kept).unwrap(), ceremony);
}

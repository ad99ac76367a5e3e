//! Official vectors, hashes made by the programs that people come from, and what is refused.

use super::*;
use proptest::prelude::*;

const STAPLE: &str = "correct horse battery staple";

fn offered(text: &str) -> Password {
    Password::offered(text).unwrap()
}

fn verdict(text: &str, hash: &str) -> Verdict {
    Hasher::new().verify(&offered(text), &StoredHash::parse(hash).unwrap()).unwrap()
}

fn refusal(hash: &str) -> HashError {
    StoredHash::parse(hash).map(|stored| format!("{stored:?}")).unwrap_err()
}

const IMPORTED: Verdict = Verdict::Match { rehash: true };

#[test]
fn a_new_hash_is_a_phc_string_that_verifies_and_is_current() {
    let mut hasher = Hasher::new();
    let hash = hasher.hash(&offered(STAPLE), *b"0123456789abcdef").unwrap();
    // By argon2-cffi 25.1, the reference implementation.
    let expected = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0";
    assert_eq!(hash.expose(), expected);
    let stored = StoredHash::parse(hash.expose()).unwrap();
    assert!(stored.is_current());
    assert_eq!(hasher.verify(&offered(STAPLE), &stored), Ok(Verdict::Match { rehash: false }));
    assert_eq!(hasher.verify(&offered("correct horse battery stable"), &stored), Ok(Verdict::NoMatch));
    assert_eq!(hasher.runs(), 3);
    assert_eq!(format!("{stored:?} {hasher:?}"), "StoredHash(argon2id …) Hasher(3 runs)");
}

#[test]
fn memory_of_other_hashes_changes_nothing() {
    let mut hasher = Hasher::new();
    let large = "$argon2id$v=19$m=256,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$TBLFLToIIw44J9A58ZATxhtmnZRbGjp5T2SUHWXOdUA";
    let small = "$argon2i$v=19$m=128,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$/jmBsRFhKxHwUsDIPxHBT5+aAVleiOE8dF1in13M5ig";
    for hash in [small, large, small, large, small] {
        assert_eq!(hasher.verify(&offered(STAPLE), &StoredHash::parse(hash).unwrap()), Ok(IMPORTED), "{hash}");
    }
    assert_eq!(hasher.memory.len(), 256);
}

#[test]
fn a_dummy_costs_the_same_run_and_nothing_opens_it() {
    let dummy = StoredHash::parse(DUMMY).unwrap();
    assert!(dummy.is_current(), "of the current parameters, so of the same work");
    assert_eq!((dummy.salt, dummy.tag), (vec![0; SALT_BYTES], vec![0; TAG_BYTES]));
    let mut known = Hasher::new();
    let hash = known.hash(&offered(STAPLE), [7; SALT_BYTES]).unwrap();
    let before = known.runs();
    known.verify(&offered("wrong"), &StoredHash::parse(hash.expose()).unwrap()).unwrap();
    let mut nobody = Hasher::new();
    nobody.verify_nobody(&offered("wrong")).unwrap();
    assert_eq!(nobody.runs(), known.runs() - before);
    assert_eq!(nobody.memory.len(), known.memory.len());
    assert_eq!(verdict("wrong", DUMMY), Verdict::NoMatch);
}

#[test]
fn our_hashes_are_of_the_prepared_password() {
    let mut hasher = Hasher::new();
    let hash = hasher.hash(&Password::chosen("Zo\u{eb}\u{a0}and nine lives").unwrap(), [1; SALT_BYTES]).unwrap();
    let stored = StoredHash::parse(hash.expose()).unwrap();
    assert_eq!(hasher.verify(&offered("Zoe\u{308} and nine lives"), &stored), Ok(Verdict::Match { rehash: false }));
}

/// RFC 9106 section 5, which has a secret and associated data that no hash of a password has: of the crate alone.
#[test]
fn the_vectors_of_rfc_9106() {
    let vectors = [
        (Algorithm::Argon2d, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb"),
        (Algorithm::Argon2i, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8"),
        (Algorithm::Argon2id, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"),
    ];
    for (algorithm, expected) in vectors {
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let context = Argon2::new_with_secret(&[3; 8], algorithm, Version::V0x13, params).unwrap();
        let (mut tag, mut memory) = ([0; 32], vec![Block::new(); 32]);
        context.hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, memory.as_mut_slice()).unwrap();
        assert_eq!(hex::encode(tag), expected, "{algorithm:?}");
    }
}

/// `src/test.c` of the reference implementation of Argon2, as far as its hashes are of bounded cost.
#[test]
fn the_vectors_of_the_reference_implementation_of_argon2() {
    let vectors = [
        ("password", "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"),
        ("password", "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs"),
        ("password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
        ("password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"),
        ("differentpassword", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$FK6NoBr+qHAMI1jc73xTWNkCEoK9iGY6RWL1n7dNIu4"),
        ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ("password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"),
    ];
    for (password, hash) in vectors {
        assert_eq!(verdict(password, hash), IMPORTED, "{hash}");
        assert_eq!(verdict("passwore", hash), Verdict::NoMatch, "{hash}");
    }
    let too_much = refusal("$argon2id$v=19$m=262144,t=2,p=1$c29tZXNhbHQ$eP4eyR+zqlZX1y5xCFTkw9m5GYx0L5YWwvCFvtlbLow");
    assert_eq!(too_much, HashError::TooCostly { part: Part::Memory, limit: 65_536 });
}

/// jBCrypt's `TestBCrypt.java`, which OpenBSD's own tests share; and of Openwall's `crypt_blowfish` the ones that tell
/// faulty implementations.
#[test]
fn the_vectors_of_bcrypt() {
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored";
    let vectors = [
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("a", "$2a$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V."),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
        (lower, "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
        (lower, "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
        ("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        // By the Python package bcrypt 5.0.
        (STAPLE, "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
        ("Straße 9", "$2y$05$abcdefghijklmnopqrstuulKox0iB42rAHuyANPVIjqILx476vLDa"),
    ];
    for (password, hash) in vectors {
        assert_eq!(verdict(password, hash), IMPORTED, "{hash}");
        assert_eq!(verdict(&format!("{password}!"), hash), Verdict::NoMatch, "{hash}");
    }
    let hash = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    assert_eq!(verdict(long, hash), Verdict::Match { rehash: false }, "nobody knows the rest");
    assert_eq!(verdict(long.get(..72).unwrap(), hash), IMPORTED);
    assert_eq!(verdict(long.get(..71).unwrap(), hash), Verdict::NoMatch);
    let nobody = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    assert_eq!(verdict("\0", nobody), Verdict::Match { rehash: false }, "jBCrypt's empty password");
}

#[test]
fn bcrypt_reads_72_bytes_and_nothing_after_a_nul() {
    // By the Python package bcrypt 5.0, of 72 times `x`.
    let full = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
    assert_eq!(verdict(&"x".repeat(72), full), IMPORTED);
    assert_eq!(verdict(&"x".repeat(73), full), Verdict::Match { rehash: false });
    assert_eq!(verdict(&"x".repeat(71), full), Verdict::NoMatch);
    let staple = "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    assert_eq!(verdict(&format!("{STAPLE}\0 and more"), staple), Verdict::Match { rehash: false });
    assert_eq!(verdict(&format!("\0{STAPLE}"), staple), Verdict::NoMatch);
    // A salt's last four bits are read by nobody.
    assert_eq!(verdict(STAPLE, &staple.replace("rstuu7", "rstuv7")), IMPORTED);
}

/// RFC 7914 section 11; and of RFC 6070's passwords and salts with SHA-256 and SHA-512, by Python's `hashlib` (OpenSSL).
#[test]
fn the_vectors_of_pbkdf2() {
    let sha256 = Scheme::Pbkdf2Sha256 { iterations: 1 };
    let sha512 = |iterations| Scheme::Pbkdf2Sha512 { iterations };
    let vectors = [
        (
            "passwd",
            "salt",
            sha256,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
        ),
        (
            "Password",
            "NaCl",
            Scheme::Pbkdf2Sha256 { iterations: 80_000 },
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
        ),
        (
            "password",
            "salt",
            Scheme::Pbkdf2Sha256 { iterations: 4_096 },
            "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a",
        ),
        (
            "password",
            "salt",
            sha512(2),
            "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e",
        ),
        (
            "password",
            "salt",
            sha512(4_096),
            "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5",
        ),
    ];
    for (password, salt, scheme, expected) in vectors {
        let stored = StoredHash { scheme, salt: salt.into(), tag: hex::decode(expected).unwrap() };
        assert_eq!(hex::encode(Hasher::new().tag(&offered(password), &stored).unwrap()), expected);
    }
}

#[test]
fn hashes_of_other_programs_verify() {
    let imported = [
        // argon2-cffi 25.1.
        "$argon2id$v=19$m=256,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$TBLFLToIIw44J9A58ZATxhtmnZRbGjp5T2SUHWXOdUA",
        "$argon2d$v=19$m=128,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MSUKHymDl7kKFO8afjc6L7X4T96NXOZWoYVF/iC2bek",
        "$argon2id$v=16$m=128,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$l7WCTpnDcEFVtFeJuGHA6AtTAggdOyp3il/KUznx/sI",
        // Django 5.2.
        "pbkdf2_sha256$1200$Qx3mTz7aVb1kLp9wRs2uYe$e8wr0aEgmCr2u34qss/J7LHKj64gS6WMBwxVqmjoSpQ=",
        // passlib 1.7.4: a salt with `+` and `/`, and a hash with `+`, written `.`.
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZv/7$Yu644FjqJh6VAJ4hGSaP5dU5uVKQzsATBKNPsJi/8S0",
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$5bTW2oeyDJyGJPcmEr.mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEGzLJC.oDhRoeIja9J1iLIv9ptDJMfQ",
        // PHC strings around Python's `hashlib`.
        "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$31ltvuXrbs8POP2F4tw9851NSNQCQpm0sCwu2eEvId8",
        "$pbkdf2-sha256$i=1000$c2FsdHNhbHRzYWx0c2FsdA$31ltvuXrbs8POP2F4tw9851NSNQCQpm0sCwu2eEvId8",
        "$pbkdf2-sha512$i=1000,l=64$c2FsdHNhbHRzYWx0c2FsdA$ORxvnPF08mmTltUf/WSLS8FZ3yYanqBrD+km4rpMr07F2ze7/s1VLAjm+ry9RrSLc7aA5i7XxlkTGvDGO5vcpw",
    ];
    for hash in imported {
        assert_eq!(verdict(STAPLE, hash), IMPORTED, "{hash}");
        assert_eq!(verdict("correct horse battery stapl", hash), Verdict::NoMatch, "{hash}");
    }
    // Django prepares nothing, and neither do we for it.
    let django = "pbkdf2_sha256$1000$Qx3mTz7aVb1kLp9wRs2uYe$CD142QjHQkJz8C1fhDYJVE2MGRvWYQqXtqlq/nfBano=";
    assert_eq!(verdict("grüße aus köln", django), IMPORTED);
    assert_eq!(verdict("gru\u{308}ße aus ko\u{308}ln", django), Verdict::NoMatch);
}

#[test]
fn a_refusal_says_which_part_it_is_of() {
    let salt = "MDEyMzQ1Njc4OWFiY2RlZg";
    let tag = "TBLFLToIIw44J9A58ZATxhtmnZRbGjp5T2SUHWXOdUA";
    let argon2 = |params: &str| format!("$argon2id$v=19${params}${salt}${tag}");
    let pbkdf2 = |params: &str| format!("$pbkdf2-sha256${params}${salt}${tag}");
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    let malformed = [
        (Part::Fields, "$argon2id$".to_owned()),
        (Part::Fields, format!("{}$", argon2("m=128,t=2,p=1"))),
        (Part::Fields, "$2b$".to_owned()),
        (Part::Fields, format!("{bcrypt}$")),
        (Part::Fields, "$pbkdf2-sha512$i=1$".to_owned()),
        (Part::Fields, "pbkdf2_sha256$".to_owned()),
        (Part::Version, format!("$argon2id$v=18$m=128,t=2,p=1${salt}${tag}")),
        (Part::Version, format!("$argon2id$19$m=128,t=2,p=1${salt}${tag}")),
        (Part::Parameters, argon2("")),
        (Part::Parameters, argon2("m=128,t=2")),
        (Part::Parameters, argon2("m=128,t=2,p=1,p=1")),
        (Part::Parameters, argon2("m=128,t=2,p=1,keyid=8PDw8A")),
        (Part::Parameters, argon2("m=128,t=2,p=1,")),
        (Part::Memory, argon2("m=,t=2,p=1")),
        (Part::Memory, argon2("m=+128,t=2,p=1")),
        (Part::Memory, argon2("m=31,t=2,p=4")),
        (Part::Passes, argon2("m=128,t=0,p=1")),
        (Part::Lanes, argon2("m=128,t=2,p=0")),
        (Part::Salt, format!("$argon2id$v=19$m=128,t=2,p=1$c2FsdA${tag}")),
        (Part::Salt, format!("$argon2id$v=19$m=128,t=2,p=1${salt}==${tag}")),
        (Part::Hash, format!("$argon2id$v=19$m=128,t=2,p=1${salt}$")),
        (Part::Hash, format!("$argon2id$v=19$m=128,t=2,p=1${salt}${}", "A".repeat(88))),
        (Part::Cost, bcrypt.replace("$04$", "$4$")),
        (Part::Cost, bcrypt.replace("$04$", "$03$")),
        (Part::Cost, bcrypt.replace("$04$", "$+4$")),
        (Part::Salt, "$2b$04$abc".to_owned()),
        (Part::Salt, bcrypt.replace("abcd", "abc=")),
        (Part::Salt, "$2b$04$ääääääääääääääääääääääääääääääääääää".to_owned()),
        (Part::Hash, format!("{bcrypt}a")),
        (Part::Hash, bcrypt.get(..59).unwrap().to_owned()),
        (Part::Parameters, pbkdf2("l=32")),
        (Part::Hash, pbkdf2("i=1000,l=20")),
        (Part::Iterations, pbkdf2("i=0")),
        (Part::Iterations, pbkdf2("")),
        (Part::Iterations, pbkdf2("-1")),
        (Part::Iterations, format!("pbkdf2_sha256$x$salt${tag}=")),
        (Part::Salt, format!("pbkdf2_sha256$1000$${tag}=")),
        (Part::Hash, format!("pbkdf2_sha256$1000$salt${tag}")),
        (Part::Hash, "pbkdf2_sha256$1000$salt$c2FsdA==".to_owned()),
    ];
    for (part, hash) in malformed {
        assert_eq!(refusal(&hash), HashError::Malformed(part), "{hash}");
    }
    let unknown = [
        "",
        "$",
        "hunter2",
        "$1$salt$hash",
        "$2x$04$x",
        "$2$04$x",
        "$argon2$x",
        "pbkdf2_sha1$1$salt$x",
        "$pbkdf2$1$x$x",
    ];
    for hash in unknown {
        assert_eq!(refusal(hash).code(), "password_hash.unknown_algorithm", "{hash}");
    }
    let too_costly = [
        (Part::Memory, 65_536, argon2("m=65537,t=1,p=1")),
        // Django's own Argon2.
        (Part::Memory, 65_536, argon2("m=102400,t=2,p=8")),
        (Part::Memory, 65_536, argon2("m=99999999999999999999,t=1,p=1")),
        (Part::Passes, 4, argon2("m=65536,t=5,p=4")),
        (Part::Passes, 13, argon2("m=19456,t=14,p=1")),
        (Part::Lanes, 16, argon2("m=65536,t=1,p=17")),
        (Part::Cost, 14, bcrypt.replace("$04$", "$15$")),
        (Part::Cost, 14, bcrypt.replace("$04$", "$99$")),
        (Part::Iterations, 2_000_000, pbkdf2("i=2000001")),
        (Part::Iterations, 1_000_000, format!("$pbkdf2-sha256$1000001${salt}${}", "A".repeat(44))),
        (Part::Iterations, 1_000_000, pbkdf2("i=1000001").replace("sha256", "sha512")),
        (Part::Iterations, 2_000_000, format!("pbkdf2_sha256$4294967296$salt${tag}=")),
    ];
    for (part, limit, hash) in too_costly {
        let refused = refusal(&hash);
        assert_eq!(refused, HashError::TooCostly { part, limit }, "{hash}");
        assert!(refused.to_string().ends_with(&format!("here at most {limit}")));
    }
    for params in ["m=65536,t=4,p=4", "m=8,t=32768,p=1", "m=65536,t=3,p=16"] {
        assert!(StoredHash::parse(&argon2(params)).is_ok(), "{params}");
    }
}

#[test]
fn what_is_not_as_it_is_made_today_is_replaced() {
    let current = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0";
    let is_current = |hash: &str| StoredHash::parse(hash).unwrap().is_current();
    assert!(is_current(current));
    for (is, other) in [
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("m=19456", "m=19457"),
        ("t=2", "t=3"),
        ("p=1", "p=2"),
        ("Y2RlZg", "YQ"),
        ("U1OhTsM0", "U"),
    ] {
        assert!(!is_current(&current.replace(is, other)), "{other}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        text in "(\\$(argon2id|2b|pbkdf2-sha256)|pbkdf2_sha256|\\PC{0,4})(\\$(v=19|[mtpil]=[0-9]{0,6}(,[mtpil]=[0-9]{0,5}){0,3}|[0-9]{0,8}|[A-Za-z0-9+/.=]{0,90}|\\PC{0,8})){0,6}",
    ) {
        if let Err(error) = StoredHash::parse(&text) {
            prop_assert!(error.code().starts_with("password_hash."));
        }
    }
}

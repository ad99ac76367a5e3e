//! The packed list of common passwords is what its source makes: `core/src/password/common`.

use std::path::Path;

/// Those that are packed: ASCII, and long enough to be a password, or a word.
fn wanted(line: &&str) -> bool {
    let word = || line.len() >= 4 && line.bytes().all(|byte| byte.is_ascii_alphabetic());
    line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && (line.len() >= 8 || word())
}

/// Each as the number of characters that it shares with the one before, and the rest of it.
fn pack(source: &str) -> Vec<u8> {
    let mut passwords: Vec<&str> = source.lines().filter(wanted).collect();
    passwords.sort_unstable();
    let mut packed = vec![];
    let mut before = "";
    for password in passwords {
        let shared = before.bytes().zip(password.bytes()).take(31).take_while(|(one, other)| one == other).count();
        packed.push(shared as u8);
        packed.extend(password.bytes().skip(shared));
        before = password;
    }
    packed
}

#[test]
fn the_packed_list_is_what_its_source_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/password/common");
    let packed = pack(&std::fs::read_to_string(folder.join("django.txt")).unwrap());
    let path = folder.join("packed.bin");
    if std::env::var_os("PARAPET_ACCEPT").is_some() {
        std::fs::write(&path, &packed).unwrap();
    }
    assert!(std::fs::read(&path).unwrap() == packed, "run the tests with PARAPET_ACCEPT=1 to write {}", path.display());
}

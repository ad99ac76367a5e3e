//! Lists the fixture folders as Rust, for the tests that run in wasm, where there is no file system.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    // A folder is watched with all that is in it.
    println!("cargo::rerun-if-changed={}", root.display());
    let mut good = String::new();
    for folder in sorted(&root)? {
        let (tenant, requests) = (folder.join("tenant.json"), folder.join("requests.json"));
        if tenant.is_file() && requests.is_file() {
            let name = folder.file_name().unwrap_or_default();
            let _ = writeln!(good, "({name:?}, include_str!({tenant:?}), include_str!({requests:?})),");
        }
    }
    let mut bad = String::new();
    for findings in sorted(&root.join("bad"))? {
        let Some(name) = findings.file_name().and_then(|name| name.to_str()?.strip_suffix(".findings.json")) else {
            continue;
        };
        let document = findings.with_file_name(format!("{name}.json"));
        let _ = writeln!(bad, "({name:?}, include_str!({document:?}), include_str!({findings:?})),");
    }
    let generated = root.join("generated/requests.json");
    let rust = format!(
        "pub const FIXTURES: &[(&str, &str, &str)] = &[\n{good}];\npub const BAD: &[(&str, &str, &str)] = &[\n{bad}];\n\
         pub const GENERATED: &str = include_str!({generated:?});\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("fixtures.rs");
    fs::write(out, rust)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

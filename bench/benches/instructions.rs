//! What a decision costs in instructions, which depends neither on the machine's speed nor on what else runs there: `make
//! bench-instructions` lets valgrind count what `every_decision` takes.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use parapet::{Engine, Timestamp, compile_text};
use parapet_bench::{Asked, TRACE, now, tenant, trace};
use std::process::Command;

fn main() {
    let mut arguments = std::env::args().skip(1).skip_while(|argument| argument == "--bench");
    let first = arguments.next();
    let grants = |argument: Option<String>| argument.and_then(|argument| argument.parse().ok()).unwrap_or(10_000);
    if first.as_deref() == Some("count") {
        return count(grants(arguments.next()));
    }
    let grants = grants(first);
    let (_, compiled) = compile_text(&tenant(grants).document().to_string()).unwrap();
    let allowed = every_decision(&trace(), &compiled.engine().unwrap(), now());
    println!("{grants} grants: {allowed} of {TRACE} are allowed");
}

/// Runs this program under valgrind.
fn count(grants: usize) {
    let own = std::env::current_exe().unwrap();
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*every_decision*"]);
    let output = valgrind.arg(own).arg(grants.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse::<usize>().ok());
    print!("{}", String::from_utf8_lossy(&output.stdout));
    println!("{} instructions a decision", counted.unwrap() / TRACE);
}

#[inline(never)]
fn every_decision(trace: &[Asked], engine: &Engine, now: Timestamp) -> usize {
    trace.iter().filter(|asked| asked.ask(engine, now)).count()
}

//! An engine in a process of its own: measured there, watched from here.

use crate::Peer;
use parapet_bench::measure::{percentiles, resident, throughput, timed};
use parapet_bench::{Asked, Floor, Plain, tenant, trace};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Longer than this no engine may take to load.
const LOAD: Duration = Duration::from_secs(60);
/// About so many seconds go into the latency of an engine; a slow one is asked less.
const BUDGET: f64 = 4.0;
/// What goes before that, and tells how slow it is.
const WARM_UP: Duration = Duration::from_millis(200);

/// Loads, compares every answer and measures; prints one line once it has loaded, and one with the figures.
pub fn run<P: Peer>(grants: usize) {
    let before = resident();
    let source = P::source(tenant(grants));
    let (mut peer, load) = timed(|| P::load(source));
    let memory = resident().saturating_sub(before);
    println!("{}", json!({"loaded": load}));
    let mut result = measure(grants, |asked| peer.allows(asked));
    result["load"] = json!(load);
    result["memory"] = json!(memory);
    println!("{result}");
}

/// Asks for the trace, or as much of it as there is time for; every answer must be the floor's.
pub fn measure(grants: usize, mut allows: impl FnMut(&Asked) -> bool) -> Value {
    let (trace, floor) = (trace(), Floor::new(&tenant(grants)));
    let (mut calls, begin) = (0, Instant::now());
    while calls < 3 || begin.elapsed() < WARM_UP {
        allows(&trace[calls % trace.len()]);
        calls += 1;
    }
    let affordable = BUDGET * calls as f64 / begin.elapsed().as_secs_f64();
    let count = (affordable as usize).clamp(20, trace.len());
    let rounds = ((affordable / count as f64) as usize).clamp(1, 20);
    let trace = &trace[..count];
    for asked in trace {
        assert_eq!(allows(asked), floor.allows(&Plain::of(asked)), "{}", asked.json());
    }
    let (p50, p99) = percentiles(trace, rounds, &mut allows);
    let a_second = throughput(trace, 1.0, &mut allows);
    json!({"p50": p50, "p99": p99, "perSecond": a_second, "asked": count})
}

/// Runs an engine in its own process, and gives its figures or says that it did not load.
pub fn spawn(name: &str, grants: usize) -> Value {
    let program = std::env::current_exe().unwrap();
    let mut child =
        Command::new(program).args(["--peer", name, &grants.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, receive) = channel();
    let reader = std::thread::spawn(move || {
        for line in lines {
            // Nobody listens any more where it took too long.
            let _ = send.send(serde_json::from_str(&line.unwrap()).unwrap());
        }
    });
    let loaded: Option<Value> = receive.recv_timeout(LOAD).ok();
    if loaded.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().unwrap();
    reader.join().unwrap();
    match loaded {
        None => json!({"failed": "did not load"}),
        Some(_) => {
            assert!(status.success(), "{name} at {grants} grants: {status}");
            receive.recv().unwrap()
        }
    }
}

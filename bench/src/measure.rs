//! Measuring: latency of single calls, throughput of a loop, and resident memory.

use std::hint::black_box;
use std::time::Instant;

/// The median and the 99th percentile of single calls, in microseconds; each the best of some rounds.
pub fn percentiles<T, R>(items: &[T], rounds: usize, mut call: impl FnMut(&T) -> R) -> (f64, f64) {
    let mut best = vec![f64::MAX; items.len()];
    for _ in 0..rounds {
        for (item, best) in items.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(call(black_box(item)));
            *best = best.min(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    // What reading the clock costs is no part of a decision.
    let clock = (0..1_000).map(|_| Instant::now().elapsed().as_secs_f64() * 1e6).fold(f64::MAX, f64::min);
    best.sort_by(f64::total_cmp);
    (best[items.len() / 2] - clock, best[items.len() * 99 / 100] - clock)
}

/// How many calls a second a plain loop makes, over and over the items for about so many seconds.
pub fn throughput<T, R>(items: &[T], seconds: f64, mut call: impl FnMut(&T) -> R) -> f64 {
    let mut calls = 0_usize;
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        for item in items {
            black_box(call(black_box(item)));
        }
        calls += items.len();
    }
    calls as f64 / start.elapsed().as_secs_f64()
}

/// What it gives, and how many milliseconds it took.
pub fn timed<R>(call: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = black_box(call());
    (result, start.elapsed().as_secs_f64() * 1e3)
}

/// The resident memory of this process, in bytes; 0 where the system does not tell.
pub fn resident() -> usize {
    // The second number counts pages; they are of 4 KiB on every system whose figures we print.
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok()).unwrap_or(0) * 4096
}

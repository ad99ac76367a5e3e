//! Holds the engine against Cedar on many generated cases: `fuzz [--cases N] [--seed N]`; exit 1 on a difference.

use parapet_tests::differential::{Report, current_seed, run};
use std::{process::ExitCode, time::Instant};

/// Progress is said after so many cases.
const STEP: u64 = 50_000;

fn arguments() -> Result<(u64, u64), String> {
    let (mut cases, mut seed) = (1_000_000, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
        let number = value.replace('_', "").parse().map_err(|_| format!("{name}: {value} is not a number"))?;
        match name.as_str() {
            "--cases" => cases = number,
            "--seed" => seed = number,
            _ => return Err(format!("unknown: {name}; fuzz [--cases N] [--seed N]")),
        }
    }
    Ok((cases, seed))
}

fn main() -> ExitCode {
    let (cases, seed) = match arguments() {
        Ok(read) => read,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    // Where a panic ends the process, its case would otherwise be unknown.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("panic in the case of seed {}", current_seed());
        default(panic);
    }));
    let start = Instant::now();
    let progress = |report: &Report| {
        if report.cases.is_multiple_of(STEP) {
            let seconds = start.elapsed().as_secs_f64();
            let [allowed, denied, erred] = report.shares();
            eprintln!(
                "{:>9} cases, {:.0} a second: {allowed:.1} % allowed, {denied:.1} % denied, {erred:.1} % erred",
                report.cases,
                report.cases as f64 / seconds
            );
        }
    };
    let report = run(seed..seed.saturating_add(cases), subject, progress);
    print!("{report}");
    // A short run, as one that repeats a failure, is not held to the shares and the coverage.
    let gaps = if cases >= 10_000 { report.gaps() } else { Vec::new() };
    gaps.iter().for_each(|gap| println!("missing: {gap}"));
    if report.failure.is_some() || !gaps.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The engine, in the place of Cedar's authorizer.
fn subject(
    policies: &cedar_policy::PolicySet,
) -> Result<impl Fn(&cedar_policy::Request, &cedar_policy::Entities) -> cedar_policy::Response + use<>, String> {
    let compiled = parapet::cedar::CompiledPolicySet::new(policies).map_err(|error| error.to_string())?;
    Ok(move |request: &cedar_policy::Request, entities: &cedar_policy::Entities| {
        compiled.is_authorized(request, entities)
    })
}

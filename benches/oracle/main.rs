//! Whether the time of a refusal tells an unknown key from one that is suspended, revoked, pending,
//! expired, or of an inactive owner or plan.
//!
//!   cargo bench --bench oracle
//!   TOLLGATE=binary cargo bench --bench oracle      whole requests through another binary
//!
//! Every round times all states in a new order. Of each state the differences from `unknown` in the
//! same round are taken, and their median held against its standard error. `unknown-too` is the
//! control: what it shows is what the measurement cannot see. The decision is timed by itself, where
//! a nanosecond shows; then whole requests over loopback, one after the other, as a stranger could who
//! stands beside the machine.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that fails ends")]

mod decision;
mod house;
mod order;
mod request;
mod statistic;

use house::STATES;
use statistic::{Difference, median};

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    for two_schemes in [false, true] {
        let schemes = if two_schemes { "two schemes" } else { "one scheme" };
        let config = house::write(folder.path(), two_schemes, false);
        tell(&format!("decision, {schemes}"), &decision::measure(&config));
        tell(&format!("request, {schemes}"), &request::measure(&config));
        let config = house::write(folder.path(), two_schemes, true);
        tell(&format!("request, {schemes}, access log"), &request::measure(&config));
    }
}

fn tell(what: &str, rounds: &[[f64; STATES.len()]]) {
    let mut unknown: Vec<_> = rounds.iter().map(|took| took[0]).collect();
    println!("\n{what}: unknown takes {:.0} ns; of the others, beside it", median(&mut unknown));
    let difference =
        |state: usize| Difference::of(rounds.iter().map(|took| took[state] - took[0]).collect());
    let control = difference(1);
    for (state, name) in STATES.iter().enumerate().skip(1) {
        let difference = difference(state);
        let verdict = if difference.shows(&control) { "differs" } else { "the same" };
        println!("  {name:<16}{difference}  {verdict}");
    }
}

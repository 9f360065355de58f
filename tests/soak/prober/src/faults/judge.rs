//! What came of each request, whether it may have, and the table of it all.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::case::{Case, name};
use super::client::Outcome;
use super::fault::Fault;
use super::http2::STREAMS;
use super::upstream::{Seen, Upstream};
use crate::connection::Protocol;

/// What is wrong is told so often.
const TOLD: u64 = 20;

/// So long a connection that the upstream leaves has requests to finish, at most.
const LINGERS: Duration = Duration::from_secs(4);

/// Why a request that met nothing may have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excuse {
    /// Its upstream was being killed.
    Killed,
    /// It shared a connection of HTTP/2 with a request whose fault ended that.
    Shared,
    /// Its way was a connection of HTTP/2 that a fault had ended, or that the upstream was leaving.
    Unseen,
}

#[derive(Default)]
struct Row {
    count: u64,
    by_status: BTreeMap<u16, u64>,
    broken_off: u64,
    right: u64,
    longest: Duration,
}

#[derive(Default)]
pub(super) struct Judge {
    /// By what the upstream speaks, and the fault.
    rows: BTreeMap<(&'static str, Option<Fault>), Row>,
    /// Good requests that failed.
    excused: BTreeMap<Excuse, u64>,
    wrong: u64,
}

impl Judge {
    pub(super) fn judge(
        &mut self,
        case: &Case,
        outcome: Outcome,
        began: Instant,
        upstream: &Upstream,
    ) {
        let seen = upstream.forget(case.number);
        let fault = case.meets.map(|meets| meets.fault);
        let row = self.rows.entry((name(case.upstream), fault)).or_default();
        row.count += 1;
        row.longest = row.longest.max(began.elapsed());
        match outcome {
            Outcome::Right => row.right += 1,
            Outcome::Refused(status) => *row.by_status.entry(status).or_default() += 1,
            Outcome::BrokenOff => row.broken_off += 1,
            Outcome::Hung | Outcome::Wrong(_) => {}
        }
        // Whether it has to be answered as if nothing were wrong.
        let is_good = fault.is_none_or(Fault::is_harmless);
        let is_lucky = is_good || case.meets.is_some_and(|meets| meets.once);
        let verdict = match &outcome {
            Outcome::Hung => Some("it hangs".to_owned()),
            Outcome::Wrong(what) => Some(what.clone()),
            Outcome::Right if !is_lucky => Some("the fault was not committed".to_owned()),
            Outcome::Right => None,
            Outcome::Refused(_) | Outcome::BrokenOff if is_good => {
                match excuse(&seen, began, upstream) {
                    Some(excuse) => {
                        *self.excused.entry(excuse).or_default() += 1;
                        None
                    }
                    None => Some(format!("{outcome:?} for nothing")),
                }
            }
            Outcome::Refused(_) | Outcome::BrokenOff => None,
        };
        let repeated = case.uploaded.is_some() && seen.attempts > seen.refused + 1;
        let repeated = repeated.then(|| format!("a POST was sent {} times", seen.attempts));
        for what in verdict.into_iter().chain(repeated) {
            self.wrong += 1;
            if self.wrong <= TOLD {
                eprintln!("{case} {:?}: {what}", case.meets);
            }
        }
    }

    /// Whether nothing was wrong, and nothing failed more often than it may.
    pub(super) fn has_held(&self, upstreams: &[Rc<Upstream>; 2]) -> bool {
        let mut held = self.wrong == 0;
        println!("{} requests ended as they must not", self.wrong);
        let of = |excuse| self.excused.get(&excuse).copied().unwrap_or(0);
        for upstream in upstreams {
            let (speaks, kills) = (name(upstream.protocol), upstream.kills.get());
            let (ends, garbled) = (upstream.ends.get(), upstream.garbled.get());
            println!(
                "{speaks}: {kills} times killed, {ends} connections ended for all, {garbled} requests garbled"
            );
            held &= garbled == 0;
        }
        let ends: u64 = upstreams.iter().map(|upstream| upstream.ends.get()).sum();
        let (shared, unseen) = (of(Excuse::Shared), of(Excuse::Unseen));
        // Of those that share the connection one is the culprit. What is on its way is less than one on average.
        let most = ends * u64::from(STREAMS - 1);
        println!(
            "good requests that failed: {} in a kill; {shared} of at most {most} on a connection that another's \
             fault ended; {unseen} of at most {ends} on their way to one",
            of(Excuse::Killed)
        );
        held && shared <= most && unseen <= ends
    }

    pub(super) fn right(&self) -> u64 {
        self.rows.values().map(|row| row.right).sum()
    }

    pub(super) fn print(&self) {
        println!(
            "{:<6} {:<16} {:>8} {:>7} {:>7} {:>7} {:>11} {:>8} {:>11}",
            "speaks", "fault", "requests", "502", "503", "504", "broken off", "right", "longest ms"
        );
        for ((speaks, fault), row) in &self.rows {
            let [bad, full, late] =
                [502, 503, 504].map(|status| row.by_status.get(&status).copied().unwrap_or(0));
            println!(
                "{speaks:<6} {:<16} {:>8} {bad:>7} {full:>7} {late:>7} {:>11} {:>8} {:>11.0}",
                fault.map_or("none", Fault::name),
                row.count,
                row.broken_off,
                row.right,
                row.longest.as_secs_f64() * 1000.0
            );
        }
    }
}

/// Why it may have failed, if so.
fn excuse(seen: &Seen, began: Instant, upstream: &Upstream) -> Option<Excuse> {
    if upstream.is_down.get() || upstream.up_since.get() >= began {
        return Some(Excuse::Killed);
    }
    // A connection of HTTP/1.1 carries one request at a time.
    if upstream.protocol == Protocol::Http1 {
        return None;
    }
    match &seen.link {
        Some(link) => link.broken.get().then_some(Excuse::Shared),
        None => {
            let ended = upstream.ended_at.get()?;
            (began < ended + LINGERS).then_some(Excuse::Unseen)
        }
    }
}

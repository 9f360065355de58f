//! Which keys there are after each change, and what a change does to whom.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Keys that no change touches; the load rotates over them.
const STEADY: u64 = 10_000;

/// A run of numbers that moves on by `step` with each change.
struct Window {
    step: u64,
    /// Numbers begin again after so many.
    ring: u64,
}

const LENGTH: u64 = 50;

/// Suspended while inside.
const SUSPENDED: Window = Window { step: 10, ring: 2 * LENGTH };
/// Have a ceiling of 0 while inside.
const CLOSED: Window = Window { step: 5, ring: 2 * LENGTH };
/// In the file while inside. Their numbers never come again.
const GUESTS: Window = Window { step: 10, ring: u64::MAX };

impl Window {
    fn inside(&self, change: u64) -> impl Iterator<Item = u64> {
        let first = change * self.step;
        (first..first + LENGTH).map(|number| number % self.ring)
    }

    fn entering(&self, change: u64) -> impl Iterator<Item = u64> {
        self.inside(change).skip((LENGTH - self.step) as usize)
    }

    fn leaving(&self, change: u64) -> impl Iterator<Item = u64> {
        self.inside(change - 1).take(self.step as usize)
    }
}

/// A key that a change decides about.
pub(crate) struct Changed {
    pub(crate) key: String,
    /// What its requests are answered from then on.
    pub(crate) status: u16,
}

/// The keys that a change closes: 10 suspended, 10 removed, 5 with a ceiling of 0.
pub(crate) fn closed_by(change: u64) -> Vec<Changed> {
    let suspended = SUSPENDED.entering(change).map(|number| (fickle(number), 401));
    let removed = GUESTS.leaving(change).map(|number| (guest(number), 401));
    let lowered = CLOSED.entering(change).map(|number| (limited(number), 429));
    // By turns, so that the first requests after a change meet every kind.
    by_turns(&[suspended.collect(), removed.collect(), lowered.collect()])
}

/// The keys that a change opens: 10 revived, 10 added, 5 with a ceiling above 0 again.
pub(crate) fn opened_by(change: u64) -> Vec<Changed> {
    let revived = SUSPENDED.leaving(change).map(|number| (fickle(number), 200));
    let added = GUESTS.entering(change).map(|number| (guest(number), 200));
    let raised = CLOSED.leaving(change).map(|number| (limited(number), 200));
    by_turns(&[revived.collect(), added.collect(), raised.collect()])
}

fn by_turns(kinds: &[Vec<(String, u16)>; 3]) -> Vec<Changed> {
    let longest = kinds.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| kinds.iter().filter_map(move |kind| kind.get(turn)));
    turns.map(|(key, status)| Changed { key: key.clone(), status: *status }).collect()
}

/// A key that no change touches.
pub(crate) fn untouched(number: u64) -> String {
    format!("steady-{:05}", number % STEADY)
}

fn fickle(number: u64) -> String {
    format!("fickle-{number:03}")
}

fn limited(number: u64) -> String {
    format!("limited-{number:03}")
}

fn guest(number: u64) -> String {
    format!("guest-{number:06}")
}

/// The key file, as it is rewritten.
pub(crate) struct File {
    /// The part that stays.
    steady: String,
}

impl Default for File {
    fn default() -> Self {
        let mut steady = String::new();
        (0..STEADY).for_each(|number| add(&mut steady, &untouched(number), ""));
        Self { steady }
    }
}

impl File {
    /// What it says after a change.
    pub(crate) fn at(&self, change: u64) -> String {
        let mut text = self.steady.clone();
        let suspended: Vec<_> = SUSPENDED.inside(change).collect();
        for number in 0..SUSPENDED.ring {
            let status = if suspended.contains(&number) { "suspended" } else { "active" };
            add(&mut text, &fickle(number), &format!("status = \"{status}\"\n"));
        }
        let closed: Vec<_> = CLOSED.inside(change).collect();
        for number in 0..CLOSED.ring {
            let ceiling = if closed.contains(&number) { 0 } else { 10_000 };
            add(&mut text, &limited(number), &format!("qps_limit_ceiling = {ceiling}\n"));
        }
        GUESTS.inside(change).for_each(|number| add(&mut text, &guest(number), ""));
        text
    }
}

fn add(text: &mut String, key: &str, more: &str) {
    write!(text, "[keys.{key}]\ndigest = \"sha256:").expect("a string takes everything");
    for byte in Sha256::digest(key) {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text.push_str("\"\napplication = \"soak\"\npackage = \"soak\"\nplan = \"soak\"\n");
    text.push_str(more);
}

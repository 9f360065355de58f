//! What it takes to publish changes of keys while requests are decided, and what these notice of it.
//!
//!   cargo bench --bench publish                        1,000, 1,000,000 and 10,000,000 keys
//!   cargo bench --bench publish -- 1000 5000000        so many
//!
//! All cores but one decide about calls of keys that were drawn, without a pause. Changes are published every
//! few milliseconds from one more thread; each deciding thread answers the notices between two decisions. A
//! publish is timed from the batch to the moment at which its snapshot is stored and posted (`publish`), and to
//! the last thread's answer (`enforced`). Rounds with and without changes take turns.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, reason = "a bench that fails ends")]

mod changes;
mod readers;
#[path = "../world/resident.rs"]
mod resident;
#[path = "../world/sizes.rs"]
mod sizes;
#[path = "../world/spread.rs"]
mod spread;
#[path = "../world/world.rs"]
#[expect(dead_code, reason = "another bench has use for the rest")]
mod world;

use std::time::Duration;

use changes::{Changes, Published};
use readers::Readers;
use spread::{Spread, at};
use world::World;

/// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many keys have a ceiling of their own where there are enough.
const OWN_CEILINGS: u32 = 1_000_000;

const ROUNDS: usize = 5;

/// How long a round is.
const ROUND: Duration = Duration::from_secs(1);

fn main() {
    for size in sizes::sizes() {
        measure(size, 0);
        if size >= OWN_CEILINGS {
            measure(size, OWN_CEILINGS);
        }
    }
}

fn measure(size: u32, own_ceilings: u32) {
    let mut world = World::new(size, own_ceilings);
    println!("\n{size} keys, ceilings of their own: {own_ceilings}");
    println!(
        "{:>8}  {:>21}  {:>21}  {:>9}  decisions' p99 in ns: with, without, ratio",
        "changes", "publish p50, p99 µs", "enforced p50, p99 µs", "KiB anew"
    );
    let mut readers = Readers::start(&mut world);
    for (count, pause) in [(1, 2), (100, 20), (1000, 100)] {
        let changes = Changes { count, pause: Duration::from_millis(pause) };
        let (mut took, mut with, mut without, mut ratios) = (vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let quiet = readers.round(|| std::thread::sleep(ROUND));
            let busy = readers.round(|| took.extend(changes.publish(&mut world, ROUND)));
            ratios.push(busy.p99 / quiet.p99);
            with.push(busy.p99);
            without.push(quiet.p99);
        }
        let kib = changes.copied(&mut world) / 1024.0;
        let both = |of: fn(&Published) -> f64| {
            let mut sorted: Vec<f64> = took.iter().map(of).collect();
            sorted.sort_by(f64::total_cmp);
            format!("{:>9.1} {:>11.1}", at(&sorted, 0.5), at(&sorted, 0.99))
        };
        println!(
            "{count:>8}  {}  {}  {kib:>9.1}  {:.0}, {:.0}, {}",
            both(|published| published.stored),
            both(|published| published.enforced),
            Spread::of(with).median,
            Spread::of(without).median,
            Spread::of(ratios).to_string().trim(),
        );
    }
}

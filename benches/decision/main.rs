//! What a decision costs, by its outcome, beside the bare look-up of the same digests in the same table.
//!
//!   cargo bench --bench decision                       1,000, 1,000,000 and 10,000,000 keys
//!   cargo bench --bench decision -- 1000 5000000       so many
//!   cargo bench --bench decision -- hot                many threads at one key, and no more
//!   cargo bench --bench decision -- huge_pages 1000    as with `huge_pages = true`, where the kernel gives some to
//!                                                      whoever asks: without, they are refused as the gateway does
//!
//! Each call is of another key, drawn from all of its kind. `in a row` calls follow each other at once, and the
//! processor fetches memory for some of them at the same time; `alone` none begins before the one before it has
//! ended, as requests do that come one by one. Rounds of all rows take turns in another order each time; the median
//! is told, and between which values half of the rounds lie. Digesting is part of a decision, reading a clock is not.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, reason = "a bench that fails ends")]

mod hot;
#[path = "../world/resident.rs"]
mod resident;
mod row;
mod rows;
#[path = "../world/sizes.rs"]
mod sizes;
#[path = "../world/spread.rs"]
mod spread;
#[path = "../world/world.rs"]
#[expect(dead_code, reason = "another bench has use for the rest")]
mod world;

use std::time::Instant;

use resident::resident;
use row::Measured;
use rows::{LOOK_UP, rows};
use spread::Spread;
use world::World;
use world::chance::Chance;

/// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 300;

fn main() {
    let asked = |what| std::env::args().any(|argument| argument == what);
    if !asked("huge_pages") {
        rustix::thread::disable_transparent_huge_pages(true)
            .expect("pages as the gateway has them");
    }
    if !asked("hot") {
        sizes::sizes().into_iter().for_each(measure);
    }
    hot::measure();
}

fn measure(size: u32) {
    let (before, began) = (resident(), Instant::now());
    let mut world = World::new(size, 0);
    let table = world.root().keys.bytes() as f64 / f64::from(size);
    let took = began.elapsed().as_secs_f64();
    println!("\n{size} keys: made in {took:.1} s");

    let rows = rows(&mut world);
    let mut chance = Chance::new(7);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut rounds: Vec<[Vec<f64>; 2]> = rows.iter().map(|_| Default::default()).collect();
    // The first rounds only warm up.
    for round in 0..ROUNDS + ROUNDS / 10 {
        chance.shuffle(&mut order);
        for each in &order {
            for (alone, rounds) in [false, true].into_iter().zip(&mut rounds[*each]) {
                let Measured { took, other } = rows[*each].round(&mut world, &mut chance, alone);
                assert_eq!(other, 0, "{}: calls came to something else", rows[*each].name);
                if round >= ROUNDS / 10 {
                    rounds.push(took);
                }
            }
        }
    }
    // What was needed to make it has been given back by now, and counters are in use.
    let bytes = (resident() - before) as f64 / f64::from(size);
    println!("{bytes:.0} bytes a key resident with its counters, {table:.0} of them table");
    let spreads: Vec<_> = rounds.into_iter().map(|both| both.map(Spread::of)).collect();
    let look_up = rows.iter().position(|row| row.name == LOOK_UP).unwrap_or(0);
    println!("{:<20} {:>9}: half of the rounds, of the look-up; {:>10}", "ns", "in a row", "alone");
    for (row, spread) in rows.iter().zip(&spreads) {
        print!("{:<20}", row.name);
        for (spread, look_up) in spread.iter().zip(&spreads[look_up]) {
            print!(" {:<30} {:>5.2} ", spread.to_string(), spread.median / look_up.median);
        }
        println!();
    }
}

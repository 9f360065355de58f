//! What a store of many keys costs: to fill, to start from, to look through, to change.
//!
//!   cargo bench --bench store                       a million keys on SQLite, in a temporary folder
//!   KEYS=100000 cargo bench --bench store
//!   POSTGRES=postgresql://… cargo bench --bench store      an empty database
//!
//! First by the store itself, then through the admin listener of a process that it starts.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, reason = "a bench that fails ends")]

mod house;
mod listener;
mod lists;
mod search;
mod street;

use std::time::{Duration, Instant};

use house::House;

fn main() {
    let keys: usize =
        std::env::var("KEYS").map_or(1_000_000, |keys| keys.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(keys));
}

async fn measure(keys: usize) {
    let mut house = House::new();
    let began = Instant::now();
    let store = house.open().await;
    house.fill(&store, keys).await;
    let took = began.elapsed();
    println!(
        "filled with {keys} keys in {took:.1?}, {:.0} a second",
        keys as f64 / took.as_secs_f64()
    );
    if let Some(bytes) = house.bytes() {
        println!("{:.0} MB, {:.0} bytes a key", bytes as f64 / 1e6, bytes as f64 / keys as f64);
    }
    house.settle();
    search::measure(&store, keys).await;
    drop(store);

    let began = Instant::now();
    let mut street = street::Street::open(&house).await;
    println!("opened and published in {:.2?}", began.elapsed());
    street.measure(keys).await;
    street.close().await;
    house.let_go();

    let began = Instant::now();
    let mut gate = listener::Gate::start(&house);
    println!("tollgate run, ready in {:.2?}", began.elapsed());
    lists::measure(&mut gate, keys);
    gate.change();
}

/// The middle, and what one in a hundred takes at least.
fn quantiles(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: f64| {
        let index = (took.len() as f64 * share) as usize;
        took.get(index.min(took.len() - 1)).copied().unwrap_or_default()
    };
    format!("p50 {:>9.2?}  p99 {:>9.2?}", at(0.5), at(0.99))
}

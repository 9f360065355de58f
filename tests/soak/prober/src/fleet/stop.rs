//! One proxy stands still: the others and the control plane do not suffer from it.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::change::{Changed, Plan, change};
use super::figures::mebibytes;
use super::house::House;
use crate::Failure;

/// Changes a second, of so many keys.
const RATE: u32 = 100;
const CHANGED: usize = 2_000;

/// How much longer the others may take, and how much more memory the control plane.
const LONGER: f64 = 1.5;
const MORE: u64 = 10 << 20;

pub(super) async fn run(mut house: House, proxies: usize, seconds: u64) -> Result<bool, Failure> {
    house.add_proxies(proxies, "").await?;
    house.settle().await?;
    let ids = house.ids(CHANGED).await?;
    let plan = |seconds| Plan {
        ids: ids.clone(),
        rate: RATE,
        time: Duration::from_secs(seconds),
        waits: 5,
        timeout: "1s",
    };
    // What is kept of the newest changes has its full size by then.
    change(&house, plan(5)).await?;
    let mut without = change(&house, plan(seconds)).await?;
    let before = house.control()?.resident()?;
    let still = house.fleet.first().ok_or("no proxy")?;
    still.process()?.stand_still(true)?;
    let house = Rc::new(house);
    let most =
        tokio::task::spawn_local(most_memory(Rc::clone(&house), Duration::from_secs(seconds)));
    let mut with = change(&house, plan(seconds)).await?;
    let most = most.await??;
    house.fleet.first().ok_or("no proxy")?.process()?.stand_still(false)?;
    let went_on = Instant::now();
    let mut house = Rc::into_inner(house).ok_or("somebody has the house")?;
    house.settle().await?;
    println!(
        "it goes on       and enforces everything after {:.1} s",
        went_on.elapsed().as_secs_f64()
    );
    println!("all go           {}", told(&mut without));
    println!("one stands still {}", told(&mut with));
    println!(
        "control plane    {:.1} MiB before, {:.1} MiB at most",
        mebibytes(before),
        mebibytes(most)
    );
    let [without, with] = [without, with].map(|mut changed| changed.enforced.of_thousand(990));
    let slower = with.as_secs_f64() > without.as_secs_f64() * LONGER;
    let grown = most > before + MORE;
    let mut broken = Vec::new();
    broken.extend(slower.then_some("the others are slower"));
    broken.extend(grown.then_some("the control plane has grown"));
    if broken.is_empty() {
        println!("stop: every bound held");
    } else {
        println!("stop: BROKEN: {}", broken.join(", "));
    }
    Ok(broken.is_empty())
}

fn told(changed: &mut Changed) -> String {
    format!("enforced after {} (each proxy that goes)", changed.enforced.told())
}

async fn most_memory(house: Rc<House>, time: Duration) -> Result<u64, Failure> {
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < time {
        most = most.max(house.control()?.resident()?);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(most)
}

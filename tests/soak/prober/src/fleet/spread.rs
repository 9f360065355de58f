//! How soon every proxy of a fleet enforces what is changed, and what that costs each side.

use std::time::{Duration, Instant};

use super::change::{Plan, change};
use super::figures::mebibytes;
use super::house::House;
use crate::Failure;
use crate::metrics::Metrics;

/// So many keys are changed by turns.
const CHANGED: usize = 20_000;

/// So many changes a second wait for every proxy.
const WAITING: u64 = 50;

/// So long changes are made before they are measured.
const AHEAD: Duration = Duration::from_secs(2);

pub(super) async fn run(
    mut house: House,
    proxies: usize,
    rate: u32,
    seconds: u64,
) -> Result<bool, Failure> {
    println!("control plane    {:.0} MiB before any proxy", control_memory(&house)?);
    let began = Instant::now();
    house.add_proxies(proxies, "").await?;
    house.settle().await?;
    println!(
        "proxies          {proxies} from the network in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    memory(&house, "before changes")?;
    let ids = house.ids(CHANGED).await?;
    let waits = (u64::from(rate) / WAITING).max(1);
    let plan = |time| Plan { ids: ids.clone(), rate, time, waits, timeout: "30s" };
    change(&house, plan(AHEAD)).await?;
    let (before, histogram) = (Processors::of(&house)?, Histogram::of(&house).await?);
    let mut changed = change(&house, plan(Duration::from_secs(seconds))).await?;
    let took = changed.took.as_secs_f64();
    let (after, histogram) =
        (Processors::of(&house)?, Histogram::of(&house).await?.since(&histogram));
    let each = proxies.max(1) as f64;
    println!(
        "changes          {} in {took:.1} s, {:.0}/s",
        changed.count(),
        changed.count() as f64 / took
    );
    println!("call to answer   {}", changed.acknowledged.told());
    println!("until applied    {}", changed.waited.told());
    println!("enforced after   {} (each proxy and change)", changed.enforced.told());
    println!("as proxies say   {}", histogram.told());
    let share = |from: f64, to: f64| (to - from) / took * 100.0;
    println!(
        "processor        control plane {:.0} %, each proxy {:.2} %, all proxies {:.0} %, of one",
        share(before.control, after.control),
        share(before.proxies, after.proxies) / each,
        share(before.proxies, after.proxies)
    );
    memory(&house, "after changes")?;
    house.settle().await?;
    let broken = changed.wrong + changed.late;
    let verdict = if broken == 0 { "every bound held" } else { "BROKEN" };
    println!("spread: {verdict}: {} changes failed, {} were late", changed.wrong, changed.late);
    Ok(broken == 0)
}

fn control_memory(house: &House) -> Result<f64, Failure> {
    Ok(mebibytes(house.control()?.resident()?))
}

fn memory(house: &House, when: &str) -> Result<(), Failure> {
    let proxies = house.fleet.iter().map(|proxy| proxy.process()?.resident());
    let mut proxies = proxies.collect::<Result<Vec<_>, _>>()?;
    proxies.sort_unstable();
    let [least, most] = [proxies.first(), proxies.last()].map(|found| found.copied().unwrap_or(0));
    println!(
        "resident         control plane {:.0} MiB, a proxy {:.0} to {:.0} MiB, {when}",
        control_memory(house)?,
        mebibytes(least),
        mebibytes(most)
    );
    Ok(())
}

/// The time that processes have had, in seconds.
struct Processors {
    control: f64,
    proxies: f64,
}

impl Processors {
    fn of(house: &House) -> Result<Self, Failure> {
        let proxies = house.fleet.iter().map(|proxy| proxy.process()?.cpu());
        Ok(Self { control: house.control()?.cpu()?, proxies: proxies.sum::<Result<f64, _>>()? })
    }
}

/// What all proxies have noted of how long changes took from their publication.
struct Histogram(Vec<(f64, u64)>);

impl Histogram {
    async fn of(house: &House) -> Result<Self, Failure> {
        let mut sum: Vec<(f64, u64)> = Vec::new();
        for proxy in &house.fleet {
            let mut metrics = Metrics::of(proxy.process()?.ops).await?;
            let buckets = metrics.buckets("tollgate_key_change_propagation_seconds").await?;
            if sum.is_empty() {
                sum = buckets;
            } else {
                sum.iter_mut().zip(buckets).for_each(|(sum, bucket)| sum.1 += bucket.1);
            }
        }
        Ok(Self(sum))
    }

    fn since(self, before: &Self) -> Self {
        let pairs = self.0.into_iter().zip(&before.0);
        Self(pairs.map(|((bound, count), (_, before))| (bound, count - before)).collect())
    }

    /// The bound that so many of a hundred do not exceed.
    fn of_hundred(&self, share: f64) -> f64 {
        let all = self.0.last().map_or(0, |(_, count)| *count) as f64;
        let found = self.0.iter().find(|(_, count)| *count as f64 >= all * share / 100.0);
        found.map_or(f64::NAN, |(bound, _)| bound * 1000.0)
    }

    fn told(&self) -> String {
        let all = self.0.last().map_or(0, |(_, count)| *count);
        let [p50, p99] = [50.0, 99.0].map(|share| self.of_hundred(share));
        format!("p50 at most {p50:.1} ms, p99 at most {p99:.1} ms of {all}")
    }
}

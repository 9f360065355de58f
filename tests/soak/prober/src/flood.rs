//! Floods, one after another, each beside a bystander who must not notice.

mod bystander;
mod offender;
mod slow;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::sleep;

use crate::Failure;
use crate::metrics::Metrics;
use bystander::Bystander;
use offender::{Ended, Flood};

pub(crate) struct Settings {
    pub(crate) data: SocketAddr,
    pub(crate) ops: SocketAddr,
    /// How long each flood goes on.
    pub(crate) seconds: u64,
    /// The 99th percentile of what a bystander may wait.
    pub(crate) p99: Duration,
    /// The one flood, or nothing for all.
    pub(crate) only: String,
}

/// How long the gate is given to be at rest again.
const REST: Duration = Duration::from_millis(500);

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    let mut metrics = Metrics::of(settings.ops).await?;
    let mut held = true;
    println!(
        "{:<16} {:>8} {:>22} {:<20} {:>9} {:>7} {:>9} {:>9} {:>9}",
        "flood",
        "ended",
        "after",
        "counted as",
        "bystander",
        "errors",
        "p50 ms",
        "p99 ms",
        "max ms"
    );
    let wanted = |flood: &Flood| settings.only.is_empty() || settings.only == flood.name();
    let floods: Vec<_> = Flood::all().into_iter().filter(wanted).collect();
    if floods.is_empty() {
        return Err(format!("no flood is called {:?}", settings.only).into());
    }
    for flood in std::iter::once(None).chain(floods.into_iter().map(Some)) {
        let before = metrics.turned_away().await?;
        let stop = Arc::new(AtomicBool::new(false));
        let offender = flood.map(|flood| {
            let (data, stop) = (settings.data, Arc::clone(&stop));
            std::thread::spawn(move || flood.run(data, &stop))
        });
        let bystander = Rc::new(Bystander::new(settings.data));
        Rc::clone(&bystander).look_on(Duration::from_secs(settings.seconds)).await;
        stop.store(true, Relaxed);
        let ended = match offender.map(std::thread::JoinHandle::join) {
            None => Ended::default(),
            Some(ended) => ended.map_err(|_| "an offender has panicked")??,
        };
        sleep(REST).await;
        let after = metrics.turned_away().await?;
        let reasons: Vec<_> = after
            .iter()
            .filter(|(reason, count)| before.get(*reason).copied().unwrap_or(0) < **count)
            .map(|(reason, _)| reason.as_str())
            .collect();
        let (sent, errors) = (bystander.sent(), bystander.errors());
        let waits = bystander.waits();
        println!(
            "{:<16} {:>8} {:>22} {:<20} {sent:>9} {errors:>7} {:>9.2} {:>9.2} {:>9.2}",
            flood.map_or("none", Flood::name),
            ended.count,
            ended.after(),
            reasons.join(","),
            waits.percent(50),
            waits.percent(99),
            waits.percent(100)
        );
        let noticed = errors > 0 || waits.percent(99) > settings.p99.as_secs_f64() * 1000.0;
        let unpunished = flood.is_some() && (ended.count == 0 || reasons.is_empty());
        held &= !noticed && !unpunished;
    }
    Ok(held)
}

//! Many proxies start at once.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::figures::{Times, mebibytes};
use super::house::House;
use super::shop::{Shop, disable};
use crate::Failure;
use crate::admin::Admin;
use crate::metrics::Metrics;

/// Changes that are made meanwhile are so far apart.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(mut house: House, proxies: usize) -> Result<bool, Failure> {
    let shop = Shop::open(&mut house).await?;
    let mut admin = Admin::with_token(house.control()?.admin()?, house.admin.token()).await?;
    let ops = house.control()?.ops;
    let (mut metrics, before) = (Metrics::of(ops).await?, house.control()?.resident()?);
    let made = metrics.value("tollgate_feed_snapshots_total").await?;
    let began = Instant::now();
    let mut starting = Box::pin(house.add_proxies(proxies, ""));
    let (mut number, mut calls) = (0, Times::default());
    let ready = loop {
        let apikey = format!("crowd-{number}");
        let change = async {
            sleep(PAUSE).await;
            let called = Instant::now();
            let answer = shop.ask(&mut admin, &apikey, serde_json::Value::Null, "").await?;
            if answer.status != 200 {
                return Err(Failure::from(format!("{answer:?}")));
            }
            calls.note(called.elapsed());
            Ok(())
        };
        let mut change = Box::pin(change);
        tokio::select! {
            started = &mut starting => {
                started?;
                change.await?;
                break began.elapsed();
            }
            changed = &mut change => changed?,
        }
        number += 1;
    };
    drop(starting);
    let snapshots = metrics.value("tollgate_feed_snapshots_total").await? - made;
    let key = shop.make(&mut admin, "crowd-last").await?;
    let answer = disable(&mut admin, &key.id, "30s").await?;
    let applied = answer.body["applied"] == true;
    let mut refused = 0;
    for proxy in &house.fleet {
        refused += usize::from(proxy.decides(&key.apikey).await? == 401);
    }
    println!("proxies          {proxies} ready {:.1} s after the first began", ready.as_secs_f64());
    println!("snapshots        {snapshots} were made for them");
    println!("changes          {}, from call to answer meanwhile", calls.told());
    println!(
        "control plane    {:.1} MiB before, {:.1} MiB after",
        mebibytes(before),
        mebibytes(house.control()?.resident()?)
    );
    println!("then             a revocation is enforced by {refused} of them when it is answered");
    // Those that come while one is made that the log has left behind have the next.
    let holds = snapshots <= 2.0 && applied && refused == proxies;
    println!("start: {}", if holds { "every bound held" } else { "BROKEN" });
    Ok(holds)
}

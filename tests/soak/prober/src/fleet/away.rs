//! The control plane is away, and proxies start again meanwhile.

use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::house::House;
use super::shop::{Shop, date, decides};
use crate::Failure;
use crate::metrics::Metrics;

/// For how long one of the proxies goes on, and when a key ends, in seconds.
const SERVE_FOR: u64 = 20;
const ENDS: i64 = 12;

/// What a key may be used in a day, over all starts of a proxy.
const QUOTA: u64 = 50;

/// How long a lease may take to be renewed: heartbeats are five seconds apart.
const RENEWED: Duration = Duration::from_secs(10);

/// How often one is killed and started again.
const EACH: Duration = Duration::from_secs(3);

pub(super) async fn run(mut house: House, seconds: u64) -> Result<bool, Failure> {
    let shop = Shop::open(&mut house).await?;
    house.add_proxies(1, &format!("serve_for = \"{SERVE_FOR}s\"")).await?;
    house.add_proxies(2, "").await?;
    let steady = shop.make(&mut house.admin, "away-steady").await?;
    let counted = json!({ "rateLimitCeiling": QUOTA });
    let counted = shop.make_with(&mut house.admin, "away-counted", counted).await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let ends = date(i64::try_from(now.as_secs())? + ENDS)?;
    let ending =
        shop.make_with(&mut house.admin, "away-ending", json!({ "expires": ends })).await?;
    let ends = Instant::now() + Duration::from_secs(ENDS.unsigned_abs());
    house.wait_for_leases().await;
    house.control.take().ok_or("no control plane")?.kill()?;
    let left = Instant::now();
    let (mut served, mut counts, mut starts) = (0u64, vec![0u64; house.fleet.len()], 0u64);
    let mut wrong: Vec<String> = Vec::new();
    let (mut stale_since, mut next) = (None, left + EACH);
    while left.elapsed() < Duration::from_secs(seconds) {
        let (brief, long) = house.fleet.split_first_mut().ok_or("no proxies")?;
        for (proxy, count) in long.iter().zip(&mut counts) {
            let mut data = proxy.data().await?;
            match decides(&mut data, &steady.apikey).await? {
                200 => served += 1,
                other => wrong.push(format!("{} answers {other}", proxy.name)),
            }
            *count += u64::from(decides(&mut data, &counted.apikey).await? == 200);
            let (asked, status) = (Instant::now(), decides(&mut data, &ending.apikey).await?);
            // A second for two clocks.
            let late = status == 200 && asked > ends + Duration::from_secs(1);
            let early = status != 200 && asked + Duration::from_secs(2) < ends;
            if late || early {
                wrong.push(format!("{}: a key that ends is answered {status}", proxy.name));
            }
        }
        match (brief.decides(&steady.apikey).await?, stale_since) {
            (200, None) => {}
            (503, None) => stale_since = Some(left.elapsed()),
            (503, Some(_)) => {}
            (other, _) => wrong.push(format!("{} answers {other}", brief.name)),
        }
        if Instant::now() >= next {
            next += EACH;
            let number = usize::try_from(starts)? % long.len();
            let proxy = long.get_mut(number).ok_or("no proxy")?;
            proxy.process.take().ok_or("no process")?.kill()?;
            proxy.process = Some(proxy.program.start().await?.0);
            starts += 1;
        }
        sleep_until(Instant::now() + Duration::from_millis(20)).await;
    }
    let stale_since = stale_since.map(|since| since.as_secs_f64());
    println!("away             {seconds} s, {served} requests served, {starts} starts meanwhile");
    println!("serve_for        {SERVE_FOR} s, refused from {stale_since:?} s on");
    println!("quota            {counts:?} of {QUOTA} for each proxy");
    // Heartbeats are five seconds apart, from whose answers on it counts.
    let stale = stale_since.is_some_and(|since| since <= SERVE_FOR as f64 + 1.0);
    if !stale {
        wrong.push("the lease did not end in time".to_owned());
    }
    if counts.iter().any(|count| *count > QUOTA) {
        wrong.push("a quota was passed".to_owned());
    }
    house.start_control().await?;
    house.settle().await?;
    let brief = house.fleet.first().ok_or("no proxies")?;
    // The next heartbeat renews its lease.
    let (heard, mut again) = (Instant::now(), 503);
    while again == 503 && heard.elapsed() < RENEWED {
        sleep(Duration::from_millis(50)).await;
        again = brief.decides(&steady.apikey).await?;
    }
    if again != 200 {
        wrong.push(format!("with the control plane {} answers {again}", brief.name));
    }
    let alarms =
        Metrics::of(brief.process()?.ops).await?.value("tollgate_feed_alarms_total").await?;
    println!("then             everything is enforced, {alarms} alarms at {}", brief.name);
    wrong.iter().take(20).for_each(|wrong| eprintln!("soak-prober: {wrong}"));
    let verdict = if wrong.is_empty() { "every bound held" } else { "BROKEN" };
    println!("away: {verdict}: {} wrong", wrong.len());
    Ok(wrong.is_empty())
}

//! The control plane is away for a day of a clock that is moved, and proxies start again meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::clock::MovedClock;
use super::house::{House, Proxy};
use super::shop::{Shop, date, decides};
use crate::Failure;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How often everything is looked at and a proxy starts again, beside the moments that matter.
const STEP: i64 = HOUR / 2;

/// The proxy that goes on for so long only, in seconds.
const SERVE_FOR: i64 = 6 * HOUR;

/// How long before that its lease may have been renewed last: heartbeats are five seconds apart.
const HEARTBEATS: i64 = 30;

/// When keys end, in seconds after the control plane has left.
const ENDS: [i64; 5] = [HOUR / 4, 3 * HOUR + 700, 9 * HOUR + 700, 15 * HOUR + 700, DAY - HOUR / 4];

/// From when on the wall clock is wrong for a step, and by how much.
const SET_BACK: (i64, i64) = (12 * HOUR + STEP, 5 * HOUR);

/// What two keys may be used in a window, the seconds of the window, and how often it is tried at each step.
const QUOTAS: [(&str, u64, i64, u64); 2] =
    [("day-hourly", 20, HOUR, 15), ("day-daily", 100, DAY, 12)];

/// How often a lease is looked at that is to be renewed.
const RENEWED: Duration = Duration::from_secs(10);

/// What is seen of a day.
#[derive(Default)]
struct Seen {
    served: u64,
    /// How often a key was used by the proxy, key and window.
    used: BTreeMap<(usize, &'static str, i64), Used>,
    ended: u64,
    refused: u64,
    starts: [u64; 2],
    wrong: Vec<String>,
}

#[derive(Default)]
struct Used {
    admitted: u64,
    tried: u64,
    /// So many kills were within the window.
    kills: u64,
}

pub(super) async fn run(mut house: House, clock: &MovedClock) -> Result<bool, Failure> {
    let began = Instant::now();
    // Steps are not at the very ends of windows.
    clock.move_to((clock.unix()? / HOUR + 1) * HOUR + 300)?;
    let shop = Shop::open(&mut house).await?;
    let (brief, ever) = (format!("serve_for = \"{SERVE_FOR}s\""), "on_lease_end = \"serve\"");
    for more in [&brief, "serve_for = \"36h\"", ever, ever] {
        house.add_proxies(1, more).await?;
    }
    shop.make(&mut house.admin, "day-steady").await?;
    for (name, ceiling, window, _) in QUOTAS {
        let plan = if window == HOUR { "hourly" } else { "soak" };
        let more = json!({ "rateLimitCeiling": ceiling, "plan": { "id": plan } });
        shop.make_with(&mut house.admin, name, more).await?;
    }
    let left = clock.unix()?;
    for ends in ENDS {
        let more = json!({ "expires": date(left + ends)? });
        shop.make_with(&mut house.admin, &format!("day-ends-{ends}"), more).await?;
    }
    house.wait_for_leases().await;
    house.control.take().ok_or("no control plane")?.kill()?;
    let mut seen = Seen::default();
    for moment in moments() {
        clock.move_to(left + moment)?;
        let is_set_back = moment == SET_BACK.0;
        if is_set_back {
            clock.set_back(SET_BACK.1)?;
        }
        for (number, proxy) in house.fleet.iter().enumerate() {
            look(proxy, number, clock, left, &mut seen).await?;
        }
        let count = house.fleet.len();
        let step = usize::try_from(moment / STEP)?;
        // Each in its turn; all of them by a wrong clock.
        for number in 0..count {
            if moment % STEP == 0 && (is_set_back || step % count == number) {
                let kills = (step / count + usize::from(is_set_back) * number).is_multiple_of(2);
                // Whoever has no lease any more is not ready.
                let is_ready = number > 0 || moment < SERVE_FOR - HEARTBEATS;
                start_again(&mut house, number, (kills, is_ready), clock, &mut seen).await?;
            }
        }
        if is_set_back {
            for (number, proxy) in house.fleet.iter().enumerate() {
                look(proxy, number, clock, left, &mut seen).await?;
            }
            clock.set_back(0)?;
        }
    }
    seen.judge_quotas();
    come_back(&mut house, &mut seen).await?;
    Ok(seen.tell(house.fleet.len(), began.elapsed()))
}

/// Each half hour of the day, and shortly before and after whatever ends in it.
fn moments() -> Vec<i64> {
    let ends = ENDS.iter().flat_map(|ends| [ends - 30, ends + 1]);
    let lease = [SERVE_FOR - 2 * HEARTBEATS, SERVE_FOR + 1];
    let mut moments: Vec<_> = (1..=DAY / STEP).map(|step| step * STEP).collect();
    moments.extend(ends.chain(lease));
    moments.sort_unstable();
    moments
}

/// Sends requests with each key to a proxy. The first of them has a lease that ends.
async fn look(
    proxy: &Proxy,
    number: usize,
    clock: &MovedClock,
    left: i64,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let mut data = proxy.data().await?;
    let asked = clock.unix()? - left;
    let steady = decides(&mut data, "day-steady").await?;
    let answered = clock.unix()? - left;
    let name = &proxy.name;
    if number == 0 && asked > SERVE_FOR {
        match steady {
            503 => seen.refused += 1,
            other => seen.note(name, asked, "a lease that has ended", other),
        }
        return Ok(());
    }
    match steady {
        200 => seen.served += 1,
        503 if number == 0 && answered > SERVE_FOR - HEARTBEATS => return Ok(()),
        other => seen.note(name, asked, "a key that is good", other),
    }
    for ends in ENDS {
        let asked = clock.unix()? - left;
        let status = decides(&mut data, &format!("day-ends-{ends}")).await?;
        let answered = clock.unix()? - left;
        match status {
            200 if asked >= ends => seen.note(name, asked, "a key that has ended", status),
            401 if answered < ends => seen.note(name, asked, "a key that has not ended", status),
            401 => seen.ended += 1,
            200 => {}
            other => seen.note(name, asked, "a key that ends", other),
        }
    }
    for (name, _, window, tries) in QUOTAS {
        for _ in 0..tries {
            let at = clock.unix()? / window;
            let status = decides(&mut data, name).await?;
            let used = seen.used.entry((number, name, at)).or_default();
            used.tried += 1;
            used.admitted += u64::from(status == 200);
        }
    }
    Ok(())
}

/// Kills one of the proxies, or ends it as an operator does, and starts it again.
async fn start_again(
    house: &mut House,
    number: usize,
    (kills, is_ready): (bool, bool),
    clock: &MovedClock,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let proxy = house.fleet.get_mut(number).ok_or("no proxy")?;
    let process = proxy.process.take().ok_or("no process")?;
    if kills {
        process.kill()?;
        for (name, _, window, _) in QUOTAS {
            let at = clock.unix()? / window;
            seen.used.entry((number, name, at)).or_default().kills += 1;
        }
    } else {
        process.end()?;
    }
    if let Some(starts) = seen.starts.get_mut(usize::from(kills)) {
        *starts += 1;
    }
    let starting = proxy.program.begin()?;
    proxy.process = Some(match is_ready {
        true => starting.ready(&proxy.program).await?.0,
        false => starting.listening(&proxy.program).await?,
    });
    Ok(())
}

/// The control plane is there again.
async fn come_back(house: &mut House, seen: &mut Seen) -> Result<(), Failure> {
    house.start_control().await?;
    house.log_in().await?;
    house.settle().await?;
    let brief = house.fleet.first().ok_or("no proxies")?;
    // The next heartbeat renews its lease.
    let (heard, mut status) = (Instant::now(), 503);
    while status == 503 && heard.elapsed() < RENEWED {
        sleep(Duration::from_millis(50)).await;
        status = brief.decides("day-steady").await?;
    }
    if status != 200 {
        seen.wrong.push(format!("with the control plane {} answers {status}", brief.name));
    }
    for proxy in &house.fleet {
        for ends in ENDS {
            let status = proxy.decides(&format!("day-ends-{ends}")).await?;
            if status != 401 {
                seen.wrong.push(format!("{}: a key of the day before: {status}", proxy.name));
            }
        }
    }
    Ok(())
}

impl Seen {
    fn note(&mut self, proxy: &str, asked: i64, what: &str, status: u16) {
        let hours = asked as f64 / HOUR as f64;
        self.wrong.push(format!("{proxy}, after {hours:.2} h: {what} is answered {status}"));
    }

    /// No window has more than its quota, and each what it can have: a kill loses a tenth at most.
    fn judge_quotas(&mut self) {
        for ((number, name, window), used) in &self.used {
            let Some((_, quota, ..)) = QUOTAS.iter().find(|quota| quota.0 == *name) else {
                continue;
            };
            let lost = used.kills * (quota / 10);
            let least = used.tried.min(*quota).saturating_sub(lost);
            if used.admitted > *quota || used.admitted < least {
                let Used { admitted, tried, kills } = used;
                self.wrong.push(format!(
                    "edge-{number}: {name} in window {window}: {admitted} of {tried}, {kills} kills"
                ));
            }
        }
    }

    /// Whether every bound held.
    fn tell(&self, proxies: usize, took: Duration) -> bool {
        let Self { served, used, ended, refused, starts: [ends, kills], wrong } = self;
        println!(
            "day              24 h in {:.0} s, {proxies} proxies, {kills} kills, {ends} ends by SIGTERM",
            took.as_secs_f64()
        );
        println!("served           {served} requests with a key that is good");
        println!("keys that end    {} at their second, {ended} requests refused", ENDS.len());
        println!("serve_for        6 h: {refused} requests refused from then on; 36 h: served");
        for (name, quota, ..) in QUOTAS {
            let windows = used.iter().filter(|((_, of, _), _)| *of == name);
            let admitted: Vec<_> = windows.map(|(_, used)| used.admitted).collect();
            let full = admitted.iter().filter(|admitted| *admitted == &quota).count();
            println!(
                "{name:<16} {} windows, {full} used up to {quota}, {} at most",
                admitted.len(),
                admitted.iter().max().unwrap_or(&0)
            );
        }
        wrong.iter().take(20).for_each(|wrong| eprintln!("soak-prober: {wrong}"));
        let verdict = if wrong.is_empty() { "every bound held" } else { "BROKEN" };
        println!("day: {verdict}: {} wrong", wrong.len());
        wrong.is_empty()
    }
}

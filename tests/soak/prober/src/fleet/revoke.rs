//! Keys that are revoked under load: whatever is sent after the answer is refused by every proxy.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::figures::Times;
use super::house::House;
use super::shop::{Shop, disable};
use crate::Failure;
use crate::admin::Admin;
use crate::connection::Connection;
use crate::probes::{Fate, Probes};
use crate::revoke::JudgedFrom;

/// So many revocations are under way at once.
const AT_ONCE: usize = 8;

/// Requests with a key to each proxy before it is revoked, and after the answer.
const BEFORE: usize = 1;
const AFTER: usize = 3;

/// What all that revoke share.
struct Soak {
    shop: Shop,
    probes: Probes,
    next: Cell<u64>,
    revocations: u64,
    judged_from: JudgedFrom,
    times: RefCell<Times>,
    /// Answers that did not say that every proxy enforces it.
    not_applied: Cell<u64>,
}

pub(super) async fn run(
    mut house: House,
    proxies: usize,
    revocations: u64,
    probes: &Path,
    judged_from: JudgedFrom,
) -> Result<bool, Failure> {
    house.add_proxies(proxies, "").await?;
    let soak = Rc::new(Soak {
        shop: Shop::open(&mut house).await?,
        probes: Probes::record(probes)?,
        next: Cell::new(0),
        revocations,
        judged_from,
        times: RefCell::default(),
        not_applied: Cell::default(),
    });
    // For whoever sends the load.
    for proxy in &house.fleet {
        println!("data {}", proxy.process()?.data()?);
    }
    println!("begins");
    let began = Instant::now();
    let mut revoking = JoinSet::new();
    for _ in 0..AT_ONCE {
        let admin = Admin::with_token(house.control()?.admin()?, house.admin.token()).await?;
        let mut connections = Vec::new();
        for proxy in &house.fleet {
            connections.push(proxy.data().await?);
        }
        revoking.spawn_local(revoke(Rc::clone(&soak), admin, connections));
    }
    while let Some(ended) = revoking.join_next().await {
        ended??;
    }
    soak.probes.finish()?;
    let took = began.elapsed().as_secs_f64();
    let (early, closed) = (soak.probes.tally(Fate::Early), soak.probes.tally(Fate::Closed));
    println!(
        "revocations      {revocations} in {took:.1} s, by {AT_ONCE} at once, at {proxies} proxies"
    );
    println!("call to answer   {}", soak.times.borrow_mut().told());
    println!("before           {} requests, {} answered wrongly", early.sent, early.wrong);
    println!("after            {} requests, {} answered wrongly", closed.sent, closed.wrong);
    println!("not applied      {} answers", soak.not_applied.get());
    Ok(early.wrong + closed.wrong + soak.not_applied.get() == 0)
}

async fn revoke(
    soak: Rc<Soak>,
    mut admin: Admin,
    mut connections: Vec<Connection>,
) -> Result<(), Failure> {
    loop {
        let number = soak.next.replace(soak.next.get() + 1);
        if number >= soak.revocations {
            return Ok(());
        }
        let key = format!("revoked-{number}");
        let made = soak.shop.make(&mut admin, &key).await?;
        let judged = match soak.judged_from {
            JudgedFrom::Answer => Fate::Early,
            JudgedFrom::Call => Fate::Closed,
        };
        for connection in &mut connections {
            for _ in 0..BEFORE {
                soak.probes.send(connection, number, judged, &key, 401).await;
            }
        }
        let called = Instant::now();
        let answer = disable(&mut admin, &made.id, "30s").await?;
        soak.times.borrow_mut().note(called.elapsed());
        if answer.status != 200 || answer.body["applied"] != true {
            eprintln!("soak-prober: {key}: {answer:?}");
            soak.not_applied.set(soak.not_applied.get() + 1);
        }
        for connection in &mut connections {
            for _ in 0..AFTER {
                soak.probes.send(connection, number, Fate::Closed, &key, 401).await;
            }
        }
    }
}

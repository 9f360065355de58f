//! Keys that are taken away over the admin API under load, one after another.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::admin::Admin;
use crate::connection::{Connection, PROTOCOLS, Protocol};
use crate::gate::Gate;
use crate::probes::{Fate, Place, Probes};
use crate::workers::Workers;

pub(crate) struct Settings {
    pub(crate) data: std::net::SocketAddr,
    pub(crate) admin: std::net::SocketAddr,
    pub(crate) pid: u32,
    pub(crate) first_administrator: PathBuf,
    /// Where each request is written down.
    pub(crate) probes: PathBuf,
    pub(crate) revocations: u64,
    /// From when on a key must be refused.
    pub(crate) judged_from: JudgedFrom,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum JudgedFrom {
    /// From the answer on.
    Answer,
    /// From the call on, which nobody can keep: to see that the soak would notice.
    Call,
}

impl std::str::FromStr for JudgedFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "answer" => Ok(Self::Answer),
            "call" => Ok(Self::Call),
            other => Err(format!("judged from {other}? answer or call")),
        }
    }
}

/// How a key is taken away, by turns.
const WAYS: [&str; 2] = ["disabled", "deleted"];

/// Requests go ahead of a revocation for so long.
const AHEAD: Duration = Duration::from_millis(5);

/// Requests on each connection after the answer.
const AFTER: usize = 3;

struct Revocation {
    number: u64,
    key: String,
    answered: Cell<bool>,
}

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    let workers = Workers::of(settings.pid, settings.data.port())?;
    let gate = Rc::new(Gate { data: settings.data, workers });
    let probes = Rc::new(Probes::record(&settings.probes)?);
    let mut admin = Admin::log_in(settings.admin, &settings.first_administrator).await?;
    let application = json!({ "name": "soak" });
    let application = admin.done("POST", "/members/soak/applications", &application).await?;
    let application = application["id"].as_str().ok_or("no application")?.to_owned();
    let keys = format!("/applications/{application}/packageKeys");
    let mut took: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut warm: Vec<(Place, Connection)> = Vec::new();
    let mut tried: BTreeMap<Place, usize> = BTreeMap::new();
    for number in 0..settings.revocations {
        keep_warm(&gate, &mut warm).await?;
        let key = format!("revoked-{number}");
        let body = json!({
            "apikey": key, "package": { "id": "soak" }, "plan": { "id": "soak" },
            "status": "active",
        });
        let made = admin.done("POST", &keys, &body).await?;
        let id = made["id"].as_str().ok_or("no id")?.to_owned();
        let answered = Cell::new(false);
        let revocation = Rc::new(Revocation { number, key, answered });
        let mut sending = JoinSet::new();
        for (place, connection) in warm.drain(..) {
            let (probes, gate) = (Rc::clone(&probes), Rc::clone(&gate));
            let sent = on_warm(probes, Rc::clone(&revocation), gate, connection, place);
            sending.spawn_local(async move { (place, sent.await) });
        }
        sleep(AHEAD).await;
        revocation.answered.set(settings.judged_from == JudgedFrom::Call);
        let way = WAYS[number as usize % WAYS.len()];
        let target = format!("{keys}/{id}");
        let called = Instant::now();
        match way {
            "disabled" => {
                admin.done("PUT", &target, &json!({ "status": "disabled" })).await?;
            }
            _ => {
                admin.done("DELETE", &target, &Json::Null).await?;
            }
        }
        took.entry(way).or_default().push(called.elapsed());
        revocation.answered.set(true);
        for protocol in PROTOCOLS {
            let mut connection = Connection::open(gate.data, protocol).await?;
            for _ in 0..AFTER {
                let key = &revocation.key;
                probes.send(&mut connection, number, Fate::Closed, key, 401).await;
            }
            if let Some(worker) = gate.workers.serving(connection.port)? {
                let place = Place { new: true, http2: protocol == Protocol::Http2, worker };
                *tried.entry(place).or_default() += AFTER;
            }
        }
        while let Some(sent) = sending.join_next().await {
            let (place, connection) = sent?;
            *tried.entry(place).or_default() += AFTER;
            warm.extend(connection?.map(|connection| (place, connection)));
        }
    }
    probes.finish()?;
    Ok(report(&took, &tried, &probes))
}

/// One connection of each protocol to each worker.
async fn keep_warm(gate: &Gate, warm: &mut Vec<(Place, Connection)>) -> Result<(), Failure> {
    for protocol in PROTOCOLS {
        for worker in 0..gate.workers.count() {
            let place = Place { new: false, http2: protocol == Protocol::Http2, worker };
            if !warm.iter().any(|(other, _)| *other == place) {
                warm.push((place, gate.open_at(protocol, worker).await?));
            }
        }
    }
    Ok(())
}

/// Sends requests with the key on a connection that stands, from before until after it is taken
/// away. Returns the connection, unless it has ended.
async fn on_warm(
    probes: Rc<Probes>,
    revocation: Rc<Revocation>,
    gate: Rc<Gate>,
    mut connection: Connection,
    place: Place,
) -> Result<Option<Connection>, Failure> {
    let (number, key) = (revocation.number, revocation.key.as_str());
    while !revocation.answered.get() {
        if !probes.send(&mut connection, number, Fate::Early, key, 401).await {
            // HTTP/1.1 has no other way to cut a response than to end the connection.
            probes.cut.set(probes.cut.get() + 1);
            connection = gate.open_at(connection.protocol, place.worker).await?;
        }
        tokio::task::yield_now().await;
    }
    let mut goes_on = true;
    for _ in 0..AFTER {
        goes_on &= probes.send(&mut connection, number, Fate::Closed, key, 401).await;
    }
    Ok(goes_on.then_some(connection))
}

fn report(
    took: &BTreeMap<&str, Vec<Duration>>,
    tried: &BTreeMap<Place, usize>,
    probes: &Probes,
) -> bool {
    for (way, took) in took {
        let mut took = took.clone();
        took.sort_unstable();
        let share = |percent: usize| {
            let index = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0
        };
        println!(
            "{way:<16} {} keys, from call to answer p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            took.len(), share(50), share(99), share(100)
        );
    }
    for (place, tried) in tried {
        let age = if place.new { "new" } else { "warm" };
        let version = if place.http2 { "HTTP/2" } else { "HTTP/1.1" };
        println!("after answers    {tried} requests on {age} {version}, worker {}", place.worker);
    }
    println!("cut              {} early requests", probes.cut.get());
    let mut wrong = 0;
    for (fate, name) in [(Fate::Early, "early"), (Fate::Closed, "closed")] {
        let tally = probes.tally(fate);
        println!("{name:<16} {} sent, {} answered wrongly", tally.sent, tally.wrong);
        wrong += tally.wrong;
    }
    wrong == 0
}

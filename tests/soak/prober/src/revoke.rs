//! Keys that are taken away over the admin API under load, one after another or some together.

mod ways;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::admin::Admin;
use crate::connection::{Connection, PROTOCOLS, Protocol};
use crate::gate::Gate;
use crate::probes::{Fate, Place, Probes};
use crate::workers::Workers;
use ways::{Shops, Way};

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

/// Requests go ahead of a revocation for so long.
const AHEAD: Duration = Duration::from_millis(5);

/// Requests on each connection with each key after the answer.
const AFTER: usize = 3;

struct Revocation {
    number: u64,
    keys: Vec<String>,
    answered: Cell<bool>,
}

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    let workers = Workers::of(settings.pid, settings.data.port())?;
    let gate = Rc::new(Gate { data: settings.data, workers });
    let probes = Rc::new(Probes::record(&settings.probes)?);
    let mut admin = Admin::log_in(settings.admin, &settings.first_administrator).await?;
    let shops = Shops::open(&mut admin).await?;
    let mut took: BTreeMap<Way, Vec<Duration>> = BTreeMap::new();
    let mut warm: Vec<(Place, Connection)> = Vec::new();
    let mut tried: BTreeMap<Place, usize> = BTreeMap::new();
    for number in 0..settings.revocations {
        keep_warm(&gate, &mut warm).await?;
        let doomed = shops.make(&mut admin, number).await?;
        let (keys, answered) = (doomed.keys.clone(), Cell::new(false));
        let tries = AFTER * keys.len();
        let revocation = Rc::new(Revocation { number, keys, answered });
        let mut sending = JoinSet::new();
        for (place, connection) in warm.drain(..) {
            let (probes, gate) = (Rc::clone(&probes), Rc::clone(&gate));
            let sent = on_warm(probes, Rc::clone(&revocation), gate, connection, place);
            sending.spawn_local(async move { (place, sent.await) });
        }
        sleep(AHEAD).await;
        revocation.answered.set(settings.judged_from == JudgedFrom::Call);
        let called = Instant::now();
        shops.take(&mut admin, &doomed).await?;
        took.entry(Way::of(number)).or_default().push(called.elapsed());
        revocation.answered.set(true);
        for protocol in PROTOCOLS {
            let mut connection = Connection::open(gate.data, protocol).await?;
            for key in revocation.keys.iter().cycle().take(tries) {
                probes.send(&mut connection, number, Fate::Closed, key, 401).await;
            }
            if let Some(worker) = gate.workers.serving(connection.port)? {
                let place = Place { new: true, http2: protocol == Protocol::Http2, worker };
                *tried.entry(place).or_default() += tries;
            }
        }
        while let Some(sent) = sending.join_next().await {
            let (place, connection) = sent?;
            *tried.entry(place).or_default() += tries;
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

/// Sends requests with the keys on a connection that stands, from before until after they are taken
/// away. Returns the connection, unless it has ended.
async fn on_warm(
    probes: Rc<Probes>,
    revocation: Rc<Revocation>,
    gate: Rc<Gate>,
    mut connection: Connection,
    place: Place,
) -> Result<Option<Connection>, Failure> {
    let number = revocation.number;
    for key in revocation.keys.iter().cycle() {
        if revocation.answered.get() {
            break;
        }
        if !probes.send(&mut connection, number, Fate::Early, key, 401).await {
            // HTTP/1.1 has no other way to cut a response than to end the connection.
            probes.cut.set(probes.cut.get() + 1);
            connection = gate.open_at(connection.protocol, place.worker).await?;
        }
        tokio::task::yield_now().await;
    }
    let mut goes_on = true;
    for key in revocation.keys.iter().cycle().take(AFTER * revocation.keys.len()) {
        goes_on &= probes.send(&mut connection, number, Fate::Closed, key, 401).await;
    }
    Ok(goes_on.then_some(connection))
}

fn report(
    took: &BTreeMap<Way, Vec<Duration>>,
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
            "{:<16} {} times, from call to answer p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            way.as_str(),
            took.len(),
            share(50),
            share(99),
            share(100)
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

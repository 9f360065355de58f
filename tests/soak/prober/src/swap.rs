//! A change a second, and what comes of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::str::FromStr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::Failure;
use crate::connection::{Connection, PROTOCOLS, Protocol};
use crate::gate::Gate;
use crate::keys::File;
use crate::metrics::Metrics;
use crate::probes::{Fate, Place, Probes, Round, on_new, on_warm};
use crate::workers::Workers;

pub(crate) struct Settings {
    /// The gate's listener.
    pub(crate) data: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) pid: u32,
    /// The key folder.
    pub(crate) folder: PathBuf,
    /// Where each request is written down.
    pub(crate) probes: PathBuf,
    pub(crate) seconds: u64,
    pub(crate) judged_from: JudgedFrom,
}

/// From when on a closed key must be refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum JudgedFrom {
    /// From when the gate says that its workers enforce it.
    Revision,
    /// From when the file is there, which no gate can keep: to see that the soak would notice.
    Rename,
}

impl FromStr for JudgedFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "revision" => Ok(Self::Revision),
            "rename" => Ok(Self::Rename),
            other => Err(format!("judged from {other}? revision or rename")),
        }
    }
}

/// Connections of each protocol to each worker that stand from beginning to end.
const WARM: usize = 4;

/// Requests go ahead of a change for so long.
const AHEAD: Duration = Duration::from_millis(20);

/// A change that is not enforced by then never will be.
const PATIENCE: Duration = Duration::from_secs(10);

struct Soak {
    settings: Settings,
    gate: Rc<Gate>,
    probes: Rc<Probes>,
    warm: Vec<(Place, Connection)>,
    metrics: Metrics,
    file: File,
    /// The revision before the first change.
    first: u64,
    propagation: Vec<Duration>,
    /// Closed keys tried, by where.
    places: BTreeMap<Place, u64>,
    /// Changes after which a place was not met.
    unmet: u64,
}

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    let workers = Workers::of(settings.pid, settings.data.port())?;
    let mut metrics = Metrics::of(settings.ops).await?;
    let mut soak = Soak {
        gate: Rc::new(Gate { data: settings.data, workers }),
        probes: Rc::new(Probes::record(&settings.probes)?),
        warm: Vec::new(),
        first: metrics.revision().await?,
        metrics,
        file: File::default(),
        propagation: Vec::new(),
        places: BTreeMap::new(),
        unmet: 0,
        settings,
    };
    if soak.gate.workers.count() == 0 {
        return Err("no worker found in /proc".into());
    }
    soak.keep_warm().await?;
    let resident = soak.gate.workers.resident()?;
    let load = soak.gate.workers.connections()?;
    let began = Instant::now();
    // A change that took longer is followed at once, so that there is one a second on the whole.
    let mut second = interval(Duration::from_secs(1));
    while began.elapsed() < Duration::from_secs(soak.settings.seconds) {
        second.tick().await;
        soak.change().await?;
    }
    soak.probes.finish()?;
    println!("connections      {load:?} by worker at the beginning, of wrk and warm");
    println!(
        "resident         {resident} MiB at first, {} MiB at last",
        soak.gate.workers.resident()?
    );
    Ok(soak.report(began.elapsed()))
}

impl Soak {
    /// Makes one change and sends the requests around it.
    async fn change(&mut self) -> Result<(), Failure> {
        let change = self.propagation.len() as u64 + 1;
        let round = Round::of(change);
        // Beside the folder, so that the gate never sees half a file.
        let next = self.settings.folder.with_extension("next");
        std::fs::write(&next, self.file.at(change))?;
        let mut warm = JoinSet::new();
        for (place, connection) in self.warm.drain(..) {
            let (probes, round) = (Rc::clone(&self.probes), Rc::clone(&round));
            let sent = on_warm(probes, round, Rc::clone(&self.gate), connection, place);
            warm.spawn_local(async move { (place, sent.await) });
        }
        sleep(AHEAD).await;
        std::fs::rename(&next, self.settings.folder.join("keys.toml"))?;
        let renamed = Instant::now();
        round.judged.set(self.settings.judged_from == JudgedFrom::Rename);
        self.wait_for(self.first + change, renamed).await?;
        self.propagation.push(renamed.elapsed());
        round.judged.set(true);

        let mut new = JoinSet::new();
        for protocol in PROTOCOLS {
            let (probes, round) = (Rc::clone(&self.probes), Rc::clone(&round));
            new.spawn_local(on_new(probes, round, Rc::clone(&self.gate), protocol));
        }
        while let Some(sent) = new.join_next().await {
            sent??;
        }
        while let Some(sent) = warm.join_next().await {
            let (place, connection) = sent?;
            self.warm.extend(connection?.map(|connection| (place, connection)));
        }
        self.count_places();
        self.keep_warm().await
    }

    async fn wait_for(&mut self, revision: u64, renamed: Instant) -> Result<(), Failure> {
        loop {
            let visible = self.metrics.revision().await?;
            if visible == revision {
                return Ok(());
            }
            if visible > revision {
                return Err(format!("revision {visible} where {revision} was due").into());
            }
            if renamed.elapsed() > PATIENCE {
                return Err(format!("revision {revision} is not enforced").into());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Opens connections until each worker has enough of each protocol.
    async fn keep_warm(&mut self) -> Result<(), Failure> {
        for protocol in PROTOCOLS {
            for worker in 0..self.gate.workers.count() {
                let place = Place { new: false, http2: protocol == Protocol::Http2, worker };
                while self.warm.iter().filter(|(other, _)| *other == place).count() < WARM {
                    let connection = self.gate.open_at(protocol, worker).await?;
                    self.warm.push((place, connection));
                }
            }
        }
        Ok(())
    }

    fn count_places(&mut self) {
        let met = self.probes.take_places();
        let all = self.gate.workers.count() * PROTOCOLS.len() * 2;
        self.unmet += u64::from(met.len() < all);
        for (place, tried) in met {
            *self.places.entry(place).or_default() += tried;
        }
    }

    fn report(&self, took: Duration) -> bool {
        let changes = self.propagation.len() as u64;
        println!(
            "changes          {changes} in {:.1} s, revisions {} to {}",
            took.as_secs_f64(),
            self.first,
            self.first + changes
        );
        let mut sorted = self.propagation.clone();
        sorted.sort_unstable();
        let share = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1].as_millis();
        println!(
            "propagation      p50 {} ms, p99 {} ms, longest {} ms, from rename to revision",
            share(50),
            share(99),
            share(100)
        );
        for (place, tried) in &self.places {
            let age = if place.new { "new" } else { "warm" };
            let version = if place.http2 { "HTTP/2" } else { "HTTP/1.1" };
            println!("closed keys      {tried} tried on {age} {version}, worker {}", place.worker);
        }
        println!("unmet            {} changes that missed one of these", self.unmet);
        println!("cut              {} early requests", self.probes.cut.get());
        let due = self.settings.seconds * 9 / 10;
        let mut wrong = self.unmet + due.saturating_sub(changes);
        for (fate, name) in [
            (Fate::Early, "early           "),
            (Fate::Closed, "closed          "),
            (Fate::Opened, "opened          "),
            (Fate::Untouched, "untouched       "),
        ] {
            let tally = self.probes.tally(fate);
            println!("{name} {} sent, {} answered wrongly", tally.sent, tally.wrong);
            wrong += tally.wrong;
        }
        wrong == 0
    }
}

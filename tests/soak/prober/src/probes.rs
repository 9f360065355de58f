//! Requests whose answers are known beforehand, and the record of them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::rc::Rc;

use crate::connection::{Connection, Protocol};
use crate::gate::Gate;
use crate::{Failure, keys};

/// What a request's answer shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// Of a key that the change closes, sent before it was enforced: admitted, refused or cut. That
    /// some of these reach the upstream shows that its log would tell.
    Early,
    /// Of a key that the change closes: must be refused.
    Closed,
    /// Of a key that the change opens: must be admitted.
    Opened,
    /// Of a key that no change touches: must be admitted.
    Untouched,
}

/// On which connections closed keys were tried, and how often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) new: bool,
    pub(crate) http2: bool,
    pub(crate) worker: usize,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) wrong: u64,
}

/// Everything sent.
pub(crate) struct Probes {
    file: RefCell<BufWriter<File>>,
    number: Cell<u64>,
    tallies: RefCell<BTreeMap<Fate, Tally>>,
    places: RefCell<BTreeMap<Place, u64>>,
    /// Early requests without an answer.
    pub(crate) cut: Cell<u64>,
    /// Requests told to the standard error for their wrong answers.
    told: Cell<u64>,
}

/// One change, for those who send requests around it.
pub(crate) struct Round {
    pub(crate) change: u64,
    pub(crate) closed: Vec<keys::Changed>,
    pub(crate) opened: Vec<keys::Changed>,
    /// Whether the change is enforced, as far as anyone outside can know.
    pub(crate) judged: Cell<bool>,
}

impl Round {
    pub(crate) fn of(change: u64) -> Rc<Self> {
        let (closed, opened) = (keys::closed_by(change), keys::opened_by(change));
        Rc::new(Self { change, closed, opened, judged: Cell::new(false) })
    }
}

impl Probes {
    pub(crate) fn record(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: RefCell::new(BufWriter::new(File::create(path)?)),
            number: Cell::default(),
            tallies: RefCell::default(),
            places: RefCell::default(),
            cut: Cell::default(),
            told: Cell::default(),
        })
    }

    pub(crate) fn tally(&self, fate: Fate) -> Tally {
        self.tallies.borrow().get(&fate).copied().unwrap_or_default()
    }

    /// Notes that closed keys were tried on a connection.
    pub(crate) fn note(&self, place: Place, tried: usize) {
        *self.places.borrow_mut().entry(place).or_default() += tried as u64;
    }

    /// Hands over what was noted.
    pub(crate) fn take_places(&self) -> BTreeMap<Place, u64> {
        self.places.take()
    }

    pub(crate) fn finish(&self) -> io::Result<()> {
        self.file.borrow_mut().flush()
    }

    /// Sends a request. Whether the connection can go on.
    pub(crate) async fn send(
        &self,
        connection: &mut Connection,
        change: u64,
        fate: Fate,
        key: &str,
        right: u16,
    ) -> bool {
        let number = self.number.replace(self.number.get() + 1);
        let id = format!("soak-{number}");
        let version = if connection.protocol == Protocol::Http2 { "HTTP/2" } else { "HTTP/1.1" };
        let word = match fate {
            Fate::Early => "early",
            Fate::Closed => "closed",
            Fate::Opened => "opened",
            Fate::Untouched => "untouched",
        };
        let about = format!("change {change}, {key}, {version}, port {}", connection.port);
        // A record that cannot be written shows in the end, when it is flushed.
        let _ = writeln!(self.file.borrow_mut(), "{id} {word} {about}");
        let answer = connection.get("/soak", &[("x-api-key", key), ("x-request-id", &id)]).await;
        let is_right = match &answer {
            Ok((status, _)) => *status == right || fate == Fate::Early && *status == 200,
            Err(_) => fate == Fate::Early,
        };
        let mut tallies = self.tallies.borrow_mut();
        let tally = tallies.entry(fate).or_default();
        tally.sent += 1;
        if !is_right {
            tally.wrong += 1;
            self.tell(&format!("{id} {word} {about}: {right} expected, got {answer:?}"));
        }
        answer.is_ok()
    }

    fn tell(&self, line: &str) {
        self.told.set(self.told.get() + 1);
        if self.told.get() <= 20 {
            eprintln!("soak-prober: {line}");
        }
    }
}

/// Of the keys that a change opens, so many are tried on each warm connection.
const OPENED: usize = 10;

/// Tries a change's keys on a connection that stands: from before it until all keys were tried
/// after it. Returns the connection, unless it has ended.
pub(crate) async fn on_warm(
    probes: Rc<Probes>,
    round: Rc<Round>,
    gate: Rc<Gate>,
    mut connection: Connection,
    place: Place,
) -> Result<Option<Connection>, Failure> {
    let (change, turn) = (round.change, usize::from(connection.port));
    let mut closed = round.closed.iter().cycle().skip(turn % round.closed.len());
    // What happens to one request of a connection is nothing to the others.
    let others = connection.beside().map(|beside| {
        tokio::task::spawn_local(untouched_until_judged(
            Rc::clone(&probes),
            Rc::clone(&round),
            beside,
        ))
    });
    // As close to the swap as can be: the first request that is judged follows at once.
    while let Some(next) = closed.next()
        && !round.judged.get()
    {
        if !probes.send(&mut connection, change, Fate::Early, &next.key, next.status).await {
            // HTTP/1.1 has no other way to cut a response than to end the connection.
            probes.cut.set(probes.cut.get() + 1);
            connection = gate.open_at(connection.protocol, place.worker).await?;
        }
        tokio::task::yield_now().await;
    }
    let mut goes_on = true;
    for next in closed.take(round.closed.len()) {
        goes_on &= probes.send(&mut connection, change, Fate::Closed, &next.key, next.status).await;
    }
    for next in round.opened.iter().cycle().skip(turn % round.opened.len()).take(OPENED) {
        goes_on &= probes.send(&mut connection, change, Fate::Opened, &next.key, next.status).await;
    }
    let untouched = keys::untouched(change * 31 + u64::from(connection.port));
    goes_on &= probes.send(&mut connection, change, Fate::Untouched, &untouched, 200).await;
    probes.note(place, round.closed.len());
    if let Some(others) = others {
        others.await?;
    }
    Ok(goes_on.then_some(connection))
}

async fn untouched_until_judged(probes: Rc<Probes>, round: Rc<Round>, mut connection: Connection) {
    let mut number = u64::from(connection.port);
    let mut goes_on = true;
    while goes_on && !round.judged.get() {
        number += 1;
        let (change, key) = (round.change, keys::untouched(number));
        goes_on = probes.send(&mut connection, change, Fate::Untouched, &key, 200).await;
        tokio::task::yield_now().await;
    }
}

/// Tries a change's keys on new connections, until every worker has taken some.
pub(crate) async fn on_new(
    probes: Rc<Probes>,
    round: Rc<Round>,
    gate: Rc<Gate>,
    protocol: Protocol,
) -> Result<(), Failure> {
    const AT_LEAST: usize = 4;
    const AT_MOST: usize = 64;
    const EACH: usize = 5;
    let mut met = vec![false; gate.workers.count()];
    // Held until the end, so that no worker has the fewest for ever.
    let mut held = Vec::new();
    for number in 0..AT_MOST {
        if number >= AT_LEAST && met.iter().all(|met| *met) {
            return Ok(());
        }
        let mut connection = Connection::open(gate.data, protocol).await?;
        for next in round.closed.iter().cycle().skip(number * EACH).take(EACH) {
            let fate = Fate::Closed;
            probes.send(&mut connection, round.change, fate, &next.key, next.status).await;
        }
        if let Some(next) = round.opened.iter().cycle().nth(number) {
            let fate = Fate::Opened;
            probes.send(&mut connection, round.change, fate, &next.key, next.status).await;
        }
        if let Some(worker) = gate.workers.serving(connection.port)? {
            met[worker] = true;
            let place = Place { new: true, http2: protocol == Protocol::Http2, worker };
            probes.note(place, EACH);
        }
        held.push(connection);
    }
    Err(format!("{AT_MOST} new connections did not meet every worker").into())
}

//! What the connections of a thread share: whose turn it is, until when, and what came of it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::pace::Pace;
use crate::{Arguments, Error};

pub struct Shared {
    pub path: String,
    pub fresh: bool,
    keys: usize,
    first_key: usize,
    unknown: usize,
    bytes: usize,
    sent: Cell<usize>,
    pace: RefCell<Option<Pace>>,
    tally: RefCell<Tally>,
}

/// What came of requests.
#[derive(Default)]
pub struct Tally {
    admitted: u64,
    /// With 401, as an unknown key should be.
    refused: u64,
    /// With 429, though the key is known.
    over: u64,
    pub reconnects: u64,
    latencies: Vec<Duration>,
}

/// The number of a key, and whether a key of that number is known.
pub type Key = (usize, bool);

impl Shared {
    pub fn of(arguments: &Arguments, thread: usize) -> Self {
        Self {
            path: arguments.path.clone(),
            fresh: arguments.fresh,
            keys: arguments.keys,
            first_key: arguments.first_key,
            unknown: arguments.unknown,
            bytes: arguments.bytes,
            // Threads are at different places of the rotation.
            sent: Cell::new(thread * arguments.keys / arguments.threads),
            pace: RefCell::default(),
            tally: RefCell::default(),
        }
    }

    pub fn begin(&self, start: Instant, end: Instant, rate: Option<f64>) {
        *self.pace.borrow_mut() = Some(Pace::of(start, end, rate));
    }

    /// When the next request is due; none once the time is over.
    pub async fn due(&self) -> Option<Instant> {
        let pace = self.pace.borrow().clone();
        pace?.due().await
    }

    pub fn key(&self) -> Key {
        let sent = self.sent.get();
        self.sent.set(sent + 1);
        let unknown = (sent + 1) * self.unknown / 100 > sent * self.unknown / 100;
        (self.first_key + sent % self.keys, !unknown)
    }

    /// Counts an answer; an error if it is another one than the key asks for.
    pub fn answered(&self, key: Key, due: Instant, status: u16, bytes: usize) -> Result<(), Error> {
        let mut tally = self.tally.borrow_mut();
        match (status, key.1) {
            (200, true) if bytes == self.bytes => tally.admitted += 1,
            (401, false) => tally.refused += 1,
            (429, true) => tally.over += 1,
            _ => return Err(format!("{status} with {bytes} bytes for the key {key:?}").into()),
        }
        tally.latencies.push(due.elapsed());
        Ok(())
    }

    pub fn reconnected(&self) {
        self.tally.borrow_mut().reconnects += 1;
    }

    /// Leaves out what was counted until now.
    pub fn forget(&self) {
        self.tally.take();
    }

    pub fn tally(&self) -> Tally {
        self.tally.take()
    }
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.admitted += other.admitted;
        self.refused += other.refused;
        self.over += other.over;
        self.reconnects += other.reconnects;
        self.latencies.extend(other.latencies);
    }

    pub fn json(&mut self, elapsed: Duration) -> String {
        self.latencies.sort_unstable();
        let percentile = |part: f64| {
            let at = (self.latencies.len() as f64 * part) as usize;
            self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
        };
        format!(
            "{{\"admitted\":{},\"refused\":{},\"over\":{},\"reconnects\":{},\"seconds\":{},\
             \"p50\":{:.1},\"p99\":{:.1},\"p999\":{:.1}}}",
            self.admitted,
            self.refused,
            self.over,
            self.reconnects,
            elapsed.as_secs_f64(),
            percentile(0.5),
            percentile(0.99),
            percentile(0.999),
        )
    }
}

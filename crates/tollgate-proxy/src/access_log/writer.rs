//! The one thread that writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rtrb::Consumer;

use super::entry::Entry;
use super::line::{self, Instants};
use super::sink::Sink;
use crate::metrics::Counter;

/// How long it rests when the rings were not busy. Lines are that late, and come in batches.
const PAUSE: Duration = Duration::from_millis(20);

/// So many bytes are written at once.
const BATCH: usize = 64 << 10;

/// Errors are logged that often at most.
const COMPLAIN: Duration = Duration::from_secs(10);

/// At its end it is given up when nothing was written for so long.
const STUCK: Duration = Duration::from_secs(2);

/// What became of the lines.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) lines: Counter,
    /// Lines that an error kept back.
    pub(crate) lost: Counter,
    pub(crate) errors: Counter,
}

/// What the thread is told.
#[derive(Debug, Default)]
struct Orders {
    reopen: AtomicBool,
    end: AtomicBool,
}

/// What takes entries out of the rings and writes them.
pub(crate) struct Writer {
    sink: Sink,
    rings: Vec<Consumer<Box<Entry>>>,
    listeners: Vec<String>,
    written: Arc<Written>,
    orders: Arc<Orders>,
    instants: Instants,
    batch: Vec<u8>,
    lines: u64,
    complained: Option<Instant>,
}

/// A writer at work.
pub(crate) struct Writing {
    thread: JoinHandle<()>,
    orders: Arc<Orders>,
    written: Arc<Written>,
}

impl Writer {
    pub(super) fn new(
        sink: Sink,
        rings: Vec<Consumer<Box<Entry>>>,
        listeners: Vec<String>,
    ) -> Self {
        Self {
            sink,
            rings,
            listeners,
            written: Arc::default(),
            orders: Arc::default(),
            instants: Instants::default(),
            batch: Vec::with_capacity(2 * BATCH),
            lines: 0,
            complained: None,
        }
    }

    /// What becomes of the lines.
    pub(crate) fn written(&self) -> Arc<Written> {
        Arc::clone(&self.written)
    }

    /// Begins to write.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(self) -> io::Result<Writing> {
        let (orders, written) = (Arc::clone(&self.orders), self.written());
        let thread = thread::Builder::new().name("access-log".to_owned());
        let thread = thread.spawn(move || self.run())?;
        Ok(Writing { thread, orders, written })
    }

    fn run(mut self) {
        loop {
            // Read before the rings: who says it has filled them for the last time.
            let end = self.orders.end.load(Acquire);
            let busy = self.empty_rings();
            if self.orders.reopen.swap(false, AcqRel)
                && let Err(error) = self.sink.reopen()
            {
                tracing::error!(%error, "the access log was not opened again");
            }
            if end {
                return;
            }
            if !busy {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// Writes what is in the rings now. Returns whether one of them was filling up.
    fn empty_rings(&mut self) -> bool {
        let mut busy = false;
        let mut rings = std::mem::take(&mut self.rings);
        for ring in &mut rings {
            let waiting = ring.slots();
            busy |= waiting > ring.buffer().capacity() / 4;
            for entry in (0..waiting).map_while(|_| ring.pop().ok()) {
                line::write(&mut self.batch, &entry, &self.listeners, &mut self.instants);
                self.lines += 1;
                if self.batch.len() >= BATCH {
                    self.flush();
                }
            }
        }
        self.rings = rings;
        self.flush();
        busy
    }

    fn flush(&mut self) {
        if self.lines == 0 {
            return;
        }
        let (written, result) = self.sink.write(&self.batch);
        self.written.lines.add(written);
        self.written.lost.add(self.lines.saturating_sub(written));
        self.batch.clear();
        self.lines = 0;
        if let Err(error) = result {
            self.written.errors.add(1);
            if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN) {
                self.complained = Some(Instant::now());
                tracing::error!(%error, "the access log cannot be written; lines are dropped");
            }
        }
    }
}

impl Writing {
    /// Has the file opened once more, after what is in the rings was written to the old one.
    pub(crate) fn reopen(&self) {
        self.orders.reopen.store(true, Release);
        self.thread.thread().unpark();
    }

    /// Ends it once the rings are empty. Blocks until then, unless nothing moves any more.
    pub(crate) fn end(self) {
        self.orders.end.store(true, Release);
        self.thread.thread().unpark();
        let done = || self.written.lines.get() + self.written.lost.get();
        let (mut seen, mut since) = (done(), Instant::now());
        while !self.thread.is_finished() {
            thread::sleep(Duration::from_millis(1));
            if done() != seen {
                (seen, since) = (done(), Instant::now());
            } else if since.elapsed() >= STUCK {
                tracing::warn!("the access log could not be written to its end");
                return;
            }
        }
    }
}

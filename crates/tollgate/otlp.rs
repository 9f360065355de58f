//! The export of spans to a collector of OpenTelemetry, over OTLP/HTTP, by a thread of its own.

mod collector;
mod metrics;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use prometheus::Registry;
use tollgate_proxy::{SpanBatch, SpanRings, SpanWriter};

use crate::boot::Failure;
use crate::config::{Otlp, Tracing};
use collector::{Answer, Collector};
use metrics::SpanMetrics;

/// How long it rests when the rings are empty.
const PAUSE: Duration = Duration::from_millis(200);

/// Requests of one message.
const BATCH: usize = 512;

/// How often one message is sent, while the collector says that it may be sent again.
const TRIES: u32 = 5;

/// Before the second try; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// No collector is waited for longer than that before it is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Failures are logged that often at most.
const COMPLAIN: Duration = Duration::from_secs(10);

/// At the end of the process it is given up after so long.
const STUCK: Duration = Duration::from_secs(3);

/// What exports.
pub(crate) struct Exporter {
    spans: SpanWriter,
    collector: Collector,
    metrics: SpanMetrics,
    end: Arc<AtomicBool>,
    complained: Option<Instant>,
}

/// An exporter at work.
pub(crate) struct Exporting {
    thread: JoinHandle<()>,
    end: Arc<AtomicBool>,
}

/// What exports what `rings` hold, if that is to be exported. `environment` is what the process serves.
///
/// # Errors
/// As of [`Exporter::new`].
pub(crate) fn exporter(
    settings: &Tracing,
    environment: &str,
    rings: SpanRings,
    registry: &Registry,
) -> Result<Option<Exporter>, Failure> {
    let exporter = |otlp| Exporter::new(otlp, environment, rings, registry);
    settings.otlp.as_ref().map(exporter).transpose()
}

impl Exporter {
    /// Of what `rings` hold. `environment` is what the process serves.
    ///
    /// # Errors
    /// What is wrong with a file that the settings name, or with the system's randomness.
    fn new(
        settings: &Otlp,
        environment: &str,
        rings: SpanRings,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let instance = format!("{:016x}", getrandom::u64()?);
        let resource = [
            ("service.name", settings.service_name.as_str()),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", &instance),
            ("deployment.environment.name", environment),
        ];
        Ok(Self {
            spans: SpanWriter::new(rings, &resource),
            collector: Collector::new(settings)?,
            metrics: SpanMetrics::register(registry)?,
            end: Arc::default(),
            complained: None,
        })
    }

    /// Begins to export.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(self) -> io::Result<Exporting> {
        let end = Arc::clone(&self.end);
        let thread = thread::Builder::new().name("otlp".to_owned()).spawn(move || self.run())?;
        Ok(Exporting { thread, end })
    }

    fn run(mut self) {
        loop {
            // Read before the rings: who says it has filled them for the last time.
            let end = self.end.load(Acquire);
            while let Some(batch) = self.spans.next_batch(BATCH) {
                self.export(&batch);
            }
            if end {
                return;
            }
            thread::park_timeout(PAUSE);
        }
    }

    /// Sends a message until the collector has taken it, or it is given up.
    fn export(&mut self, batch: &SpanBatch) {
        let mut wait = FIRST_WAIT;
        for last in (0..TRIES).map(|tried| tried + 1 == TRIES) {
            let why = match self.collector.post(&batch.body) {
                Answer::Taken { rejected } => {
                    let rejected = rejected.min(batch.spans);
                    self.metrics.rejected.inc_by(rejected);
                    self.metrics.exported.inc_by(batch.spans - rejected);
                    return;
                }
                Answer::Later { why, after } if !last && !self.end.load(Acquire) => {
                    self.complain(&why);
                    self.rest(after.unwrap_or(wait).min(LONGEST_WAIT));
                    wait *= 2;
                    continue;
                }
                Answer::Later { why, .. } | Answer::Refused { why } => why,
            };
            self.complain(&why);
            self.metrics.failed.inc_by(batch.spans);
            return;
        }
    }

    /// Rests, but not beyond the end of the process.
    fn rest(&self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time && !self.end.load(Acquire) {
            thread::park_timeout(time.saturating_sub(began.elapsed()));
        }
    }

    fn complain(&mut self, why: &str) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            tracing::warn!(why, "spans are not exported");
        }
    }
}

impl Exporting {
    /// Ends it once the rings are empty, or after [`STUCK`]. Blocks until then.
    pub(crate) fn end(self) {
        self.end.store(true, Release);
        self.thread.thread().unpark();
        let began = Instant::now();
        while !self.thread.is_finished() {
            if began.elapsed() >= STUCK {
                tracing::warn!("spans could not be exported to their end");
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

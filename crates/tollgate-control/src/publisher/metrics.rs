//! What the publisher counts.

use std::time::Duration;

use prometheus::{Gauge, Histogram, HistogramOpts, IntGauge, Registry};
use tollgate_core::Revision;

/// Gauges and histograms of the snapshot.
#[derive(Clone, Debug)]
pub struct PublisherMetrics {
    revision: IntGauge,
    keys: IntGauge,
    bytes: Gauge,
    publish: Histogram,
    propagation: Histogram,
}

impl PublisherMetrics {
    /// Registers all of them with `registry`.
    ///
    /// # Errors
    /// If something of the same name is registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let durations = vec![1e-5, 1e-4, 1e-3, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
        let histogram = |name: &str, help: &str| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(durations.clone()))
        };
        let metrics = Self {
            revision: IntGauge::new(
                "tollgate_snapshot_revision",
                "The newest revision that every worker enforces.",
            )?,
            keys: IntGauge::new("tollgate_snapshot_keys", "Keys in the newest snapshot.")?,
            bytes: Gauge::new("tollgate_snapshot_bytes", "Bytes of the newest table of keys.")?,
            publish: histogram(
                "tollgate_snapshot_publish_duration_seconds",
                "From checked objects to the stored snapshot.",
            )?,
            propagation: histogram(
                "tollgate_key_change_propagation_seconds",
                "From the moment a change is known until every worker enforces it.",
            )?,
        };
        registry.register(Box::new(metrics.revision.clone()))?;
        registry.register(Box::new(metrics.keys.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.publish.clone()))?;
        registry.register(Box::new(metrics.propagation.clone()))?;
        Ok(metrics)
    }

    /// Notes a snapshot that took so long to make.
    pub fn note(&self, publish: Duration, keys: usize) {
        self.publish.observe(publish.as_secs_f64());
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    /// Notes how large the table of keys is.
    pub fn note_bytes(&self, bytes: usize) {
        self.bytes.set(bytes as f64);
    }

    /// Notes a revision that every worker enforces.
    pub fn note_enforced(&self, revision: Revision) {
        self.revision.set(i64::try_from(revision.number).unwrap_or(i64::MAX));
    }

    /// Notes how long a change was on its way.
    pub fn note_propagation(&self, since_change: Duration) {
        self.propagation.observe(since_change.as_secs_f64());
    }
}

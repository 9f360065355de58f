//! What is counted of the key feed at the control plane.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// Of the proxies that follow the feed here.
#[derive(Clone, Debug)]
pub struct FeedMetrics {
    pub(crate) proxies: IntGauge,
    pub(crate) snapshots: IntCounter,
    propagation: Histogram,
}

impl FeedMetrics {
    /// Registers all of them with `registry`.
    ///
    /// # Errors
    /// If something of the same name is registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let durations =
            vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
        let help = "From the publication of a change until a proxy says that it enforces it.";
        let propagation = HistogramOpts::new("tollgate_feed_propagation_seconds", help);
        let metrics = Self {
            proxies: IntGauge::new(
                "tollgate_feed_proxies",
                "Proxies that follow the key feed of this process.",
            )?,
            snapshots: IntCounter::new(
                "tollgate_feed_snapshots_total",
                "Snapshots that were written for proxies.",
            )?,
            propagation: Histogram::with_opts(propagation.buckets(durations))?,
        };
        registry.register(Box::new(metrics.proxies.clone()))?;
        registry.register(Box::new(metrics.snapshots.clone()))?;
        registry.register(Box::new(metrics.propagation.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn note_propagation(&self, since: Duration) {
        self.propagation.observe(since.as_secs_f64());
    }
}

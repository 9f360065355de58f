//! What is counted of a feed.

use prometheus::{Gauge, IntCounter, IntGauge, Registry};

/// Gauges of the feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedMetrics {
    pub(super) connected: IntGauge,
    pub(super) lag: IntGauge,
    pub(super) last_contact: Gauge,
    pub(super) withheld: IntGauge,
    pub(super) unsigned: IntGauge,
    pub(super) alarms: IntCounter,
}

impl FeedMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            connected: IntGauge::new(
                "tollgate_feed_connected",
                "Whether the control plane is connected that feeds the process.",
            )?,
            lag: IntGauge::new(
                "tollgate_feed_lag_revisions",
                "Revisions that are known of and not enforced by every worker.",
            )?,
            last_contact: Gauge::new(
                "tollgate_feed_last_contact_seconds",
                "Seconds since the control plane was last heard, or since the start.",
            )?,
            withheld: IntGauge::new(
                "tollgate_feed_withheld",
                "Parts of the newest revision that are not enforced, as the log says.",
            )?,
            unsigned: IntGauge::new(
                "tollgate_feed_unsigned",
                "Whether what was sent last was refused because nobody who may has signed it.",
            )?,
            alarms: IntCounter::new(
                "tollgate_feed_alarms_total",
                "What was out of order with the feed, as the log says.",
            )?,
        };
        registry.register(Box::new(metrics.connected.clone()))?;
        registry.register(Box::new(metrics.lag.clone()))?;
        registry.register(Box::new(metrics.last_contact.clone()))?;
        registry.register(Box::new(metrics.withheld.clone()))?;
        registry.register(Box::new(metrics.unsigned.clone()))?;
        registry.register(Box::new(metrics.alarms.clone()))?;
        Ok(metrics)
    }
}

//! Sources of keys that failed.

use prometheus::proto::{MetricFamily, MetricType};

use super::family::{family, gauge};
use crate::metrics::Metrics;

impl Metrics {
    pub(super) fn strangers(&self) -> Vec<MetricFamily> {
        let Some(strangers) = &self.strangers else { return Vec::new() };
        let counts = strangers.counts();
        let now = |name: &str, help: &str, count: usize| {
            family(name, help, MetricType::GAUGE, vec![gauge(&[], count as f64)])
        };
        vec![
            now(
                "tollgate_stranger_sources",
                "Sources of failed credentials held now.",
                counts.sources,
            ),
            now(
                "tollgate_guessing_sources",
                "Sources that went over their budget of failed credentials within the last minute.",
                counts.guessing,
            ),
            self.plain(
                "tollgate_guessing_sources_total",
                "Sources that began to go over their budget of failed credentials.",
                counts.guessers,
            ),
            self.plain(
                "tollgate_stranger_overflow_total",
                "Failed credentials of sources that found no place of their own.",
                counts.overflowed,
            ),
        ]
    }
}

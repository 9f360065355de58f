//! What is counted of exports.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Spans, by what became of them.
pub(super) struct SpanMetrics {
    pub(super) exported: IntCounter,
    /// The collector has taken a message without them.
    pub(super) rejected: IntCounter,
    /// They were given up.
    pub(super) failed: IntCounter,
}

impl SpanMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let spans = IntCounterVec::new(
            Opts::new(
                "tollgate_spans_total",
                "Spans that were to be exported, by what came of it.",
            ),
            &["outcome"],
        )?;
        registry.register(Box::new(spans.clone()))?;
        let of = |outcome| spans.with_label_values(&[outcome]);
        Ok(Self { exported: of("exported"), rejected: of("rejected"), failed: of("failed") })
    }
}

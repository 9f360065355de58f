//! What is counted of webhooks.

use prometheus::{IntCounterVec, Opts, Registry};

/// Counters of deliveries.
#[derive(Clone, Debug)]
pub struct WebhookMetrics {
    tried: IntCounterVec,
}

impl WebhookMetrics {
    /// Registers all of them with `registry`.
    ///
    /// # Errors
    /// If something of the same name is registered.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Tries to deliver an event to a webhook, by what came of them.";
        let tried =
            IntCounterVec::new(Opts::new("tollgate_webhook_deliveries_total", help), &["outcome"])?;
        for outcome in ["delivered", "failed", "dead"] {
            tried.with_label_values(&[outcome]);
        }
        registry.register(Box::new(tried.clone()))?;
        Ok(Self { tried })
    }

    /// Counts a try.
    pub(super) fn note(&self, outcome: &str) {
        self.tried.with_label_values(&[outcome]).inc();
    }
}

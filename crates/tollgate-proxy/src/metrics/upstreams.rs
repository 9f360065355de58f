//! What is told of upstreams: of those that are configured now, so that no label outlives them.

use std::sync::Arc;

use prometheus::proto::{MetricFamily, MetricType};

use super::Metrics;
use super::export::{counter, family, gauge};
use crate::upstream::Known;

impl Metrics {
    /// What is known of each upstream that is configured and was asked for.
    fn known(&self) -> Vec<(Box<str>, Arc<Known>)> {
        let root = self.reader.current();
        let upstreams = root.iter().flat_map(|root| root.routes.upstreams());
        let known = upstreams.filter_map(|upstream| {
            Some((upstream.name.clone(), self.upstreams.find(&upstream.name)?))
        });
        known.collect()
    }

    pub(super) fn upstreams(&self) -> [MetricFamily; 4] {
        let (mut unreached, mut handshakes) = (Vec::new(), Vec::new());
        let (mut targets, mut events) = (Vec::new(), Vec::new());
        let now = self.clock.monotonic();
        for (name, known) in self.known() {
            for (reason, count) in known.unreached() {
                unreached.push(counter(&[("upstream", &*name), ("reason", reason)], count));
            }
            let (used, ejected) = known.in_use(now);
            for (state, count) in [("used", used), ("ejected", ejected)] {
                targets.push(gauge(&[("upstream", &*name), ("state", state)], count as f64));
            }
            for (event, count) in known.events() {
                events.push(counter(&[("upstream", &*name), ("event", event)], count));
            }
            for (kind, count) in known.handshakes() {
                handshakes.push(counter(&[("upstream", &*name), ("kind", kind)], count));
            }
        }
        [
            family(
                "tollgate_upstream_targets",
                "Targets of upstreams now, by upstream: in use, or left out after failures.",
                MetricType::GAUGE,
                targets,
            ),
            family(
                "tollgate_upstream_events_total",
                "What became of failures of targets, by upstream: an ejection of one, a request in panic \
                 that went to one all the same as all were left out, a retry on another, or none for \
                 the budget.",
                MetricType::COUNTER,
                events,
            ),
            family(
                "tollgate_upstream_unreached_total",
                "Connections to upstreams that were not made, by upstream and reason.",
                MetricType::COUNTER,
                unreached,
            ),
            family(
                "tollgate_upstream_tls_handshakes_total",
                "TLS handshakes with upstreams that succeeded, by upstream and kind.",
                MetricType::COUNTER,
                handshakes,
            ),
        ]
    }
}

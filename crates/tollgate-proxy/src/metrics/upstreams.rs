//! What is told of upstreams: of those that are configured now, so that no label outlives them.

use std::sync::Arc;

use prometheus::proto::{MetricFamily, MetricType};

use super::Metrics;
use super::export::{counter, family};
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

    pub(super) fn upstreams(&self) -> [MetricFamily; 2] {
        let (mut unreached, mut handshakes) = (Vec::new(), Vec::new());
        for (name, known) in self.known() {
            for (reason, count) in known.unreached() {
                unreached.push(counter(&[("upstream", &*name), ("reason", reason)], count));
            }
            for (kind, count) in known.handshakes() {
                handshakes.push(counter(&[("upstream", &*name), ("kind", kind)], count));
            }
        }
        [
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

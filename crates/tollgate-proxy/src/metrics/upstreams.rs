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

    pub(super) fn upstreams(&self) -> [MetricFamily; 7] {
        let (mut unreached, mut handshakes) = (Vec::new(), Vec::new());
        let (mut targets, mut events) = (Vec::new(), Vec::new());
        let (mut pending, mut look_ups, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        let now = self.clock.monotonic();
        for (name, known) in self.known() {
            for (reason, count) in known.unreached() {
                unreached.push(counter(&[("upstream", &*name), ("reason", reason)], count));
            }
            for (state, count) in known.states(now) {
                targets.push(gauge(&[("upstream", &*name), ("state", state)], count as f64));
            }
            pending.push(gauge(&[("upstream", &*name)], known.pending() as f64));
            for (outcome, count) in known.look_ups() {
                look_ups.push(counter(&[("upstream", &*name), ("outcome", outcome)], count));
            }
            for (outcome, count) in known.checks() {
                checks.push(counter(&[("upstream", &*name), ("outcome", outcome)], count));
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
                "Targets of upstreams now, by upstream, each address of a name for itself: in use, \
                 left out after failures, or as checks fail; and names that lead to none.",
                MetricType::GAUGE,
                targets,
            ),
            family(
                "tollgate_upstream_pending",
                "Requests that wait until a target has room for them, by upstream.",
                MetricType::GAUGE,
                pending,
            ),
            family(
                "tollgate_upstream_lookups_total",
                "Lookups of names of upstreams, by upstream and outcome.",
                MetricType::COUNTER,
                look_ups,
            ),
            family(
                "tollgate_upstream_checks_total",
                "Health checks of targets, by upstream and outcome.",
                MetricType::COUNTER,
                checks,
            ),
            family(
                "tollgate_upstream_events_total",
                "What became of failures of targets and of their lack of room, by upstream: an ejection of \
                 one, a request in panic that went to one all the same as all were left out, a retry \
                 on another, or none for the budget; a request for which the queue was full, or that \
                 waited in vain.",
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

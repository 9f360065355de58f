//! Connections of clients, and their handshakes.

use std::sync::atomic::Ordering::Relaxed;

use prometheus::proto::{MetricFamily, MetricType};

use super::family::{counter, family, gauge};
use crate::connection::{StreamRefused, TurnedAway};
use crate::metrics::Metrics;
use crate::tls::Failure;

impl Metrics {
    pub(super) fn connections(&self) -> [MetricFamily; 5] {
        let of_workers = self.workers.iter().enumerate().map(|(number, cells)| {
            let open = cells.connections.load(Relaxed) as f64;
            gauge(&[("worker", &number.to_string())], open)
        });
        let open = self.listeners.iter().map(|(name, connections)| {
            gauge(&[("listener", name)], connections.open.load(Relaxed) as f64)
        });
        let refused = self.listeners.iter().flat_map(|(name, connections)| {
            TurnedAway::all().zip(&connections.turned_away).map(move |((_, reason), count)| {
                counter(&[("listener", name), ("reason", reason)], count.load(Relaxed))
            })
        });
        let streams = self.listeners.iter().flat_map(|(name, connections)| {
            StreamRefused::ALL.iter().zip(&connections.streams_refused).map(
                move |((_, reason), count)| {
                    counter(&[("listener", name), ("reason", reason)], count.load(Relaxed))
                },
            )
        });
        [
            family(
                "tollgate_connections",
                "Client connections open now, by listener.",
                MetricType::GAUGE,
                open.collect(),
            ),
            family(
                "tollgate_connections_refused_total",
                "Client connections not served, or ended for what the client did, by listener and reason.",
                MetricType::COUNTER,
                refused.collect(),
            ),
            family(
                "tollgate_http2_streams_refused_total",
                "HTTP/2 streams of clients reset unanswered, or for a mistake, by listener and reason.",
                MetricType::COUNTER,
                streams.collect(),
            ),
            family(
                "tollgate_worker_connections",
                "Client connections open now, by worker.",
                MetricType::GAUGE,
                of_workers.collect(),
            ),
            family(
                "tollgate_idle_room_bytes",
                "What connections of HTTP/2 hold for what they have once needed, at most, beyond what they and their bodies may.",
                MetricType::GAUGE,
                vec![gauge(&[], self.sum(|cells| cells.idle_room.load(Relaxed)) as f64)],
            ),
        ]
    }

    pub(super) fn handshakes(&self) -> [MetricFamily; 2] {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (name, connections) in &self.listeners {
            let Some(handshakes) = &connections.handshakes else { continue };
            for (kind, count) in [("full", &handshakes.full), ("resumed", &handshakes.resumed)] {
                let labels = [("listener", &**name), ("kind", kind)];
                done.push(counter(&labels, count.load(Relaxed)));
            }
            for ((_, reason), count) in Failure::all().zip(&handshakes.failures) {
                let labels = [("listener", &**name), ("reason", reason)];
                failed.push(counter(&labels, count.load(Relaxed)));
            }
        }
        [
            family(
                "tollgate_tls_handshakes_total",
                "TLS handshakes with clients that succeeded, by listener and kind.",
                MetricType::COUNTER,
                done,
            ),
            family(
                "tollgate_tls_handshake_failures_total",
                "TLS handshakes with clients that failed, by listener and reason.",
                MetricType::COUNTER,
                failed,
            ),
        ]
    }
}

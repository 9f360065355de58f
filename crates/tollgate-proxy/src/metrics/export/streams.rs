//! Requests that are open, and tunnels.

use std::sync::atomic::Ordering::Relaxed;

use prometheus::proto::{MetricFamily, MetricType};

use super::family::{counter, family, gauge};
use crate::metrics::Metrics;

impl Metrics {
    pub(super) fn streams(&self) -> [MetricFamily; 4] {
        let streams = self.sum(|cells| cells.streams.load(Relaxed));
        let open = self.sum(|cells| cells.tunnels.get());
        let from = self.sum(|cells| cells.tunnelled_from_clients.get());
        let to = self.sum(|cells| cells.tunnelled_to_clients.get());
        [
            family(
                "tollgate_streams",
                "Admitted requests open now.",
                MetricType::GAUGE,
                vec![gauge(&[], streams as f64)],
            ),
            self.plain(
                "tollgate_streams_cut_total",
                "Open requests ended because their key died.",
                self.sum(|cells| cells.streams_cut.get()),
            ),
            family(
                "tollgate_tunnels",
                "Upgraded connections and streams open now.",
                MetricType::GAUGE,
                vec![gauge(&[], open as f64)],
            ),
            family(
                "tollgate_tunnel_bytes_total",
                "Bytes that upgraded connections have carried, by direction.",
                MetricType::COUNTER,
                vec![
                    counter(&[("direction", "from_client")], from),
                    counter(&[("direction", "to_client")], to),
                ],
            ),
        ]
    }
}

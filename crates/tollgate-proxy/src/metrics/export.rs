//! The sums of all cells in Prometheus's terms.

mod access_log;
mod connections;
mod family;
mod requests;
mod strangers;
mod streams;

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};
use tollgate_core::{Clock, SnapshotReader, Strangers};

use super::{Cells, Connections, Metrics};
use crate::access_log::Written;
use crate::upstream::Upstreams;
pub(super) use family::{counter, family, gauge};

impl Metrics {
    pub(crate) fn new(
        workers: Vec<Arc<Cells>>,
        listeners: Vec<(String, Arc<Connections>)>,
        reader: SnapshotReader,
        strangers: Option<Arc<Strangers>>,
        access_log: Arc<Written>,
        upstreams: Upstreams,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // One is enough: the registry wants an identity, the families name themselves.
        let name = "tollgate_data_plane".to_owned();
        let help = "what the data plane counts".to_owned();
        let description = Desc::new(name, help, Vec::new(), std::collections::HashMap::new());
        let descriptions = description.into_iter().collect();
        Self { workers, listeners, reader, strangers, access_log, upstreams, clock, descriptions }
    }

    fn sum(&self, read: impl Fn(&Cells) -> u64) -> u64 {
        self.workers.iter().map(|cells| read(cells)).sum()
    }

    fn plain(&self, name: &str, help: &str, count: u64) -> MetricFamily {
        family(name, help, MetricType::COUNTER, vec![counter(&[], count)])
    }
}

impl Collector for Metrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = vec![
            self.requests(),
            self.refusals(),
            self.shadow_refusals(),
            self.proof_failures(),
            self.plain(
                "tollgate_upstream_connections_total",
                "Connections made to upstreams.",
                self.sum(|cells| cells.upstream_connections.get()),
            ),
            self.plain(
                "tollgate_upstream_failures_total",
                "Requests that an upstream failed.",
                self.sum(|cells| cells.upstream_failures.get()),
            ),
            self.plain(
                "tollgate_clock_steps_back_total",
                "Calls for which the wall clock had gone back by more than five minutes.",
                self.reader.meters().stepped_back(),
            ),
        ];
        families.extend(self.durations());
        families.extend(self.streams());
        families.extend(self.connections());
        families.extend(self.strangers());
        families.extend(self.handshakes());
        families.extend(self.upstreams());
        families.extend(self.access_log());
        #[cfg(feature = "otlp")]
        families.push(self.plain(
            "tollgate_spans_dropped_total",
            "Spans that were dropped: the ring was full.",
            self.sum(|cells| cells.spans_dropped.get()),
        ));
        families.push(self.plain(
            "tollgate_key_events_dropped_total",
            "Events of keys for webhooks that were dropped: the ring was full.",
            self.sum(|cells| cells.key_events_dropped.get()),
        ));
        families
    }
}

//! The sums of all cells in Prometheus's terms.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use tollgate_core::{Clock, ProofFailure, Refusal, Service, Shadow, SnapshotReader, Strangers};

use super::histogram::BOUNDS;
use super::{CLASSES, Cells, Connections, Metrics, SERVICES};
use crate::access_log::Written;
use crate::connection::{StreamRefused, TurnedAway};
use crate::tls::Failure;
use crate::upstream::Upstreams;

/// What services beyond the bound of the labels are told of as, together.
const OTHERS: &str = "others";

/// Where the requests of a service are counted.
fn cell(service: &Service) -> usize {
    (service.id.0 as usize).min(SERVICES - 1)
}

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

    fn requests(&self) -> MetricFamily {
        let mut metrics = Vec::new();
        let root = self.reader.current();
        let mut services: Vec<_> = root.iter().flat_map(|root| root.routes.services()).collect();
        services.sort_by_key(|service| service.id);
        services.dedup_by_key(|service| cell(service));
        for class in 0..CLASSES {
            let status = format!("{}xx", class + 1);
            for service in &services {
                let cell = cell(service);
                let count = self.sum(|cells| {
                    let counters = cells.requests.get(cell).and_then(|cell| cell.get());
                    counters.map_or(0, |counters| counters[class].get())
                });
                let name = if cell == SERVICES - 1 { OTHERS } else { &*service.name };
                let labels = [("service", name), ("status", &status)];
                metrics.push(counter(&labels, count));
            }
            let unrouted = self.sum(|cells| cells.unrouted[class].get());
            metrics.push(counter(&[("service", ""), ("status", &status)], unrouted));
        }
        family(
            "tollgate_requests_total",
            "Requests answered, by service and class of status.",
            MetricType::COUNTER,
            metrics,
        )
    }

    fn refusals(&self) -> MetricFamily {
        let metrics = Refusal::all().map(|refusal| {
            let count = self.sum(|cells| cells.refusals[refusal.index()].get());
            counter(&[("code", refusal.code())], count)
        });
        family(
            "tollgate_refusals_total",
            "Requests refused, by code.",
            MetricType::COUNTER,
            metrics.collect(),
        )
    }

    fn shadow_refusals(&self) -> MetricFamily {
        let metrics = Shadow::POSSIBLE.iter().map(|refusal| {
            let count = self.sum(|cells| cells.shadow_refusals[refusal.index()].get());
            counter(&[("code", refusal.code())], count)
        });
        family(
            "tollgate_shadow_refusals_total",
            "Refusals that were not enforced, of requests that were admitted, by code.",
            MetricType::COUNTER,
            metrics.collect(),
        )
    }

    fn proof_failures(&self) -> MetricFamily {
        let metrics = ProofFailure::ALL.map(|failure| {
            let count = self.sum(|cells| cells.proof_failures[failure.index()].get());
            counter(&[("reason", failure.word())], count)
        });
        family(
            "tollgate_proof_failures_total",
            "Requests refused as proof_missing or proof_invalid, by reason.",
            MetricType::COUNTER,
            metrics.into(),
        )
    }

    fn connections(&self) -> [MetricFamily; 4] {
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
        ]
    }

    fn handshakes(&self) -> [MetricFamily; 2] {
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

    fn duration(
        &self,
        name: &str,
        help: &str,
        of: impl Fn(&Cells) -> &super::Histogram,
    ) -> MetricFamily {
        let mut counts = [0; BOUNDS.len() + 1];
        let mut sum = 0;
        for cells in &self.workers {
            let (buckets, nanoseconds) = of(cells).read();
            counts.iter_mut().zip(buckets).for_each(|(total, count)| *total += count);
            sum += nanoseconds;
        }
        let mut cumulated = 0;
        let mut buckets = Vec::with_capacity(BOUNDS.len());
        for (bound, count) in BOUNDS.iter().zip(&counts) {
            cumulated += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound as f64 / 1e9);
            bucket.set_cumulative_count(cumulated);
            buckets.push(bucket);
        }
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(counts.iter().sum());
        histogram.set_sample_sum(sum as f64 / 1e9);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        family(name, help, MetricType::HISTOGRAM, vec![metric])
    }

    fn access_log(&self) -> [MetricFamily; 3] {
        let dropped = self.sum(|cells| cells.access_log_dropped.get());
        [
            self.plain(
                "tollgate_access_log_lines_total",
                "Lines of the access log that were written.",
                self.access_log.lines.get(),
            ),
            self.plain(
                "tollgate_access_log_dropped_total",
                "Lines of the access log that were dropped: the ring was full, or a write failed.",
                dropped + self.access_log.lost.get(),
            ),
            self.plain(
                "tollgate_access_log_errors_total",
                "Writes of the access log that failed.",
                self.access_log.errors.get(),
            ),
        ]
    }

    fn strangers(&self) -> Vec<MetricFamily> {
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

    fn tunnels(&self) -> [MetricFamily; 2] {
        let open = self.sum(|cells| cells.tunnels.get());
        let from = self.sum(|cells| cells.tunnelled_from_clients.get());
        let to = self.sum(|cells| cells.tunnelled_to_clients.get());
        [
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

    fn plain(&self, name: &str, help: &str, count: u64) -> MetricFamily {
        family(name, help, MetricType::COUNTER, vec![counter(&[], count)])
    }
}

impl Collector for Metrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let streams = self.sum(|cells| cells.streams.load(Relaxed));
        let mut families = vec![
            self.requests(),
            self.refusals(),
            self.shadow_refusals(),
            self.proof_failures(),
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
            self.duration(
                "tollgate_request_duration_seconds",
                "From a request's head to the end of its response.",
                |cells| &cells.request_duration,
            ),
            self.duration(
                "tollgate_decision_duration_seconds",
                "From a request's head to the decision, of one request in 128.",
                |cells| &cells.decision_duration,
            ),
            self.duration(
                "tollgate_upstream_duration_seconds",
                "From a request's head to the head of the upstream's response.",
                |cells| &cells.upstream_duration,
            ),
        ];
        families.extend(self.tunnels());
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

pub(super) fn family(
    name: &str,
    help: &str,
    kind: MetricType,
    metrics: Vec<Metric>,
) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut metric = Metric::default();
    metric.set_label(labels.iter().map(pair).collect());
    metric
}

pub(super) fn counter(labels: &[(&str, &str)], count: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(count as f64);
    let mut metric = labelled(labels);
    metric.set_counter(counter);
    metric
}

pub(super) fn gauge(labels: &[(&str, &str)], value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = labelled(labels);
    metric.set_gauge(gauge);
    metric
}

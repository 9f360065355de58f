//! Requests, what they were refused for, and how long they took.

use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};
use tollgate_core::{ProofFailure, Refusal, Service, Shadow};

use super::family::{counter, family};
use crate::metrics::histogram::BOUNDS;
use crate::metrics::{self, CLASSES, Cells, Metrics, SERVICES};

/// What services beyond the bound of the labels are told of as, together.
const OTHERS: &str = "others";

/// Where the requests of a service are counted.
fn cell(service: &Service) -> usize {
    (service.id.0 as usize).min(SERVICES - 1)
}

impl Metrics {
    pub(super) fn requests(&self) -> MetricFamily {
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

    pub(super) fn refusals(&self) -> MetricFamily {
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

    pub(super) fn shadow_refusals(&self) -> MetricFamily {
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

    pub(super) fn proof_failures(&self) -> MetricFamily {
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

    pub(super) fn durations(&self) -> [MetricFamily; 3] {
        [
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
        ]
    }

    fn duration(
        &self,
        name: &str,
        help: &str,
        of: impl Fn(&Cells) -> &metrics::Histogram,
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
}

//! Lines of the access log.

use prometheus::proto::MetricFamily;

use crate::metrics::Metrics;

impl Metrics {
    pub(super) fn access_log(&self) -> [MetricFamily; 3] {
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
}

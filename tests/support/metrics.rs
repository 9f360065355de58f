//! One scrape.

/// Metrics in Prometheus' text format.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The sum of a metric over all label sets that hold these labels; 0 where there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let samples = self.0.lines().filter(|line| !line.starts_with('#'));
        samples
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(name))
            .filter(|(series, _)| wanted.iter().all(|label| series.contains(label)))
            .map(|(_, value)| value.parse::<f64>().unwrap())
            .sum()
    }

    /// Client connections of each worker.
    pub(crate) fn connections(&self, workers: usize) -> Vec<f64> {
        let of = |number: usize| {
            self.sum("tollgate_worker_connections", &[("worker", &number.to_string())])
        };
        (0..workers).map(of).collect()
    }

    pub(crate) fn revision(&self) -> f64 {
        self.sum("tollgate_snapshot_revision", &[])
    }

    pub(crate) fn refusals(&self, code: &str) -> f64 {
        self.sum("tollgate_refusals_total", &[("code", code)])
    }

    /// Result: applied, unchanged or refused.
    pub(crate) fn reloads(&self, result: &str) -> f64 {
        self.sum("tollgate_config_reloads_total", &[("result", result)])
    }
}

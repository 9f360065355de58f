//! What the gate says of itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::Failure;
use crate::connection::{Connection, Protocol};

pub(crate) struct Metrics(Connection);

impl Metrics {
    pub(crate) async fn of(ops: SocketAddr) -> Result<Self, Failure> {
        Connection::open(ops, Protocol::Http1).await.map(Self)
    }

    /// The revision that every worker enforces.
    pub(crate) async fn revision(&mut self) -> Result<u64, Failure> {
        let (_, text) = self.0.get("/metrics", &[]).await?;
        let text = std::str::from_utf8(&text)?;
        let revision =
            text.lines().find_map(|line| line.strip_prefix("tollgate_snapshot_revision "));
        Ok(revision.ok_or("no tollgate_snapshot_revision")?.parse()?)
    }

    /// A series that has no labels.
    pub(crate) async fn value(&mut self, name: &str) -> Result<f64, Failure> {
        let (_, text) = self.0.get("/metrics", &[]).await?;
        let mut lines = std::str::from_utf8(&text)?.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.ok_or_else(|| format!("no {name}"))?.parse()?)
    }

    /// How often a histogram has seen what is at most so many seconds.
    pub(crate) async fn buckets(&mut self, name: &str) -> Result<Vec<(f64, u64)>, Failure> {
        let (_, text) = self.0.get("/metrics", &[]).await?;
        let begins = format!("{name}_bucket{{le=\"");
        let mut buckets = Vec::new();
        for line in std::str::from_utf8(&text)?.lines() {
            let Some(rest) = line.strip_prefix(&begins) else { continue };
            let (bound, count) = rest.split_once("\"} ").ok_or("a bucket without a count")?;
            buckets.push((bound.replace("+Inf", "inf").parse()?, count.parse()?));
        }
        Ok(buckets)
    }

    /// What ended connections and requests for their clients' doing, by reason.
    pub(crate) async fn turned_away(&mut self) -> Result<BTreeMap<String, u64>, Failure> {
        let (_, text) = self.0.get("/metrics", &[]).await?;
        let mut counts = BTreeMap::new();
        for line in std::str::from_utf8(&text)?.lines() {
            let Some((series, count)) = line.rsplit_once(' ') else { continue };
            let label = if series.starts_with("tollgate_connections_refused_total{") {
                "reason=\""
            } else if series == "tollgate_refusals_total{code=\"request_timeout\"}" {
                "code=\""
            } else {
                continue;
            };
            let reason = series.split(label).nth(1).and_then(|rest| rest.split('"').next());
            *counts.entry(reason.unwrap_or_default().to_owned()).or_default() +=
                count.parse::<f64>()? as u64;
        }
        Ok(counts)
    }
}

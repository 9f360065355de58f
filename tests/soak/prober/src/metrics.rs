//! What the gate says of itself.

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
}

//! The gate, and the way to each of its workers.

use std::net::SocketAddr;

use crate::Failure;
use crate::connection::{Connection, Protocol};
use crate::workers::Workers;

pub(crate) struct Gate {
    pub(crate) data: SocketAddr,
    pub(crate) workers: Workers,
}

impl Gate {
    /// A connection to this worker. The gate chooses the one with the fewest, or among equals the one that the
    /// kernel has chosen: those that went elsewhere are held while more are opened, until it is this one's turn.
    pub(crate) async fn open_at(
        &self,
        protocol: Protocol,
        worker: usize,
    ) -> Result<Connection, Failure> {
        let mut elsewhere = Vec::new();
        for _ in 0..256 {
            let mut connection = Connection::open(self.data, protocol).await?;
            // Once it answers, whatever it says, a worker has it.
            connection.get("/soak", &[]).await?;
            if self.workers.serving(connection.port)? == Some(worker) {
                return Ok(connection);
            }
            elsewhere.push(connection);
        }
        Err(format!("worker {worker} is given no connection").into())
    }
}

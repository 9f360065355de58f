//! Bytes on the wire: what two readers could read differently never reaches the upstream.

mod cases;
mod cut_off;
mod events;
mod expect;
mod framing;
mod grpc;
mod hop_by_hop;
mod host;
mod path;
mod sizes;
mod upstream;

use crate::support::{Config, Http1, Origin, Response, Tollgate};

fn gate(origin: &Origin) -> Tollgate {
    Tollgate::start(&Config::new(origin))
}

/// Sends a head as it stands here, with line ends added, over a connection of its own.
fn ask(gate: &Tollgate, head: &str) -> Response {
    Http1::connect(gate.data()).ask(head.replace('\n', "\r\n"))
}

//! What a service asks of a call beside its key, over both versions of HTTP.

mod cors;
mod headers;
mod key_length;
mod keyless;
mod maintenance;
mod referer;
mod sources;
mod warnings;

use crate::support::{Config, Connection, Http1, Http2, Origin, Request, Response, Tollgate};

const SERVICE: &str = "path = \"/orders\"\nupstream = \"demo\"\n";
const EXEMPT: &str = "qps_limit_exempt = true\nrate_limit_exempt = true\n";

/// The house with something more said of its service.
fn house(origin: &Origin, more: &str) -> Config {
    Config::new(origin).service(&format!("{SERVICE}{more}"))
}

/// What is answered over HTTP/1.1 and over HTTP/2.
fn both(gate: &Tollgate, request: &Request) -> [Response; 2] {
    [Http1::connect(gate.data()).send(request), Http2::connect(gate.data()).send(request)]
}

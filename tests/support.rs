//! The house that tests live in: the real binary, an upstream behind it, clients in front of it.

mod admin;
mod answer;
mod claimant;
mod command;
mod config;
mod door;
mod extended_connect;
mod feeder;
mod fields;
mod follower;
pub(crate) mod frames;
mod grpc;
mod http1;
mod http2;
mod load;
mod message;
mod metrics;
mod moved_clock;
mod moved_names;
mod nginx;
mod origin;
mod request;
mod response;
mod tls;
mod tollgate;
mod websocket;

use std::time::{Duration, Instant};

pub(crate) use admin::{Admin, done, first_administrator};
pub(crate) use answer::Answer;
pub(crate) use claimant::Claimant;
pub(crate) use command::{Finished, finish, tollgate};
pub(crate) use config::{Config, digest, digest_of};
pub(crate) use door::Door;
pub(crate) use extended_connect::VERSION;
pub(crate) use feeder::Feeder;
pub(crate) use fields::Fields;
pub(crate) use follower::{Follower, hello, with_pepper};
pub(crate) use grpc::{NUMBERS, Number, NumberServer, Numbers};
pub(crate) use http1::{Http1, tcp};
pub(crate) use http2::{Http2, connect_tls, runtime};
pub(crate) use load::Load;
pub(crate) use message::Message;
pub(crate) use metrics::Metrics;
pub(crate) use nginx::Nginx;
pub(crate) use origin::Origin;
pub(crate) use request::Request;
pub(crate) use response::Response;
pub(crate) use tls::{Authority, Issued, TlsClient, TlsConnection};
pub(crate) use tollgate::Tollgate;
pub(crate) use websocket::{Echo, WebSocket, close, soon};

/// How long anything may take before the test gives it up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client's connection, of either version of HTTP.
pub(crate) trait Connection {
    fn send(&mut self, request: &Request) -> Response;
}

/// Asks again and again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

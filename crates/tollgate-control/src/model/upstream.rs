//! Upstreams.

use std::time::Duration;

use http::uri::Authority;
use tollgate_core::{FixedResponse, HostHeader};

use super::{Name, Owner};

/// Where admitted requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// What services call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// What answers.
    pub target: Target,
}

/// What answers in an upstream's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A server that speaks HTTP/1.1.
    Server(Server),
    /// A response that is built in.
    Fixed(FixedResponse),
}

/// A server and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Host and port as they stand in the URL; without a port it is 80.
    pub authority: Authority,
    /// Which `Host` it sees.
    pub host_header: HostHeader,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the response's head after the request's was sent.
    pub first_byte_timeout: Duration,
    /// How long to wait between two pieces of a body, either way.
    pub idle_timeout: Duration,
    /// How long the whole request may take; `None` = no bound.
    pub request_timeout: Option<Duration>,
    /// Idle connections that each worker keeps.
    pub max_idle_connections: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
}

impl Server {
    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(80)
    }
}

//! Upstreams.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::uri::Authority;
use tollgate_core::{
    Balance, Ejection, FixedResponse, HealthCheck, HostHeader, Pending, Retries, ServerTls,
    ToldField, UpstreamHttp,
};

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
    /// A server that speaks HTTP.
    Server(Box<Server>),
    /// A response that is built in.
    Fixed(FixedResponse),
}

/// One of the servers of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTarget {
    /// Where it is.
    pub address: Address,
    /// How it is spoken to over TLS; `None` = it is not.
    pub tls: Option<ServerTls>,
    /// Its share, against those of the others.
    pub weight: u16,
}

/// Servers that are as good as each other, and how they are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where they are.
    pub targets: Vec<ServerTarget>,
    /// Which of them a request goes to.
    pub balance: Balance,
    /// When one of them is left out for a while.
    pub ejection: Ejection,
    /// How often a request may go to another one.
    pub retries: Retries,
    /// Which version of HTTP it is spoken to in.
    pub http: UpstreamHttp,
    /// What a connection to it may be switched to, in lower case.
    pub upgrades: Vec<Box<str>>,
    /// Which `Host` it sees.
    pub host_header: HostHeader,
    /// What it is told of a request beside what the client says.
    pub tell: Vec<ToldField>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the response's head after the request's was sent.
    pub first_byte_timeout: Duration,
    /// How long to wait between two pieces of a body, either way.
    pub idle_timeout: Duration,
    /// How long the whole request may take; `None` = no bound.
    pub request_timeout: Option<Duration>,
    /// How long to wait between two pieces of what a tunnel carries, whichever way.
    pub tunnel_idle_timeout: Duration,
    /// Idle connections that each worker keeps.
    pub max_idle_connections: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Connections to each target, at most, of all workers; `None` = no bound.
    pub max_connections: Option<usize>,
    /// How requests wait while there is no room for them.
    pub pending: Pending,
    /// How often the addresses of a name are asked for, at least.
    pub resolve_every: Duration,
    /// How targets are asked whether they work; `None` = not at all.
    pub health_check: Option<HealthCheck>,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Host and port as they stand in the URL; without a port it is 80.
    Http(Authority),
    /// The same over TLS; without a port it is 443.
    Https(Authority),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The host, without the brackets of an IPv6 address; `None` behind a socket.
    pub fn host(&self) -> Option<&str> {
        self.authority().map(|authority| authority.host().trim_matches(['[', ']']))
    }

    /// The port; `None` behind a socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Http(authority) => Some(authority.port_u16().unwrap_or(80)),
            Self::Https(authority) => Some(authority.port_u16().unwrap_or(443)),
            Self::Unix(_) => None,
        }
    }

    /// What the server calls itself; `None` behind a socket.
    pub fn authority(&self) -> Option<&Authority> {
        match self {
            Self::Http(authority) | Self::Https(authority) => Some(authority),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(authority) => write!(f, "http://{authority}"),
            Self::Https(authority) => write!(f, "https://{authority}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

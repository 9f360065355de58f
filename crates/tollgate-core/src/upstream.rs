//! Where admitted requests go.

mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

pub use tls::{CertificateFiles, ClientTls, MinimumVersion, ServerTls};

/// A named destination. Pools belong to one [`Upstream::generation`]: a changed definition never
/// meets connections of the old one.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The name in the configuration.
    pub name: Box<str>,
    /// Told apart from every earlier definition of any upstream in this process.
    pub generation: u64,
    /// What answers.
    pub target: Target,
}

/// What answers in an upstream's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A server.
    Server(Box<Server>),
    /// A response that is built in: maintenance pages, mocks, the demo.
    Fixed(FixedResponse),
}

/// A server that speaks HTTP, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub address: ServerAddress,
    /// The value of `Host` where [`HostHeader::Upstream`] is set.
    pub authority: HeaderValue,
    /// How it is spoken to over TLS; `None` = it is not.
    pub tls: Option<ServerTls>,
    /// Which version of HTTP it is spoken to in.
    pub http: UpstreamHttp,
    /// Which `Host` it sees.
    pub host_header: HostHeader,
    /// How long to wait for it.
    pub timeouts: UpstreamTimeouts,
    /// Idle connections that a worker keeps.
    pub max_idle: usize,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerAddress {
    /// Behind a port.
    Tcp {
        /// Host name or address, without brackets.
        host: Box<str>,
        /// TCP port.
        port: u16,
    },
    /// Behind a Unix socket.
    Unix(PathBuf),
}

/// Which version of HTTP an upstream is spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamHttp {
    /// HTTP/1.1.
    One,
    /// HTTP/2, without TLS by prior knowledge.
    Two,
    /// HTTP/2 where the upstream agrees to it within the TLS handshake (ALPN, RFC 7301), else HTTP/1.1.
    Auto,
}

/// Whose `Host` an upstream sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// The one that the client sent.
    Client,
    /// The upstream's own.
    Upstream,
}

/// How long to wait for an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// For the connection.
    pub connect: Duration,
    /// From the sent request head to the response head.
    pub first_byte: Duration,
    /// Between two pieces of a body, either way.
    pub idle: Duration,
    /// For the whole request; `None` = no bound.
    pub request: Option<Duration>,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
}

/// A response that needs no upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, `Content-Type` among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Its body.
    pub body: Box<str>,
}

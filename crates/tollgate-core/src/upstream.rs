//! Where admitted requests go.

mod health;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

pub use health::{HealthCheck, StatusRange};
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

/// Servers that speak HTTP and are as good as each other, and how they are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where they are: from 1 to [`Server::MAX_TARGETS`].
    pub targets: Vec<ServerTarget>,
    /// Which of them a request goes to.
    pub balance: Balance,
    /// When one of them is left out for a while.
    pub ejection: Ejection,
    /// How often a request may go to another one.
    pub retries: Retries,
    /// Which version of HTTP it is spoken to in.
    pub http: UpstreamHttp,
    /// What a connection to it may be switched to (RFC 9110 §7.8), in lower case.
    pub upgrades: Vec<Box<str>>,
    /// Which `Host` it sees.
    pub host_header: HostHeader,
    /// What it is told of a request beside what the client says.
    pub tell: ToldFields,
    /// How long to wait for it.
    pub timeouts: UpstreamTimeouts,
    /// Idle connections that a worker keeps.
    pub max_idle: usize,
    /// Connections to each target at once, at most, of all workers together, of which each has its
    /// share; `None` = no bound.
    pub max_connections: Option<usize>,
    /// How requests wait while there is no room for them.
    pub pending: Pending,
    /// How often the addresses of a name are asked for, at least.
    pub resolve_every: Duration,
    /// How targets are asked whether they work; `None` = not at all.
    pub health_check: Option<HealthCheck>,
}

impl Server {
    /// So many targets an upstream can have.
    pub const MAX_TARGETS: usize = 64;
}

/// One of the servers of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTarget {
    /// Where it is.
    pub address: ServerAddress,
    /// The value of `Host` where [`HostHeader::Upstream`] is set.
    pub authority: HeaderValue,
    /// How it is spoken to over TLS; `None` = it is not.
    pub tls: Option<ServerTls>,
    /// Its share, against those of the others.
    pub weight: u16,
}

/// Which of several servers a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// Of two that are drawn, the one with fewer open requests.
    LeastRequests,
    /// The same for all requests of a key, while it is there (rendezvous hashing).
    HashKey,
}

/// When a server is left out for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// After so many failures in a row; `None` = never.
    pub failures: Option<u32>,
    /// For how long the first time; each further time without a success in between it is twice as long.
    pub time: Duration,
    /// The greatest part of the servers that may be left out at once, in percent.
    pub max_share: u8,
}

/// How requests wait for a server while all have as many as they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// So many at once, at most, of each worker.
    pub max: usize,
    /// For so long.
    pub timeout: Duration,
}

/// How often requests may go to another server after one has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// One request, at most.
    pub max: u8,
    /// All of a worker, in percent of its requests,
    pub budget: u8,
    /// and beside that so many a second.
    pub min_per_second: u32,
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

/// A field of requests in which only we say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldField {
    /// The application whose key it is.
    Application,
    /// The package of the key.
    Package,
    /// The plan of the key.
    Plan,
    /// The id of the key.
    Key,
    /// The fingerprint of the certificate that the client has presented.
    ClientCertificate,
    /// The client's address.
    ForwardedFor,
    /// The scheme that the client used.
    ForwardedProto,
    /// The host that the client asked for.
    ForwardedHost,
    /// The request's id.
    RequestId,
}

/// Which of these fields an upstream sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldFields(u16);

impl ToldFields {
    /// Whether this one is among them.
    pub fn has(self, field: ToldField) -> bool {
        self.0 & 1 << field as u16 != 0
    }
}

impl FromIterator<ToldField> for ToldFields {
    fn from_iter<T: IntoIterator<Item = ToldField>>(fields: T) -> Self {
        Self(fields.into_iter().fold(0, |told, field| told | 1 << field as u16))
    }
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
    /// For the whole request; `None` = no bound. A tunnel has none once it has begun.
    pub request: Option<Duration>,
    /// Between two pieces of what a tunnel carries, whichever way.
    pub tunnel_idle: Duration,
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

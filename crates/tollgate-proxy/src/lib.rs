//! The data plane of Tollgate: it listens, routes, takes the credential, has the request decided,
//! forwards it and answers. `gateway.rs` shows a request's whole road.

mod access_log;
mod account;
mod arena;
mod body;
mod connection;
mod credential;
pub mod explain;
#[cfg(test)]
mod fixture;
mod form;
mod forward;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod headers;
mod hex;
mod http1;
mod introduce;
mod kept;
mod key_events;
mod listen;
mod live;
mod metrics;
mod peer;
mod plane;
mod proof;
mod request_id;
mod respond;
mod roster;
mod socket;
#[cfg(feature = "otlp")]
mod spans;
mod strangers;
mod switches;
mod target;
mod tls;
mod trace;
mod tunnel;
mod upstream;
mod worker;

pub use access_log::{AccessLog, SinkPath};
pub use key_events::KeyEventRings;
pub use listen::{BindError, ListenAddress, Listener, ListenerSettings, SocketFile, bind_unix};
pub use live::OnKeyDead;
pub use metrics::Metrics;
pub use peer::{ForwardedFields, Trust, TrustedProxies};
pub use plane::{Bound, DataPlane, Plan, Sockets};
pub use request_id::{RequestIdSettings, ToldRequestId};
#[cfg(feature = "otlp")]
pub use spans::{SpanBatch, SpanRings, SpanWriter, rejected_spans};
pub use strangers::watch_strangers;
pub use tls::{
    Acceptor, Authorities, AuthoritiesError, Certificate, CertificateError, ClientCertificates,
    Terms as TlsTerms, Tickets, TlsStream, server_config,
};
pub use trace::TraceSettings;
pub use upstream::{ClientTrust, Resolver, UpstreamTls, Upstreams, watch_upstreams};
pub use worker::WorkerSettings;

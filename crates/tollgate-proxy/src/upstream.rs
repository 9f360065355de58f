//! Connections to upstreams: a pool for each worker and upstream.
//!
//! A connection of HTTP/1.1 is driven by the request that uses it, in that request's own task: no task
//! and no wake-up stands between the client's connection and the upstream's. While it is idle nobody polls
//! it; what the upstream did in the meantime, a close above all, is seen when it is taken out. One of
//! HTTP/2 has many users, and a task that drives it.

mod balance;
mod budget;
mod check;
mod chosen;
mod dial;
mod failure;
mod form;
mod http1;
mod io;
mod known;
mod lane;
mod last_words;
mod lease;
mod peer;
mod pending;
mod pool;
mod resolve;
mod servers;
mod share;
mod shared;
mod trust;
mod watch;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tollgate_core::{Target, Upstream};

pub(crate) use chosen::{Chosen, Tried};
pub(crate) use failure::{ConnectError, Unanswered, Unreached};
#[cfg(feature = "fuzzing")]
pub use http1::heard::{Heard, hear};
pub(crate) use known::Known;
pub use known::Upstreams;
pub(crate) use lane::Lane;
pub(crate) use lease::Lease;
pub(crate) use pool::Pool;
pub use resolve::Resolver;
pub(crate) use share::Share;
pub use trust::{ClientTrust, UpstreamTls};
pub use watch::watch_upstreams;

/// What answers in an upstream's name, as one worker holds it.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A server.
    Server(Box<Pool>),
    /// A response that is built in.
    Fixed {
        /// Its status.
        status: StatusCode,
        /// Its fields.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
    },
}

impl Destination {
    pub(crate) fn new(upstream: &Upstream, upstreams: &Upstreams, share: Share) -> Self {
        match &upstream.target {
            Target::Fixed(response) => Self::Fixed {
                status: response.status,
                headers: response
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), own(value)))
                    .collect(),
                body: Bytes::copy_from_slice(response.body.as_bytes()),
            },
            Target::Server(server) => {
                Self::Server(Box::new(Pool::new(server, upstream, upstreams, share)))
            }
        }
    }
}

/// A copy with a reference count of its own: one that several workers count on would bounce between
/// their cores with every request.
pub(crate) fn own(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

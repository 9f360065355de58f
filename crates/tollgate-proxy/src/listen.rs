//! Listening sockets: one for each worker on the same address, and nobody else's.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::peer::TrustedProxies;
use crate::tls::Acceptor;

const BACKLOG: i32 = 4096;

/// A listener that is to be.
#[derive(Debug)]
pub struct Listener {
    /// What logs and metrics call it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it takes.
    pub settings: ListenerSettings,
    /// How it takes TLS; `None` = it is a plain one.
    pub tls: Option<Acceptor>,
    /// Sockets that listen there already, by whoever passed them on; none = it makes its own.
    pub inherited: Vec<TcpListener>,
}

/// What one listener takes from its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Who may speak for clients.
    pub proxies: TrustedProxies,
    /// Connections in all workers; one more is closed at once.
    pub max_connections: usize,
    /// Connections of one [source](tollgate_core::Source) in all workers, proxies that may speak for
    /// clients left out; `None` = as many as it likes.
    pub max_connections_per_source: Option<NonZeroU32>,
    /// Whether clients may speak HTTP/2: by ALPN over TLS, else by prior knowledge.
    pub http2: bool,
    /// From a connection's beginning, or the first byte of a further request, to the end of the
    /// request's head.
    pub header_timeout: Duration,
    /// Between two requests.
    pub idle_timeout: Duration,
    /// For a client to read anything of what waits to be sent.
    pub write_timeout: Duration,
    /// How long a connection is used for new requests, give or take a tenth; `None` = as long as it lasts.
    pub max_age: Option<Duration>,
    /// Of a request's head, in bytes.
    pub max_header_bytes: usize,
    /// Fields of a head.
    pub max_headers: usize,
    /// Of a request target, in bytes.
    pub max_target_bytes: usize,
    /// Of a body, in bytes.
    pub max_body_bytes: u64,
    /// Bytes of a body in a second, on average over the time that it is waited for; 0 = however few.
    pub min_body_rate: u64,
    /// Open HTTP/2 streams of one connection.
    pub max_streams: u32,
    /// HTTP/2 streams of one connection that its client resets within ten seconds.
    pub max_resets: u32,
    /// Frames of one HTTP/2 connection that carry nothing within ten seconds.
    pub max_control_frames: u32,
}

/// An address cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl BindError {
    pub(crate) fn new(address: SocketAddr, source: io::Error) -> Self {
        Self { address, source }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.source)
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The sockets of a listener, for `count` workers: those that it has inherited, or as many new ones. The
/// kernel spreads connections over them.
///
/// The first is bound for itself alone, so that an address which any other process listens on is an
/// error (design decision 15); only then is it opened to the others.
///
/// # Errors
/// If the address is in use, not ours, or not allowed.
pub(crate) fn bind(
    address: SocketAddr,
    inherited: Vec<TcpListener>,
    count: usize,
) -> Result<Vec<TcpListener>, BindError> {
    let bound = if inherited.is_empty() { sockets(address, count) } else { used(inherited) };
    bound.map_err(|source| BindError { address, source })
}

/// Gives each of `count` workers its share of some sockets: all of them are accepted from, as each has
/// connections waiting that nobody else would get. Where there are fewer sockets than workers, several
/// accept from one.
pub(crate) fn share(sockets: &[TcpListener], count: usize) -> io::Result<Vec<Vec<TcpListener>>> {
    let mut shares: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for place in 0..sockets.len().max(count) {
        if let Some((share, socket)) =
            shares.get_mut(place % count).zip(sockets.get(place % sockets.len()))
        {
            share.push(socket.try_clone()?);
        }
    }
    Ok(shares)
}

/// Sockets that somebody else has made, ready to be accepted from.
fn used(inherited: Vec<TcpListener>) -> io::Result<Vec<TcpListener>> {
    for socket in &inherited {
        socket.set_nonblocking(true)?;
    }
    Ok(inherited)
}

fn sockets(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let first = socket(address)?;
    first.bind(&address.into())?;
    first.listen(BACKLOG)?;
    first.set_reuse_port(true)?;
    let first = TcpListener::from(first);
    // Port 0 has become a real one.
    let address = first.local_addr()?;
    let mut all = vec![first];
    for _ in 1..count {
        let next = socket(address)?;
        next.set_reuse_port(true)?;
        next.bind(&address.into())?;
        next.listen(BACKLOG)?;
        all.push(next.into());
    }
    Ok(all)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections that linger from an earlier process do not keep the address.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn an_address_in_use_is_an_error_whoever_uses_it() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ours = bind(any, Vec::new(), 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert_eq!(ours[1].local_addr().unwrap(), address);
        let error = bind(address, Vec::new(), 2).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        drop(ours);
        let theirs = TcpListener::bind(any).unwrap();
        assert!(bind(theirs.local_addr().unwrap(), Vec::new(), 1).is_err());
    }

    #[test]
    fn both_sockets_get_connections() {
        let sockets = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Vec::new(), 2).unwrap();
        let address = sockets[0].local_addr().unwrap();
        let mut accepted = [0, 0];
        let clients: Vec<_> =
            (0..64).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        for (count, socket) in accepted.iter_mut().zip(&sockets) {
            while socket.accept().is_ok() {
                *count += 1;
            }
        }
        assert_eq!(accepted.iter().sum::<usize>(), clients.len());
        assert!(accepted.iter().all(|count| *count > 0), "{accepted:?}");
    }

    #[test]
    fn every_socket_is_accepted_from_and_every_worker_accepts() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        for (sockets, workers) in [(1, 3), (3, 2), (2, 2), (4, 3)] {
            let sockets = bind(any, Vec::new(), sockets).unwrap();
            let shares = share(&sockets, workers).unwrap();
            assert!(shares.iter().all(|share| !share.is_empty()), "{shares:?}");
            assert_eq!(shares.iter().flatten().count(), sockets.len().max(workers));
        }
    }
}

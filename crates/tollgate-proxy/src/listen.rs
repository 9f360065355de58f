//! Listening sockets: of an address one for each worker, of a path one, and nobody else's.

mod unix;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::peer::TrustedProxies;
use crate::tls::Acceptor;

pub use unix::{SocketFile, bind_unix};

const BACKLOG: i32 = 4096;

/// Bytes that the kernel takes for a connection beyond what is on its way. By itself it takes megabytes for
/// a client that does not read, and a stalled write is noticed only when those are full.
const MAX_UNSENT: u32 = 256 << 10;

/// After how much silence a client is asked whether it is still there; as long again without an answer, and the
/// connection ends.
const SILENT: Duration = Duration::from_secs(20);

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// At an IP address and port.
    Tcp(SocketAddr),
    /// At a Unix socket.
    Unix {
        /// Where it stands in the file system.
        path: PathBuf,
        /// Who may connect, as the mode of its file.
        mode: u32,
    },
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listener that is to be.
#[derive(Debug)]
pub struct Listener {
    /// What logs and metrics call it.
    pub name: String,
    /// Where it listens.
    pub address: ListenAddress,
    /// What it takes.
    pub settings: ListenerSettings,
    /// How it takes TLS; `None` = it is a plain one.
    pub tls: Option<Acceptor>,
    /// Sockets that listen there already, by whoever passed them on; none = it makes its own.
    pub inherited: Vec<OwnedFd>,
    /// Whoever has passed them on keeps the file of a Unix socket: neither its mode nor its end is ours.
    pub foreign: bool,
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
    /// Bytes of a response in a second that a client reads, on average over the time that it is waited for;
    /// 0 = however few, as long as `write_timeout` holds.
    pub min_response_rate: u64,
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
    address: ListenAddress,
    source: io::Error,
}

impl BindError {
    pub(crate) fn new(address: &ListenAddress, source: io::Error) -> Self {
        Self { address: address.clone(), source }
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

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The sockets of one listener.
#[derive(Debug)]
pub(crate) struct Opened {
    /// At least one.
    pub(crate) sockets: Vec<Listening>,
    /// Where they listen in fact.
    pub(crate) address: ListenAddress,
    /// The file of a Unix socket.
    pub(crate) file: Option<SocketFile>,
}

impl Listening {
    /// The same socket once more.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
            Self::Unix(socket) => socket.try_clone().map(Self::Unix),
        }
    }
}

impl From<Listening> for OwnedFd {
    fn from(socket: Listening) -> Self {
        match socket {
            Listening::Tcp(socket) => socket.into(),
            Listening::Unix(socket) => socket.into(),
        }
    }
}

/// The sockets of a listener, for `count` workers: those that it has inherited, or new ones. Of an
/// address there are as many, over which the kernel spreads connections; of a path there can be but one.
///
/// # Errors
/// If the address is in use, not ours, or not allowed.
pub(crate) fn open(
    address: &ListenAddress,
    (inherited, foreign): (Vec<OwnedFd>, bool),
    count: usize,
) -> Result<Opened, BindError> {
    let opened = match address {
        ListenAddress::Tcp(address) => {
            let inherited = inherited.into_iter().map(TcpListener::from).collect();
            tcp(*address, inherited, count)
        }
        ListenAddress::Unix { path, mode } => {
            let socket = match inherited.into_iter().next() {
                Some(socket) => unix::inherit(socket.into(), path, (!foreign).then_some(*mode)),
                None => bind_unix(path, *mode),
            };
            socket.map(|(socket, file)| Opened {
                sockets: vec![Listening::Unix(socket)],
                address: address.clone(),
                file: Some(file),
            })
        }
    };
    opened.map_err(|source| BindError::new(address, source))
}

fn tcp(address: SocketAddr, inherited: Vec<TcpListener>, count: usize) -> io::Result<Opened> {
    let sockets = if inherited.is_empty() { sockets(address, count)? } else { inherited };
    for socket in &sockets {
        socket.set_nonblocking(true)?;
        // What is accepted has these too.
        SockRef::from(socket).set_tcp_notsent_lowat(MAX_UNSENT)?;
        SockRef::from(socket).set_tcp_keepalive(&keepalive())?;
    }
    // Port 0 has become a real one.
    let real = sockets.first().map_or(Ok(address), TcpListener::local_addr)?;
    Ok(Opened {
        sockets: sockets.into_iter().map(Listening::Tcp).collect(),
        address: ListenAddress::Tcp(real),
        file: None,
    })
}

/// Asks whether a client is still there, once it has been silent for so long. The kernel does, of a connection of
/// whatever protocol, and nobody wakes up for it.
fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(SILENT).with_interval(SILENT / 4).with_retries(4)
}

/// Gives each of `count` workers its share of some sockets: all of them are accepted from, as each has
/// connections waiting that nobody else would get. Where there are fewer sockets than workers, several
/// accept from one.
pub(crate) fn share(sockets: &[Listening], count: usize) -> io::Result<Vec<Vec<Listening>>> {
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

/// The first is bound for itself alone, so that an address which any other process listens on is an
/// error (design decision 15); only then is it opened to the others.
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
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpStream};

    #[test]
    fn an_address_in_use_is_an_error_whoever_uses_it() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ours = sockets(any, 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert_eq!(ours[1].local_addr().unwrap(), address);
        let error = open(&ListenAddress::Tcp(address), Default::default(), 2).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        drop(ours);
        let theirs = TcpListener::bind(any).unwrap();
        assert!(sockets(theirs.local_addr().unwrap(), 1).is_err());
    }

    /// A client with little room for what it does not read, and its connection.
    fn connected() -> (TcpStream, TcpStream) {
        let any = ListenAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let Opened { sockets, address, .. } = open(&any, Default::default(), 1).unwrap();
        let (Listening::Tcp(socket), ListenAddress::Tcp(address)) = (&sockets[0], address) else {
            panic!("{sockets:?}");
        };
        let client = TcpStream::connect(address).unwrap();
        SockRef::from(&client).set_recv_buffer_size(16 << 10).unwrap();
        let accepted = std::iter::repeat_with(|| socket.accept()).find_map(Result::ok).unwrap().0;
        (client, accepted)
    }

    #[test]
    fn the_kernel_holds_little_for_a_client_that_does_not_read() {
        let (_client, mut accepted) = connected();
        accepted.set_nonblocking(true).unwrap();
        let piece = [0; 16 << 10];
        let mut taken = 0;
        while let Ok(length) = accepted.write(&piece) {
            taken += length;
        }
        assert!(taken < 4 * MAX_UNSENT as usize, "{taken}");
    }

    #[test]
    fn a_silent_client_is_asked_whether_it_is_there() {
        let (_client, accepted) = connected();
        let accepted = SockRef::from(&accepted);
        assert!(accepted.keepalive().unwrap());
        assert_eq!(accepted.tcp_keepalive_time().unwrap(), SILENT);
        let unanswered = accepted.tcp_keepalive_interval().unwrap() * 4;
        assert_eq!((unanswered, accepted.tcp_keepalive_retries().unwrap()), (SILENT, 4));
    }

    #[test]
    fn both_sockets_get_connections() {
        let sockets = sockets(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 2).unwrap();
        let address = sockets[0].local_addr().unwrap();
        let mut accepted = [0, 0];
        let clients: Vec<_> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
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
        let any = ListenAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        for (sockets, workers) in [(1, 3), (3, 2), (2, 2), (4, 3)] {
            let sockets = open(&any, Default::default(), sockets).unwrap().sockets;
            let shares = share(&sockets, workers).unwrap();
            assert!(shares.iter().all(|share| !share.is_empty()), "{shares:?}");
            assert_eq!(shares.iter().flatten().count(), sockets.len().max(workers));
        }
    }
}

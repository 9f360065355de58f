//! What comes before HTTP: whom a proxy speaks for, a TLS handshake, and which version of HTTP it
//! will be.

mod announced;

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tollgate_core::Refusal;

use self::announced::announced;
use super::io::Stream;
use super::{ConnectionEntry, TurnedAway};
use crate::peer::{Counted, Peer};
use crate::roster::Deadline;
use crate::socket::Socket;
use crate::tls::{Acceptor, Failure, Refused, Session, accept};
use crate::worker::{Door, Ending, Worker, nanoseconds};

/// What HTTP/2 begins with (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection on which HTTP may begin.
pub(super) struct Begun {
    pub(super) peer: Peer,
    /// Among the connections of its source, if those have a maximum.
    pub(super) counted: Option<Counted>,
    pub(super) stream: Stream,
    pub(super) http2: bool,
    pub(super) session: Option<Session>,
}

/// Brings a connection to where HTTP begins; `None` if it does not get there. From then on the
/// deadline of the first head runs.
pub(super) async fn begin(
    worker: &Worker,
    door: &Door,
    entry: &ConnectionEntry,
    stream: Socket,
    address: Option<IpAddr>,
) -> Option<Begun> {
    let peer = meet(worker, door, entry, &stream, address).await?;
    let counted = count(door, peer)?;
    match &door.tls {
        None => {
            allow(worker, entry, door.settings.header_timeout);
            let http2 = door.settings.http2 && speaks_http2(worker, door, entry, &stream).await?;
            let stream = Stream::Plain(stream);
            Some(Begun { peer, counted, stream, http2, session: None })
        }
        Some(acceptor) => {
            allow(worker, entry, acceptor.timeout());
            let shaken = shake_hands(worker, door, acceptor, entry, stream).await;
            allow(worker, entry, door.settings.header_timeout);
            let (stream, session) = shaken?;
            let http2 = session.http2;
            Some(Begun { peer, counted, stream, http2, session: Some(session) })
        }
    }
}

/// Who is at the other end: by its address, or as the proxy there announces. `None` if the connection is
/// not served.
async fn meet(
    worker: &Worker,
    door: &Door,
    entry: &ConnectionEntry,
    stream: &Socket,
    address: Option<IpAddr>,
) -> Option<Peer> {
    let proxies = &door.settings.proxies;
    let peer = Peer::of(address, proxies);
    if !proxies.proxy_protocol {
        return Some(peer);
    }
    let turn_away = |reason: TurnedAway| door.connections.turn_away(reason);
    if !peer.trusted {
        turn_away(TurnedAway::ProxyUntrusted);
        return None;
    }
    allow(worker, entry, door.settings.header_timeout);
    // On the heap, as it has room for a whole header.
    let mut announced = Box::pin(announced(stream));
    match until_ended(worker, entry, announced.as_mut()).await {
        Ok(Ok(announced)) => return Some(peer.behind(announced?, proxies)),
        Ok(Err(_)) => turn_away(TurnedAway::ProxyMalformed),
        Err(Ended::Late) => turn_away(TurnedAway::ProxyTimeout),
        Err(Ended::Draining) => {}
    }
    None
}

/// Counts the connection among those of its source; `None` if that is one too many. Proxies that speak
/// for clients have as many as they like.
fn count(door: &Door, peer: Peer) -> Option<Option<Counted>> {
    match &door.connections.crowd {
        Some(crowd) if !peer.trusted => {
            let counted = crowd.enter(peer.source);
            if counted.is_none() {
                door.connections.turn_away(TurnedAway::SourceMaximum);
            }
            counted.map(Some)
        }
        _ => Some(None),
    }
}

/// Gives a connection so long from now.
fn allow(worker: &Worker, entry: &ConnectionEntry, timeout: Duration) {
    let now = worker.clock.monotonic();
    worker.coarse.set(now);
    let at = now.saturating_add(nanoseconds(timeout));
    entry.set_deadline(Deadline { at, late: Refusal::RequestTimeout });
}

async fn shake_hands(
    worker: &Worker,
    door: &Door,
    acceptor: &Acceptor,
    entry: &ConnectionEntry,
    stream: Socket,
) -> Option<(Stream, Session)> {
    // On the heap: a handshake is large, and most of a connection's life comes after it.
    let mut handshake = Box::pin(accept(acceptor, stream));
    match until_ended(worker, entry, handshake.as_mut()).await {
        Ok(Ok((stream, session))) => {
            door.connections.count_handshake(session.resumed);
            Some((Stream::Tls(Box::new(stream)), session))
        }
        Ok(Err(Refused { error, parting })) => {
            door.connections.count_failure(Failure::from(&error));
            // It is given up earlier where the connection is.
            let _ = until_ended(worker, entry, Box::pin(parting.leave()).as_mut()).await;
            None
        }
        Err(Ended::Late) => {
            door.connections.count_failure(Failure::Timeout);
            None
        }
        Err(Ended::Draining) => None,
    }
}

/// Whether the client begins with HTTP/2's preface; `None` if it does not begin in time.
async fn speaks_http2(
    worker: &Worker,
    door: &Door,
    entry: &ConnectionEntry,
    stream: &Socket,
) -> Option<bool> {
    let mut begin = [0; PREFACE.len()];
    loop {
        let length = match until_ended(worker, entry, pin!(stream.peek(&mut begin))).await {
            Ok(peeked) => peeked.ok()?,
            Err(ended) => {
                if matches!(ended, Ended::Late) {
                    door.connections.turn_away(TurnedAway::HeaderTimeout);
                }
                return None;
            }
        };
        let said = begin.get(..length).filter(|said| !said.is_empty())?;
        if !PREFACE.starts_with(said) {
            return Some(false);
        }
        if said.len() == PREFACE.len() {
            return Some(true);
        }
        // A few bytes that both protocols could begin with: as good as never seen.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What ended a connection before HTTP began.
enum Ended {
    /// Its deadline.
    Late,
    /// The worker ends, and nothing was asked in time.
    Draining,
}

/// What `future` comes to, unless the connection ends before.
async fn until_ended<F: Future>(
    worker: &Worker,
    entry: &ConnectionEntry,
    mut future: Pin<&mut F>,
) -> Result<F::Output, Ended> {
    poll_fn(|cx| {
        if entry.poll_end(cx).is_ready() {
            return Poll::Ready(Err(Ended::Late));
        }
        if worker.ending.get() >= Ending::Idle {
            return Poll::Ready(Err(Ended::Draining));
        }
        future.as_mut().poll(cx).map(Ok)
    })
    .await
}

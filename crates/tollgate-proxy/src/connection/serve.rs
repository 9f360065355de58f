//! A connection from its beginning to its end.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::begin::{Begun, begin};
use super::http1::Http1;
use super::io::{ClientIo, Inspected};
use super::streams::Streams;
use super::written::Written;
use super::{Client, Frames, TurnedAway};
use crate::body::Incoming;
use crate::listen::ListenerSettings;
use crate::peer::Peer;
use crate::roster::{Deadline, Entry};
use crate::socket::Socket;
use crate::tls::Session;
use crate::worker::{Beginning, Door, Ending, Worker};

/// Serves a connection to its end.
///
/// It comes from `peer`; `None` = by a Unix socket.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    door: Rc<Door>,
    stream: Socket,
    peer: Option<IpAddr>,
    beginning: Beginning,
) {
    let entry = worker.connections.enter((), Deadline::NONE, u64::MAX);
    // Each by itself on the heap, so that a connection has no room for what it is not at.
    let begun = Box::pin(begin(&worker, &door, &entry, stream, peer)).await;
    let Some(Begun { peer, counted, stream, http2, session }) = begun else { return };
    // Counted among those of its source until it ends.
    let _counted = counted;
    let client = client(&worker, door, peer, http2, session, &entry, beginning);
    let inspected = http2
        .then(|| Inspected::new(Frames::new(&client.door.settings), Rc::clone(&worker.read_room)));
    let io = ClientIo::new(stream, Rc::clone(&client), inspected);
    if http2 {
        Box::pin(serve_http2(worker, client, &entry, io)).await;
    } else {
        Box::pin(serve_http1(worker, client, &entry, io)).await;
    }
}

/// The client of a connection on which HTTP begins.
fn client(
    worker: &Worker,
    door: Rc<Door>,
    peer: Peer,
    http2: bool,
    session: Option<Session>,
    entry: &Entry<()>,
    beginning: Beginning,
) -> Rc<Client> {
    let address = peer.address.map(|address| address.to_string());
    Rc::new(Client {
        peer,
        forwarded_for: address.and_then(|address| HeaderValue::try_from(address).ok()),
        session,
        connection: entry.handle(),
        roster: Rc::clone(&worker.connections),
        clock: Rc::clone(&worker.coarse),
        http2,
        open: Cell::new(0),
        reading_head: Cell::new(true),
        resets: Cell::new(false),
        written: Written::new(&door.settings),
        tunnel: Cell::new(None),
        old_at: door.settings.max_age.map_or(u64::MAX, |age| worker.old_at(age)),
        beginning: Cell::new(Some(beginning)),
        door,
    })
}

async fn serve_http2(worker: Rc<Worker>, client: Rc<Client>, entry: &Entry<()>, io: ClientIo) {
    let connection = {
        let streams = Streams::default();
        let builder = client.door.settings.http2_builder(streams.clone());
        let (handler, caller) = (Rc::clone(&worker), Rc::clone(&client));
        let service = service_fn(move |request| {
            let request = request.map(Incoming::Http2);
            Rc::clone(&handler).handle(Rc::clone(&caller), Some(streams.call()), request)
        });
        builder.serve_connection(TokioIo::new(io), service)
    };
    let mut connection = pin!(connection);
    let mut shutting_down = false;
    let mut poll = |cx: &mut Context<'_>| {
        let ends = worker.ending.get() >= Ending::Last || client.is_old();
        if ends && !shutting_down {
            shutting_down = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    };
    let ended = poll_fn(|cx| until_ended(&client, entry, cx, &mut poll)).await;
    if let Some(Err(error)) = ended
        && is_calming(&error)
    {
        client.turn_away(TurnedAway::Calm);
    }
}

async fn serve_http1(worker: Rc<Worker>, client: Rc<Client>, entry: &Entry<()>, io: ClientIo) {
    let mut served = pin!(Http1::over(io, &worker, &client).serve());
    let left = poll_fn(|cx| until_ended(&client, entry, cx, |cx| served.as_mut().poll(cx))).await;
    // One whose client was not told ends here.
    if let Some(tunnel) = client.tunnel.take()
        && let Some(Some((io, read))) = left
    {
        let mut carried = Box::pin(tunnel.carry(Box::new(TokioIo::new(io)), read));
        poll_fn(|cx| until_ended(&client, entry, cx, |cx| carried.as_mut().poll(cx))).await;
    }
}

/// Polls what a connection is for, unless it was ended: then there is nothing.
fn until_ended<T>(
    client: &Client,
    entry: &Entry<()>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<Option<T>> {
    if let Poll::Ready(refusal) = entry.poll_end(cx) {
        client.ended(refusal);
        return Poll::Ready(None);
    }
    poll(cx).map(Some)
}

/// Whether HTTP/2 has asked the client to calm down.
fn is_calming(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| {
        !error.is_remote() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    })
}

/// Bytes of a request's body that an HTTP/2 stream holds at most, and of a response.
const STREAM_BYTES: u32 = 64 << 10;

impl ListenerSettings {
    fn http2_builder(&self, streams: Streams) -> http2::Builder<Streams> {
        let mut builder = http2::Builder::new(streams);
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .max_concurrent_streams(self.max_streams)
            .max_local_error_reset_streams(self.max_resets as usize)
            .initial_stream_window_size(STREAM_BYTES)
            .max_send_buf_size(STREAM_BYTES as usize)
            .enable_connect_protocol()
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX));
        builder
    }
}

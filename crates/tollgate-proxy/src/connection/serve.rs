//! A connection from its beginning to its end.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;

use super::begin::{Begun, begin};
use super::io::{ClientIo, Inspected};
use super::streams::Streams;
use super::written::Written;
use super::{Client, Frames, TurnedAway};
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
            Rc::clone(&handler).handle(Rc::clone(&caller), Some(streams.call()), request)
        });
        builder.serve_connection(io, service)
    };
    let connection = pin!(connection);
    drive(&worker, &client, entry, connection, http2::Connection::graceful_shutdown).await;
}

async fn serve_http1(worker: Rc<Worker>, client: Rc<Client>, entry: &Entry<()>, io: ClientIo) {
    let (handler, caller) = (Rc::clone(&worker), Rc::clone(&client));
    let service =
        service_fn(move |request| Rc::clone(&handler).handle(Rc::clone(&caller), None, request));
    let mut connection = client.door.settings.http1_builder().serve_connection(io, service);
    let driven = Pin::new(&mut connection);
    let done = drive(&worker, &client, entry, driven, http1::Connection::graceful_shutdown).await;
    // Written to its end, or the client was told nothing.
    if let Some(tunnel) = client.tunnel.take().filter(|_| done) {
        let parts = connection.into_parts();
        let mut carried = Box::pin(tunnel.carry(Box::new(parts.io), parts.read_buf));
        poll_fn(|cx| until_ended(&client, entry, cx, |cx| carried.as_mut().poll(cx))).await;
    }
}

/// Polls a connection until it ends or is ended, and shuts it down once the worker ends or, where
/// that keeps its requests, once it is old. Returns whether it ended by itself and without an error.
async fn drive<C>(
    worker: &Worker,
    client: &Client,
    entry: &Entry<()>,
    mut connection: Pin<&mut C>,
    shut_down: impl Fn(Pin<&mut C>),
) -> bool
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut shutting_down = false;
    let mut poll = |cx: &mut Context<'_>| {
        // HTTP/1.1 would end before a request that is on its way: its last response says so, and
        // it is given some time to ask for one.
        let ending = worker.ending.get();
        let ends = match client.http2 {
            true => ending >= Ending::Last || client.is_old(),
            false => ending >= Ending::Idle,
        };
        if ends && !shutting_down {
            shutting_down = true;
            shut_down(connection.as_mut());
        }
        connection.as_mut().poll(cx)
    };
    match poll_fn(|cx| until_ended(client, entry, cx, &mut poll)).await {
        Some(Ok(())) => true,
        Some(Err(error)) => {
            worker.note_malformed(&error);
            if is_calming(&error) {
                client.turn_away(TurnedAway::Calm);
            }
            false
        }
        None => false,
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
    fn http1_builder(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        // Deadlines are the roster's: hyper's would allocate a timer a request.
        builder.header_read_timeout(None).max_buf_size(self.max_header_bytes.max(8192));
        builder.max_header_size(self.max_header_bytes);
        // Setting hyper's own default would move the headers of each request to the heap.
        if self.max_headers != 100 {
            builder.max_headers(self.max_headers);
        }
        builder
    }

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

//! A connection from its beginning to its end.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Request};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::begin::{Begun, begin};
use super::http1::Http1;
use super::io::{ClientIo, Inspected};
use super::room::Room;
use super::streams::Streams;
use super::written::Written;
use super::{Client, ConnectionEntry, Frames, TurnedAway};
use crate::body::{Incoming, OutBody};
use crate::listen::ListenerSettings;
use crate::peer::{Counted, Peer};
use crate::roster::Deadline;
use crate::socket::Socket;
use crate::tls::Session;
use crate::worker::{Beginning, Door, Ending, Held, Worker};

/// Serves a connection to its end.
///
/// It comes from `peer`; `None` = by a Unix socket.
///
/// What a connection is at is by itself on the heap, so that it has no room for what it is not at. Nor has the task
/// around it for what that was made of, as futures that are no `async fn` are given it before they begin.
pub(crate) fn serve(
    held: Held,
    door: Rc<Door>,
    stream: Socket,
    peer: Option<IpAddr>,
) -> impl Future<Output = ()> {
    let worker = &held.worker;
    let entry = worker.connections.enter(None, Deadline::NONE, u64::MAX);
    let beginning = Beginning::of(worker);
    let meets = Box::pin(meet(Rc::clone(worker), door, entry, stream, peer, beginning));
    async move {
        // Taken apart at once: what has a name has room for as long as that is known.
        let Some(Met { entry, counted: _counted, client, http2, io }) = meets.await else { return };
        if http2 {
            serve_http2(&held.worker, &client, &entry, io).await;
        } else {
            serve_http1(&held.worker, &client, &entry, io).await;
        }
    }
}

/// A connection on which HTTP begins, and its client.
struct Met {
    entry: ConnectionEntry,
    /// Among those of its source until it ends.
    counted: Option<Counted>,
    client: Rc<Client>,
    http2: bool,
    io: ClientIo,
}

/// Brings a connection to where HTTP begins; `None` if it does not get there.
async fn meet(
    worker: Rc<Worker>,
    door: Rc<Door>,
    entry: ConnectionEntry,
    stream: Socket,
    peer: Option<IpAddr>,
    beginning: Beginning,
) -> Option<Met> {
    let begun = begin(&worker, &door, &entry, stream, peer).await?;
    let Begun { peer, counted, stream, http2, session } = begun;
    let client = client(&worker, door, peer, http2, session, &entry, beginning);
    if http2 {
        entry.change(|known| *known = Some(Rc::clone(&client)));
    }
    let inspected = http2
        .then(|| Inspected::new(Frames::new(&client.door.settings), Rc::clone(&worker.read_room)));
    let io = ClientIo::new(stream, Rc::clone(&client), inspected);
    Some(Met { entry, counted, client, http2, io })
}

/// The client of a connection on which HTTP begins.
fn client(
    worker: &Worker,
    door: Rc<Door>,
    peer: Peer,
    http2: bool,
    session: Option<Session>,
    entry: &ConnectionEntry,
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
        since: Cell::new(worker.coarse.now()),
        room: Room::default(),
        reading_head: Cell::new(true),
        resets: Cell::new(false),
        written: Written::new(&door.settings),
        tunnel: Cell::new(None),
        old_at: Cell::new(door.settings.max_age.map_or(u64::MAX, |age| worker.old_at(age))),
        beginning: Cell::new(Some(beginning)),
        door,
    })
}

fn serve_http2(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    entry: &ConnectionEntry,
    io: ClientIo,
) -> impl Future<Output = ()> {
    let streams = Streams::default();
    let builder = client.door.settings.http2_builder(streams.clone());
    let (handler, caller) = (Rc::clone(worker), Rc::clone(client));
    let service = service_fn(move |request: Request<_>| {
        let (worker, client) = (Rc::clone(&handler), Rc::clone(&caller));
        let stream = streams.call();
        let (head, incoming) = request.into_parts();
        let mut request = Request::from_parts(head, OutBody::Empty);
        async move {
            let incoming = Incoming::Http2(incoming);
            let handling = worker.handle(&client, Some(stream), &mut request, incoming);
            Ok::<_, Infallible>(handling.await)
        }
    });
    let mut connection = Box::pin(builder.serve_connection(TokioIo::new(io), service));
    let mut shutting_down = false;
    until_ended(client, entry, move |cx| {
        let ends = worker.ending.get() >= Ending::Last || client.is_old();
        if ends && !shutting_down {
            shutting_down = true;
            connection.as_mut().graceful_shutdown();
        }
        let served = ready!(connection.as_mut().poll(cx));
        if served.is_err_and(|error| is_calming(&error)) {
            client.turn_away(TurnedAway::Calm);
        }
        Poll::Ready(())
    })
}

fn serve_http1(
    worker: &Rc<Worker>,
    client: &Rc<Client>,
    entry: &ConnectionEntry,
    io: ClientIo,
) -> impl Future<Output = ()> {
    let mut served = Some(Box::pin(Http1::over(io, worker, client).serve()));
    let mut carried = None;
    until_ended(client, entry, move |cx| {
        if let Some(serving) = &mut served {
            let left = ready!(serving.as_mut().poll(cx));
            served = None;
            carried = carry(client, left);
        }
        carried.as_mut().map_or(Poll::Ready(()), |carried| carried.as_mut().poll(cx))
    })
}

/// Carries what is left of a connection that has become a tunnel. One whose client was not told ends here.
fn carry(
    client: &Client,
    left: Option<(ClientIo, Bytes)>,
) -> Option<Pin<Box<impl Future<Output = ()>>>> {
    let tunnel = client.tunnel.take()?;
    let (io, read) = left?;
    Some(Box::pin(tunnel.carry(Box::new(TokioIo::new(io)), read)))
}

/// Polls what a connection is for until it is done, or was ended.
fn until_ended(
    client: &Client,
    entry: &ConnectionEntry,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<()>,
) -> impl Future<Output = ()> {
    poll_fn(move |cx| match entry.poll_end(cx) {
        Poll::Ready(refusal) => {
            client.ended(refusal);
            Poll::Ready(())
        }
        Poll::Pending => poll(cx),
    })
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
            .max_concurrent_streams(self.max_streams)
            .max_local_error_reset_streams(self.max_resets as usize)
            .initial_stream_window_size(STREAM_BYTES)
            .max_send_buf_size(STREAM_BYTES as usize)
            .enable_connect_protocol()
            // Fields in a table keep what they were read with: `Frames` sees that there is none.
            .header_table_size(0)
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX));
        builder
    }
}

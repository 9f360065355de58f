//! A client's connection: over TLS or plain, HTTP/1.1 or HTTP/2, under deadlines.

mod begin;
mod io;
mod turned_away;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Uri};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tollgate_core::{CertificateFingerprint, Refusal};

use begin::Begun;
use io::ClientIo;

use crate::form::Arriving;
use crate::listen::ListenerSettings;
use crate::peer::{Peer, Whence};
use crate::roster::{Deadline, Entry, Handle, Roster};
use crate::tls::{ClientCertificate, Session};
use crate::worker::{Coarse, Door, Worker, nanoseconds};

pub(crate) use turned_away::TurnedAway;

/// The client at the other end of a connection.
pub(crate) struct Client {
    pub(crate) door: Rc<Door>,
    peer: Peer,
    /// Its address, as upstreams are told.
    pub(crate) forwarded_for: Option<HeaderValue>,
    /// What it said to begin with TLS; `None` over a plain connection.
    pub(crate) session: Option<Session>,
    /// The connection's place on the worker's roster.
    pub(crate) connection: Handle,
    roster: Rc<Roster<()>>,
    clock: Rc<Coarse>,
    http2: bool,
    open: Cell<u32>,
    reading_head: Cell<bool>,
    resets: Cell<bool>,
}

impl Client {
    /// Where its connection comes from: whoever holds the other end, or whom the proxy there has
    /// announced; `None` = nobody knows.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer.address
    }

    /// Whether the target of a request is as short as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::TargetTooLong`].
    pub(crate) fn target_fits(&self, uri: &Uri) -> Result<(), Refusal> {
        let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
        let long = target > self.door.settings.max_target_bytes;
        if long { Err(Refusal::TargetTooLong) } else { Ok(()) }
    }

    /// Whether a request's body, by what is known of it, is as small as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`].
    pub(crate) fn body_fits(&self, body: &Arriving) -> Result<(), Refusal> {
        let large = body.lower() > self.door.settings.max_body_bytes;
        if large { Err(Refusal::BodyTooLarge) } else { Ok(()) }
    }

    /// Where a request of its comes from.
    pub(crate) fn whence(&self, headers: &HeaderMap) -> Whence {
        Whence::of(self.peer, self.session.is_some(), headers, &self.door.settings.proxies)
    }

    /// The certificate that it has presented.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.session.as_ref()?.certificate.as_ref()
    }

    /// The fingerprint of that certificate.
    pub(crate) fn fingerprint(&self) -> Option<&CertificateFingerprint> {
        self.certificate().map(|certificate| &certificate.fingerprint)
    }

    /// Has the connection end by a reset.
    pub(crate) fn reset(&self) {
        self.resets.set(true);
    }

    /// A request has begun: from here on its own deadlines count.
    pub(crate) fn begin(&self) {
        self.open.set(self.open.get() + 1);
        self.reading_head.set(false);
        self.roster.set_deadline(self.connection, Deadline::NONE);
    }

    /// A request has ended at `now`. With the last one the connection is idle.
    pub(crate) fn end(&self, now: u64) {
        self.open.set(self.open.get().saturating_sub(1));
        if self.open.get() == 0 {
            self.wait(now, self.door.settings.idle_timeout);
        }
    }

    /// Bytes have arrived. Between requests of HTTP/1.1 they begin a head.
    fn heard(&self) {
        if !self.http2 && self.open.get() == 0 && !self.reading_head.replace(true) {
            self.wait(self.clock.now(), self.door.settings.header_timeout);
        }
    }

    fn wait(&self, now: u64, timeout: Duration) {
        let at = now.saturating_add(nanoseconds(timeout));
        let deadline = Deadline { at, late: Refusal::RequestTimeout };
        self.roster.set_deadline(self.connection, deadline);
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, door: Rc<Door>, stream: TcpStream, peer: IpAddr) {
    let entry = worker.connections.enter((), Deadline::NONE, u64::MAX);
    let Some(begun) = begin::begin(&worker, &door, &entry, stream, peer).await else { return };
    let Begun { peer, stream, http2, session } = begun;
    let forwarded_for =
        peer.address.and_then(|address| HeaderValue::try_from(address.to_string()).ok());
    let client = Rc::new(Client {
        door: Rc::clone(&door),
        peer,
        forwarded_for,
        session,
        connection: entry.handle(),
        roster: Rc::clone(&worker.connections),
        clock: Rc::clone(&worker.coarse),
        http2,
        open: Cell::new(0),
        reading_head: Cell::new(true),
        resets: Cell::new(false),
    });
    let io = ClientIo::new(stream, Rc::clone(&client));
    let handler = Rc::clone(&worker);
    let service =
        service_fn(move |request| Rc::clone(&handler).handle(Rc::clone(&client), request));
    if http2 {
        let connection = pin!(door.settings.http2_builder().serve_connection(io, service));
        drive(&worker, &entry, connection, http2::Connection::graceful_shutdown).await;
    } else {
        let connection = pin!(door.settings.http1_builder().serve_connection(io, service));
        drive(&worker, &entry, connection, http1::Connection::graceful_shutdown).await;
    }
}

/// Polls a connection until it ends or is ended, and shuts it down once the worker drains.
async fn drive<C>(
    worker: &Worker,
    entry: &Entry<()>,
    mut connection: Pin<&mut C>,
    shut_down: impl Fn(Pin<&mut C>),
) where
    C: Future<Output = hyper::Result<()>>,
{
    let mut shutting_down = false;
    poll_fn(|cx| {
        if entry.poll_end(cx).is_ready() {
            return Poll::Ready(());
        }
        if worker.draining.get() && !shutting_down {
            shutting_down = true;
            shut_down(connection.as_mut());
        }
        connection.as_mut().poll(cx).map(|ended| {
            if let Err(error) = ended {
                worker.note_malformed(&error);
            }
        })
    })
    .await;
}

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

    fn http2_builder(&self) -> http2::Builder<LocalExecutor> {
        let mut builder = http2::Builder::new(LocalExecutor);
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .max_concurrent_streams(self.max_streams)
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX));
        builder
    }
}

/// Runs HTTP/2 streams on the worker's own thread.
#[derive(Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(stream);
    }
}

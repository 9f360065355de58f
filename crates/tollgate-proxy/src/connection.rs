//! A client's connection: HTTP/1.1, or HTTP/2 by prior knowledge, under deadlines.

mod io;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::body::{Body, Incoming};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tollgate_core::{Refusal, Source};

use io::ClientIo;

use crate::listen::ListenerSettings;
use crate::roster::{Deadline, Entry, Handle, Roster};
use crate::worker::{Coarse, Worker, nanoseconds};

/// What HTTP/2 begins with (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The client at the other end of a connection.
pub(crate) struct Client {
    pub(crate) listener: Rc<ListenerSettings>,
    /// The listener's number.
    pub(crate) listener_number: usize,
    peer: IpAddr,
    /// Its address, as upstreams are told.
    pub(crate) forwarded_for: HeaderValue,
    /// The connection's place on the worker's roster.
    pub(crate) connection: Handle,
    roster: Rc<Roster<()>>,
    clock: Rc<Coarse>,
    http2: bool,
    open: Cell<u32>,
    reading_head: Cell<bool>,
}

impl Client {
    /// Where its calls come from: whoever holds the other end of the connection.
    pub(crate) fn address(&self) -> IpAddr {
        self.peer
    }

    /// Whether the target of a request is as short as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::TargetTooLong`].
    pub(crate) fn target_fits(&self, uri: &Uri) -> Result<(), Refusal> {
        let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.listener.max_target_bytes { Err(Refusal::TargetTooLong) } else { Ok(()) }
    }

    /// Whether a request's body, by what is known of it, is as small as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`].
    pub(crate) fn body_fits(&self, body: &Incoming) -> Result<(), Refusal> {
        let large = body.size_hint().lower() > self.listener.max_body_bytes;
        if large { Err(Refusal::BodyTooLarge) } else { Ok(()) }
    }

    /// Who is answerable for what comes by this connection.
    pub(crate) fn source(&self) -> Source {
        self.address().into()
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
            self.wait(now, self.listener.idle_timeout);
        }
    }

    /// Bytes have arrived. Between requests of HTTP/1.1 they begin a head.
    fn heard(&self) {
        if !self.http2 && self.open.get() == 0 && !self.reading_head.replace(true) {
            self.wait(self.clock.now(), self.listener.header_timeout);
        }
    }

    fn wait(&self, now: u64, timeout: Duration) {
        let at = now.saturating_add(nanoseconds(timeout));
        let deadline = Deadline { at, late: Refusal::RequestTimeout };
        self.roster.set_deadline(self.connection, deadline);
    }
}

/// Serves a connection to its end.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    listener: Rc<ListenerSettings>,
    listener_number: usize,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let now = worker.clock.monotonic();
    worker.coarse.set(now);
    let at = now.saturating_add(nanoseconds(listener.header_timeout));
    let deadline = Deadline { at, late: Refusal::RequestTimeout };
    let entry = worker.connections.enter((), deadline, u64::MAX);
    let Some(http2) = speaks_http2(&listener, &stream, &entry).await else { return };
    let Ok(forwarded_for) = HeaderValue::try_from(peer.ip().to_string()) else { return };
    let client = Rc::new(Client {
        listener: Rc::clone(&listener),
        listener_number,
        peer: peer.ip(),
        forwarded_for,
        connection: entry.handle(),
        roster: Rc::clone(&worker.connections),
        clock: Rc::clone(&worker.coarse),
        http2,
        open: Cell::new(0),
        reading_head: Cell::new(true),
    });
    let io = ClientIo::new(stream, Rc::clone(&client));
    let handler = Rc::clone(&worker);
    let service =
        service_fn(move |request| Rc::clone(&handler).handle(Rc::clone(&client), request));
    if http2 {
        let connection = pin!(listener.http2_builder().serve_connection(io, service));
        drive(&worker, &entry, connection, http2::Connection::graceful_shutdown).await;
    } else {
        let connection = pin!(listener.http1_builder().serve_connection(io, service));
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

/// Whether the client begins with HTTP/2's preface; `None` if it does not begin in time.
async fn speaks_http2(
    listener: &ListenerSettings,
    stream: &TcpStream,
    entry: &Entry<()>,
) -> Option<bool> {
    if !listener.http2 {
        return Some(false);
    }
    let mut begin = [0; PREFACE.len()];
    loop {
        let length = {
            let mut peek = pin!(stream.peek(&mut begin));
            let peeked = poll_fn(|cx| match entry.poll_end(cx) {
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => peek.as_mut().poll(cx).map(Result::ok),
            });
            peeked.await?
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
struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(stream);
    }
}

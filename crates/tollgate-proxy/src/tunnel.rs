//! Connections, and streams of HTTP/2, that have become something else than HTTP: a WebSocket, or what
//! else an upgrade leads to (RFC 9110 §7.8, RFC 8441).
//!
//! A tunnel begins once the upstream has switched, and not before; what a client sends earlier goes
//! nowhere. Its permit stands on the live list for as long as it lasts.

mod end;
mod flow;
mod frames;
mod handshake;
mod parting;
mod wish;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use tollgate_core::Refusal;

use crate::account::Account;
use crate::body::Content;
use crate::live::{Kind, LiveEntry};
use crate::roster::Deadline;
use crate::upstream::{Chosen, Destination, Lease};
use crate::worker::{Worker, nanoseconds};

use end::Begun;
pub(crate) use end::End;
use flow::Flow;
pub(crate) use wish::{Wish, opening_stream};

/// An upstream that has switched, while the client is still to be told.
pub(crate) struct Switched {
    pub(crate) far: Box<dyn End>,
    /// Its place among the streams of its connection, if it is one.
    pub(crate) lease: Option<Lease>,
    pub(crate) live: LiveEntry,
    /// The server at that end.
    pub(crate) chosen: Chosen,
    pub(crate) destination: Rc<Destination>,
    /// Of a WebSocket.
    pub(crate) websocket: bool,
    /// The client's stream.
    pub(crate) stream: Option<OnUpgrade>,
}

/// A tunnel whose client has been told.
pub(crate) struct Tunnel {
    worker: Rc<Worker>,
    account: Account,
    far: Box<dyn End>,
    live: LiveEntry,
    _lease: Option<Lease>,
    _chosen: Chosen,
    _destination: Rc<Destination>,
    websocket: bool,
    /// From the client, and to it.
    forth: Flow,
    back: Flow,
    /// Nanoseconds between two pieces, whichever way.
    idle: u64,
}

/// How a tunnel ended.
enum Ended {
    /// Both sides have, or the server of a WebSocket, to which half an end is none.
    Both,
    /// One side broke off.
    Broken,
    /// It was ended.
    Refused(Refusal),
}

impl std::fmt::Debug for Switched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Switched")
    }
}

impl Switched {
    /// The answer that tells the client.
    pub(crate) fn response(self, status: StatusCode, headers: HeaderMap) -> Response<Content> {
        let mut response = Response::new(Content::Switched(Box::new(self)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// The tunnel, from now on. It is told of on `account` once it is over.
    pub(crate) fn begin(self, worker: &Rc<Worker>, account: Account) -> Tunnel {
        let kind = if self.websocket { Kind::WebSocket } else { Kind::Tunnel };
        self.live.become_tunnel(kind);
        let idle = match &*self.destination {
            Destination::Server(pool) => nanoseconds(pool.timeouts.tunnel_idle),
            Destination::Fixed { .. } => u64::MAX,
        };
        worker.cells.tunnels.add(1);
        let tunnel = Tunnel {
            worker: Rc::clone(worker),
            account,
            far: self.far,
            live: self.live,
            _lease: self.lease,
            _chosen: self.chosen,
            _destination: self.destination,
            websocket: self.websocket,
            forth: Flow::new(self.websocket),
            back: Flow::new(self.websocket),
            idle,
        };
        tunnel.wait();
        tunnel
    }
}

impl Tunnel {
    /// Carries both ways until it is over. `early` is what the client has sent before it was told, for
    /// which there is no tunnel.
    pub(crate) async fn carry(mut self, mut near: Box<dyn End>, early: Bytes) {
        if !early.is_empty() {
            self.worker.count_refusal(Refusal::BadRequest);
            self.account.noted(|note| note.broken(Refusal::BadRequest));
            return;
        }
        let ended = poll_fn(|cx| self.poll(cx, &mut *near)).await;
        let (forth, back) = (self.forth.moved, self.back.moved);
        self.account.noted(|note| note.carried(forth, back));
        match ended {
            Ended::Both => {
                self.account.noted(|note| note.complete());
                self.linger(&mut *near).await;
            }
            Ended::Broken => {}
            Ended::Refused(refusal) => {
                self.account.noted(|note| note.broken(refusal));
                self.part(&mut *near, refusal).await;
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, near: &mut dyn End) -> Poll<Ended> {
        if let Poll::Ready(refusal) = self.live.poll_end(cx) {
            return Poll::Ready(Ended::Refused(refusal));
        }
        let before = (self.forth.moved, self.back.moved);
        let (forth, back) = {
            let mut room = self.worker.read_room.borrow_mut();
            let far = &mut *self.far;
            let forth = self.forth.poll(cx, near, far, &mut room);
            (forth, self.back.poll(cx, far, near, &mut room))
        };
        if before != (self.forth.moved, self.back.moved) {
            self.worker.cells.tunnelled_from_clients.add(self.forth.moved - before.0);
            self.worker.cells.tunnelled_to_clients.add(self.back.moved - before.1);
            self.wait();
        }
        match (forth, back) {
            (_, back) if self.websocket && self.back.is_closed_by(&back) => {
                Poll::Ready(Ended::Both)
            }
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(Ended::Broken),
            (forth, back) => {
                let _ = (ready!(forth), ready!(back));
                Poll::Ready(Ended::Both)
            }
        }
    }

    /// From now on it is waited for.
    fn wait(&self) {
        let at = self.worker.coarse.now().saturating_add(self.idle);
        self.live.set_deadline(Deadline { at, late: Refusal::RequestTimeout });
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.worker.cells.tunnels.add(u64::MAX);
    }
}

/// An end of which `read` has come already.
pub(crate) fn begun(end: impl End + 'static, read: Bytes) -> Box<dyn End> {
    if read.is_empty() { Box::new(end) } else { Box::new(Begun::new(end, read)) }
}

//! HTTP/1.1 as it is spoken to clients (RFC 9112): one request after the other over a connection.
//!
//! A connection is one task: it reads the head of a request, has it handled, and sends the response; whoever
//! handles the request reads its body from the same connection. While it is idle it has no buffer.

mod answer;
mod date;
mod head;
#[cfg(feature = "fuzzing")]
pub(crate) mod heard;
mod line;
mod output;
mod reply;
mod rooms;
mod upload;

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use tollgate_core::Refusal;

use super::Client;
use super::begin::PREFACE;
use super::io::ClientIo;
use crate::body::{Incoming, OutBody, ReplyBody};
use crate::worker::{Ending, Worker};

use answer::{Asked, Framing, Size};
pub(crate) use date::Date;
use head::{Limits, Unread};
use line::{Line, NoHead};
use reply::{Broken, Reply, size};
pub(crate) use rooms::Rooms;
pub(crate) use upload::Upload;

/// A connection, as its task has it.
pub(super) struct Http1 {
    worker: Rc<Worker>,
    client: Rc<Client>,
    line: Rc<RefCell<Line<ClientIo>>>,
}

/// What comes behind a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request,
    End,
    /// No HTTP any more.
    Tunnel,
}

impl Http1 {
    /// Speaks HTTP/1.1 over `io`.
    pub(super) fn over(io: ClientIo, worker: &Rc<Worker>, client: &Rc<Client>) -> Self {
        let line = Rc::new(RefCell::new(Line::over(io, Rc::clone(&worker.rooms))));
        Self { worker: Rc::clone(worker), client: Rc::clone(client), line }
    }

    /// Serves requests until no other follows. The connection's bytes, with what has arrived, if it has become
    /// a tunnel.
    pub(super) async fn serve(self) -> Option<(ClientIo, Bytes)> {
        loop {
            match self.serve_one().await {
                Ok(Next::Request) => {}
                Ok(Next::Tunnel) => break,
                Ok(Next::End) => {
                    // Whether the client hears of it is its own affair.
                    let _ = poll_fn(|cx| self.line.borrow_mut().poll_shutdown(cx)).await;
                    return None;
                }
                Err(Broken) => return None,
            }
        }
        Rc::into_inner(self.line).map(|line| line.into_inner().into_parts())
    }

    /// Serves one request, if one comes.
    async fn serve_one(&self) -> Result<Next, Broken> {
        let mut request = Request::new(OutBody::Empty);
        let keeps = match poll_fn(|cx| self.poll_head(cx, &mut request)).await {
            Ok(keeps) => keeps,
            Err(NoHead::Ended) => return Ok(Next::End),
            Err(NoHead::Broken) => return Err(Broken),
            Err(NoHead::Unread(unread)) => {
                self.refuse(unread);
                return Ok(Next::End);
            }
        };
        let (mut reply, next) = {
            let (handling, asked) = self.handle(&mut request, keeps);
            let mut handling = pin!(handling);
            poll_fn(|cx| match handling.as_mut().poll(cx) {
                Poll::Ready(response) => Poll::Ready(Ok(self.begin(cx, response, asked))),
                Poll::Pending => self.line.borrow_mut().poll_left(cx).map(|()| Err(Broken)),
            })
            .await?
        };
        poll_fn(|cx| {
            let sent = ready!(reply.poll(cx, &self.line));
            Poll::Ready(sent.map(|()| if self.may_follow(cx, false) { next } else { Next::End }))
        })
        .await
    }

    /// Makes `request` the next one, without its body; whether its client expects to send another.
    fn poll_head<B>(
        &self,
        cx: &mut Context<'_>,
        request: &mut Request<B>,
    ) -> Poll<Result<bool, NoHead>> {
        let settings = &self.client.door.settings;
        let limits = Limits { bytes: settings.max_header_bytes, fields: settings.max_headers };
        let mut line = self.line.borrow_mut();
        let head = line.poll_head(cx, limits, request);
        // Before a request that is on its way it would end too early.
        if head.is_pending() && line.is_idle() && self.worker.ending.get() >= Ending::Idle {
            return Poll::Ready(Err(NoHead::Ended));
        }
        head
    }

    /// Answers what is no request.
    fn refuse(&self, unread: Unread) {
        let (status, refusal) = match unread {
            Unread::Malformed => (StatusCode::BAD_REQUEST, Refusal::BadRequest),
            Unread::TooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Refusal::HeadersTooLarge)
            }
            Unread::TargetTooLong => (StatusCode::URI_TOO_LONG, Refusal::TargetTooLong),
        };
        self.worker.count_refusal(refusal);
        // It speaks HTTP/2, and would not understand.
        if self.line.borrow().begins_with(PREFACE) {
            return;
        }
        self.write_head(status, &HeaderMap::new(), Size::None, Asked::NOTHING);
    }

    /// Has a request handled, whose client asks for an answer like that.
    fn handle(
        &self,
        request: &mut Request<OutBody>,
        keeps: bool,
    ) -> (impl Future<Output = Response<ReplyBody>>, Asked) {
        let old = request.version() == Version::HTTP_10;
        let asked = Asked::new(request.method(), old, keeps);
        let turn = self.line.borrow().turn_of_body();
        let incoming = match turn {
            Some(turn) => Incoming::Http1(Upload::new(&self.line, turn)),
            None => Incoming::Nothing,
        };
        (self.worker.handle(&self.client, None, request, incoming), asked)
    }

    /// Begins a response: its head is written, and what follows that is returned.
    fn begin(
        &self,
        cx: &mut Context<'_>,
        response: Response<ReplyBody>,
        asked: Asked,
    ) -> (Reply<ReplyBody>, Next) {
        // Behind a refusal nobody reads on.
        let early = !response.body().is_refusal();
        let asked = Asked { keeps: asked.keeps && self.may_follow(cx, early), ..asked };
        let (head, body) = response.into_parts();
        let (framing, keeps) = self.write_head(head.status, &head.headers, size(&body), asked);
        self.worker.rooms.put_fields(head.headers);
        let next = match head.status {
            StatusCode::SWITCHING_PROTOCOLS => Next::Tunnel,
            _ if keeps => Next::Request,
            _ => Next::End,
        };
        (Reply::new(body, framing), next)
    }

    fn write_head(
        &self,
        status: StatusCode,
        fields: &HeaderMap,
        size: Size,
        asked: Asked,
    ) -> (Framing, bool) {
        let mut date = self.worker.date.borrow_mut();
        let date = date.at(self.worker.coarse.now(), &*self.worker.clock);
        answer::write(self.line.borrow_mut().answer(), status, fields, size, asked, date)
    }

    /// Whether another request may follow the present one: behind a body that was not read nobody knows where it
    /// begins. What nobody reads any more is dropped here, as far as it has arrived; `early` = somebody may read on.
    fn may_follow(&self, cx: &mut Context<'_>, early: bool) -> bool {
        let mut line = self.line.borrow_mut();
        match Rc::weak_count(&self.line) {
            0 => line.is_read() || line.drain(cx),
            _ => early || line.is_read(),
        }
    }
}

#[cfg(test)]
mod tests;

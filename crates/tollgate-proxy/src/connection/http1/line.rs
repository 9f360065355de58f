//! The bytes of a connection, both ways: what has arrived and was not taken yet, and what is to be sent.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::Request;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::head::{self, Head, Limits, Unread};
use super::output::Output;
use super::rooms::Rooms;
use crate::body::CutOff;
use crate::http1::{Coming, Piece};

/// What a client is told that waits to be asked for a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection, as its requests and the body of the present one share it.
#[derive(Debug)]
pub(super) struct Line<S> {
    stream: S,
    rooms: Rc<Rooms>,
    /// What has arrived and was not taken yet.
    input: Bytes,
    /// It stands in the room of all connections.
    lodges: bool,
    /// So much of it holds no whole head.
    searched: usize,
    /// What is still to come of the present request.
    coming: Coming,
    /// The client waits to be asked for it.
    expects: bool,
    /// It has broken off, or makes no sense.
    cut: bool,
    /// Tells the present request from those before it.
    turn: u64,
    pub(super) output: Output,
    /// The task of the connection, where a body may be read by another.
    task: Option<Waker>,
}

/// Why there is no further request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// The client has none.
    Ended,
    /// It left within one.
    Broken,
    /// It sends something else.
    Unread(Unread),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(super) fn over(stream: S, rooms: Rc<Rooms>) -> Self {
        Self {
            stream,
            rooms,
            input: Bytes::new(),
            lodges: false,
            searched: 0,
            coming: Coming::Nothing,
            expects: false,
            cut: false,
            turn: 0,
            output: Output::default(),
            task: None,
        }
    }

    /// Whether nothing of a request is here.
    pub(super) fn is_idle(&self) -> bool {
        self.input.is_empty()
    }

    /// Whether these are the first bytes of what has arrived and was not taken.
    pub(super) fn begins_with(&self, bytes: &[u8]) -> bool {
        self.input.starts_with(bytes)
    }

    /// Makes `request`, which is empty, the next one, without its body; whether its client expects to send another.
    pub(super) fn poll_head<B>(
        &mut self,
        cx: &mut Context<'_>,
        limits: Limits,
        request: &mut Request<B>,
    ) -> Poll<Result<bool, NoHead>> {
        loop {
            if !self.input.is_empty() {
                *request.headers_mut() = self.rooms.fields();
                let head = head::take(&mut self.input, &mut self.searched, limits, request);
                match head.map_err(NoHead::Unread)? {
                    Some(head) => return Poll::Ready(Ok(self.begin(head))),
                    None => self.rooms.put_fields(std::mem::take(request.headers_mut())),
                }
            }
            match self.poll_input(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0)) if self.input.iter().all(|byte| b"\r\n".contains(byte)) => {
                    return Poll::Ready(Err(NoHead::Ended));
                }
                Poll::Ready(_) => return Poll::Ready(Err(NoHead::Broken)),
                Poll::Pending => {
                    self.move_out();
                    return Poll::Pending;
                }
            }
        }
    }

    fn begin(&mut self, head: Head) -> bool {
        let Head { coming, keeps, expects } = head;
        (self.coming, self.expects, self.cut) = (coming, expects, false);
        self.turn += 1;
        keeps
    }

    /// What has begun to arrive is waited for in a place of its own, so that it does not hold the room of all.
    fn move_out(&mut self) {
        if std::mem::take(&mut self.lodges) && !self.input.is_empty() {
            self.input = BytesMut::from(&*self.input).freeze();
        }
    }

    /// The turn of the present request, if there is something to be read of it.
    pub(super) fn turn_of_body(&self) -> Option<u64> {
        (!self.is_read()).then_some(self.turn)
    }

    /// Whether all of the present request is here.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.coming, Coming::Nothing)
    }

    /// How much of the body of the request with this turn is still to come.
    pub(super) fn size_hint(&self, turn: u64) -> SizeHint {
        if turn == self.turn { self.coming.size_hint() } else { SizeHint::with_exact(0) }
    }

    /// The next piece of the body of the request with this turn.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        turn: u64,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if turn != self.turn {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_coming(cx));
        if piece.is_err() || self.is_read() {
            self.tell_task(cx);
        }
        Poll::Ready(piece.transpose())
    }

    fn poll_coming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, CutOff>> {
        loop {
            if self.cut {
                return Poll::Ready(Err(CutOff));
            }
            match self.coming.take(&mut self.input) {
                Ok(Piece::Frame(frame)) => {
                    self.expects = false;
                    return Poll::Ready(Ok(Some(frame)));
                }
                Ok(Piece::End) => return Poll::Ready(Ok(None)),
                Ok(Piece::None) => {}
                Err(_) => {
                    self.cut = true;
                    continue;
                }
            }
            if std::mem::take(&mut self.expects) {
                self.front().extend_from_slice(CONTINUE);
                match self.poll_send(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => self.cut = true,
                    Poll::Pending => self.tell_task(cx),
                }
            }
            self.cut |= !matches!(ready!(self.poll_input(cx)), Ok(1..));
        }
    }

    /// Has the connection look again, unless it is the one that reads.
    fn tell_task(&mut self, cx: &Context<'_>) {
        if let Some(task) = self.task.take_if(|task| !task.will_wake(cx.waker())) {
            task.wake();
        }
    }

    /// The head of a response begins: from here on a client is asked for nothing.
    pub(super) fn answer(&mut self) -> &mut Vec<u8> {
        self.expects = false;
        self.front()
    }

    /// Where what is to be sent is appended. Not while the output is full.
    pub(super) fn front(&mut self) -> &mut Vec<u8> {
        self.output.front(|| self.rooms.buffer())
    }

    /// Drops what is here of a body that nobody reads, and what can be read of it at once. Whether that was
    /// all of it.
    pub(super) fn drain(&mut self, cx: &mut Context<'_>) -> bool {
        let mut reads = 1;
        while !self.is_read() && !self.cut {
            match self.coming.take(&mut self.input) {
                Ok(Piece::Frame(_) | Piece::End) => {}
                // Who has not been asked sends nothing.
                Ok(Piece::None) if reads > 0 && !self.expects => {
                    reads -= 1;
                    self.cut = !matches!(self.poll_input(cx), Poll::Ready(Ok(1..)));
                }
                Ok(Piece::None) | Err(_) => self.cut = true,
            }
        }
        self.is_read()
    }

    /// Ready once the client has left, while it waits for its response. Behind a request nothing more is read
    /// than the beginning of the next.
    pub(super) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.output.is_empty() && matches!(self.poll_send(cx), Poll::Ready(Err(_))) {
            return Poll::Ready(());
        }
        if !self.is_read() {
            if !self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                self.task = Some(cx.waker().clone());
            }
            return Poll::Pending;
        }
        if self.input.is_empty() {
            match ready!(self.poll_input(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    /// Sends what is to be sent.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let buffer = ready!(self.output.poll_send(cx, &mut self.stream))?;
        self.rooms.put_buffer(buffer);
        Poll::Ready(Ok(()))
    }

    /// Sends what is to be sent, and then nothing more.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Reads what has arrived; 0 bytes are its end.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = &mut self.stream;
        let arrived = self.rooms.receive(|room| {
            ready!(pin!(stream.read_buf(room)).poll(cx))?;
            Poll::Ready(io::Result::Ok(room.split().freeze()))
        });
        let arrived = ready!(arrived)?;
        let length = arrived.len();
        self.lodges = self.input.is_empty();
        if self.lodges {
            self.input = arrived;
        } else {
            // What stands in a place of its own grows there.
            let before = std::mem::take(&mut self.input).try_into_mut();
            let mut joined = before.unwrap_or_else(|before| BytesMut::from(&*before));
            joined.extend_from_slice(&arrived);
            self.input = joined.freeze();
        }
        Poll::Ready(Ok(length))
    }

    #[cfg(test)]
    pub(super) fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream below, with what has arrived over it.
    pub(super) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.input)
    }
}

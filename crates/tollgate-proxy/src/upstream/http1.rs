//! HTTP/1.1 as it is spoken to servers (RFC 9112): one request at a time over a connection.
//!
//! A connection has no task and wakes nobody: whoever uses it polls it, and while it is idle nobody does. What
//! the server did in the meantime, a close above all, is seen when it is taken out.

mod answer;
mod head;
#[cfg(feature = "fuzzing")]
pub(crate) mod heard;
#[cfg(test)]
mod tests;
mod upload;

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::failure::Unanswered;
use super::io::Stream;
use crate::body::CutOff;
use crate::http1::{Coming, Piece};

pub(super) use upload::Upload;

/// What is read at most at once, also of the head of a response, and what is held at most of a request's
/// body that the server does not read.
const MOST: usize = 32 << 10;
/// What is read at once as long as that is enough.
const USUAL: usize = 8 << 10;

/// A connection.
#[derive(Debug)]
pub(crate) struct Http1<S = Stream> {
    stream: S,
    /// Where bytes arrive.
    room: BytesMut,
    /// How many may arrive at once.
    wide: usize,
    /// What has arrived and was not taken yet.
    input: Bytes,
    /// So much of it holds no whole head.
    searched: usize,
    /// What is to be sent, up to its flush; the first `written` bytes are on their way.
    output: Vec<u8>,
    written: usize,
    /// What arrives will wake the task that looked last.
    listening: bool,
    /// Something of the request is on its way.
    begun: bool,
    /// The server has said something since the request.
    heard: bool,
    /// The response has none by the request's method.
    without_body: bool,
    /// What is still to come of the response.
    coming: Coming,
    /// Another request may follow.
    keeps: bool,
}

impl<S: Wire> Http1<S> {
    /// Speaks HTTP/1.1 over `stream`.
    pub(super) fn over(stream: S) -> Self {
        Self {
            stream,
            room: BytesMut::new(),
            wide: USUAL,
            input: Bytes::new(),
            searched: 0,
            output: Vec::new(),
            written: 0,
            listening: false,
            begun: false,
            heard: false,
            without_body: false,
            coming: Coming::Nothing,
            keeps: true,
        }
    }

    /// Whether it is still there and can carry a request. One that cannot be sent twice goes `once`: then
    /// the kernel is asked, too, whether the server has closed the connection, as the runtime knows only what
    /// was so when it last asked.
    pub(super) fn is_ready(&mut self, once: bool, cx: &mut Context<'_>) -> bool {
        // Nothing may come that nobody has asked for, nor an end.
        self.listening = self.is_free() && self.poll_input(cx).is_pending();
        self.listening && (!once || self.stream.is_silent())
    }

    /// Whether its last response is over and it can be kept for another request.
    pub(super) fn is_free(&self) -> bool {
        self.keeps && self.is_over() && self.input.is_empty() && self.output.is_empty()
    }

    /// Begins a request, with `more` fields than its own, of which `upload` is what follows its head.
    pub(super) fn ask<'h, B>(
        &mut self,
        request: &Request<B>,
        more: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>,
        upload: Option<&Upload>,
    ) {
        head::write(&mut self.output, request, more, upload.map(Upload::framing));
        self.without_body = request.method() == Method::HEAD;
        (self.begun, self.heard, self.searched) = (false, false, 0);
    }

    /// The head of the response, while the request is sent. `headers` are filled with its fields.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Option<Upload>,
        headers: &mut HeaderMap,
    ) -> Poll<Result<Response<()>, Unanswered>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx, upload) {
            return Poll::Ready(Err(error));
        }
        // Nothing had come a moment ago.
        if std::mem::take(&mut self.listening) {
            return Poll::Pending;
        }
        loop {
            match answer::take(&mut self.input, &mut self.searched, headers) {
                Ok(Some(head)) if head.status.is_informational() && !head.switches() => continue,
                Ok(Some(head)) => return Poll::Ready(self.answer(head, headers)),
                Ok(None) if self.input.len() >= MOST => return Poll::Ready(Err(self.broken())),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(self.broken())),
            }
            match ready!(self.poll_input(cx)) {
                Ok(1..) => {}
                // It left without a word, or within one.
                Ok(0) | Err(_) => return Poll::Ready(Err(self.broken())),
            }
        }
    }

    fn answer(
        &mut self,
        head: answer::Head,
        headers: &mut HeaderMap,
    ) -> Result<Response<()>, Unanswered> {
        let switches = head.switches();
        let without_body = self.without_body
            || switches
            || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.coming = match head.framing {
            _ if without_body => Coming::Nothing,
            Ok(coming) => coming,
            Err(_) => return Err(self.broken()),
        };
        self.keeps &= head.keeps && !switches;
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.version_mut() = Version::HTTP_11;
        *response.headers_mut() = std::mem::take(headers);
        Ok(response)
    }

    /// The next piece of the response's body, while what is left of the request is sent.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Option<Upload>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if let Poll::Ready(Err(_)) = self.poll_send(cx, upload) {
            return Poll::Ready(Some(Err(CutOff)));
        }
        loop {
            match self.coming.take(&mut self.input) {
                Ok(Piece::Frame(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(Piece::End) => return Poll::Ready(None),
                Ok(Piece::None) => {}
                Err(_) => return Poll::Ready(Some(Err(self.cut_off()))),
            }
            match ready!(self.poll_input(cx)) {
                Ok(1..) => {}
                Ok(0) if self.coming.ends_by_close() => {
                    (self.coming, self.keeps) = (Coming::Nothing, false);
                    return Poll::Ready(None);
                }
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(self.cut_off()))),
            }
        }
    }

    /// Whether all of the response is here.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.coming, Coming::Nothing)
    }

    /// How much of the response's body is still to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.coming.size_hint()
    }

    /// Sends what there is of the request, as far as the server takes it. Once it takes nothing more, the rest
    /// is given up: it may have answered before.
    ///
    /// # Errors
    /// [`Unanswered::Unsent`] if it did not take the first byte, [`Unanswered::Broken`] if the rest of the
    /// body cannot be had.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        upload: &mut Option<Upload>,
    ) -> Poll<Result<(), Unanswered>> {
        loop {
            // What is here goes with one write.
            while let Some(rest) = upload
                && self.output.len() < MOST
            {
                match rest.poll_next(cx, &mut self.output) {
                    Poll::Ready(Ok(true)) => {}
                    Poll::Ready(Ok(false)) => *upload = None,
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(self.broken())),
                    Poll::Pending => break,
                }
            }
            if self.output.is_empty() {
                return if upload.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            if ready!(self.poll_output(cx)).is_err() {
                *upload = None;
                self.keeps = false;
                self.written = 0;
                self.output.clear();
                let unsent = !self.begun && self.stream.is_plain();
                return Poll::Ready(if unsent { Err(Unanswered::Unsent) } else { Ok(()) });
            }
        }
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.begun = true;
            self.written += written;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.written = 0;
        self.output.clear();
        self.output.shrink_to(USUAL);
        Poll::Ready(Ok(()))
    }

    /// Reads what has arrived; 0 bytes are its end.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.room.capacity() < self.wide / 2 {
            // Where what was read before has been let go of, it is used again.
            self.room.reserve(self.wide);
        }
        let most = self.room.capacity();
        let read = ready!(pin!(self.stream.read_buf(&mut self.room)).poll(cx))?;
        if read == 0 {
            return Poll::Ready(Ok(0));
        }
        if read == most {
            self.wide = MOST;
        } else if read < USUAL / 2 {
            self.wide = USUAL;
        }
        self.heard = true;
        let arrived = self.room.split();
        if self.input.is_empty() {
            self.input = arrived.freeze();
        } else {
            let mut joined = BytesMut::with_capacity(self.input.len() + read);
            joined.extend_from_slice(&self.input);
            joined.extend_from_slice(&arrived);
            self.input = joined.freeze();
        }
        Poll::Ready(Ok(read))
    }

    /// Nothing can be made of what has come, or nothing has.
    fn broken(&mut self) -> Unanswered {
        self.keeps = false;
        if self.heard { Unanswered::Broken } else { Unanswered::Closed }
    }

    fn cut_off(&mut self) -> CutOff {
        self.keeps = false;
        CutOff
    }

    /// The stream below, with what has arrived over it.
    pub(super) fn into_parts(self) -> (S, Bytes) {
        (self.stream, self.input)
    }
}

/// What HTTP/1.1 is spoken over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// Whether the kernel has nothing to be read: neither bytes nor an end.
    fn is_silent(&self) -> bool;

    /// Whether bytes go as they are, so that nothing has gone where nothing was taken.
    fn is_plain(&self) -> bool;
}

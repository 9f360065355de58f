//! The bytes of a client's connection.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Client;
use super::frames::Frames;
use crate::socket::Socket;
use crate::tls::TlsStream;

/// What a connection goes over.
pub(super) enum Stream {
    Plain(Socket),
    /// On the heap, so that a plain connection is not as large.
    Tls(Box<TlsStream<Socket>>),
}

/// The connection's bytes, watched.
pub(super) struct ClientIo {
    stream: Stream,
    client: Rc<Client>,
    /// Of HTTP/2. On the heap, so that a connection of HTTP/1.1 is not as large.
    inspected: Option<Box<Inspected>>,
}

/// Bytes that are looked at before anybody reads them.
pub(super) struct Inspected {
    frames: Frames,
    /// Where they arrive: room that all connections of a worker share, as none keeps anything in it.
    room: Rc<RefCell<Vec<u8>>>,
}

impl Inspected {
    pub(super) fn new(frames: Frames, room: Rc<RefCell<Vec<u8>>>) -> Self {
        Self { frames, room }
    }
}

/// Does the same with either stream, without a call through a table.
macro_rules! either {
    ($io:expr, $stream:ident => $act:expr) => {
        match &mut $io.stream {
            Stream::Plain($stream) => {
                let $stream = Pin::new($stream);
                $act
            }
            Stream::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $act
            }
        }
    };
}

impl ClientIo {
    pub(super) fn new(stream: Stream, client: Rc<Client>, inspected: Option<Inspected>) -> Self {
        Self { stream, client, inspected: inspected.map(Box::new) }
    }

    /// Reads what is looked at first. An offender's connection has failed.
    fn poll_inspected(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(Inspected { frames, room }) = self.inspected.as_deref_mut() else {
            return either!(self, stream => stream.poll_read(cx, buffer));
        };
        let mut room = room.borrow_mut();
        let length = room.len().min(buffer.remaining());
        let mut read = ReadBuf::new(room.get_mut(..length).unwrap_or_default());
        let polled = either!(self, stream => stream.poll_read(cx, &mut read));
        if matches!(polled, Poll::Ready(Ok(()))) {
            if let Err(reason) = frames.read(read.filled(), self.client.clock.now()) {
                self.client.turn_away(reason);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            self.client.room.note(frames);
            buffer.put_slice(read.filled());
        }
        polled
    }

    /// Notes whether the client reads, which `length` bytes tell of that are written.
    fn note<T>(&self, written: &Poll<io::Result<T>>, length: usize) {
        match written {
            Poll::Pending => self.client.stall(),
            Poll::Ready(_) => self.client.move_on(length as u64),
        }
    }

    /// Notes whether the client reads, and what was sent of `pieces` if that is looked at.
    fn note_written(&mut self, written: &Poll<io::Result<usize>>, pieces: &[io::IoSlice<'_>]) {
        let length = if let Poll::Ready(Ok(length)) = written { *length } else { 0 };
        self.note(written, length);
        let Some(Inspected { frames, .. }) = self.inspected.as_deref_mut() else { return };
        let mut left = length;
        for piece in pieces {
            let length = left.min(piece.len());
            let sent = piece.get(..length).unwrap_or_default();
            frames.write(sent, |why| self.client.door.connections.refuse_stream(why));
            left -= length;
        }
    }
}

impl Drop for ClientIo {
    fn drop(&mut self) {
        if self.client.resets.get() {
            let socket = match &self.stream {
                Stream::Plain(stream) => stream,
                Stream::Tls(stream) => stream.get_ref().0,
            };
            // It cannot fail on a socket that is open.
            let _ = socket.as_ref().set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_inspected(cx, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.client.heard();
        }
        read
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => stream.poll_write(cx, bytes));
        self.note_written(&written, &[io::IoSlice::new(bytes)]);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = either!(self, stream => stream.poll_flush(cx));
        self.note(&flushed, 0);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }

    /// Both do: head and body are one write, and one record of TLS.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = either!(self, stream => stream.poll_write_vectored(cx, pieces));
        self.note_written(&written, pieces);
        written
    }
}

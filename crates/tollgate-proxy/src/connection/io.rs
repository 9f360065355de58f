//! The bytes of a client's connection.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Client;

/// What a connection goes over.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    /// On the heap, so that a plain connection is not as large.
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

/// The connection's bytes, watched.
pub(super) struct ClientIo {
    stream: Stream,
    client: Rc<Client>,
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
    pub(super) fn new(stream: Stream, client: Rc<Client>) -> Self {
        Self { stream, client }
    }
}

impl Drop for ClientIo {
    fn drop(&mut self) {
        if self.client.resets.get() {
            let socket = match &self.stream {
                Stream::Plain(stream) => stream.inner(),
                Stream::Tls(stream) => stream.inner().get_ref().0,
            };
            // It cannot fail on a socket that is open.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }
}

impl Read for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = either!(self, stream => stream.poll_read(cx, buffer));
        if matches!(read, Poll::Ready(Ok(()))) {
            self.client.heard();
        }
        read
    }
}

impl Write for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
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
        either!(self, stream => stream.poll_write_vectored(cx, pieces))
    }
}

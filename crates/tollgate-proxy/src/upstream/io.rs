//! The bytes of a connection to an upstream.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// What a connection goes over.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Unix(UnixStream),
    /// On the heap, so that a plain connection is not as large.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What stands between a connection's bytes and whoever uses it.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// Has the next read ask the kernel itself. The runtime knows of an end only since it last
    /// asked for events, and a connection may have ended since.
    pub(crate) look: Cell<bool>,
    /// Something was read since this was last cleared.
    pub(crate) heard: Cell<bool>,
}

/// The connection's bytes, watched.
#[derive(Debug)]
pub(crate) struct UpstreamIo {
    stream: Stream,
    wire: Rc<Wire>,
}

/// Does the same with each kind of stream, without a call through a table.
macro_rules! each {
    ($io:expr, $stream:ident => $act:expr) => {
        match &mut *$io {
            Stream::Plain($stream) => {
                let $stream = Pin::new($stream);
                $act
            }
            Stream::Unix($stream) => {
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

impl Stream {
    /// Whether nothing waits to be read: neither bytes that nobody asked for, nor an end.
    fn is_silent(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = match self {
            Self::Plain(stream) => SockRef::from(stream).peek(&mut byte),
            Self::Unix(stream) => SockRef::from(stream).peek(&mut byte),
            Self::Tls(stream) => SockRef::from(stream.get_ref().0).peek(&mut byte),
        };
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl UpstreamIo {
    pub(crate) fn new(stream: Stream, wire: Rc<Wire>) -> TokioIo<Self> {
        TokioIo::new(Self { stream, wire })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }

    /// All of them do.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, pieces))
    }
}

impl AsyncRead for UpstreamIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() && self.wire.look.take() && !self.stream.is_silent() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // An end is nothing that was said.
        if buffer.filled().len() > before {
            self.wire.heard.set(true);
        }
        read
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }
}

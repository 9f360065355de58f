//! The socket of a client's connection, of either kind.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{net, os};

use rustix::net::{RecvFlags, recv};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A client's socket, on the runtime of the worker that serves it.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The same on no runtime, on its way to the worker that is to serve it.
#[derive(Debug)]
pub(crate) enum LooseSocket {
    Tcp(net::TcpStream),
    Unix(os::unix::net::UnixStream),
}

/// Does the same with each kind of socket, without a call through a table.
macro_rules! either {
    ($socket:expr, $stream:ident => $act:expr) => {
        match $socket {
            Self::Tcp($stream) => $act,
            Self::Unix($stream) => $act,
        }
    };
}

impl Socket {
    /// Takes it off its runtime.
    ///
    /// # Errors
    /// If the runtime does not let it go.
    pub(crate) fn loosen(self) -> io::Result<LooseSocket> {
        Ok(match self {
            Self::Tcp(stream) => LooseSocket::Tcp(stream.into_std()?),
            Self::Unix(stream) => LooseSocket::Unix(stream.into_std()?),
        })
    }

    /// Its options.
    pub(crate) fn as_ref(&self) -> SockRef<'_> {
        either!(self, stream => SockRef::from(stream))
    }

    /// Waits until something can be read, or the other side has ended.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        either!(self, stream => stream.readable().await)
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if nothing is; else whatever the socket says.
    pub(crate) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_read(bytes))
    }

    /// Looks at what is there, once anything is, and leaves it. Nothing at the end.
    pub(crate) async fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(bytes).await,
            Self::Unix(stream) => {
                let look = || Ok(recv(stream, &mut *bytes, RecvFlags::PEEK)?.1);
                stream.async_io(Interest::READABLE, look).await
            }
        }
    }
}

impl LooseSocket {
    /// Puts it on the runtime of whoever calls.
    ///
    /// # Errors
    /// If the runtime does not take it.
    pub(crate) fn fasten(self) -> io::Result<Socket> {
        Ok(match self {
            Self::Tcp(stream) => Socket::Tcp(TcpStream::from_std(stream)?),
            Self::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)?),
        })
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }

    /// Both do.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, pieces))
    }
}

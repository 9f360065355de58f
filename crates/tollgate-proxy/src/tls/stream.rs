//! A TLS connection over a socket.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{CommonState, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::records::{PLAIN, RECORD, Records, SEALED};

/// A client's connection over TLS. What is written goes to the socket at once, as far as that takes it; the rest
/// waits, and nothing more is taken before it is sent.
pub struct TlsStream<S> {
    socket: S,
    records: Records,
    /// Nothing is written any more.
    ended: bool,
}

thread_local! {
    /// Where records arrive and are sealed. No connection keeps anything in it between two polls, so that those of
    /// a thread share it.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends so many bytes.
fn with_room<T>(length: usize, act: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut room = ROOM.take();
    if room.len() < length {
        room.resize(length, 0);
    }
    let done = act(room.get_mut(..length).unwrap_or_default());
    ROOM.set(room);
    done
}

impl<S> TlsStream<S> {
    /// Before the handshake.
    ///
    /// # Errors
    /// If `config` contradicts itself.
    pub(super) fn new(config: Arc<ServerConfig>, socket: S) -> io::Result<Self> {
        let records = Records::new(config).map_err(io::Error::other)?;
        Ok(Self { socket, records, ended: false })
    }

    /// The socket, and what the handshake has agreed upon.
    #[must_use]
    pub fn get_ref(&self) -> (&S, &CommonState) {
        (&self.socket, self.records.state())
    }

    /// Whether the client was told that nothing comes of it.
    pub(super) fn has_refused(&self) -> bool {
        self.records.broken
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Goes on with the handshake.
    ///
    /// # Errors
    /// Whatever ends it; the client was told.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.records.state().is_handshaking() {
            if !ready!(self.poll_receive(cx, &mut ReadBuf::new(&mut [])))? {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.poll_send(cx)
    }

    /// Reads what is there, once. Whether anything was: otherwise the socket has ended.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        // Such as what TLS itself has to say. Something may be there to read while nothing more can be sent.
        let _ = self.poll_send(cx)?;
        let Self { socket, records, .. } = self;
        let known = records.unfinished().len();
        let received = ready!(with_room(known + RECORD, |room| {
            let mut fresh = ReadBuf::new(room.get_mut(known..).unwrap_or_default());
            ready!(Pin::new(socket).poll_read(cx, &mut fresh))?;
            let end = known + fresh.filled().len();
            if end == known {
                return Poll::Ready(Ok(false));
            }
            let bytes = room.get_mut(..end).unwrap_or_default();
            if let Some((front, _)) = bytes.split_at_mut_checked(known) {
                front.copy_from_slice(records.unfinished());
            }
            let received = records.receive(bytes, reader);
            let failed = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            Poll::Ready(received.map(|()| true).map_err(failed))
        }));
        // Likewise. Of an error the client is told if it can be.
        let sent = self.poll_send(cx);
        Poll::Ready(received.and_then(|some| match sent {
            Poll::Ready(Err(error)) => Err(error),
            _ => Ok(some),
        }))
    }

    /// Reads what comes, whatever it is.
    pub(super) fn poll_raw(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }

    /// Sends what waits for it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = &mut self.records.outgoing;
        while !outgoing.is_empty() {
            let sent = ready!(Pin::new(&mut self.socket).poll_write(cx, outgoing.rest()))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.remove(sent);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what was sealed, behind whatever waits; what the socket does not take waits.
    fn send(&mut self, cx: &mut Context<'_>, sealed: &[u8]) -> io::Result<()> {
        let sent = if self.records.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, sealed)? {
                Poll::Ready(0) if !sealed.is_empty() => {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Poll::Ready(sent) => sent,
                Poll::Pending => 0,
            }
        } else {
            0
        };
        self.records.outgoing.add(sealed.get(sent..).unwrap_or_default());
        Ok(())
    }
}

/// The bytes of `pieces`, as far as there is room for them where there are several.
fn joined<'a>(pieces: &'a [io::IoSlice<'_>], room: &'a mut [u8]) -> &'a [u8] {
    let mut some = pieces.iter().filter(|piece| !piece.is_empty());
    let Some(first) = some.next() else { return &[] };
    if some.next().is_none() {
        return first.get(..room.len()).unwrap_or(first);
    }
    let mut filled = 0;
    for piece in pieces {
        let left = room.get_mut(filled..).unwrap_or_default();
        let length = piece.len().min(left.len());
        if let (Some(into), Some(bytes)) = (left.get_mut(..length), piece.get(..length)) {
            into.copy_from_slice(bytes);
        }
        filled += length;
    }
    room.get(..filled).unwrap_or_default()
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let plain = &mut stream.records.plain;
        if !plain.is_empty() {
            let length = plain.rest().len().min(buffer.remaining());
            buffer.put_slice(plain.rest().get(..length).unwrap_or_default());
            plain.remove(length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.remaining();
        while !stream.records.client_ended && before > 0 && buffer.remaining() == before {
            if stream.records.broken {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if !ready!(stream.poll_receive(cx, buffer))? {
                // Whoever cuts the connection may have cut what was said, too.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        ready!(stream.poll_send(cx))?;
        if stream.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Poll::Ready(with_room(PLAIN + SEALED, |room| {
            let (plain, sealed) = room.split_at_mut(PLAIN);
            let bytes = joined(pieces, plain);
            if bytes.is_empty() {
                return Ok(0);
            }
            let length = stream.records.seal(bytes, sealed).map_err(io::Error::other)?;
            stream.send(cx, sealed.get(..length).unwrap_or_default())?;
            Ok(bytes.len())
        }))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !std::mem::replace(&mut stream.ended, true) {
            with_room(SEALED, |room| {
                // Nobody is told of the end of what never began, or was broken.
                let length = stream.records.seal_end(room).unwrap_or(0);
                stream.send(cx, room.get(..length).unwrap_or_default())
            })?;
        }
        ready!(stream.poll_send(cx))?;
        match ready!(Pin::new(&mut stream.socket).poll_shutdown(cx)) {
            // The client was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            ended => Poll::Ready(ended),
        }
    }
}

#[cfg(test)]
mod tests;

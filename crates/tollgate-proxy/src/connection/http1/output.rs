//! What is to be sent over a connection, up to its flush.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

/// A piece that is copied behind what stands before it; a longer one is sent from where it is.
const SHORT: usize = 4 << 10;

/// From here on nothing more is taken before all is sent.
const FULL: usize = 16 << 10;

/// Bytes in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Output {
    front: Vec<u8>,
    piece: Bytes,
    tail: &'static [u8],
    /// So many of them are on their way.
    written: usize,
}

impl Output {
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.piece.is_empty()
    }

    /// Whether nothing more is to be added before all is sent.
    pub(super) fn is_full(&self) -> bool {
        !self.piece.is_empty() || self.front.len() >= FULL
    }

    /// Where heads and lines are appended: to the `buffer`, which is empty, unless something is there already.
    /// Not while it is full.
    pub(super) fn front(&mut self, buffer: impl FnOnce() -> Vec<u8>) -> &mut Vec<u8> {
        if self.front.capacity() == 0 {
            self.front = buffer();
        }
        &mut self.front
    }

    /// Appends a piece, and `tail` behind it. Not while it is full.
    pub(super) fn push(&mut self, piece: Bytes, tail: &'static [u8]) {
        if piece.len() <= SHORT {
            self.front.extend_from_slice(&piece);
            self.front.extend_from_slice(tail);
        } else {
            (self.piece, self.tail) = (piece, tail);
        }
    }

    fn count(&mut self, written: usize) -> io::Result<()> {
        self.written += written;
        if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }

    /// Sends all of it. What it was held in is returned.
    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<Vec<u8>>> {
        let mut stream = Pin::new(stream);
        loop {
            if self.piece.is_empty() {
                let front = self.front.get(self.written..).unwrap_or_default();
                if front.is_empty() {
                    break;
                }
                let written = ready!(stream.as_mut().poll_write(cx, front))?;
                self.count(written)?;
                continue;
            }
            let mut skip = self.written;
            let pieces = [self.front.as_slice(), &*self.piece, self.tail].map(|piece| {
                let rest = piece.get(skip..).unwrap_or_default();
                skip -= piece.len() - rest.len();
                IoSlice::new(rest)
            });
            let written = match &pieces {
                [_, piece, tail] if piece.is_empty() && tail.is_empty() => break,
                [front, rest @ ..] if front.is_empty() => {
                    ready!(stream.as_mut().poll_write_vectored(cx, rest))?
                }
                all => ready!(stream.as_mut().poll_write_vectored(cx, all))?,
            };
            self.count(written)?;
        }
        ready!(stream.poll_flush(cx))?;
        Poll::Ready(Ok(std::mem::take(self).front))
    }
}

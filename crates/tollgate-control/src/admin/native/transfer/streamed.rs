//! A body that a thread which may block writes, piece by piece, as it is taken.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zeroize::Zeroize as _;

use crate::store::StoreError;

/// The body broke off: what came of it is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// The end at which it is written. What is dropped before its end breaks off.
pub(super) struct Pieces {
    to: Sender<Bytes>,
    handle: Handle,
    text: String,
}

/// The end at which it is taken.
pub(super) struct Streamed {
    /// The piece that was waited for.
    first: Option<Bytes>,
    rest: Receiver<Bytes>,
}

/// A piece has about so many bytes.
const PIECE: usize = 64 << 10;
/// So many pieces wait for whoever takes them.
const WAITING: usize = 4;
/// How long a piece waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both ends of a body, made on the runtime on which it is taken.
pub(super) fn streamed() -> (Pieces, Streamed) {
    let (to, rest) = channel(WAITING);
    let pieces = Pieces { to, handle: Handle::current(), text: String::new() };
    (pieces, Streamed { first: None, rest })
}

impl Pieces {
    /// Writes on.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when nobody takes it any more.
    pub(super) fn add(&mut self, text: &str) -> Result<(), StoreError> {
        self.text.push_str(text);
        if self.text.len() < PIECE { Ok(()) } else { self.flush() }
    }

    /// Ends it: it is whole.
    ///
    /// # Errors
    /// As for [`Self::add`].
    pub(super) fn end(mut self) -> Result<(), StoreError> {
        if !self.text.is_empty() {
            self.flush()?;
        }
        self.send(Bytes::new())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let piece = Bytes::copy_from_slice(self.text.as_bytes());
        self.text.zeroize();
        self.send(piece)
    }

    fn send(&self, piece: Bytes) -> Result<(), StoreError> {
        let sending = async { tokio::time::timeout(PATIENCE, self.to.send(piece)).await };
        let sent = self.handle.block_on(sending).map_err(|_| StoreError::Closed)?;
        sent.map_err(|_| StoreError::Closed)
    }
}

impl Streamed {
    /// Waits until there is something of it.
    ///
    /// # Errors
    /// [`Broken`] if it broke off before.
    pub(super) async fn begun(mut self) -> Result<Self, Broken> {
        self.first = Some(self.rest.recv().await.ok_or(Broken)?);
        Ok(self)
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let piece = match self.first.take() {
            Some(first) => Some(first),
            None => std::task::ready!(self.rest.poll_recv(context)),
        };
        // An empty one is the end.
        Poll::Ready(match piece {
            Some(piece) if piece.is_empty() => None,
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => Some(Err(Broken)),
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it broke off")
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn taken(write: impl FnOnce(Pieces) + Send + 'static) -> Result<usize, Broken> {
        let (pieces, streamed) = streamed();
        let writing = tokio::task::spawn_blocking(move || write(pieces));
        let taken = streamed.begun().await?.collect().await?.to_bytes().len();
        writing.await.unwrap();
        Ok(taken)
    }

    #[tokio::test]
    async fn what_is_written_comes_whole_or_breaks_off() {
        let many =
            |pieces: &mut Pieces| (0..10_000).for_each(|_| pieces.add(&"x".repeat(100)).unwrap());
        let whole = taken(move |mut pieces| {
            many(&mut pieces);
            pieces.end().unwrap();
        });
        assert_eq!(whole.await, Ok(1_000_000));
        assert_eq!(taken(|pieces| pieces.end().unwrap()).await, Ok(0));
        assert_eq!(taken(move |mut pieces| many(&mut pieces)).await, Err(Broken));
        assert_eq!(taken(drop).await, Err(Broken));
    }

    #[tokio::test]
    async fn whoever_leaves_ends_the_writing() {
        let (mut pieces, streamed) = streamed();
        drop(streamed);
        let writing = tokio::task::spawn_blocking(move || pieces.add(&"x".repeat(PIECE)));
        assert!(matches!(writing.await.unwrap(), Err(StoreError::Closed)));
    }
}

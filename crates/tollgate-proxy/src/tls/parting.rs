//! The end of a connection whose handshake has failed.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;

/// How long a client may take to read why, and to end its side.
const PATIENCE: Duration = Duration::from_secs(1);

/// So much of what it has sent meanwhile is read, and thrown away.
const UNREAD: usize = 64 << 10;

/// A connection that nothing comes of. Its client was sent why, and may be sending itself: whoever closes what holds
/// something unread has the system send a reset, which takes away what the client has not read yet.
pub(crate) struct Parting<S>(Option<TlsStream<S>>);

impl<S> Default for Parting<S> {
    /// Nobody is there.
    fn default() -> Self {
        Self(None)
    }
}

impl<S> From<TlsStream<S>> for Parting<S> {
    fn from(stream: TlsStream<S>) -> Self {
        Self(Some(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Parting<S> {
    /// Closes the connection once its client has, or has had its time.
    pub(crate) async fn leave(self) {
        // Whoever ended the connection, or cannot be told anything, is not waited for.
        let Some(mut stream) = self.0.filter(TlsStream::has_refused) else { return };
        let left = async {
            poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await.ok()?;
            let mut room = [0; 1024];
            let mut unread = 0;
            while unread < UNREAD {
                let mut read = ReadBuf::new(&mut room);
                poll_fn(|cx| stream.poll_raw(cx, &mut read)).await.ok()?;
                match read.filled().len() {
                    0 => break,
                    length => unread += length,
                }
            }
            Some(())
        };
        // Late is as good.
        let _ = tokio::time::timeout(PATIENCE, left).await;
    }
}

//! How a tunnel ends before its time: where it carries a WebSocket, both ends are told (RFC 6455 §7.4.1).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::ReadBuf;
use tokio::time::timeout;
use tollgate_core::Refusal;

use super::Tunnel;
use super::end::End;

/// How long it may take: for a frame that has begun, for our own, and for the client to read it.
const PATIENCE: Duration = Duration::from_millis(400);

/// A close frame without its payload.
const CLOSE: u8 = 0x88;

const GOING_AWAY: u16 = 1001;
const POLICY_VIOLATION: u16 = 1008;

/// The status code that a WebSocket is closed with.
fn code(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Draining | Refusal::RequestTimeout => GOING_AWAY,
        _ => POLICY_VIOLATION,
    }
}

impl Tunnel {
    /// Ends for `refusal`. From here on nothing of the client's goes on; a frame of the upstream's that
    /// has begun is ended, as far as there is time.
    pub(super) async fn part(&mut self, near: &mut dyn End, refusal: Refusal) {
        if self.websocket {
            // What comes of it is for the client to see.
            let _ = timeout(PATIENCE, self.say_close(near, code(refusal))).await;
        }
    }

    /// Ends what the client is sent, of a WebSocket that its server has left.
    pub(super) async fn linger(&mut self, near: &mut dyn End) {
        if self.websocket {
            let _ = timeout(PATIENCE, self.end(near)).await;
        }
    }

    async fn end(&self, near: &mut dyn End) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut *near).poll_shutdown(cx)).await?;
        // Closed with bytes that nobody has read, TCP would take back what was said last.
        poll_fn(|cx| discard(cx, near, &mut self.worker.read_room.borrow_mut())).await
    }

    async fn say_close(&mut self, near: &mut dyn End, code: u16) -> io::Result<()> {
        let [high, low] = code.to_be_bytes();
        let room = &self.worker.read_room;
        let (far, forth, back) = (&mut *self.far, &self.forth, &mut self.back);
        if forth.may_close() {
            let [a, b, c, d, ..] = self.worker.request_ids.nonce();
            let masked = [CLOSE, 0x82, a, b, c, d, high ^ a, low ^ b];
            // Whether or not it gets there, the connection ends.
            let _ = poll_fn(|cx| Poll::Ready(write_at_once(cx, far, &masked))).await;
        }
        poll_fn(|cx| back.poll_frame(cx, far, near, &mut room.borrow_mut())).await?;
        if back.may_close() {
            let mut close = &[CLOSE, 2, high, low][..];
            poll_fn(|cx| write_all(cx, near, &mut close)).await?;
        }
        self.end(near).await
    }
}

fn write_at_once(cx: &mut Context<'_>, to: &mut dyn End, bytes: &[u8]) -> bool {
    let written = Pin::new(&mut *to).poll_write(cx, bytes);
    matches!(written, Poll::Ready(Ok(length)) if length == bytes.len())
        && Pin::new(to).poll_flush(cx).is_ready()
}

fn write_all(cx: &mut Context<'_>, to: &mut dyn End, left: &mut &[u8]) -> Poll<io::Result<()>> {
    while !left.is_empty() {
        let written = ready!(Pin::new(&mut *to).poll_write(cx, left))?;
        *left = left.get(written..).unwrap_or_default();
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
    }
    Pin::new(to).poll_flush(cx)
}

fn discard(cx: &mut Context<'_>, from: &mut dyn End, room: &mut [u8]) -> Poll<io::Result<()>> {
    loop {
        let mut read = ReadBuf::new(room);
        ready!(Pin::new(&mut *from).poll_read(cx, read.unfilled()))?;
        if read.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
    }
}

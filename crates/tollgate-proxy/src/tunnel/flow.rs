//! One direction of a tunnel. It holds what the other side does not take yet, and reads nothing more
//! until it has: an idle tunnel has no buffer of its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBuf;

use super::end::End;
use super::frames::Frames;

/// How often it goes on before others have their turn.
const ROUNDS: usize = 8;

/// One direction.
#[derive(Debug)]
pub(super) struct Flow {
    held: Vec<u8>,
    /// Bytes of `held` that were written.
    written: usize,
    unflushed: bool,
    /// Nothing more comes.
    ended: bool,
    /// And the other side has been told.
    over: bool,
    /// Bytes that have come.
    pub(super) moved: u64,
    /// Of a WebSocket.
    frames: Option<Frames>,
}

impl Flow {
    pub(super) fn new(websocket: bool) -> Self {
        Self {
            held: Vec::new(),
            written: 0,
            unflushed: false,
            ended: false,
            over: false,
            moved: 0,
            frames: websocket.then(Frames::default),
        }
    }

    /// Whether nothing is held, and a frame of ours could follow: that of a WebSocket which its sender
    /// has not closed, between two frames of its own.
    pub(super) fn may_close(&self) -> bool {
        let between = |frames: &Frames| frames.missing() == 0 && !frames.is_closed();
        self.held.is_empty() && !self.ended && self.frames.as_ref().is_some_and(between)
    }

    /// Whether a WebSocket is over on this side: it has ended, or broken off after it was closed.
    pub(super) fn is_closed_by(&self, polled: &Poll<io::Result<()>>) -> bool {
        match polled {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => {
                self.held.is_empty() && self.frames.as_ref().is_some_and(Frames::is_closed)
            }
        }
    }

    /// Carries on until it has to wait, or one side has ended and the other knows. `room` is where bytes
    /// arrive.
    ///
    /// # Errors
    /// What either side says.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn End,
        to: &mut dyn End,
        room: &mut [u8],
    ) -> Poll<io::Result<()>> {
        if self.over {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..ROUNDS {
            ready!(self.poll_held(cx, to))?;
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.over = true;
                return Poll::Ready(Ok(()));
            }
            if self.poll_some(cx, from, to, room)?.is_pending() {
                ready!(self.poll_flush(cx, to))?;
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends the frame that has begun, and reads nothing of the next.
    ///
    /// # Errors
    /// What either side says, and [`io::ErrorKind::UnexpectedEof`] if the frame does not end.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn End,
        to: &mut dyn End,
        room: &mut [u8],
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_held(cx, to))?;
            let missing = self.frames.as_ref().map_or(0, Frames::missing);
            if missing == 0 {
                return self.poll_flush(cx, to);
            }
            if self.ended {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let missing = usize::try_from(missing).unwrap_or(usize::MAX).min(room.len());
            let room = room.get_mut(..missing).unwrap_or_default();
            ready!(self.poll_some(cx, from, to, room))?;
        }
    }

    /// Writes what is held.
    fn poll_held(&mut self, cx: &mut Context<'_>, to: &mut dyn End) -> Poll<io::Result<()>> {
        while let Some(left @ [_, ..]) = self.held.get(self.written..) {
            let written = ready!(Pin::new(&mut *to).poll_write(cx, left))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.unflushed = true;
        }
        (self.held, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Reads once, and writes what is taken of it.
    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut dyn End,
        to: &mut dyn End,
        room: &mut [u8],
    ) -> Poll<io::Result<()>> {
        let mut read = ReadBuf::new(room);
        ready!(Pin::new(from).poll_read(cx, read.unfilled()))?;
        let read = read.filled();
        self.ended = read.is_empty();
        self.moved += read.len() as u64;
        if let Some(frames) = &mut self.frames {
            frames.read(read);
        }
        let written = match read {
            [] => 0,
            read => match Pin::new(to).poll_write(cx, read) {
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            },
        };
        self.unflushed |= written > 0;
        self.held.extend_from_slice(read.get(written..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, to: &mut dyn End) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(to).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

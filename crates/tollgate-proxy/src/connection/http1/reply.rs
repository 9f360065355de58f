//! The body of a response on its way to the client.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite};

use super::answer::{Framing, Size};
use super::line::Line;
use crate::http1::begin_chunk;

const CHUNK_END: &[u8] = b"\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
const CHUNK_END_AND_LAST: &[u8] = b"\r\n0\r\n\r\n";

/// What is left of a response.
#[derive(Debug)]
pub(super) struct Reply<B> {
    /// Dropped as soon as its last piece has been taken.
    body: Option<B>,
    framing: Framing,
}

/// The response cannot be sent to its end: the connection has to break, so that nobody takes it for whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// What is known of a body.
pub(super) fn size(body: &impl Body) -> Size {
    match body.size_hint().exact() {
        _ if body.is_end_stream() => Size::None,
        Some(length) => Size::Exact(length),
        None => Size::Unknown,
    }
}

impl<B: Body<Data = Bytes> + Unpin> Reply<B> {
    /// What follows a head that says how it is framed.
    pub(super) fn new(body: B, framing: Framing) -> Self {
        Self { body: Some(body).filter(|_| framing != Framing::Absent), framing }
    }

    /// Sends the rest over `line`, as far as it is there.
    pub(super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        line: &RefCell<Line<S>>,
    ) -> Poll<Result<(), Broken>> {
        let mut waits = false;
        loop {
            // What is here goes with one write. The body may have the request's read meanwhile.
            while let Some(body) = &mut self.body
                && !waits
                && !line.borrow().output.is_full()
            {
                let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
                    waits = true;
                    break;
                };
                let Ok(frame) = frame.transpose() else {
                    // What came before is no secret.
                    let _ = line.borrow_mut().poll_send(cx);
                    return Poll::Ready(Err(Broken));
                };
                let data = frame.map(Frame::into_data);
                let ends = !matches!(data, Some(Ok(_))) || body.is_end_stream();
                let data = data.and_then(Result::ok).unwrap_or_default();
                self.push(&mut line.borrow_mut(), data, ends)?;
                if ends {
                    self.body = None;
                }
            }
            let mut line = line.borrow_mut();
            if line.output.is_empty() {
                return match self.body {
                    None => Poll::Ready(Ok(())),
                    Some(_) => line.poll_left(cx).map(|()| Err(Broken)),
                };
            }
            match line.poll_send(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Broken)),
                Poll::Pending => return line.poll_left(cx).map(|()| Err(Broken)),
            }
        }
    }

    /// Adds a piece, and the end of the body behind it if that is where it `ends`. No field goes there: no client
    /// of HTTP/1.1 was told of any.
    fn push<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        line: &mut Line<S>,
        piece: Bytes,
        ends: bool,
    ) -> Result<(), Broken> {
        let tail = match &mut self.framing {
            Framing::Length(left) => {
                *left = left.checked_sub(piece.len() as u64).ok_or(Broken)?;
                if ends && *left > 0 {
                    return Err(Broken);
                }
                &b""[..]
            }
            Framing::Absent | Framing::Close => b"",
            // A chunk without bytes would end the body.
            Framing::Chunks if piece.is_empty() => {
                if ends {
                    line.front().extend_from_slice(LAST_CHUNK);
                }
                return Ok(());
            }
            Framing::Chunks => {
                begin_chunk(line.front(), piece.len());
                if ends { CHUNK_END_AND_LAST } else { CHUNK_END }
            }
        };
        if !piece.is_empty() {
            line.front();
            line.output.push(piece, tail);
        }
        Ok(())
    }
}

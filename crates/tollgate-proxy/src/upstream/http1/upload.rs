//! A request's body on its way to a server.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Request;
use http_body::Body;

use super::head::Framing;
use crate::body::OutBody;
use crate::http1::begin_chunk;

/// A body, framed as its head says.
#[derive(Debug)]
pub(in crate::upstream) struct Upload {
    body: OutBody,
    framing: Framing,
}

/// The body does not come as its head says, or not at all.
#[derive(Debug)]
pub(super) struct Lost;

impl Upload {
    /// What follows the head of a request; `None` if nothing does. Where it can be sent once only the request is
    /// left without it.
    pub(in crate::upstream) fn of(request: &mut Request<OutBody>) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let framing = Framing::of(request.headers());
        let body = request.body().copy();
        let body = body.unwrap_or_else(|| std::mem::take(request.body_mut()));
        Some(Self { body, framing })
    }

    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Appends the next piece to what is to be sent. `false` with the end of the body.
    ///
    /// # Errors
    /// [`Lost`] if the rest does not come, or another length than was said.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
    ) -> Poll<Result<bool, Lost>> {
        let frame = match self.body.is_end_stream() {
            true => None,
            false => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
        let Some(frame) = frame else { return Poll::Ready(self.end(out).map(|()| false)) };
        // Fields behind a body are for those who were told of them, which no server is.
        if let Ok(data) = frame.map_err(|_| Lost)?.into_data() {
            match &mut self.framing {
                Framing::Length(left) => {
                    *left = left.checked_sub(data.len() as u64).ok_or(Lost)?;
                    out.extend_from_slice(&data);
                }
                // A chunk without bytes would end the body.
                Framing::Chunks if data.is_empty() => {}
                Framing::Chunks => {
                    begin_chunk(out, data.len());
                    out.extend_from_slice(&data);
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
        Poll::Ready(Ok(true))
    }

    fn end(&self, out: &mut Vec<u8>) -> Result<(), Lost> {
        match self.framing {
            Framing::Length(0) => {}
            Framing::Length(_) => return Err(Lost),
            Framing::Chunks => out.extend_from_slice(b"0\r\n\r\n"),
        }
        Ok(())
    }
}

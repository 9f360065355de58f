//! A response's body as an upstream sends it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tollgate_core::Refusal;

use super::Broken;
use crate::headers;
use crate::live::LiveEntry;
use crate::respond::deadline_exceeded;
use crate::roster::Deadline;
use crate::upstream::{Chosen, Destination, Lease};
use crate::worker::Coarse;

/// An upstream's body, with the connection that brings it and the permit that it is sent under.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) incoming: Incoming,
    pub(crate) lease: Option<Lease>,
    /// The server that sends it, until all is here.
    pub(crate) chosen: Option<Chosen>,
    pub(crate) destination: Rc<Destination>,
    pub(crate) live: Option<LiveEntry>,
    pub(crate) clock: Rc<Coarse>,
    /// Nanoseconds between two pieces.
    pub(crate) idle: u64,
}

impl Relay {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(live) = &self.live
            && let Poll::Ready(refusal) = live.poll_end(cx)
        {
            if refusal == Refusal::DeadlineExceeded {
                return Poll::Ready(Some(Ok(self.give_up())));
            }
            return Poll::Ready(Some(Err(Broken(refusal))));
        }
        let incoming = &mut self.incoming;
        let frame = match self.lease.as_mut().and_then(Lease::link) {
            Some(link) => link.drive(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx)),
            None => Pin::new(incoming).poll_frame(cx),
        };
        match frame {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    headers::clean_trailers(trailers);
                }
                if self.incoming.is_end_stream() {
                    self.finish();
                } else if let Some(live) = &self.live {
                    let at = self.clock.now().saturating_add(self.idle);
                    live.set_deadline(Deadline { at, late: Refusal::UpstreamTimeout });
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // No false end: the client's connection is aborted as the upstream's was.
            Poll::Ready(Some(Err(_))) => {
                if let (Destination::Server(pool), Some(chosen)) =
                    (&*self.destination, &self.chosen)
                {
                    pool.failed(chosen, self.clock.now());
                }
                Poll::Ready(Some(Err(Broken(Refusal::UpstreamBadResponse))))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    /// The deadline of a call of gRPC has passed, and its caller is told so. The upstream is let go.
    fn give_up(&mut self) -> Frame<Bytes> {
        self.lease = None;
        self.chosen = None;
        Frame::trailers(deadline_exceeded())
    }

    /// All of the response is here: the connection is free, the request no longer open.
    pub(super) fn finish(&mut self) {
        self.live = None;
        if let (Some(lease), Some(chosen)) = (self.lease.take(), self.chosen.take()) {
            chosen.give_back(lease, self.clock.now());
        }
    }
}

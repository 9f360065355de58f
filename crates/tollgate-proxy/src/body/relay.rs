//! A response's body as an upstream sends it.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tollgate_core::Refusal;

use super::{Broken, CutOff, Reading};
use crate::headers;
use crate::live::LiveEntry;
use crate::respond::deadline_exceeded;
use crate::roster::Deadline;
use crate::upstream::{Chosen, Destination, Lease};
use crate::worker::Coarse;

/// An upstream's body, with the connection that brings it and the permit that it is sent under.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) lease: Option<Lease>,
    /// The server that sends it, until all is here.
    pub(crate) chosen: Option<Chosen>,
    pub(crate) destination: Rc<Destination>,
    pub(crate) live: Option<LiveEntry>,
    pub(crate) clock: Rc<Coarse>,
    /// Nanoseconds between two pieces.
    pub(crate) idle: u64,
    /// Of a client that has a stream for it; `None` = the connection is watched.
    pub(crate) reading: Option<Reading>,
    /// The upstream is waited for.
    pub(crate) awaited: bool,
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
        if let Some(reading) = &mut self.reading {
            reading.take(self.clock.now());
        }
        let Some(lease) = &mut self.lease else { return Poll::Ready(None) };
        match lease.poll_frame(cx) {
            Poll::Pending => {
                self.wait();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    headers::clean_trailers(trailers);
                }
                if self.is_over() {
                    self.finish();
                } else {
                    self.give(frame.data_ref().map_or(0, Bytes::len) as u64);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // No false end: the client's connection is aborted as the upstream's was.
            Poll::Ready(Some(Err(CutOff))) => {
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

    /// Nothing is here: the upstream has to go on in time.
    fn wait(&mut self) {
        if let Some(live) = self.live.as_ref().filter(|_| !self.awaited) {
            let at = self.clock.now().saturating_add(self.idle);
            live.wait_for_upstream(Deadline { at, late: Refusal::UpstreamTimeout });
            self.awaited = true;
        }
    }

    /// Something was here: now the client has to read in time.
    fn give(&mut self, length: u64) {
        self.awaited = false;
        if let Some(reading) = &mut self.reading {
            reading.give(length, self.clock.now());
        }
        if let Some(live) = &self.live {
            live.wait_for_client(self.reading.as_ref().map_or(u64::MAX, Reading::by));
        }
    }

    /// Whether all of it is here.
    pub(super) fn is_over(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_over)
    }

    /// How much is still to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.lease.as_ref().map_or(SizeHint::with_exact(0), Lease::size_hint)
    }

    /// Whether its client has not read in time.
    pub(super) fn is_unread(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.by() <= self.clock.now())
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

//! A request that is recorded, to be exported as spans.

use http::HeaderMap;

use super::Account;
use crate::access_log::Entry;
use crate::spans::{Attempt, Recorded};
use crate::trace::Span;

impl Account {
    /// The attempts of a request that is recorded.
    pub(crate) fn attempts(&mut self) -> Option<&mut Vec<Attempt>> {
        self.attempts.as_mut()
    }

    /// Tells the upstream that the attempt with this span has sent the request.
    pub(crate) fn tell_attempt(&self, id: u64, headers: &mut HeaderMap) {
        if let Some(trace) = &self.trace {
            let span = Span { id, ..trace.span };
            span.tell(headers, &mut self.worker.arena.borrow_mut());
        }
    }

    /// Hands a request over that is over, if it is recorded.
    pub(super) fn record(&mut self, entry: Option<&Entry>) {
        let recorded = self.attempts.take().zip(entry);
        let Some(((attempts, entry), ring)) = recorded.zip(self.worker.spans.as_ref()) else {
            return;
        };
        let spans = 1 + attempts.len() as u64;
        let (entry, began, secure) = (entry.clone(), self.started, self.whence.secure);
        if !ring.put(Box::new(Recorded { entry, began, secure, attempts })) {
            self.worker.cells.spans_dropped.add(spans);
        }
    }
}

//! The body of a request, as whoever handles it reads it.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::line::Line;
use crate::body::CutOff;
use crate::connection::io::ClientIo;

/// A body that comes by a connection. What has not been asked for stays in the kernel.
pub(crate) struct Upload {
    /// The connection does not wait for whoever holds this.
    line: Weak<RefCell<Line<ClientIo>>>,
    /// That of its request: over HTTP/2 to an upstream a body can outlast its response, and what comes then
    /// belongs to the next request.
    turn: u64,
}

impl Upload {
    pub(super) fn new(line: &Rc<RefCell<Line<ClientIo>>>, turn: u64) -> Self {
        Self { line: Rc::downgrade(line), turn }
    }

    /// The next piece.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self.line.upgrade() {
            Some(line) => line.borrow_mut().poll_piece(cx, self.turn),
            None => Poll::Ready(Some(Err(CutOff))),
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    /// How much is still to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        let line = self.line.upgrade();
        line.map_or_else(SizeHint::default, |line| line.borrow().size_hint(self.turn))
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.turn)
    }
}

//! A client's body as it comes.

use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{CutOff, poll_streamed};
use crate::connection::Upload;

/// A client's body, whatever brings it.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// There is none.
    Nothing,
    /// A connection of HTTP/1.1, piece by piece.
    Http1(Upload),
    /// A stream of HTTP/2.
    Http2(hyper::body::Incoming),
}

impl Incoming {
    /// The next piece.
    pub(crate) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self {
            Self::Nothing => Poll::Ready(None),
            Self::Http1(upload) => upload.poll_piece(cx),
            Self::Http2(incoming) => poll_streamed(incoming, cx),
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Http1(upload) => upload.is_over(),
            Self::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    /// How much is still to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Http1(upload) => upload.size_hint(),
            Self::Http2(incoming) => incoming.size_hint(),
        }
    }
}

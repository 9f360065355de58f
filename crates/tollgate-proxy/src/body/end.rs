//! Where a body ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

/// A body has come to no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutOff;

/// The next piece of a body that a stream of HTTP/2 brings.
///
/// hyper takes a stream that is reset with NO_ERROR for one that has ended, as a server may reset one whose response
/// is complete (RFC 9113 §8.1). Only END_STREAM says that it is.
pub(crate) fn poll_streamed(
    incoming: &mut hyper::body::Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
    Pin::new(&mut *incoming).poll_frame(cx).map(|piece| match piece {
        Some(piece) => Some(piece.map_err(|_| CutOff)),
        None if !incoming.is_end_stream() => Some(Err(CutOff)),
        None => None,
    })
}

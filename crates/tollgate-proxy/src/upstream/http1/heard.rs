//! What is made of a server's bytes, for fuzzers.

use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Method, Request, StatusCode};

use super::{Http1, Wire};
use crate::http1::Pieces;

/// What the bytes of a server say that end with the connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    /// Of the response.
    pub status: StatusCode,
    /// Of its head.
    pub fields: HeaderMap,
    /// As far as it came.
    pub body: Vec<u8>,
    /// Behind the body.
    pub trailers: HeaderMap,
    /// Whether the body has come to its end.
    pub whole: bool,
    /// What follows the response.
    pub rest: Vec<u8>,
}

impl Wire for Pieces<'_> {
    fn is_silent(&self) -> bool {
        false
    }

    fn is_plain(&self) -> bool {
        true
    }
}

/// What `bytes`, that come in pieces of this `size`, at least 1, say to a request of this method. `None` if
/// they are no response.
#[must_use]
pub fn hear(method: Method, bytes: &[u8], size: usize) -> Option<Heard> {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut one = Http1::over(Pieces::new(bytes, size));
    let mut request = Request::new(());
    *request.method_mut() = method;
    one.ask(&request, [].into_iter(), None);
    let (mut upload, mut fields) = (None, HeaderMap::new());
    let Poll::Ready(Ok(response)) = one.poll_answer(cx, &mut upload, &mut fields) else {
        return None;
    };
    let (head, ()) = response.into_parts();
    let (status, fields) = (head.status, head.headers);
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    let whole = loop {
        match one.poll_frame(cx, &mut upload) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
            },
            Poll::Ready(None) => break true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => break false,
        }
    };
    let (later, read) = one.into_parts();
    let rest = if whole { [&read, later.left()].concat() } else { Vec::new() };
    Some(Heard { status, fields, body, trailers, whole, rest })
}

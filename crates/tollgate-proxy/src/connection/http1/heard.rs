//! What is made of a client's bytes, for fuzzers.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Request};

use super::head::Limits;
use super::line::Line;
use crate::http1::Pieces;

/// A request, as far as a client's bytes say it.
#[derive(Debug, PartialEq, Eq)]
pub struct HeardRequest {
    /// Its method and its target.
    pub start: String,
    /// Of its head.
    pub fields: HeaderMap,
    /// As far as it came.
    pub body: Vec<u8>,
    /// Behind the body.
    pub trailers: HeaderMap,
    /// Whether the body has come to its end.
    pub whole: bool,
    /// Another may follow.
    pub keeps: bool,
}

/// The requests that `bytes`, which come in pieces of this `size`, at least 1, say one after the other.
#[must_use]
pub fn hear_requests(bytes: &[u8], size: usize) -> Vec<HeardRequest> {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut line = Line::over(Pieces::new(bytes, size), Rc::default());
    let mut heard = Vec::new();
    let limits = Limits { bytes: 1 << 14, fields: 20 };
    loop {
        let mut request = Request::new(());
        let Poll::Ready(Ok(keeps)) = line.poll_head(cx, limits, &mut request) else { break };
        let (mut body, mut trailers, mut whole) = (Vec::new(), HeaderMap::new(), true);
        if let Some(turn) = line.turn_of_body() {
            whole = loop {
                match line.poll_piece(cx, turn) {
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => body.extend_from_slice(&data),
                        Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
                    },
                    Poll::Ready(None) => break true,
                    Poll::Ready(Some(Err(_))) | Poll::Pending => break false,
                }
            };
        }
        let (head, ()) = request.into_parts();
        let start = format!("{} {}", head.method, head.uri);
        heard.push(HeardRequest { start, fields: head.headers, body, trailers, whole, keeps });
        if !whole || !keeps {
            break;
        }
    }
    heard
}

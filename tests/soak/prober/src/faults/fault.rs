//! What an upstream may do wrong, and when.

use crate::connection::Protocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The connection ends.
    Close,
    /// It is reset.
    Reset,
    /// It ends from the upstream's side, which goes on reading.
    HalfClose,
    /// Nothing more comes.
    Hang,
    /// Bytes that are not HTTP.
    Garbage,
    /// The end comes before the end.
    Truncation,
    /// Behind a whole answer another one, which nobody has asked for.
    Surplus,
    /// The stream is reset, by turns with an error, as given up, and without an error.
    StreamReset,
    /// The stream is refused: nothing was done with it.
    Refusal,
    /// GOAWAY with an error, and the connection ends.
    GoAway,
    /// GOAWAY without one: what has begun is answered in peace.
    Leave,
}

use Fault as F;

/// When it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    BeforeHead,
    WithinHead,
    AfterHead,
    WithinBody,
}

use Point::{AfterHead, BeforeHead, WithinBody, WithinHead};

/// How the length of an answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    ContentLength,
    /// By chunks, and over HTTP/2 by the end of the stream alone.
    Chunked,
    /// By the end of the connection. Over HTTP/1.1 alone, which cannot tell it from an early one.
    UntilClose,
}

const FAULTS: [(Fault, &str); 11] = [
    (F::Close, "close"),
    (F::Reset, "reset"),
    (F::HalfClose, "half-close"),
    (F::Hang, "hang"),
    (F::Garbage, "garbage"),
    (F::Truncation, "truncation"),
    (F::Surplus, "surplus"),
    (F::StreamReset, "stream reset"),
    (F::Refusal, "refused stream"),
    (F::GoAway, "GOAWAY"),
    (F::Leave, "GOAWAY in peace"),
];

impl Fault {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        FAULTS.iter().map(|(fault, _)| *fault)
    }

    pub(super) fn name(self) -> &'static str {
        FAULTS.iter().find(|(fault, _)| *fault == self).map_or("", |(_, name)| name)
    }

    /// When it can be committed so that it shows; never, if there is no such fault.
    pub(super) fn points(self, upstream: Protocol, framing: Framing) -> &'static [Point] {
        let is_chunked = framing == Framing::Chunked;
        let until_close = framing == Framing::UntilClose;
        match (upstream, self) {
            // A body that ends with the connection has ended.
            (Protocol::Http1, F::Close | F::HalfClose) if until_close => &[BeforeHead, WithinHead],
            (_, F::Close | F::HalfClose | F::Reset) => {
                &[BeforeHead, WithinHead, AfterHead, WithinBody]
            }
            (Protocol::Http1, F::Hang) => &[BeforeHead, WithinHead, AfterHead, WithinBody],
            (Protocol::Http2, F::Hang) => &[BeforeHead, AfterHead, WithinBody],
            // Between chunks nothing else is like the bytes of a body.
            (Protocol::Http1, F::Garbage) if is_chunked => &[BeforeHead, WithinHead, WithinBody],
            (Protocol::Http1, F::Garbage) => &[BeforeHead, WithinHead],
            (Protocol::Http2, F::Garbage) => &[BeforeHead, AfterHead, WithinBody],
            (Protocol::Http1, F::Truncation) if !until_close => &[WithinBody],
            (Protocol::Http2, F::Truncation) if !is_chunked => &[WithinBody],
            (Protocol::Http1, F::Surplus) if !until_close => &[WithinBody],
            (Protocol::Http2, F::StreamReset | F::GoAway) => &[BeforeHead, AfterHead, WithinBody],
            (Protocol::Http2, F::Refusal | F::Leave) => &[BeforeHead],
            _ => &[],
        }
    }

    /// Whether the answer is whole all the same.
    pub(super) fn is_harmless(self) -> bool {
        matches!(self, F::Surplus | F::Leave)
    }
}

//! Requests as spans of OpenTelemetry, for whoever exports them.
//!
//! A worker puts what it knows of a sampled request that is over into a ring of its own; another thread
//! takes it out of all rings and makes messages of OTLP of it. A full ring drops what comes: a
//! collector that is slow costs spans, never requests.

mod attempt;
mod attributes;
mod encode;
mod message;

use std::cell::RefCell;

use prost::Message;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::access_log::Entry;

pub(crate) use attempt::Attempt;
use message::{ExportRequest, ExportResponse, Resource, ResourceSpans, Scope, ScopeSpans};

/// A sampled request that is over.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) entry: Entry,
    /// When it began, in nanoseconds of the monotonic clock.
    pub(crate) began: u64,
    /// Its client used TLS.
    pub(crate) secure: bool,
    pub(crate) attempts: Vec<Attempt>,
}

/// A worker's end of its ring.
#[derive(Debug)]
pub(crate) struct SpanRing(RefCell<Producer<Box<Recorded>>>);

/// The other ends, of all workers.
#[derive(Debug, Default)]
pub struct SpanRings(Vec<Consumer<Box<Recorded>>>);

/// Spans of one message.
#[derive(Debug)]
pub struct SpanBatch {
    /// The message: an `ExportTraceServiceRequest` of OTLP, in Protobuf.
    pub body: Vec<u8>,
    /// How many spans it holds.
    pub spans: u64,
}

/// What makes messages of spans.
#[derive(Debug)]
pub struct SpanWriter {
    resource: Resource,
    rings: SpanRings,
}

/// A ring for so many requests: the worker's end of it, and the other.
pub(crate) fn ring(requests: usize) -> (SpanRing, Consumer<Box<Recorded>>) {
    let (producer, consumer) = RingBuffer::new(requests);
    (SpanRing(RefCell::new(producer)), consumer)
}

impl SpanRing {
    /// Hands over a request that is over. Returns whether there was room.
    pub(crate) fn put(&self, recorded: Box<Recorded>) -> bool {
        self.0.borrow_mut().push(recorded).is_ok()
    }
}

impl SpanRings {
    pub(crate) fn new(rings: Vec<Consumer<Box<Recorded>>>) -> Self {
        Self(rings)
    }

    fn take(&mut self, most: usize) -> impl Iterator<Item = Box<Recorded>> {
        self.0.iter_mut().flat_map(|ring| std::iter::from_fn(|| ring.pop().ok())).take(most)
    }
}

impl SpanWriter {
    /// Of what `rings` hold, in the name of a resource with these attributes.
    #[must_use]
    pub fn new(rings: SpanRings, resource: &[(&str, &str)]) -> Self {
        let attributes = resource.iter().map(|(key, value)| attributes::text(key, value)).collect();
        Self { resource: Resource { attributes }, rings }
    }

    /// The next message, of at most so many requests; `None` = there is nothing to tell.
    pub fn next_batch(&mut self, most: usize) -> Option<SpanBatch> {
        let mut spans = Vec::new();
        for recorded in self.rings.take(most) {
            encode::spans(&recorded, &mut spans);
        }
        if spans.is_empty() {
            return None;
        }
        let count = spans.len() as u64;
        let scope = Scope { name: "tollgate".into(), version: env!("CARGO_PKG_VERSION").into() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
        let resource = Some(self.resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans }];
        Some(SpanBatch { body: ExportRequest { resource_spans }.encode_to_vec(), spans: count })
    }
}

/// How many spans a collector has refused that has taken a message, by its answer. What cannot be read is
/// taken to refuse none.
#[must_use]
pub fn rejected_spans(answer: &[u8]) -> u64 {
    let answer = ExportResponse::decode(answer).unwrap_or_default();
    answer.partial_success.map_or(0, |partial| partial.rejected_spans.try_into().unwrap_or(0))
}

//! Traces (W3C Trace Context): where tracing is on, every request is a span of one, and its upstream is
//! told so.

mod ids;
mod parent;
mod state;

use http::{HeaderMap, HeaderName};

use crate::arena::Arena;
use crate::connection::Client;
use crate::peer::Trust;

pub(crate) use ids::SpanIds;
pub(crate) use parent::Parent;
pub(crate) use state::is_valid as is_valid_state;

/// The trace that a request is of, and the span that has sent it (Trace Context §3.2).
pub(crate) const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing systems on the way have noted of the trace (Trace Context §3.3).
pub(crate) const STATE: HeaderName = HeaderName::from_static("tracestate");

/// How requests are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// Whose traces go on. The requests of all others begin new ones.
    pub trust: Trust,
    /// Of the traces that begin here one in so many is sampled; 0 = none. Others are sampled if their
    /// parents are.
    pub sample_one_in: u64,
}

/// A span of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    /// The span that has caused it; `None` = the trace begins with it.
    pub(crate) parent: Option<u64>,
    /// Flags of the trace.
    pub(crate) flags: u8,
}

/// The trace of a request, as far as this process has a part in it.
#[derive(Debug)]
pub(crate) struct Trace {
    /// What the request is of it.
    pub(crate) span: Span,
    /// What others have noted of the trace goes on with it.
    keeps_state: bool,
}

/// Has the requests of a worker be spans.
#[derive(Debug)]
pub(crate) struct Tracer {
    settings: TraceSettings,
    ids: SpanIds,
}

/// Recording is asked for: the trace is sampled (Trace Context §3.2.2.5).
const SAMPLED: u8 = 1;
/// At least the last seven bytes of the trace's id are random (Trace Context Level 2 §2.2.5).
const RANDOM: u8 = 2;

/// Those bytes.
const RANDOM_BITS: u32 = 56;

impl Tracer {
    pub(crate) fn new(settings: TraceSettings) -> Self {
        Self { settings, ids: SpanIds::new() }
    }

    /// The trace of a request with `headers` that has come from `client`.
    pub(crate) fn begin(&self, headers: &HeaderMap, client: &Client) -> Trace {
        let trusted = self.settings.trust.includes(client);
        self.trace(headers, trusted)
    }

    fn trace(&self, headers: &HeaderMap, trusted: bool) -> Trace {
        let id = self.ids.span();
        match Parent::of(headers).filter(|_| trusted) {
            Some(Parent { trace, id: parent, flags }) => {
                let flags = flags & (SAMPLED | RANDOM);
                let span = Span { trace, id, parent: Some(parent), flags };
                Trace { span, keeps_state: is_valid_state(headers) }
            }
            None => {
                let trace = self.ids.trace();
                let sampled = if self.samples(trace) { SAMPLED } else { 0 };
                let span = Span { trace, id, parent: None, flags: RANDOM | sampled };
                Trace { span, keeps_state: false }
            }
        }
    }

    /// An id for a further span of a trace.
    #[cfg(feature = "otlp")]
    pub(crate) fn span_id(&self) -> u64 {
        self.ids.span()
    }

    /// Whether a trace that begins here is sampled: by its id, so that all who ask for the same share
    /// sample the same traces.
    fn samples(&self, trace: u128) -> bool {
        let random = trace & ((1 << RANDOM_BITS) - 1);
        match u128::from(self.settings.sample_one_in) {
            0 => false,
            one_in => random < (1_u128 << RANDOM_BITS).div_ceil(one_in),
        }
    }
}

impl Span {
    /// Whether it is to be recorded.
    #[cfg(feature = "otlp")]
    pub(crate) fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Tells the upstream that the span has sent it the request.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, arena: &mut Arena) {
        if let Some(value) = arena.build(|to| parent::write(self.trace, self.id, self.flags, to)) {
            headers.insert(PARENT, value);
        }
    }
}

impl Trace {
    /// Tells the upstream that the request is of the trace.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, arena: &mut Arena) {
        if !self.keeps_state {
            headers.remove(STATE);
        }
        self.span.tell(headers, arena);
    }
}

#[cfg(test)]
mod tests;

//! `[tracing]`

mod otlp;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Choice, Integer, Switch};
use tollgate_proxy::{RequestIdSettings, ToldRequestId, TraceSettings, Trust};

pub use otlp::Otlp;

const TRUST: Choice<Trust> = Choice::of(&[
    ("all", Trust::All),
    ("trusted_proxies", Trust::TrustedProxies),
    ("none", Trust::None),
]);
const TOLD: Choice<ToldRequestId> = Choice::of(&[
    ("all", ToldRequestId::All),
    ("refusals", ToldRequestId::Refusals),
    ("none", ToldRequestId::None),
]);
const ONE_IN: Integer<u64> = Integer::within(0, 1_000_000_000);

/// How a request is known to all who see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// What becomes of `X-Request-Id`.
    pub request_ids: RequestIdSettings,
    /// How requests are traced; `None` = they are not.
    pub traces: Option<TraceSettings>,
    /// Where sampled requests are exported to; `None` = nowhere.
    pub otlp: Option<Otlp>,
}

pub(super) fn read(section: &mut Section) -> Tracing {
    let request_ids = RequestIdSettings {
        trust: section.or("trust_request_id", TRUST, Trust::All),
        told: section.or("request_id_in_responses", TOLD, ToldRequestId::Refusals),
    };
    let enabled = section.or("enabled", Switch, false);
    let traces = TraceSettings {
        trust: section.or("trust_parent", TRUST, Trust::TrustedProxies),
        sample_one_in: section.or("sample_one_in", ONE_IN, 1),
    };
    let otlp = section.table("otlp").and_then(|mut table| {
        if !cfg!(feature = "otlp") {
            let message = "this build exports no spans, expected one with the feature otlp";
            table.problem_at(table.here(), message);
        } else if !enabled {
            table.problem_at(table.here(), "has no effect unless tracing.enabled is true");
        }
        otlp::read(&mut table)
    });
    Tracing { request_ids, traces: enabled.then_some(traces), otlp }
}

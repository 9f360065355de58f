//! What is measured.

use tollgate_core::{Call, CallKey, Decision, Permit, Refusal, Route};

use crate::row::{Callers, Row, Work};
use crate::world::services::{NOWHERE, PLAIN, PROVEN, SERVICE_OF_OTHERS, SPENT};
use crate::world::{Kind, NOW, SECRET, World, key};

/// The row that all are held against.
pub(crate) const LOOK_UP: &str = "bare look-up";

/// All rows, of a world in which every limit that is to be used up is used up.
pub(crate) fn rows(world: &mut World) -> Vec<Row> {
    use Callers::{Known, Mistyped, Unknown};
    spend(world);
    let good = Known(Kind::Good);
    let row = |name, callers, work| Row { name, callers, work };
    let plain = |kind, refusal: Refusal| {
        row(refusal.code(), Known(kind), decide(PLAIN, None, Some(refusal)))
    };
    vec![
        row(LOOK_UP, good, Work::LookUp),
        row("look-up of none", Unknown, Work::LookUp),
        row("digest alone", good, Work::Digest),
        row("admitted", good, decide(PLAIN, None, None)),
        row("admitted, secret", Known(Kind::Proven), decide(PROVEN, Some(SECRET), None)),
        row("snapshot_stale", good, decide(PLAIN, None, Some(Refusal::SnapshotStale))),
        row("route_not_found", good, decide(NOWHERE, None, Some(Refusal::RouteNotFound))),
        row("key_malformed", Mistyped, decide(PLAIN, None, Some(Refusal::KeyMalformed))),
        row("key_unknown", Unknown, decide(PLAIN, None, Some(Refusal::KeyUnknown))),
        plain(Kind::Pending, Refusal::KeyPending),
        plain(Kind::Suspended, Refusal::KeySuspended),
        plain(Kind::Revoked, Refusal::KeyRevoked),
        plain(Kind::NotYetValid, Refusal::KeyNotYetValid),
        plain(Kind::Expired, Refusal::KeyExpired),
        plain(Kind::OwnerInactive, Refusal::OwnerInactive),
        plain(Kind::PlanInactive, Refusal::PlanInactive),
        row(
            "proof_missing",
            Known(Kind::Proven),
            decide(PROVEN, None, Some(Refusal::ProofMissing)),
        ),
        row(
            "proof_invalid",
            Known(Kind::Proven),
            decide(PROVEN, Some(b"wrong"), Some(Refusal::ProofInvalid)),
        ),
        plain(Kind::Bound, Refusal::SourceNotAllowed),
        row("not_entitled", good, decide(SERVICE_OF_OTHERS, None, Some(Refusal::NotEntitled))),
        row("service_over_qps", good, decide(SPENT, None, Some(Refusal::ServiceOverQps))),
        plain(Kind::OverQps, Refusal::OverQps),
        plain(Kind::OverQuota, Refusal::OverQuota),
        plain(Kind::OverConcurrency, Refusal::OverConcurrency),
    ]
}

fn decide(route: Route, secret: Option<&'static [u8]>, refusal: Option<Refusal>) -> Work {
    Work::Decide { route, secret, refusal }
}

/// Uses limits up.
fn spend(world: &mut World) {
    admit(world, 31, &SPENT);
    for kind in [Kind::OverQps, Kind::OverQuota] {
        for number in kind.all(world.size) {
            admit(world, number, &PLAIN);
        }
    }
    for number in Kind::OverConcurrency.all(world.size) {
        // Never given back: the request goes on as long as the bench.
        std::mem::forget(admit(world, number, &PLAIN));
    }
}

fn admit(world: &World, number: u32, route: &Route) -> Permit {
    let (root, key) = (world.root(), key(number));
    let call = Call::new(CallKey::Presented(key.as_bytes()), route, None);
    let admitted = match world.decider.decide(&root, &call, NOW) {
        Decision::Admit(permit, _) => Some(permit),
        Decision::Refuse(..) => None,
    };
    admitted.expect("the first call is within every limit")
}

//! How each refusal is met. A new row of the table has no way here, and this does not compile.

use tollgate_core::Refusal;

use super::{
    Cell, Proof,
    call::Call,
    house::{BODY, Kind, TARGET, WRONG_SECRET, key},
};
use crate::support::Request;

/// What meets a refusal.
pub(super) enum Way {
    /// This call.
    Call(Call),
    /// This request.
    Request(Request),
    /// This call, again and again.
    Guessing(Call),
    /// No call of the cell.
    Left(Left),
}

/// Why a cell does not meet a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    /// It depends on neither place, proof, dialect nor version: this test shows it.
    To(&'static str),
    /// It cannot be met, for this reason.
    Impossible(&'static str),
}

pub(super) const HAS_A_SNAPSHOT: Left = Left::Impossible("a gate listens once it has a snapshot");
pub(super) const HAS_NO_LEASE: Left = Left::Impossible("only a proxy that is fed has a lease");
pub(super) const NO_PROOF: Left = Left::Impossible("the service asks for no proof");

/// How a cell meets a refusal.
pub(super) fn way(refusal: Refusal, cell: &Cell<'_>) -> Way {
    let to = |test| Way::Left(Left::To(test));
    let good = || Call::of("good");
    Way::Call(match refusal {
        Refusal::ProofMissing | Refusal::ProofInvalid if cell.proof == Proof::None => {
            return Way::Left(NO_PROOF);
        }
        Refusal::ProofMissing => Call { secret: None, ..good() },
        Refusal::ProofInvalid => Call { secret: Some(WRONG_SECRET), ..good() },
        Refusal::RouteNotFound => Call { below: "/..".to_owned(), ..good() },
        Refusal::TlsRequired => Call { kind: Kind::Sealed, ..good() },
        Refusal::Maintenance => Call { below: "/away".to_owned(), ..good() },
        Refusal::MethodNotAllowed => {
            Call { method: "DELETE", below: "/posts".to_owned(), ..good() }
        }
        Refusal::BadRequest => {
            return Way::Request(good().request(cell).0.header("Host", "other.example.com"));
        }
        // Without a segment that could be one.
        Refusal::KeyMissing => Call { keys: Vec::new(), below: String::new(), ..good() },
        Refusal::KeyMalformed => Call { keys: vec!["not a key".to_owned()], ..good() },
        Refusal::KeyAmbiguous => Call { keys: vec![key("good"), key("other")], ..good() },
        Refusal::RefererNotAllowed => Call { referer: "https://other.example.com/", ..good() },
        Refusal::NotEntitled => Call { below: "/closed".to_owned(), ..good() },
        Refusal::ServiceOverQps => Call { kind: Kind::Busy, ..good() },
        Refusal::BodyTooLarge => Call { filler: BODY, ..good() },
        Refusal::TargetTooLong => Call { below: format!("/{}", "x".repeat(TARGET)), ..good() },
        Refusal::SourceThrottled => return Way::Guessing(Call::of("guess")),
        Refusal::KeyUnknown
        | Refusal::KeyPending
        | Refusal::KeyNotYetValid
        | Refusal::KeySuspended
        | Refusal::KeyRevoked
        | Refusal::KeyExpired
        | Refusal::OwnerInactive
        | Refusal::PlanInactive
        | Refusal::SourceNotAllowed
        | Refusal::OverQps
        | Refusal::OverQuota
        | Refusal::OverConcurrency => Call::of(refusal.code()),
        Refusal::HeadersTooLarge => return to("a_large_header_is_refused"),
        Refusal::RequestTimeout => return to("a_form_that_does_not_come_is_given_up"),
        Refusal::DeadlineExceeded => return to("the_callers_deadline_is_that_of_the_whole_call"),
        Refusal::Draining => {
            return to("a_form_that_is_being_read_is_cut_at_the_end_of_a_drain");
        }
        Refusal::UpstreamUnreachable => return to("an_upstream_that_is_not_there_is_a_502"),
        Refusal::UpstreamBadResponse => {
            return to("a_broken_upstream_is_told_from_a_whole_answer");
        }
        Refusal::UpstreamOverloaded => {
            return to("who_waits_in_vain_or_finds_no_place_is_refused");
        }
        Refusal::UpstreamTimeout => return to("an_upstream_that_is_silent_is_a_504"),
        Refusal::NoSnapshot => return Way::Left(HAS_A_SNAPSHOT),
        Refusal::SnapshotStale => return Way::Left(HAS_NO_LEASE),
    })
}

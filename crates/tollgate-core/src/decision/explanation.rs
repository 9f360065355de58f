//! Why a call would be decided as it would be: the decision itself, telling its steps.

use core::net::IpAddr;

use super::identity::{named, recognize};
use super::purpose::{Purpose, Step};
use super::{At, Call, CallKey, Caller, Claims, Confirmation, Decider, Refused, Shadow, consider};
use crate::limits::Present;
use crate::proof::Signed;
use crate::{
    CertificateFingerprint, Digest, Grant, Now, ProofFailure, Reading, ReadingKind, Record,
    Refusal, Root, Route, Schemes, Service, Terms,
};

/// What stands for a key where the key itself must not be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// By the scheme in use.
    pub current: Digest,
    /// By the scheme before it, if there is one.
    pub previous: Option<Digest>,
}

/// Whose a call is that is explained.
#[derive(Clone, Copy, Debug)]
pub enum ExplainedKey {
    /// Whose key has these digests.
    Presented(Digests),
    /// Nobody's: it is charged to the key of this digest.
    Keyless(Digest),
}

/// A limit of a call and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct LimitState {
    /// What it refuses with.
    pub refusal: Refusal,
    /// Which one it is, of those that callers are told of.
    pub kind: Option<ReadingKind>,
    /// Whether it refuses, or only counts what it would refuse.
    pub enforced: bool,
    /// Calls per second, in a window or at a time.
    pub ceiling: u64,
    /// Calls that it has counted and that are not back yet.
    pub used: u64,
    /// More of it; `None` of requests at a time, and of a ceiling of 0.
    pub reading: Option<Reading>,
    /// Whether it would admit the call.
    pub admits: bool,
}

/// What would be decided about a call, and each step that it passes. Borrows from the snapshot.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The steps that are passed, in their order. The one that refuses is not among them.
    pub steps: Vec<&'static str>,
    /// The key, if it is known.
    pub known: Option<&'a Record>,
    /// Under which of its grants the call stands, if it comes to that.
    pub entitled: Option<&'a Grant>,
    /// Every limit, in the order of reporting, if it comes to that. Exemptions are none.
    pub limits: Vec<LimitState>,
    /// Admitted, with what was not enforced, or why not.
    pub verdict: Result<Shadow, Refused>,
}

impl Digests {
    /// Of a key, by these schemes.
    #[must_use]
    pub fn of(schemes: &Schemes, key: &[u8]) -> Self {
        let previous = schemes.previous.as_ref().map(|scheme| scheme.digest(key));
        Self { current: schemes.current.digest(key), previous }
    }
}

impl Decider {
    /// What [`Decider::decide`] would say of a call of `route` at this instant, and why. It is the
    /// same decision up to the taking of the limits, so nothing is counted, and no meter is
    /// written to. A proof, which nobody but the caller can make, is taken to be right.
    #[must_use]
    pub fn explain<'a>(
        &self,
        root: &'a Root,
        key: &ExplainedKey,
        route: &Route,
        source: IpAddr,
        now: Now,
    ) -> Explanation<'a> {
        let now = self.reader.no_earlier(now);
        let present = Glance(Confirmation { decider: self, root });
        let at = At { now, present, meters: self.reader.meters() };
        let found = match key {
            ExplainedKey::Presented(key) => {
                recognize(root, at.meters, &key.current, || key.previous, now)
            }
            ExplainedKey::Keyless(digest) => named(root, digest, now),
        };
        let (known, record) = match found {
            Ok(record) => (Some(record), Ok(record)),
            Err(unfit) => (unfit.record, Err(unfit.refusal)),
        };
        let mut told = Told::default();
        told.steps.extend(known.map(|_| "key"));
        let verdict = record.map_err(Refused::from).and_then(|record| {
            told.steps.push("state");
            let call = Call::new(CallKey::Keyless(&record.digest), route, Some(source));
            consider(root, record, &call, &at, &mut told)
        });
        let Told { mut steps, entitled, limits } = told;
        if verdict.is_ok() {
            steps.push("limits");
        }
        Explanation { steps, known, entitled, limits, verdict }
    }
}

/// The present for whoever changes nothing.
pub(super) struct Glance<'a>(pub(super) Confirmation<'a>);

impl Present for Glance<'_> {
    const LOWERS: bool = false;

    fn confirm(&self) -> Option<u64> {
        self.0.confirm()
    }
}

/// Takes the proof that a caller would bring to be right, if there is a secret that it can prove.
pub(super) fn proved_if_it_can(
    root: &Root,
    service: &Service,
    record: &Record,
) -> Result<Option<Signed>, ProofFailure> {
    let lacking = service.proof.is_some() && root.secrets.find(&record.digest).is_none();
    if lacking { Err(ProofFailure::NoSecret) } else { Ok(None) }
}

/// What an explanation was told.
#[derive(Default)]
struct Told<'a> {
    steps: Vec<&'static str>,
    entitled: Option<&'a Grant>,
    limits: Vec<LimitState>,
}

impl<'a> Purpose<'a> for Told<'a> {
    /// What is not enforced of it.
    type Conclusion = Shadow;

    fn prove(
        &self,
        root: &Root,
        service: &Service,
        record: &Record,
        _: &Call<'_>,
        _: &At<'_, impl Present>,
    ) -> Result<Option<Signed>, ProofFailure> {
        proved_if_it_can(root, service, record)
    }

    fn certify(&self, _: &Terms, _: Option<&CertificateFingerprint>) -> Result<(), Refusal> {
        Ok(())
    }

    fn passed(&mut self, step: Step<'a>) {
        self.steps.push(step.name());
        match step {
            Step::Proved => {}
            Step::Entitled(grant) => self.entitled = Some(grant),
        }
    }

    fn limits(&mut self, stand: impl FnOnce() -> Vec<LimitState>) {
        self.limits = stand();
    }

    fn conclude(
        &mut self,
        _: &Record,
        _: Caller<'a>,
        _: (&Claims<'_>, Option<Signed>),
        _: &At<'_, impl Present>,
        mut shadow: Shadow,
    ) -> Result<Shadow, Refused> {
        let over = self.limits.iter().filter(|limit| !limit.admits);
        over.for_each(|limit| shadow.note(limit.refusal));
        Ok(shadow)
    }
}

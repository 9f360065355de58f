//! What a call is considered for: to be decided, or to be explained.

use std::sync::Arc;

use super::prove::prove;
use super::{At, Call, Caller, Claims, LimitState, Open, Permit, Refused, Shadow, Spent};
use crate::limits::Present;
use crate::proof::Signed;
use crate::{
    CertificateFingerprint, Grant, Line, LineTag, MeterId, Meters, ProofFailure, Record, Refusal,
    Root, Service, Terms,
};

/// A step that a call has passed.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    /// The caller has proved what the service asks for.
    Proved,
    /// This opens what is called, or is not enforced.
    Entitled(&'a Grant),
}

impl Step<'_> {
    /// What an explanation calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Proved => "proof",
            Self::Entitled(_) => "entitlement",
        }
    }
}

/// Is told of each step when it is passed, and concludes.
pub(super) trait Purpose<'a> {
    /// What comes of a call that has passed every step.
    type Conclusion;

    /// Whether a caller proves what its service asks for. Returns the signature that an admitted
    /// call spends, if it spends one.
    ///
    /// # Errors
    /// Why not.
    fn prove(
        &self,
        root: &Root,
        service: &Service,
        record: &Record,
        call: &Call<'_>,
        at: &At<'_, impl Present>,
    ) -> Result<Option<Signed>, ProofFailure>;

    /// Whether a caller has presented a certificate that the key is bound to, where it is.
    ///
    /// # Errors
    /// Why not.
    fn certify(
        &self,
        terms: &Terms,
        presented: Option<&CertificateFingerprint>,
    ) -> Result<(), Refusal>;

    fn passed(&mut self, step: Step<'a>);

    /// What counts a tag of a meter.
    #[inline]
    fn line<'m>(&self, meters: &'m Meters, meter: MeterId, tag: LineTag) -> Option<&'m Line> {
        meters.line(meter, tag)
    }

    /// Where every limit of the call stands, before the first of them is read.
    fn limits(&mut self, stand: impl FnOnce() -> Vec<LimitState>);

    /// Comes to an end with a call that has passed every step. `spends` are its limits and its
    /// signature, `shadow` is what was not enforced of the steps.
    fn conclude(
        &mut self,
        record: &Record,
        caller: Caller<'a>,
        spends: (&Claims<'_>, Option<Signed>),
        at: &At<'_, impl Present>,
        shadow: Shadow,
    ) -> Result<Self::Conclusion, Refused>;
}

/// For a request: nobody is told, which costs nothing, and the limits are taken.
pub(super) struct ToDecide;

impl<'a> Purpose<'a> for ToDecide {
    type Conclusion = (Permit, Caller<'a>);

    #[inline]
    fn prove(
        &self,
        root: &Root,
        service: &Service,
        record: &Record,
        call: &Call<'_>,
        at: &At<'_, impl Present>,
    ) -> Result<Option<Signed>, ProofFailure> {
        prove(root, service, record, call, at)
    }

    #[inline]
    fn certify(
        &self,
        terms: &Terms,
        presented: Option<&CertificateFingerprint>,
    ) -> Result<(), Refusal> {
        terms.check_certificate(presented)
    }

    #[inline]
    fn passed(&mut self, _: Step<'_>) {}

    #[inline]
    fn limits(&mut self, _: impl FnOnce() -> Vec<LimitState>) {}

    #[inline]
    fn conclude(
        &mut self,
        record: &Record,
        caller: Caller<'a>,
        (claims, signed): (&Claims<'_>, Option<Signed>),
        at: &At<'_, impl Present>,
        shadow: Shadow,
    ) -> Result<Self::Conclusion, Refused> {
        let spent = claims.take(at, signed, shadow)?;
        let Record { digest, meter, number, .. } = *record;
        claims.note_use(number, at.now.unix());
        let open = spent.open.then(|| Open { meters: Arc::clone(at.meters), meter });
        let Spent { readings, shadow, near_quota, unkept, .. } = spent;
        Ok((Permit { digest, meter, readings, shadow, near_quota, unkept, _open: open }, caller))
    }
}

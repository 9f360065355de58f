//! Whether a call proves that its key is the caller's.

use std::num::NonZeroU32;

use super::claims::At;
use crate::limits::Present;
use crate::proof::{Opened, Signed, SignedTime};
use crate::{
    Call, CallKey, KeySecret, Line, LineTag, MAX_TOLERANCE, ProofFailure, ProofScheme, Qps, Record,
    Root, Schemes, Service, SignatureHash,
};

/// How far from now a signature without a time may be once its key is over its budget of failures.
const HURRIED: u64 = 5;

/// Failed signatures without a time of one key for which the whole tolerance is searched: so many a
/// second, and so many at once.
const BUDGET: (u32, u32) = (1, 20);

/// Holds the call against what `service` asks for. Returns the signature that an admitted call
/// spends, if it spends one.
///
/// # Errors
/// Why it proves nothing. None of the reasons tells how near it was.
pub(super) fn prove(
    root: &Root,
    service: &Service,
    record: &Record,
    call: &Call<'_>,
    at: &At<'_, impl Present>,
) -> Result<Option<Signed>, ProofFailure> {
    let Some(proof) = &service.proof else { return Ok(None) };
    let (presented, time) = call.proof.proof()?;
    let secret = root.secrets.find(&record.digest).ok_or(ProofFailure::NoSecret)?;
    // Who brings no key proves nothing with it.
    let CallKey::Presented(key) = call.key else { return Err(ProofFailure::Missing) };
    match proof.scheme {
        ProofScheme::Secret => is_secret(&root.schemes, secret, presented).map(|()| None),
        ProofScheme::Signature { hash, tolerance } => {
            let signature = hash.read(presented).ok_or(ProofFailure::Malformed)?;
            let secret = open(secret, key)?;
            let now = at.now.unix();
            let line = at.meters.line(record.meter, LineTag::KEY);
            let line = line.ok_or(ProofFailure::OverBudget)?;
            search(line, tolerance, at, |far| {
                hash.matches(&signature, key, secret.bytes(), now, far)
            })?;
            Ok(None)
        }
        ProofScheme::HmacSha256 { tolerance, .. } => {
            let signature = SignatureHash::Sha256.read(presented).ok_or(ProofFailure::Malformed)?;
            let time = SignedTime::read(time.ok_or(ProofFailure::Missing)?);
            let time = time.ok_or(ProofFailure::Malformed)?;
            if !time.is_near(at.now.unix(), tolerance.min(MAX_TOLERANCE)) {
                return Err(ProofFailure::Untimely);
            }
            let secret = open(secret, key)?;
            if !signature.is_hmac(key, secret.bytes(), &time) {
                return Err(ProofFailure::Wrong);
            }
            let signed = Signed::new(signature.whole(), time.second);
            at.meters.signatures().look(signed)?;
            Ok(Some(signed))
        }
    }
}

/// Compares digests, in the same time whatever they are.
fn is_secret(schemes: &Schemes, secret: &KeySecret, presented: &[u8]) -> Result<(), ProofFailure> {
    let digest = secret.digest.as_ref().ok_or(ProofFailure::NoSecret)?;
    let previous = || schemes.previous.as_ref().map(|scheme| scheme.digest(presented));
    if schemes.current.digest(presented) == *digest || previous().as_ref() == Some(digest) {
        return Ok(());
    }
    Err(ProofFailure::Wrong)
}

/// Searches the seconds around now for the one that was signed: all of the tolerance while the key is
/// within its budget of failures, the nearest ones when it is over it.
fn search(
    line: &Line,
    tolerance: u64,
    at: &At<'_, impl Present>,
    matches: impl FnOnce(u64) -> bool,
) -> Result<(), ProofFailure> {
    let budget = budget().ok_or(ProofFailure::OverBudget)?;
    let within = budget.read(&line.failed_proofs, at.now.monotonic, &at.present).is_ok();
    if matches(tolerance.min(if within { MAX_TOLERANCE } else { HURRIED })) {
        return Ok(());
    }
    if !within {
        return Err(ProofFailure::OverBudget);
    }
    // Another failure may have taken the last of the budget: then this one costs nothing more.
    let _ = budget.take(&line.failed_proofs, at.now.monotonic, &at.present);
    Err(ProofFailure::Wrong)
}

fn budget() -> Option<Qps> {
    let (ceiling, burst) = BUDGET;
    Some(Qps::new(NonZeroU32::new(ceiling)?, NonZeroU32::new(burst)?))
}

fn open(secret: &KeySecret, key: &[u8]) -> Result<Opened, ProofFailure> {
    let wrapped = secret.wrapped.as_ref().ok_or(ProofFailure::NoSecret)?;
    wrapped.open(key).ok_or(ProofFailure::Sealed)
}

#[cfg(test)]
mod tests;

//! Proofs, taken out of a request as keys are: byte-exact, so that no copy goes upstream.

use std::borrow::Cow;

use http::header::Entry;
use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{Presented, ProofScheme, Service};

use crate::credential::{self, Brought, Credential};

/// What a request brings beside its key. It has no way to be printed.
pub(crate) struct Proof<'a> {
    held: Held,
    /// The query without the proof: borrowed where it never held one.
    pub(crate) query: Option<Cow<'a, str>>,
    /// The form without the proof; `None` where it never held one.
    pub(crate) form: Option<Vec<u8>>,
}

enum Held {
    Nothing,
    Malformed,
    Proof { proof: Credential, time: Option<HeaderValue> },
}

impl Proof<'_> {
    /// The proof as the decision looks at it.
    pub(crate) fn presented(&self) -> Presented<'_> {
        match &self.held {
            Held::Nothing => Presented::Nothing,
            Held::Malformed => Presented::Malformed,
            Held::Proof { proof, time } => {
                let time = time.as_ref().map(HeaderValue::as_bytes);
                Presented::Proof { proof: proof.bytes(), time }
            }
        }
    }
}

/// Takes the proof that a service asks for out of all its places, and the time beside it; nothing
/// where it asks for none.
pub(crate) fn take<'a>(
    service: &Service,
    headers: &mut HeaderMap,
    query: Option<&'a str>,
    form: Option<&[u8]>,
) -> Proof<'a> {
    let untouched = |held| Proof { held, query: query.map(Cow::Borrowed), form: None };
    let Some(proof) = &service.proof else { return untouched(Held::Nothing) };
    let time = match &proof.scheme {
        ProofScheme::HmacSha256 { time, .. } => take_time(headers, time),
        ProofScheme::Secret | ProofScheme::Signature { .. } => Ok(None),
    };
    let brought = Brought { headers, query, segment: None, form };
    match (credential::take(&proof.places, brought), time) {
        (Ok(taken), Ok(time)) => {
            let held = taken.key.map_or(Held::Nothing, |proof| Held::Proof { proof, time });
            Proof { held, query: taken.query, form: taken.form }
        }
        // Whatever is left of it goes nowhere: the call is refused.
        _ => untouched(Held::Malformed),
    }
}

/// Takes the time out of its field; an error for two that differ.
fn take_time(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<HeaderValue>, ()> {
    let Entry::Occupied(entry) = headers.entry(name) else { return Ok(None) };
    let mut values = entry.remove_entry_mult().1;
    let first = values.next();
    if values.all(|other| Some(&other) == first.as_ref()) { Ok(first) } else { Err(()) }
}

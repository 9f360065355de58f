//! Proofs, taken out of a request as keys are: byte-exact, so that no copy goes upstream.

use std::borrow::Cow;

use http::HeaderMap;
use tollgate_core::{Presented, Service};

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
    Proof(Credential),
}

impl Proof<'_> {
    /// The proof as the decision looks at it.
    pub(crate) fn presented(&self) -> Presented<'_> {
        match &self.held {
            Held::Nothing => Presented::Nothing,
            Held::Malformed => Presented::Malformed,
            Held::Proof(proof) => Presented::Proof(proof.bytes()),
        }
    }
}

/// Takes the proof that a service asks for out of all its places; nothing where it asks for none.
pub(crate) fn take<'a>(
    service: &Service,
    headers: &mut HeaderMap,
    query: Option<&'a str>,
    form: Option<&[u8]>,
) -> Proof<'a> {
    let untouched = |held| Proof { held, query: query.map(Cow::Borrowed), form: None };
    let Some(proof) = &service.proof else { return untouched(Held::Nothing) };
    let brought = Brought { headers, query, segment: None, form };
    match credential::take(&proof.places, brought) {
        Ok(taken) => {
            let held = taken.key.map_or(Held::Nothing, Held::Proof);
            Proof { held, query: taken.query, form: taken.form }
        }
        // Whatever is left of it goes nowhere: the call is refused.
        Err(_) => untouched(Held::Malformed),
    }
}

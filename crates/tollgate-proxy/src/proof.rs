//! Proofs, taken out of a request as keys are: byte-exact, so that no copy goes upstream.

use std::borrow::Cow;

use http::HeaderMap;
use tollgate_core::{Presented, Service};

use crate::credential::{self, Credential};

/// What a request brings beside its key. It has no way to be printed.
pub(crate) struct Proof<'a> {
    held: Held,
    /// The query without the proof: borrowed where it never held one.
    pub(crate) query: Option<Cow<'a, str>>,
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
) -> Proof<'a> {
    let untouched = |held| Proof { held, query: query.map(Cow::Borrowed) };
    let Some(proof) = &service.proof else { return untouched(Held::Nothing) };
    match credential::take(&proof.places, headers, query) {
        Ok(taken) => {
            Proof { held: taken.key.map_or(Held::Nothing, Held::Proof), query: taken.query }
        }
        // Whatever is left of it goes nowhere: the call is refused.
        Err(_) => untouched(Held::Malformed),
    }
}

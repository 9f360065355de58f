//! What is decided about.

use std::fmt;

use crate::{Presented, Route};

/// A call, as far as a decision needs it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The key, as it was presented.
    pub key: &'a [u8],
    /// What proves that the key is the caller's.
    pub proof: Presented<'a>,
    /// What it leads to.
    pub route: &'a Route,
}

impl<'a> Call<'a> {
    /// A call of `route` with `key` and nothing else.
    #[must_use]
    pub fn new(key: &'a [u8], route: &'a Route) -> Self {
        Self { key, proof: Presented::Nothing, route }
    }

    /// The same call with a proof.
    #[must_use]
    pub fn with_proof(self, proof: Presented<'a>) -> Self {
        Self { proof, ..self }
    }
}

/// Without the key.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("route", self.route).finish_non_exhaustive()
    }
}

//! What is enforced, and what is only counted (shadow enforcement).

/// Which refusals are meant. A plan says it of each; a key says it where it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Enforcement<T> {
    /// Whatever the terms refuse, limits included.
    pub terms: T,
    /// Queries per second of the key.
    pub qps: T,
    /// The quota of the key.
    pub quota: T,
    /// Requests of the key at a time.
    pub concurrency: T,
}

/// Everything is enforced.
impl Default for Enforcement<bool> {
    fn default() -> Self {
        Self { terms: true, qps: true, quota: true, concurrency: true }
    }
}

impl Enforcement<Option<bool>> {
    /// Of a key that says nothing of it.
    pub const INHERITED: Self = Self { terms: None, qps: None, quota: None, concurrency: None };
}

impl Enforcement<bool> {
    /// What holds for a key that says `own` of itself: absent inherits. No limit is enforced
    /// where the terms are not.
    #[must_use]
    pub fn effective(&self, own: &Enforcement<Option<bool>>) -> Self {
        let terms = own.terms.unwrap_or(self.terms);
        Self {
            terms,
            qps: terms && own.qps.unwrap_or(self.qps),
            quota: terms && own.quota.unwrap_or(self.quota),
            concurrency: terms && own.concurrency.unwrap_or(self.concurrency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_for_itself_and_no_limit_stands_without_its_terms() {
        let says = |terms, qps| Enforcement { terms, qps, quota: None, concurrency: None };
        for (plan_terms, plan_qps, own, expected) in [
            (true, true, says(None, None), (true, true)),
            (true, false, says(None, None), (true, false)),
            (true, true, says(None, Some(false)), (true, false)),
            (true, false, says(None, Some(true)), (true, true)),
            (true, true, says(Some(false), Some(true)), (false, false)),
            (false, true, says(None, Some(true)), (false, false)),
            (false, true, says(Some(true), None), (true, true)),
            (false, false, says(Some(true), None), (true, false)),
        ] {
            let plan =
                Enforcement { terms: plan_terms, qps: plan_qps, quota: true, concurrency: true };
            let found = plan.effective(&own);
            assert_eq!((found.terms, found.qps), expected, "{plan:?} {own:?}");
            assert_eq!((found.quota, found.concurrency), (expected.0, expected.0));
        }
    }
}

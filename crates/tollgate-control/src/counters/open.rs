//! Requests that are open in another process.

use tollgate_core::{MeterId, Meters};

/// Requests that another process has open on meters of this one.
#[derive(Debug, Default)]
pub struct OpenElsewhere(Vec<(MeterId, u32)>);

impl OpenElsewhere {
    pub(super) fn new(open: Vec<(MeterId, u32)>) -> Self {
        Self(open)
    }

    /// How many requests are still open on each, in their order.
    #[must_use]
    pub fn counts(&self, meters: &Meters) -> Vec<u32> {
        self.0.iter().map(|(meter, _)| meters.open(*meter)).collect()
    }

    /// Notes that so many are still open elsewhere. Whatever has ended makes room here.
    pub fn note(&mut self, counts: &[u32], meters: &Meters) {
        for ((meter, open), left) in self.0.iter_mut().zip(counts) {
            let ended = open.saturating_sub(*left);
            meters.ended_elsewhere(*meter, ended);
            *open -= ended;
        }
    }

    /// Notes that nothing is open elsewhere.
    pub fn end(&mut self, meters: &Meters) {
        let none = vec![0; self.0.len()];
        self.note(&none, meters);
    }

    /// Whether nothing is open elsewhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, open)| *open == 0)
    }
}

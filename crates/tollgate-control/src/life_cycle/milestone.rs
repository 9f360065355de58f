//! The planned dates of a key, and what became of them.

use super::calendar::Second;
use super::chain::Key;
use crate::document::kind::Instant;

/// One planned date. What no policy planned has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// When it was to be.
    pub planned: Instant,
    /// When it was.
    pub actual: Option<Second>,
    /// It will not be, because something else ended the key before.
    pub cancelled: bool,
}

impl Milestone {
    /// By how many seconds it came later than planned; less than none with a lead.
    pub fn delay(&self) -> Option<i64> {
        self.actual.map(|actual| actual.saturating_sub(self.planned.end()))
    }
}

impl Key {
    /// The rotation that replaces this key.
    pub fn rotation_milestone(&self) -> Option<Milestone> {
        let planned = Instant::Second(self.rotation?.planned);
        Some(self.milestone(planned, self.rotated))
    }

    /// The end of this key by age. What was superseded does not die of age, even where its chain
    /// does while it still works.
    pub fn expiration_milestone(&self) -> Option<Milestone> {
        let actual = self.expired.filter(|_| self.superseded_until.is_none());
        Some(self.milestone(self.expiration?, actual))
    }

    fn milestone(&self, planned: Instant, actual: Option<Second>) -> Milestone {
        let ended = self.state.is_over() || self.superseded_until.is_some();
        Milestone { planned, actual, cancelled: actual.is_none() && ended }
    }
}

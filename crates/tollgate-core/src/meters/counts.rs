//! What a line of a key's meter counts, as its tag and back.

use super::LineTag;
use crate::{MethodId, ServiceId};

/// What a line counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// The key as a whole.
    Key,
    /// What one grant of a key set opens.
    Grant(ServiceId),
    /// A method with ceilings of its own.
    Method(MethodId),
}

/// Tags from here on are of grants that count for themselves; those below are of methods.
const GRANTS: u32 = 1 << 31;

impl Counts {
    /// The tag of the line.
    #[must_use]
    pub fn tag(self) -> LineTag {
        match self {
            Self::Key => LineTag::KEY,
            Self::Grant(service) => LineTag(GRANTS | service.0),
            // 0 is the key's own line.
            Self::Method(method) => LineTag(method.0 + 1),
        }
    }

    /// What a line of this tag counts.
    #[must_use]
    pub fn of(tag: LineTag) -> Self {
        match tag {
            LineTag::KEY => Self::Key,
            LineTag(tag) if tag >= GRANTS => Self::Grant(ServiceId(tag & !GRANTS)),
            LineTag(tag) => Self::Method(MethodId(tag - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_what_it_counts() {
        let method = |number| Counts::Method(MethodId(number));
        for counts in [Counts::Key, Counts::Grant(ServiceId(0)), Counts::Grant(ServiceId(9))] {
            assert_eq!(Counts::of(counts.tag()), counts);
        }
        for counts in [method(0), method(7)] {
            assert_eq!(Counts::of(counts.tag()), counts);
        }
    }
}

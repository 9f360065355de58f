//! How long to wait after a failure.

/// Milliseconds of the first wait, and of the longest.
const SHORTEST: u64 = 100;
const LONGEST: u64 = 10_000;

/// Each wait is up to twice as long as the one before, and at least half as long as is due: by chance,
/// so that many who were cut off at once do not come back at once.
#[derive(Debug)]
pub(super) struct BackOff {
    due: u64,
    random: u64,
}

impl BackOff {
    /// One whose chances come from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self { due: SHORTEST, random: seed }
    }

    /// All is well again.
    pub(super) fn begin(&mut self) {
        self.due = SHORTEST;
    }

    /// There is no sense in coming back soon.
    pub(super) fn be_long(&mut self) {
        self.due = LONGEST;
    }

    /// Milliseconds to wait now.
    pub(super) fn next(&mut self) -> u64 {
        let half = self.due / 2;
        self.due = (self.due * 2).min(LONGEST);
        half + self.draw() % (half + 1)
    }

    /// The next of a row of numbers that look random (SplitMix64).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

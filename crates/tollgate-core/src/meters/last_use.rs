//! When each key was last used: beside its counters, so that it costs no line of its own.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::{Line, LineTag, MeterId, Meters};

/// Below the number of a key stands the second in which it was used.
const SECOND_BITS: u32 = 48;

/// The last uses of the two newest of the successive keys that count on a meter: no more than two
/// work at a time. A word holds the number of the key and the second.
#[derive(Debug, Default)]
pub(super) struct LastUses([AtomicU64; 2]);

impl LastUses {
    pub(super) fn reset(&self) {
        self.0.iter().for_each(|word| word.store(0, Relaxed));
    }

    pub(super) fn words(&self) -> [u64; 2] {
        self.0.each_ref().map(|word| word.load(Relaxed))
    }

    pub(super) fn restore(&self, words: [u64; 2]) {
        self.0.iter().zip(words).for_each(|(word, used)| word.store(used, Relaxed));
    }

    fn word(&self, number: u16) -> &AtomicU64 {
        let [even, odd] = &self.0;
        if number.is_multiple_of(2) { even } else { odd }
    }
}

impl Line {
    /// Notes that the key of this number was used at `unix`. Only the first use in a second writes.
    #[inline]
    pub(crate) fn note_use(&self, number: u16, unix: u64) {
        let word = self.last_uses.word(number);
        let used = u64::from(number) << SECOND_BITS | unix;
        if word.load(Relaxed) != used {
            word.store(used, Relaxed);
        }
    }
}

impl Meters {
    /// The second since 1970 in which a call with a key was last admitted: the key of this number
    /// among those that count on `meter`. `None` if none was since the process began, or if the key
    /// after its successor has been used since.
    #[must_use]
    pub fn last_use(&self, meter: MeterId, number: u16) -> Option<u64> {
        let line = self.line(meter, LineTag::KEY)?;
        let used = line.last_uses.word(number).load(Relaxed);
        let second = used & ((1 << SECOND_BITS) - 1);
        (second != 0 && used >> SECOND_BITS == u64::from(number)).then_some(second)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allotment;
    use super::*;

    #[test]
    fn a_key_and_its_successor_are_told_apart_and_a_third_takes_the_place_of_the_first() {
        let meters = Meters::default();
        let mut allotment = Allotment::default();
        let meter = allotment.allot(&meters, &[]).unwrap();
        let line = meters.line(meter, LineTag::KEY).unwrap();
        let seen = |numbers: [u16; 3]| numbers.map(|number| meters.last_use(meter, number));
        assert_eq!(seen([1, 2, 3]), [None; 3]);
        line.note_use(1, 100);
        line.note_use(2, 90);
        assert_eq!(seen([1, 2, 3]), [Some(100), Some(90), None]);
        line.note_use(3, 110);
        assert_eq!(seen([1, 2, 3]), [None, Some(90), Some(110)]);
        allotment.release(&meters, meter);
        let next = allotment.allot(&meters, &[]).unwrap();
        assert_eq!((next, meters.last_use(next, 3)), (meter, None));
    }
}

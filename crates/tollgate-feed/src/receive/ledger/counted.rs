//! The meters of keys, by what they count and by their numbers: with millions of them every byte counts.

use std::hash::BuildHasher;
use std::hint::black_box;

use hashbrown::{DefaultHashBuilder, HashTable};
use tollgate_core::{MeterId, MeterNeeds, Period};

use crate::wire::Counter;

#[derive(Debug, Default)]
pub(super) struct CountedMeters {
    /// By the number of the meter.
    counted: Vec<Counted>,
    /// By the counter, which stands there.
    meters: HashTable<MeterId>,
    hasher: DefaultHashBuilder,
}

/// What is known of a meter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    counter: Counter,
    /// In seconds. What takes longer than this can tell is not waited for.
    recovery: u32,
    keys: u16,
    longest: Period,
    pub(super) standing: Standing,
}

/// Whether a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is none of a key.
    None,
    /// It counts for keys.
    Used,
    /// Its keys are gone, and its windows may not have ended.
    Retired,
}

/// Where so many keys count on a meter, they are not counted any more, and it is never given up.
const MANY: u16 = u16::MAX;

impl Counted {
    const NONE: Self = Self {
        counter: Counter(0),
        recovery: 0,
        keys: 0,
        longest: Period::Minute,
        standing: Standing::None,
    };

    pub(super) fn needs(&self) -> MeterNeeds {
        MeterNeeds { longest: self.longest, recovery: self.recovery.into() }
    }

    /// Needs this, too, from now on.
    pub(super) fn need(&mut self, more: MeterNeeds) {
        let MeterNeeds { longest, recovery } = self.needs().and(more);
        self.longest = longest;
        self.recovery = u32::try_from(recovery).unwrap_or(u32::MAX);
    }

    /// One more key counts on it.
    pub(super) fn comes(&mut self) {
        self.keys = self.keys.saturating_add(1);
    }

    /// One key fewer does.
    pub(super) fn goes(&mut self) {
        if self.keys != MANY {
            self.keys = self.keys.saturating_sub(1);
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.keys == 0
    }
}

impl CountedMeters {
    pub(super) fn make_room(&mut self, more: usize) {
        let Self { counted, meters, hasher } = self;
        counted.reserve_exact(more);
        meters.reserve(more, |meter| hasher.hash_one(of(counted, *meter).counter));
    }

    pub(super) fn look_ahead(&self, counters: impl Iterator<Item = Counter>) {
        for counter in counters {
            black_box(self.meters.find(self.hasher.hash_one(counter), |_| false));
        }
    }

    /// The meter of a counter.
    pub(super) fn meter(&self, counter: Counter) -> Option<MeterId> {
        let same = |meter: &MeterId| of(&self.counted, *meter).counter == counter;
        self.meters.find(self.hasher.hash_one(counter), same).copied()
    }

    pub(super) fn counter(&self, meter: MeterId) -> Option<Counter> {
        let counted = self.counted.get(meter.number() as usize);
        counted.filter(|counted| counted.standing != Standing::None).map(|counted| counted.counter)
    }

    pub(super) fn get_mut(&mut self, meter: MeterId) -> Option<&mut Counted> {
        let counted = self.counted.get_mut(meter.number() as usize);
        counted.filter(|counted| counted.standing != Standing::None)
    }

    /// Every counter with its meter.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Counter, MeterId, MeterNeeds)> {
        self.meters.iter().map(|meter| {
            let counted = of(&self.counted, *meter);
            (counted.counter, *meter, counted.needs())
        })
    }

    /// Adds a meter that no key counts on yet, of a counter that has none.
    pub(super) fn put(
        &mut self,
        meter: MeterId,
        counter: Counter,
        needs: MeterNeeds,
        standing: Standing,
    ) {
        let at = meter.number() as usize;
        if at >= self.counted.len() {
            self.counted.resize(at + 1, Counted::NONE);
        }
        let mut new = Counted { counter, standing, ..Counted::NONE };
        new.need(needs);
        if let Some(place) = self.counted.get_mut(at) {
            *place = new;
        }
        let Self { counted, meters, hasher } = self;
        let hash = |meter: &MeterId| hasher.hash_one(of(counted, *meter).counter);
        meters.insert_unique(hash(&meter), meter, hash);
    }

    /// Forgets a meter. False if it is none of a key.
    pub(super) fn remove(&mut self, meter: MeterId) -> bool {
        let Some(counter) = self.counter(meter) else { return false };
        let hash = self.hasher.hash_one(counter);
        if let Ok(found) = self.meters.find_entry(hash, |known| *known == meter) {
            found.remove();
        }
        if let Some(place) = self.counted.get_mut(meter.number() as usize) {
            *place = Counted::NONE;
        }
        true
    }
}

fn of(counted: &[Counted], meter: MeterId) -> &Counted {
    counted.get(meter.number() as usize).unwrap_or(&Counted::NONE)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use tollgate_core::handoff;

    use super::*;

    #[test]
    fn a_meter_takes_16_bytes() {
        assert_eq!(size_of::<Counted>(), 16);
    }

    #[test]
    fn a_meter_of_more_keys_than_are_counted_is_never_unused() {
        let mut counted = Counted::NONE;
        (0..70_000).for_each(|_| counted.comes());
        (0..70_000).for_each(|_| counted.goes());
        assert!(!counted.is_unused());
    }

    proptest! {
        #[test]
        fn matches_a_map(steps in proptest::collection::vec((0u64..40, any::<bool>()), 1..200)) {
            let (mut writer, _) = handoff();
            let needs = MeterNeeds { longest: Period::Day, recovery: 7 };
            let (mut meters, mut map) = (CountedMeters::default(), HashMap::new());
            for (counter, put) in steps {
                let counter = Counter(counter);
                match map.get(&counter).copied() {
                    None if put => {
                        let meter = writer.allot(&[]).unwrap();
                        meters.put(meter, counter, needs, Standing::Used);
                        map.insert(counter, meter);
                    }
                    Some(meter) if !put => {
                        prop_assert!(meters.remove(meter) && !meters.remove(meter));
                        map.remove(&counter);
                    }
                    _ => {}
                }
                for counter in (0..40).map(Counter) {
                    prop_assert_eq!(meters.meter(counter), map.get(&counter).copied());
                }
                let all: HashMap<_, _> = meters.iter().map(|(counter, meter, _)| (counter, meter)).collect();
                prop_assert_eq!(&all, &map);
            }
        }
    }
}

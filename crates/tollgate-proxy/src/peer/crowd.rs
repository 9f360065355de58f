//! How many connections a source has, of sources without number, in memory of a fixed size.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tollgate_core::Source;

const ROWS: usize = 4;
const CELLS: usize = 16_384;

/// Counts of connections by source, without a lock.
///
/// A source has a cell in each row, which it shares with others, and counts as the least of its cells
/// says (a count-min sketch): never fewer than it has, and more only where each of them is shared
/// with somebody who has many. Which sources share cells nobody outside can tell.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: u32,
    rows: [Row; ROWS],
}

#[derive(Debug)]
struct Row {
    seed: RandomState,
    cells: Box<[AtomicU32]>,
}

/// A connection that is counted, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    crowd: Arc<Crowd>,
    source: Source,
}

impl Crowd {
    /// At most so many of each source.
    pub(crate) fn new(most: NonZeroU32) -> Self {
        let row = || Row {
            seed: RandomState::new(),
            cells: (0..CELLS).map(|_| AtomicU32::new(0)).collect(),
        };
        Self { most: most.get(), rows: std::array::from_fn(|_| row()) }
    }

    /// Counts one more; `None` if the source has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, source: Source) -> Option<Counted> {
        let before = self.cells(source).map(|cell| cell.fetch_add(1, Relaxed)).min();
        // Dropped where it is one too many.
        let counted = Counted { crowd: Arc::clone(self), source };
        before.is_some_and(|before| before < self.most).then_some(counted)
    }

    fn cells(&self, source: Source) -> impl Iterator<Item = &AtomicU32> {
        self.rows.iter().filter_map(move |row| {
            let hash = row.seed.hash_one(source) as usize;
            row.cells.get(hash % CELLS)
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        for cell in self.crowd.cells(self.source) {
            cell.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(number: u32) -> Source {
        IpAddr::from(Ipv4Addr::from_bits(number)).into()
    }

    fn crowd(most: u32) -> Arc<Crowd> {
        Arc::new(Crowd::new(NonZeroU32::new(most).unwrap()))
    }

    #[test]
    fn a_source_has_its_most_and_gets_back_what_it_leaves() {
        let crowd = crowd(3);
        let mut held: Vec<_> = (0..3).map(|_| crowd.enter(source(7)).unwrap()).collect();
        assert!(crowd.enter(source(7)).is_none());
        assert!(crowd.enter(source(8)).is_some());
        held.pop();
        held.push(crowd.enter(source(7)).unwrap());
        assert!(crowd.enter(source(7)).is_none());
        drop(held);
        let cells = crowd.rows.iter().flat_map(|row| &row.cells);
        assert_eq!(cells.map(|cell| cell.load(Relaxed)).sum::<u32>(), 0);
    }

    #[test]
    fn many_who_have_their_most_keep_nobody_else_out() {
        let crowd = crowd(2);
        let full: Vec<_> =
            (0..500).flat_map(|number| [number; 2]).map(|n| crowd.enter(source(n))).collect();
        assert!(full.iter().all(Option::is_some));
        let others = (1000..5000).filter(|number| crowd.enter(source(*number)).is_some());
        // One in a million is, by the width of the rows: now and then one of these.
        assert!(others.count() >= 3995);
    }

    #[test]
    fn no_more_than_the_most_enter_at_once() {
        let crowd = crowd(100);
        let entered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let held: Vec<_> =
                            (0..100).filter_map(|_| crowd.enter(source(7))).collect();
                        let count = held.len();
                        std::mem::forget(held);
                        count
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // Who is one too many counts for a moment, so that fewer may have entered, and those that
        // came between its cells see each other late.
        assert!((90..=104).contains(&entered), "{entered}");
    }
}

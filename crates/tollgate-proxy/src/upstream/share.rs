//! A worker's part of what all workers of a process may have together.

/// Which worker it is, of how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    worker: usize,
    workers: usize,
}

impl Share {
    /// That of the worker with this number, from 0, of `workers`.
    pub(crate) fn new(worker: usize, workers: usize) -> Self {
        Self { worker, workers: workers.max(1) }
    }

    /// The worker's part of `whole`. All parts together are the whole, unless that is less than one for
    /// each: no worker has none.
    pub(super) fn of(self, whole: usize) -> usize {
        let more = usize::from(self.worker < whole % self.workers);
        (whole / self.workers + more).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_and_nobody_goes_without() {
        let parts =
            |whole| (0..3).map(|worker| Share::new(worker, 3).of(whole)).collect::<Vec<_>>();
        assert_eq!(parts(9), [3, 3, 3]);
        assert_eq!(parts(8), [3, 3, 2]);
        assert_eq!(parts(2), [1, 1, 1]);
    }
}

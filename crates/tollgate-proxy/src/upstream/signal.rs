//! What wakes the one who drives a connection.
//!
//! hyper's two halves of a connection, the sender and the driver, wake each other. Both are polled
//! here by the same task, so such a wake-up would only have the whole task polled once more. A signal
//! takes wake-ups that come while it is polled as a reason to poll again at once, and passes on
//! those that come later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;

/// How often it is polled again before the task has to yield: what wakes itself without end, as
/// tokio's sockets do when the task has used up its budget, would keep the worker from all else.
const ROUNDS: usize = 4;

/// Stands between a task and what it drives.
#[derive(Debug)]
pub(crate) struct Signal {
    state: Arc<State>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct State {
    task: AtomicWaker,
    /// Within [`Signal::poll`].
    inside: AtomicBool,
    woken: AtomicBool,
}

impl Default for Signal {
    fn default() -> Self {
        let state = Arc::<State>::default();
        Self { waker: Waker::from(Arc::clone(&state)), state }
    }
}

impl Signal {
    /// Polls `what` on behalf of the task of `cx`, until it is ready or waits for something that
    /// it cannot do itself.
    pub(crate) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut what: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.state.task.register(cx.waker());
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS {
            self.state.woken.store(false, SeqCst);
            self.state.inside.store(true, SeqCst);
            let outcome = what(&mut inner);
            self.state.inside.store(false, SeqCst);
            // Looked at after leaving, as wakers mark themselves before they look: one of the two
            // always sees the other.
            if outcome.is_ready() || !self.state.woken.load(SeqCst) {
                return outcome;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what wakes the driver, who is about to poll anyway.
    pub(crate) fn quietly<T>(&self, act: impl FnOnce() -> T) -> T {
        self.state.inside.store(true, SeqCst);
        let done = act();
        self.state.inside.store(false, SeqCst);
        done
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, SeqCst);
        if !self.inside.load(SeqCst) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Wakes;

    #[test]
    fn wake_ups_from_within_poll_again_and_later_ones_reach_the_task() {
        let wakes = Arc::new(Wakes::default());
        let task = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&task);
        let signal = Signal::default();
        let mut polls = 0;
        let mut kept = None;
        let outcome: Poll<()> = signal.poll(&cx, |inner| {
            polls += 1;
            if polls < 3 {
                inner.waker().wake_by_ref();
            }
            kept = Some(inner.waker().clone());
            Poll::Pending
        });
        assert_eq!((outcome, polls, wakes.count()), (Poll::Pending, 3, 0));
        kept.unwrap().wake();
        assert_eq!(wakes.count(), 1);
    }

    #[test]
    fn what_wakes_itself_without_end_yields() {
        let wakes = Arc::new(Wakes::default());
        let task = Waker::from(Arc::clone(&wakes));
        let outcome: Poll<()> = Signal::default().poll(&Context::from_waker(&task), |inner| {
            inner.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!((outcome, wakes.count()), (Poll::Pending, 1));
    }
}

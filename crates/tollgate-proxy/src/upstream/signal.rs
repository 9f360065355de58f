//! What wakes the one who drives a connection.
//!
//! hyper's two halves of a connection, the sender and the driver, wake each other. Both are polled
//! here by the same task, so such a wake-up would only have the whole task polled once more. A signal
//! takes wake-ups that come while it is polled as a reason to poll again at once, and passes on
//! those that come later. It also knows whether there was one at all: without, a connection that is looked
//! at has nothing new to say.

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

#[derive(Debug)]
struct State {
    task: AtomicWaker,
    /// Within [`Signal::poll`].
    inside: AtomicBool,
    /// Since the last poll began, or never polled.
    woken: AtomicBool,
}

impl Default for Signal {
    fn default() -> Self {
        let state = Arc::new(State {
            task: AtomicWaker::new(),
            inside: AtomicBool::new(false),
            woken: AtomicBool::new(true),
        });
        Self { waker: Waker::from(Arc::clone(&state)), state }
    }
}

impl Signal {
    /// Polls `what` on behalf of the task of `cx`, until it is ready or waits for something that
    /// it cannot do itself. It is told whether anything has woken it since it was last polled.
    pub(crate) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut what: impl FnMut(&mut Context<'_>, bool) -> Poll<T>,
    ) -> Poll<T> {
        self.state.task.register(cx.waker());
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS {
            let woken = self.state.woken.swap(false, SeqCst);
            self.state.inside.store(true, SeqCst);
            let outcome = what(&mut inner, woken);
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
        self.stir();
        done
    }

    /// Has the next poll look whatever has happened.
    pub(crate) fn stir(&self) {
        self.state.woken.store(true, SeqCst);
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
        let outcome: Poll<()> = signal.poll(&cx, |inner, _| {
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
        let outcome: Poll<()> = Signal::default().poll(&Context::from_waker(&task), |inner, _| {
            inner.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!((outcome, wakes.count()), (Poll::Pending, 1));
    }

    #[test]
    fn a_poll_knows_whether_anything_has_woken_it() {
        let cx = Context::from_waker(Waker::noop());
        let signal = Signal::default();
        let mut kept = None;
        let mut look = |signal: &Signal| {
            let mut woken = Vec::new();
            let _: Poll<()> = signal.poll(&cx, |inner, now| {
                kept = Some(inner.waker().clone());
                woken.push(now);
                Poll::Pending
            });
            woken
        };
        assert_eq!(look(&signal), [true], "never polled");
        assert_eq!(look(&signal), [false]);
        signal.quietly(|| ());
        assert_eq!(look(&signal), [true]);
        signal.stir();
        assert_eq!(look(&signal), [true]);
        assert_eq!(look(&signal), [false]);
        let _ = kept.map(Waker::wake);
        let woken = signal.poll(&cx, |_, woken| Poll::Ready(woken));
        assert_eq!(woken, Poll::Ready(true));
    }
}

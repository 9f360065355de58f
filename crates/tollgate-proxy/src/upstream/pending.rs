//! Requests of a worker that wait until a server has room for them: first come, first served.
//!
//! Who is first is woken whenever room may have come about, looks for itself, and leaves the queue with a
//! place or not at all. Until then nobody overtakes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tollgate_core::Pending as Rule;

use super::known::Known;

/// The queue in front of the servers of one upstream.
#[derive(Debug)]
pub(crate) struct Pending {
    rule: Rule,
    queue: RefCell<VecDeque<Ticket>>,
    /// Where those that wait are counted, of all workers.
    known: Arc<Known>,
}

/// One that waits.
#[derive(Debug, Clone)]
struct Ticket(Rc<RefCell<Option<Waker>>>);

/// A place in the queue, left when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    queue: Rc<Pending>,
    ticket: Ticket,
}

impl Pending {
    pub(super) fn new(rule: Rule, known: Arc<Known>) -> Self {
        Self { rule, queue: RefCell::default(), known }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// The last place in the queue; `None` if as many wait as may.
    pub(super) fn enter(self: &Rc<Self>) -> Option<Turn> {
        let mut queue = self.queue.borrow_mut();
        if queue.len() >= self.rule.max {
            return None;
        }
        let ticket = Ticket(Rc::default());
        queue.push_back(ticket.clone());
        self.known.begin_wait();
        Some(Turn { queue: Rc::clone(self), ticket })
    }

    /// There may be room: who is first has a look.
    pub(super) fn stir(&self) {
        let waker = self.queue.borrow().front().and_then(|first| first.0.borrow_mut().take());
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Turn {
    /// Ready while it is the first; else the task is woken when it may be, or when it has room.
    pub(crate) fn poll_first(&self, cx: &Context<'_>) -> Poll<()> {
        // Also when it is the first: it may find no room.
        *self.ticket.0.borrow_mut() = Some(cx.waker().clone());
        if self.is_first() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_first(&self) -> bool {
        self.queue.queue.borrow().front().is_some_and(|first| first.is(&self.ticket))
    }
}

impl Ticket {
    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let was_first = self.is_first();
        self.queue.queue.borrow_mut().retain(|ticket| !ticket.is(&self.ticket));
        self.queue.known.end_wait();
        // There may be room for more than one, or it has left without taking any.
        if was_first {
            self.queue.stir();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Upstreams;
    use super::*;
    use crate::fixture::Wakes;

    fn queue(max: usize) -> Rc<Pending> {
        let rule = Rule { max, timeout: Duration::from_secs(1) };
        Rc::new(Pending::new(rule, Upstreams::default().known("orders")))
    }

    #[test]
    fn who_comes_first_is_served_first_and_who_leaves_is_passed_over() {
        let queue = queue(3);
        let wakes: Vec<_> = (0..3).map(|_| Arc::new(Wakes::default())).collect();
        let turns: Vec<_> = (0..3).map(|_| queue.enter().unwrap()).collect();
        assert!(queue.enter().is_none());
        let poll = |number: usize, turn: &Turn| {
            turn.poll_first(&Context::from_waker(&Waker::from(Arc::clone(&wakes[number]))))
        };
        let polled: Vec<_> = turns.iter().enumerate().map(|(n, turn)| poll(n, turn)).collect();
        assert_eq!(polled, [Poll::Ready(()), Poll::Pending, Poll::Pending]);
        let mut turns = turns.into_iter();
        let (first, second, third) =
            (turns.next().unwrap(), turns.next().unwrap(), turns.next().unwrap());
        queue.stir();
        queue.stir();
        assert_eq!([wakes[0].count(), wakes[1].count(), wakes[2].count()], [1, 0, 0]);
        drop(second);
        assert_eq!([wakes[0].count(), wakes[2].count()], [1, 0]);
        drop(first);
        assert_eq!(wakes[2].count(), 1);
        assert_eq!(poll(2, &third), Poll::Ready(()));
        drop(third);
        assert!(queue.is_empty());
    }
}

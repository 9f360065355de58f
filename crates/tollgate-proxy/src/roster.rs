//! What a worker has open: a list of things that have a deadline and can be ended from outside.
//!
//! One list holds the live permits (design §3, step 5), one the connections. Nothing here is
//! shared between threads, and an entry costs no timer: a tick of the worker looks at all of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tollgate_core::Refusal;

/// A list of open things, each with an item of type `T`.
#[derive(Debug)]
pub(crate) struct Roster<T> {
    slots: RefCell<Vec<Slot<T>>>,
    free: RefCell<Vec<usize>>,
    turn: Cell<u64>,
}

#[derive(Debug)]
struct Slot<T> {
    /// Tells the present user of the slot from earlier ones; 0 while it is free.
    turn: u64,
    item: Option<T>,
    deadline: Deadline,
    /// The latest instant, whatever the deadline.
    limit: u64,
    /// When nobody waits for it any more.
    given_up: u64,
    /// When its client has to have read what it was given.
    read_by: u64,
    end: Option<Refusal>,
    /// A tick has seen that it was ended.
    overdue: bool,
    waker: Option<Waker>,
    /// Of a task that works for it beside the one that has its entry.
    beside: Option<Waker>,
}

/// When something has to be over, and what it is refused with if it is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// Nanoseconds of the monotonic clock.
    pub(crate) at: u64,
    /// What being late means.
    pub(crate) late: Refusal,
}

impl Deadline {
    /// Never.
    pub(crate) const NONE: Self = Self { at: u64::MAX, late: Refusal::RequestTimeout };
}

/// A place on a roster, left when dropped.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    roster: Rc<Roster<T>>,
    handle: Handle,
}

/// Names a place on a roster without keeping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    index: usize,
    turn: u64,
}

/// Slots that there is room for from the beginning: room costs nothing before it is used, and a list that grows
/// leaves each of its former places behind.
const ROOM: usize = 1024;

impl<T> Default for Roster<T> {
    fn default() -> Self {
        let slots = RefCell::new(Vec::with_capacity(ROOM));
        Self { slots, free: RefCell::default(), turn: Cell::new(0) }
    }
}

impl<T> Roster<T> {
    /// Enters `item`; `limit` is the latest instant of all.
    pub(crate) fn enter(self: &Rc<Self>, item: T, deadline: Deadline, limit: u64) -> Entry<T> {
        let turn = self.turn.get() + 1;
        self.turn.set(turn);
        let slot = Slot {
            turn,
            item: Some(item),
            deadline,
            limit,
            given_up: u64::MAX,
            read_by: u64::MAX,
            end: None,
            overdue: false,
            waker: None,
            beside: None,
        };
        let mut slots = self.slots.borrow_mut();
        let index = match self.free.borrow_mut().pop() {
            Some(index) => index,
            None => slots.len(),
        };
        match slots.get_mut(index) {
            Some(free) => *free = slot,
            None => slots.push(slot),
        }
        Entry { roster: Rc::clone(self), handle: Handle { index, turn } }
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len() - self.free.borrow().len()
    }

    /// Ends `handle` with `refusal`, if it is still open and not ended yet.
    pub(crate) fn end(&self, handle: Handle, refusal: Refusal) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(handle.index)
            && slot.turn == handle.turn
        {
            slot.end(refusal);
        }
    }

    /// Looks at everything that is open.
    pub(crate) fn look(&self, look: impl FnMut(&T)) {
        self.slots.borrow().iter().filter_map(|slot| slot.item.as_ref()).for_each(look);
    }

    /// Changes everything that is open.
    pub(crate) fn each(&self, change: impl FnMut(&mut T)) {
        self.slots.borrow_mut().iter_mut().filter_map(|slot| slot.item.as_mut()).for_each(change);
    }

    /// Ends everything for which `verdict` has a refusal, and that was not ended before.
    pub(crate) fn end_where(&self, mut verdict: impl FnMut(&T) -> Option<Refusal>) {
        for slot in self.slots.borrow_mut().iter_mut() {
            let open = slot.item.as_ref().filter(|_| slot.end.is_none());
            if let Some(refusal) = open.and_then(&mut verdict) {
                slot.end(refusal);
            }
        }
    }

    /// Ends what is late at `now`, and tells `overdue` of everything that had been ended before the
    /// last time already and is still here: it was woken long ago, and nobody polls it.
    pub(crate) fn expire(&self, now: u64, mut overdue: impl FnMut(&T, Refusal)) {
        for slot in self.slots.borrow_mut().iter_mut() {
            match (&slot.item, slot.end) {
                (Some(item), Some(refusal)) if slot.overdue => overdue(item, refusal),
                (Some(_), Some(_)) => slot.overdue = true,
                (Some(_), None) if now >= slot.given_up => slot.end(Refusal::DeadlineExceeded),
                (Some(_), None) if now >= slot.read_by => slot.end(Refusal::RequestTimeout),
                (Some(_), None) if now >= slot.limit.min(slot.deadline.at) => {
                    slot.end(slot.deadline.late);
                }
                _ => {}
            }
        }
    }

    /// Names all that are open and for which `which` says so.
    pub(crate) fn handles(&self, which: impl Fn(&T) -> bool) -> Vec<Handle> {
        let slots = self.slots.borrow();
        let named = slots.iter().enumerate().filter_map(|(index, slot)| {
            let open = slot.item.as_ref().is_some_and(&which);
            open.then_some(Handle { index, turn: slot.turn })
        });
        named.collect()
    }

    /// Ready once `handle` has been ended or left, for a task that works for it beside the one that has its
    /// entry; else that task is woken when it is.
    pub(crate) fn poll_over(&self, handle: Handle, cx: &Context<'_>) -> Poll<()> {
        let open = self.with(handle, |slot| {
            if !slot.beside.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                slot.beside = Some(cx.waker().clone());
            }
            slot.end.is_none()
        });
        if open == Some(true) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Has everything polled that is open.
    pub(crate) fn wake_all(&self) {
        for slot in self.slots.borrow_mut().iter_mut() {
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        }
    }

    /// Has `handle` polled, if it is still open.
    pub(crate) fn wake(&self, handle: Handle) {
        let waker = self.with(handle, |slot| slot.waker.take());
        waker.flatten().into_iter().for_each(Waker::wake);
    }

    fn with<R>(&self, handle: Handle, act: impl FnOnce(&mut Slot<T>) -> R) -> Option<R> {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(handle.index)?;
        (slot.turn == handle.turn).then(|| act(slot))
    }

    /// Moves the latest instant of `handle`, if it is still open.
    pub(crate) fn set_limit(&self, handle: Handle, limit: u64) {
        self.with(handle, |slot| slot.limit = limit);
    }

    /// Moves the deadline of `handle`, if it is still open.
    pub(crate) fn set_deadline(&self, handle: Handle, deadline: Deadline) {
        self.with(handle, |slot| slot.deadline = deadline);
    }
}

impl<T> Slot<T> {
    fn end(&mut self, refusal: Refusal) {
        if self.end.is_none() {
            self.end = Some(refusal);
            self.waker.take().into_iter().chain(self.beside.take()).for_each(Waker::wake);
        }
    }
}

impl<T> Entry<T> {
    /// Names this place.
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// Ready once this has been ended; else the task is woken when it is.
    pub(crate) fn poll_end(&self, cx: &Context<'_>) -> Poll<Refusal> {
        let ended = self.roster.with(self.handle, |slot| {
            if slot.end.is_none() && !slot.waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
                slot.waker = Some(cx.waker().clone());
            }
            slot.end
        });
        ended.flatten().map_or(Poll::Pending, Poll::Ready)
    }

    /// What it has been ended with, if it has.
    pub(crate) fn ended(&self) -> Option<Refusal> {
        self.roster.with(self.handle, |slot| slot.end).flatten()
    }

    /// Says when nobody waits for it any more, in nanoseconds of the monotonic clock.
    pub(crate) fn give_up_at(&self, instant: u64) {
        self.roster.with(self.handle, |slot| slot.given_up = instant);
    }

    /// Its client has to have read by `instant`; until then nothing else is late.
    pub(crate) fn wait_for_client(&self, instant: u64) {
        self.roster.with(self.handle, |slot| {
            (slot.deadline, slot.read_by) = (Deadline::NONE, instant);
        });
    }

    /// Its client has read everything, and the upstream has to go on.
    pub(crate) fn wait_for_upstream(&self, deadline: Deadline) {
        self.roster.with(self.handle, |slot| {
            (slot.deadline, slot.read_by) = (deadline, u64::MAX);
        });
    }

    /// Changes the item.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        self.roster.with(self.handle, |slot| slot.item.as_mut().map(change));
    }

    /// From now on only the deadline counts.
    pub(crate) fn lift_limit(&self) {
        self.roster.with(self.handle, |slot| slot.limit = u64::MAX);
    }

    /// Moves the deadline.
    pub(crate) fn set_deadline(&self, deadline: Deadline) {
        self.roster.set_deadline(self.handle, deadline);
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        let item = self.roster.with(self.handle, |slot| {
            slot.turn = 0;
            slot.waker = None;
            (slot.item.take(), slot.beside.take())
        });
        self.roster.free.borrow_mut().push(self.handle.index);
        // Last, when nothing is borrowed: an item may do something of its own when it is dropped.
        if let Some((item, beside)) = item {
            drop(item);
            beside.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Wakes;
    use std::sync::Arc;

    fn deadline(at: u64) -> Deadline {
        Deadline { at, late: Refusal::UpstreamTimeout }
    }

    #[test]
    fn what_is_ended_is_woken_and_says_why() {
        let roster = Rc::new(Roster::default());
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let cx = Context::from_waker(&waker);
        let late = roster.enter("late", deadline(10), u64::MAX);
        let dead = roster.enter("dead", deadline(100), u64::MAX);
        let limited = roster.enter("limited", deadline(100), 10);
        for entry in [&late, &dead, &limited] {
            assert_eq!(entry.poll_end(&cx), Poll::Pending);
        }
        roster.expire(9, |_, _| unreachable!());
        roster.expire(10, |_, _| unreachable!());
        roster.end_where(|item| (*item == "dead").then_some(Refusal::KeyRevoked));
        assert_eq!(wakes.count(), 3);
        assert_eq!(late.poll_end(&cx), Poll::Ready(Refusal::UpstreamTimeout));
        assert_eq!(limited.poll_end(&cx), Poll::Ready(Refusal::UpstreamTimeout));
        assert_eq!(dead.poll_end(&cx), Poll::Ready(Refusal::KeyRevoked));
        roster.expire(11, |item, _| panic!("{item} was woken just now"));
        let mut overdue = Vec::new();
        roster.expire(12, |item, refusal| overdue.push((*item, refusal)));
        assert_eq!(overdue.len(), 3);
    }

    #[test]
    fn who_works_beside_is_woken_when_it_is_ended_and_when_it_is_over() {
        for ends in [true, false] {
            let roster = Rc::new(Roster::default());
            let wakes = Arc::new(Wakes::default());
            let waker = Arc::clone(&wakes).into();
            let cx = Context::from_waker(&waker);
            let entry = roster.enter((), Deadline::NONE, u64::MAX);
            let handle = entry.handle();
            assert_eq!(roster.poll_over(handle, &cx), Poll::Pending);
            if ends {
                roster.end(handle, Refusal::KeyRevoked);
                assert_eq!(roster.poll_over(handle, &cx), Poll::Ready(()));
            }
            drop(entry);
            assert_eq!(wakes.count(), 1 + usize::from(ends));
            assert_eq!(roster.poll_over(handle, &cx), Poll::Ready(()));
        }
    }

    #[test]
    fn a_place_serves_again_without_hearing_of_the_one_before() {
        let roster = Rc::new(Roster::default());
        let first = roster.enter(1, deadline(10), u64::MAX);
        let handle = first.handle();
        drop(first);
        let second = roster.enter(2, deadline(10), u64::MAX);
        assert_eq!(second.handle().index, handle.index);
        roster.end(handle, Refusal::KeyRevoked);
        roster.set_deadline(handle, Deadline::NONE);
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(second.poll_end(&cx), Poll::Pending);
        assert_eq!(roster.len(), 1);
    }
}

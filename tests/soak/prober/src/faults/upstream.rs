//! What an upstream that fails knows of itself, for the judge.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Instant;

use hyper::body::Bytes;

use super::case::{Case, Meets};
use super::fault::Fault;
use super::pattern;
use crate::Failure;
use crate::connection::Protocol;

/// How the soak is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    Nothing,
    /// One of so many answers is another request's.
    Mixed,
    /// What is to be truncated looks whole.
    Short,
}

const MIXED: u64 = 500;

/// A connection of the gate.
#[derive(Default)]
pub(super) struct Link {
    /// A fault has ended it, for all requests on it.
    pub(super) broken: Cell<bool>,
}

/// What the upstream has seen of a request.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) attempts: u32,
    /// Of them those that it said it had done nothing with.
    pub(super) refused: u32,
    /// What the last of them came by.
    pub(super) link: Option<Rc<Link>>,
}

pub(super) struct Upstream {
    pub(super) protocol: Protocol,
    spoil: Spoil,
    requests: RefCell<HashMap<u64, Seen>>,
    /// It is killed no more.
    pub(super) calm: Cell<bool>,
    pub(super) is_down: Cell<bool>,
    /// When it was there again last.
    pub(super) up_since: Cell<Instant>,
    pub(super) kills: Cell<u64>,
    /// When it last ended, or left, a connection of several requests.
    pub(super) ended_at: Cell<Option<Instant>>,
    pub(super) ends: Cell<u64>,
    /// Requests and connections that the gate has to give up.
    pub(super) waiting: Rc<Cell<u64>>,
    /// Bodies of requests that came otherwise than they were sent.
    pub(super) garbled: Cell<u64>,
}

/// Waits for the gate to give something up.
pub(super) struct Waiting(Rc<Cell<u64>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Upstream {
    pub(super) fn new(protocol: Protocol, spoil: Spoil) -> Self {
        Self {
            protocol,
            spoil,
            requests: RefCell::default(),
            calm: Cell::new(false),
            is_down: Cell::new(false),
            up_since: Cell::new(Instant::now()),
            kills: Cell::new(0),
            ended_at: Cell::new(None),
            ends: Cell::new(0),
            waiting: Rc::default(),
            garbled: Cell::new(0),
        }
    }

    /// A request has come: as it is to be answered, and what it meets.
    pub(super) fn arrived(&self, mut case: Case, link: &Rc<Link>) -> (Case, Option<Meets>) {
        let mut requests = self.requests.borrow_mut();
        let seen = requests.entry(case.number).or_default();
        seen.attempts += 1;
        seen.link = Some(Rc::clone(link));
        let meets = case.meets.filter(|meets| !meets.once || seen.attempts == 1);
        if self.spoil == Spoil::Short && meets.is_some_and(|m| m.fault == Fault::Truncation) {
            case.length /= 2;
            return (case, None);
        }
        (case, meets)
    }

    /// A request was refused as one that nothing was done with.
    pub(super) fn refused(&self, number: u64) {
        self.requests.borrow_mut().entry(number).or_default().refused += 1;
    }

    /// The request is over.
    pub(super) fn forget(&self, number: u64) -> Seen {
        self.requests.borrow_mut().remove(&number).unwrap_or_default()
    }

    /// What was uploaded has come.
    pub(super) fn uploaded(&self, case: &Case, body: &[u8]) {
        if body != case.upload() {
            self.garbled.set(self.garbled.get() + 1);
        }
    }

    /// The good answer's.
    pub(super) fn body(&self, case: &Case) -> Bytes {
        let other = self.spoil == Spoil::Mixed && case.number.is_multiple_of(MIXED);
        pattern::body(case.number + u64::from(other), case.length)
    }

    /// A fault ends a connection, for all requests on it.
    pub(super) fn breaks(&self, link: &Link) {
        link.broken.set(true);
        self.leaves();
    }

    /// A connection takes no more requests.
    pub(super) fn leaves(&self) {
        self.ended_at.set(Some(Instant::now()));
        self.ends.set(self.ends.get() + 1);
    }

    pub(super) fn wait(&self) -> Waiting {
        self.waiting.set(self.waiting.get() + 1);
        Waiting(Rc::clone(&self.waiting))
    }
}

impl FromStr for Spoil {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        match name {
            "" => Ok(Self::Nothing),
            "mixed" => Ok(Self::Mixed),
            "short" => Ok(Self::Short),
            _ => Err(format!("{name:?} is nothing that can be spoiled").into()),
        }
    }
}

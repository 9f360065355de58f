//! What owners of keys are told of, on its way from the workers: rings that drop what they have no
//! room for, so that a request waits for nobody.

use std::cell::RefCell;

use rtrb::{Consumer, Producer, RingBuffer};
use tollgate_core::{Digest, KeyEvent, MeterEvent, MeterId, Now, Permit, Record, Root, Service};

use crate::worker::Worker;

/// So many events of a worker wait to be taken.
const RING: usize = 1024;

/// A worker's end of its ring.
#[derive(Debug)]
pub(crate) struct KeyEvents(RefCell<Producer<KeyEvent>>);

/// The other ends, of all workers.
#[derive(Debug, Default)]
pub struct KeyEventRings(Vec<Consumer<KeyEvent>>);

/// A ring for each of so many workers.
pub(crate) fn rings(workers: usize) -> (Vec<KeyEvents>, KeyEventRings) {
    let (own, others) = (0..workers).map(|_| RingBuffer::new(RING)).unzip::<_, _, Vec<_>, _>();
    let own = own.into_iter().map(|producer| KeyEvents(RefCell::new(producer))).collect();
    (own, KeyEventRings(others))
}

impl KeyEventRings {
    /// Takes what waits, from every ring in turn.
    pub fn take(&mut self) -> Vec<KeyEvent> {
        let mut taken = Vec::new();
        for ring in &mut self.0 {
            while let Ok(event) = ring.pop() {
                taken.push(event);
            }
        }
        taken
    }
}

impl Worker {
    /// Tells that the quota of an admitted request's key is nearly used up, where somebody wants to
    /// know.
    #[inline]
    pub(crate) fn tell_if_near(&self, permit: &Permit, service: &Service, now: Now) {
        if permit.near_quota() {
            self.tell(MeterEvent::NearQuota, permit.meter(), *permit.digest(), service, now);
        }
    }

    /// Tells that a request was refused for a limit of its key, where somebody wants to know.
    pub(crate) fn tell_of_refusal(
        &self,
        root: &Root,
        record: &Record,
        refusal: tollgate_core::Refusal,
        service: &Service,
        now: Now,
    ) {
        let terms = root.terms.get(record.terms.0);
        let grant = terms.and_then(|terms| terms.grant(service.id));
        if let Some(event) = grant.and_then(|grant| grant.watch.of_refusal(refusal)) {
            self.tell(event, record.meter, record.digest, service, now);
        }
    }

    #[cold]
    fn tell(&self, event: MeterEvent, meter: MeterId, key: Digest, service: &Service, now: Now) {
        if self.decider.meters().first_this_minute(meter, event, now) {
            let event = KeyEvent { event, key, service: service.id, unix: now.unix() };
            if self.key_events.0.borrow_mut().push(event).is_err() {
                self.cells.key_events_dropped.add(1);
            }
        }
    }
}

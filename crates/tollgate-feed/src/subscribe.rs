//! Who follows the feed, without any I/O: what happens goes in, what is to be done comes out.
//!
//! The driver does at once what it is told, in its order, and says what came of it. It reads on in the
//! feed only while [`Subscriber::reads`]; so what is sent meanwhile waits on the other side.

mod acknowledge;
mod back_off;
mod event;
mod lease;

use tollgate_core::Revision;

use crate::receive::Unfit;
use crate::wire::{
    Goodbye, GoodbyeReason, Held, Hello, ProxyHeartbeat, Refused, SentBatch, ServerHeartbeat,
    ToControl, ToProxy, VERSION, Welcome,
};
use acknowledge::Acknowledgements;
use back_off::BackOff;
pub use event::{Act, Alarm, Event, Moment, SubscriberSettings, Taken};
use lease::Lease;

/// Who follows the feed.
#[derive(Debug)]
pub struct Subscriber {
    settings: SubscriberSettings,
    phase: Phase,
    wait: BackOff,
    held: Option<Held>,
    /// Whether a snapshot is asked for, whatever is held.
    renews: bool,
    /// When something was last heard, in milliseconds of the monotonic clock.
    heard: Option<u64>,
    newest: Option<Revision>,
    /// The newest revision as the heartbeat before told it: it has to be there by the next one.
    promised: Option<Revision>,
    acknowledgements: Acknowledgements,
    lease: Lease,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until this millisecond.
    Waiting(u64),
    /// Since this one.
    Connecting(u64),
    /// For the welcome, since.
    Greeting(u64),
    /// Heartbeats are so many milliseconds apart; the next is due.
    Following { every: u64, due: u64, fetches: bool },
}

/// Milliseconds for a connection, and then for a welcome.
const PATIENCE: u64 = 10_000;

impl Subscriber {
    /// One that holds what was on the disk. `seed` is random: by it many that were cut off at once do
    /// not come back at once. `lease` is how long ago, in milliseconds, the lease was renewed that
    /// goes on; `None` = there is none.
    #[must_use]
    pub fn new(
        settings: SubscriberSettings,
        seed: u64,
        held: Option<Held>,
        lease: Option<u64>,
        now: Moment,
    ) -> (Self, Vec<Act>) {
        let serve_for = settings.serve_for.map(|seconds| seconds.saturating_mul(1000));
        let lease = Lease::new(serve_for, lease, now.monotonic);
        let ends = lease.ends();
        let subscriber = Self {
            settings,
            phase: Phase::Waiting(now.monotonic),
            wait: BackOff::new(seed),
            held,
            renews: false,
            heard: None,
            newest: None,
            promised: None,
            acknowledgements: Acknowledgements::of(held.map(|held| held.revision)),
            lease,
        };
        (subscriber, vec![Act::Lease(ends)])
    }

    /// Whether what is said is read on.
    #[must_use]
    pub fn reads(&self) -> bool {
        !matches!(self.phase, Phase::Following { fetches: true, .. })
    }

    /// Whether the control plane has been spoken with, and still is.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Following { .. })
    }

    /// How many revisions the newest one that is known of is ahead of what is enforced; of another
    /// epoch, one at least.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let enforced = self.acknowledgements.enforced().unwrap_or_default();
        match self.newest {
            Some(newest) if newest.epoch == enforced.epoch => {
                newest.number.saturating_sub(enforced.number)
            }
            Some(newest) if newest > enforced => newest.number.max(1),
            _ => 0,
        }
    }

    /// When something was last heard, in milliseconds of the monotonic clock.
    #[must_use]
    pub fn heard(&self) -> Option<u64> {
        self.heard
    }

    /// What is held.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        self.held
    }

    /// Asks for a snapshot anew, at the next connection that there is: this one is given up.
    pub fn renew(&mut self, now: Moment) -> Vec<Act> {
        self.renews = true;
        if !self.is_connected() {
            return Vec::new();
        }
        self.phase = Phase::Waiting(now.monotonic);
        vec![Act::Close]
    }

    /// Has the next wait be a long one: what was refused is the same when it comes again.
    pub fn be_patient(&mut self) {
        self.wait.be_long();
    }

    /// What is to be done after something has happened.
    pub fn step(&mut self, event: Event, now: Moment) -> Vec<Act> {
        let mut acts = Vec::new();
        match event {
            Event::Tick => self.tick(now, &mut acts),
            Event::Opened => {
                self.phase = Phase::Greeting(now.monotonic);
                acts.push(Act::Send(ToControl::Hello(self.hello(now))));
            }
            Event::Closed(why) => {
                acts.push(Act::Tell(Alarm::Disconnected(why)));
                self.back_off(now);
            }
            Event::Arrived(said) => {
                self.heard = Some(now.monotonic);
                self.arrived(*said, now, &mut acts);
            }
            Event::Published(revision, Ok(taken)) => {
                if let Some(held) = &mut self.held {
                    held.revision = revision;
                }
                self.taken(revision, taken, now, &mut acts);
            }
            Event::Published(revision, Err(unfit)) => {
                // What does not fit may fit where everything is told anew.
                self.renews = !matches!(
                    unfit,
                    Unfit::Scheme(_) | Unfit::MetersExhausted | Unfit::Unsigned(_)
                );
                self.refuse(revision, unfit.to_string(), now, &mut acts);
            }
            Event::Fetched(Ok((held, taken))) => {
                self.held = Some(held);
                self.promised = None;
                self.renews = false;
                if let Phase::Following { fetches, .. } = &mut self.phase {
                    *fetches = false;
                }
                self.taken(held.revision, taken, now, &mut acts);
            }
            Event::Fetched(Err(why)) => {
                let revision = self.newest.unwrap_or_default();
                self.refuse(revision, why, now, &mut acts);
            }
            Event::Synced(revision) => self.acknowledgements.synced(revision),
            Event::Enforced(revision) => self.acknowledgements.enforce(revision),
            Event::Withheld(withheld) => {
                let revision = self.held.map(|held| held.revision).unwrap_or_default();
                self.withhold(revision, withheld, &mut acts);
            }
        }
        self.acknowledge(now, &mut acts);
        acts
    }

    fn tick(&mut self, now: Moment, acts: &mut Vec<Act>) {
        let at = now.monotonic;
        match self.phase {
            Phase::Waiting(until) if at >= until => {
                self.phase = Phase::Connecting(at);
                acts.push(Act::Connect);
            }
            Phase::Connecting(since) | Phase::Greeting(since) if at >= since + PATIENCE => {
                self.give_up("it takes too long", now, acts);
            }
            Phase::Following { every, fetches: false, .. }
                if self.heard.is_none_or(|heard| at >= heard + 4 * every) =>
            {
                self.give_up("nothing was heard", now, acts);
            }
            Phase::Following { every, due, fetches } if at >= due => {
                self.phase = Phase::Following { every, due: at + every, fetches };
                self.beat(now, acts);
            }
            _ => {}
        }
    }

    fn beat(&mut self, now: Moment, acts: &mut Vec<Act>) {
        self.lease.asked(now.monotonic);
        acts.push(Act::Send(ToControl::Heartbeat(ProxyHeartbeat {
            sent: now.monotonic,
            enforced: self.acknowledgements.acknowledged(),
            keys: self.acknowledgements.keys(),
            unix_ms: now.unix,
        })));
    }

    fn arrived(&mut self, said: ToProxy, now: Moment, acts: &mut Vec<Act>) {
        match (self.phase, said) {
            (_, ToProxy::Goodbye(Goodbye { reason, text })) => {
                acts.push(Act::Tell(Alarm::Goodbye(reason, text)));
                acts.push(Act::Close);
                if !matches!(reason, GoodbyeReason::ShuttingDown | GoodbyeReason::TooSlow) {
                    self.wait.be_long();
                }
                self.back_off(now);
            }
            (Phase::Greeting(_), ToProxy::Welcome(welcome)) => self.welcomed(&welcome, now, acts),
            (Phase::Following { .. }, ToProxy::Batch(batch)) => self.batch(batch, now, acts),
            (Phase::Following { every, due, .. }, ToProxy::Snapshot(offer)) => match self.held {
                Some(held) if offer.revision < held.revision => {
                    let (sent, held) = (offer.revision, held.revision);
                    acts.push(Act::Tell(Alarm::Backwards { sent, held }));
                    acts.push(Act::Close);
                    self.back_off(now);
                }
                _ => {
                    self.note_newest(offer.revision);
                    self.phase = Phase::Following { every, due, fetches: true };
                    acts.push(Act::Fetch(offer));
                }
            },
            (Phase::Following { .. }, ToProxy::Heartbeat(heartbeat)) => {
                self.heartbeat(heartbeat, now, acts);
            }
            (Phase::Waiting(_) | Phase::Connecting(_), _) => {}
            (Phase::Greeting(_) | Phase::Following { .. }, _) => {
                acts.push(Act::Tell(Alarm::Malformed("something is said out of turn")));
                self.leave(GoodbyeReason::Malformed, now, acts);
            }
        }
    }

    fn welcomed(&mut self, welcome: &Welcome, now: Moment, acts: &mut Vec<Act>) {
        if welcome.version != VERSION {
            acts.push(Act::Tell(Alarm::Malformed("it speaks another version")));
            return self.leave(GoodbyeReason::Version, now, acts);
        }
        if welcome.environment != self.settings.environment {
            acts.push(Act::Tell(Alarm::Malformed("it is of another environment")));
            return self.leave(GoodbyeReason::WrongPlace, now, acts);
        }
        let every = u64::from(welcome.heartbeat_ms).clamp(100, 60_000);
        self.phase = Phase::Following { every, due: now.monotonic + every, fetches: false };
        self.promised = None;
        self.note_newest(welcome.newest);
        self.beat(now, acts);
    }

    fn batch(&mut self, batch: SentBatch, now: Moment, acts: &mut Vec<Act>) {
        self.note_newest(batch.revision);
        let held = self.held.map(|held| held.revision).unwrap_or_default();
        if batch.revision <= held {
            // Once more, or from before: it says nothing new.
            acts.push(Act::Tell(Alarm::Backwards { sent: batch.revision, held }));
        } else if batch.previous != held || self.held.is_none() {
            self.gap(batch.previous, held, now, acts);
        } else {
            acts.push(Act::Publish(Box::new(batch)));
        }
    }

    fn gap(&mut self, previous: Revision, held: Revision, now: Moment, acts: &mut Vec<Act>) {
        acts.push(Act::Tell(Alarm::Gap { previous, held }));
        self.renews = true;
        acts.push(Act::Close);
        self.back_off(now);
    }

    fn heartbeat(&mut self, heartbeat: ServerHeartbeat, now: Moment, acts: &mut Vec<Act>) {
        self.note_newest(heartbeat.newest);
        let held = self.held.map(|held| held.revision).unwrap_or_default();
        if let Some(promised) = self.promised.replace(heartbeat.newest).filter(|last| *last > held)
        {
            return self.gap(promised, held, now, acts);
        }
        self.wait.begin();
        acts.push(Act::Time(heartbeat.unix_ms));
        if let Some(sent) = heartbeat.answers {
            let acknowledged = self.acknowledgements.acknowledged();
            self.lease.answered(sent, heartbeat.newest, acknowledged);
        }
    }

    fn taken(&mut self, revision: Revision, taken: Taken, now: Moment, acts: &mut Vec<Act>) {
        let Taken { to_sync, keys, withheld } = taken;
        self.acknowledgements.published(revision, to_sync, keys, now.monotonic);
        self.withhold(revision, withheld, acts);
    }

    fn withhold(&mut self, revision: Revision, withheld: Option<String>, acts: &mut Vec<Act>) {
        if let Some(reason) = self.acknowledgements.withhold(withheld) {
            acts.push(Act::Tell(Alarm::Refused(revision, reason.clone())));
            if self.is_connected() {
                acts.push(Act::Send(ToControl::Refused(Refused { revision, reason })));
            }
        }
    }

    /// Tells what every worker enforces by now, and renews the lease by it.
    fn acknowledge(&mut self, now: Moment, acts: &mut Vec<Act>) {
        if let Some(applied) = self.acknowledgements.next(now)
            && self.is_connected()
        {
            acts.push(Act::Send(ToControl::Applied(applied)));
        }
        if let Some(contact) = self.lease.renewed(self.acknowledgements.acknowledged()) {
            acts.push(Act::Contact(contact));
            acts.push(Act::Lease(self.lease.ends()));
        }
    }

    fn refuse(&mut self, revision: Revision, reason: String, now: Moment, acts: &mut Vec<Act>) {
        acts.push(Act::Tell(Alarm::Refused(revision, reason.clone())));
        acts.push(Act::Send(ToControl::Refused(Refused { revision, reason })));
        acts.push(Act::Close);
        self.back_off(now);
    }

    fn leave(&mut self, reason: GoodbyeReason, now: Moment, acts: &mut Vec<Act>) {
        let goodbye = Goodbye { reason, text: String::new() };
        acts.push(Act::Send(ToControl::Goodbye(goodbye)));
        acts.push(Act::Close);
        self.wait.be_long();
        self.back_off(now);
    }

    fn give_up(&mut self, why: &str, now: Moment, acts: &mut Vec<Act>) {
        acts.push(Act::Tell(Alarm::Disconnected(why.to_owned())));
        acts.push(Act::Close);
        self.back_off(now);
    }

    fn back_off(&mut self, now: Moment) {
        self.phase = Phase::Waiting(now.monotonic + self.wait.next());
    }

    fn note_newest(&mut self, revision: Revision) {
        self.newest = self.newest.max(Some(revision));
    }

    fn hello(&self, now: Moment) -> Hello {
        let SubscriberSettings {
            name,
            instance,
            software,
            environment,
            region,
            schemes,
            serve_for,
        } = self.settings.clone();
        Hello {
            version: VERSION,
            software,
            name,
            instance,
            environment,
            region,
            held: self.held.map(|held| if self.renews { held.under_no_numbering() } else { held }),
            serve_for,
            schemes,
            capabilities: 0,
            unix_ms: now.unix,
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

//! What a row of the table does to a chain.

use std::mem;

use super::calendar::{self, Second};
use super::chain::{Chain, Failure, Key, State};
use super::event::Event;
use super::timeline::{Entry, Happening};

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The keys that live are activated. Only the first time counts.
    Provision,
    /// LATEST's rotation and expiration are planned from now, as the policy says.
    Plan,
    /// LATEST, and a predecessor that still works, come into this state.
    Become(State),
    /// It is suspended by itself.
    Hold,
    /// It is not suspended by itself any more.
    Free,
    /// Its application is suspended.
    HoldApplication,
    /// Its application is not suspended any more.
    FreeApplication,
    /// The activation or suspension failed.
    KeepError,
    /// LATEST's rotation takes place now.
    Rotated,
    /// LATEST gives way: at once, or when the overlap ends. A predecessor of it ends now.
    Supersede,
    /// A new key is LATEST, in this state, planned from now.
    Issue(State),
    /// The predecessor that still works is revoked.
    Withdraw,
    AdoptPolicy,
    /// LATEST's rotation and expiration are moved to what the policy says of it.
    Replan,
    AdoptExpiry,
}

/// A chain while an event happens to it.
pub(super) struct Draft {
    chain: Chain,
    now: Second,
    timeline: Vec<Entry>,
}

impl Draft {
    pub(super) fn of(chain: &Chain, now: Second) -> Self {
        Self { chain: chain.clone(), now, timeline: Vec::new() }
    }

    pub(super) fn finish(mut self) -> (Chain, Vec<Entry>) {
        self.chain.version = self.chain.version.saturating_add(1);
        (self.chain, self.timeline)
    }

    fn tell_of_latest(&mut self, what: Happening) {
        self.timeline.push(Entry { at: self.now, key: self.chain.latest.number, what });
    }

    fn provision(&mut self) {
        for key in self.chain.live_mut().filter(|key| key.provisioned.is_none()) {
            key.provisioned = Some(self.now);
            let what = Happening::Provisioned;
            self.timeline.push(Entry { at: self.now, key: key.number, what });
        }
    }

    fn plan(&mut self) {
        if let Some(policy) = &self.chain.policy {
            self.chain.latest.plan(policy.schedule(self.now));
        }
    }

    fn replan(&mut self) {
        let latest = &mut self.chain.latest;
        let by_policy = self.chain.policy.and_then(|policy| latest.schedule_by(&policy));
        if let Some(to) = by_policy {
            let from = latest.schedule();
            latest.plan(to);
            self.tell_of_latest(Happening::Rescheduled { from, to });
        }
    }

    fn come_into(&mut self, state: State) {
        for key in self.chain.live_mut() {
            key.enter(state, self.now);
            let what = Happening::Became(state);
            self.timeline.push(Entry { at: self.now, key: key.number, what });
        }
        self.chain.last_error = None;
    }

    fn keep_error(&mut self, event: &Event) {
        if let Event::ActivationFailed(reason) | Event::SuspensionFailed(reason) = event {
            let (at, reason) = (self.now, reason.clone());
            self.chain.last_error = Some(Failure { at, reason: reason.clone() });
            self.tell_of_latest(Happening::Failed(reason));
        }
    }

    fn rotated(&mut self) {
        self.chain.latest.rotated = Some(self.now);
        self.tell_of_latest(Happening::Rotated);
    }

    fn supersede(&mut self, event: &Event) {
        self.withdraw();
        let until = self.overlap_end(event);
        if until > self.now {
            self.chain.latest.superseded_until = Some(until);
            self.tell_of_latest(Happening::SupersededUntil(until));
        } else {
            self.chain.latest.enter(State::Revoked, self.now);
            self.tell_of_latest(Happening::Became(State::Revoked));
        }
    }

    /// Until when LATEST may work beside a successor that comes now. No overlap brings a key past
    /// its own expiration, except on the day on which the rotation has cancelled it.
    fn overlap_end(&self, event: &Event) -> Second {
        let old = &self.chain.latest;
        let asked = if let Event::Regenerate { overlap, .. } = event { *overlap } else { None };
        let overlap = asked.or(self.chain.policy.map(|policy| policy.overlap)).unwrap_or(0);
        let until = self.now.saturating_add(overlap.into());
        old.expires_at().filter(|_| !self.cancels_expiration()).map_or(until, |end| end.min(until))
    }

    fn cancels_expiration(&self) -> bool {
        let old = &self.chain.latest;
        old.rotation.zip(old.expiration).is_some_and(|(rotation, expiration)| {
            let today = calendar::day(self.now) == calendar::day_of(expiration);
            today && rotation.meets(expiration)
        })
    }

    fn issue(&mut self, state: State) {
        let mut new = Key::new(self.chain.latest.number.next(), state, None);
        new.issued = Some(self.now);
        let old = mem::replace(&mut self.chain.latest, new);
        self.chain.earlier.push(old);
        self.tell_of_latest(Happening::Issued(state));
        self.plan();
        if state == State::Active {
            self.provision();
        }
    }

    fn withdraw(&mut self) {
        for key in self.chain.earlier.iter_mut().filter(|key| !key.state.is_over()) {
            key.enter(State::Revoked, self.now);
            let what = Happening::Became(State::Revoked);
            self.timeline.push(Entry { at: self.now, key: key.number, what });
        }
    }

    fn adopt_policy(&mut self, event: &Event) {
        if let Event::PolicyChanged(policy) = event {
            self.chain.policy = Some(*policy);
            self.tell_of_latest(Happening::PolicyChanged);
        }
    }

    fn adopt_expiry(&mut self, event: &Event) {
        if let Event::ExpiryChanged(expiration) = event {
            self.chain.latest.expiration = *expiration;
            self.tell_of_latest(Happening::ExpiryChanged(*expiration));
        }
    }
}

impl Step {
    pub(super) fn take(self, draft: &mut Draft, event: &Event) {
        match self {
            Self::Provision => draft.provision(),
            Self::Plan => draft.plan(),
            Self::Become(state) => draft.come_into(state),
            Self::Hold => draft.chain.suspended_itself = true,
            Self::Free => draft.chain.suspended_itself = false,
            Self::HoldApplication => draft.chain.application_suspended = true,
            Self::FreeApplication => draft.chain.application_suspended = false,
            Self::KeepError => draft.keep_error(event),
            Self::Rotated => draft.rotated(),
            Self::Supersede => draft.supersede(event),
            Self::Issue(state) => draft.issue(state),
            Self::Withdraw => draft.withdraw(),
            Self::AdoptPolicy => draft.adopt_policy(event),
            Self::Replan => draft.replan(),
            Self::AdoptExpiry => draft.adopt_expiry(event),
        }
    }
}

impl Key {
    fn enter(&mut self, state: State, now: Second) {
        self.state = state;
        match state {
            State::Revoked => self.revoked = Some(now),
            State::Expired => self.expired = Some(now),
            State::Pending | State::Active | State::Suspended => {}
        }
    }
}

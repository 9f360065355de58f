//! What the proxies are to hold a key to.

use tollgate_core::Status;

use super::calendar::Second;
use super::chain::{Chain, Key, KeyNumber, State};

/// What a proxy knows of where a key is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// Its state. Expiry is none: it is a date that has passed.
    pub status: Status,
    /// The first second in which it is refused, by the proxy's own clock; `None` = never.
    pub not_after: Option<Second>,
}

/// What a transition asks of others. Every key whose enforcement changed is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a key: its credentials are yet to be.
    Issue {
        /// Its place in the chain.
        key: KeyNumber,
        /// How it begins.
        enforced: Enforced,
    },
    /// Tell the proxies about a key that they know.
    Enforce {
        /// Which one.
        key: KeyNumber,
        /// What they are to hold it to from now on.
        enforced: Enforced,
    },
}

impl Chain {
    /// What the proxies are to hold a key of this chain to. A key that is overdue is refused by
    /// this whether or not the scheduler has come; one that is superseded ends by its own date and
    /// by the chain's.
    pub fn enforced(&self, key: &Key) -> Enforced {
        let (status, end) = match key.state {
            State::Pending => (Status::Waiting, self.end_of(key)),
            State::Active => (Status::Active, self.end_of(key)),
            State::Suspended => (Status::Suspended, self.end_of(key)),
            State::Revoked => (Status::Revoked, None),
            // Past whatever a proxy's clock says: setting it back does not bring the key back.
            State::Expired => (Status::Active, Some(0)),
        };
        Enforced { status, not_after: end }
    }

    fn end_of(&self, key: &Key) -> Option<Second> {
        let of_chain = self.latest.expires_at();
        if key.number == self.latest.number {
            return of_chain;
        }
        // A predecessor without a date has no right to work.
        let until = key.superseded_until.unwrap_or(0);
        Some(of_chain.map_or(until, |end| end.min(until)))
    }
}

/// What is enforced after that was not before.
pub(super) fn difference(before: &Chain, after: &Chain) -> Vec<Effect> {
    let changed = after.keys().filter_map(|key| {
        let enforced = after.enforced(key);
        let known = before.keys().find(|known| known.number == key.number);
        let key = key.number;
        match known.map(|known| before.enforced(known)) {
            None => Some(Effect::Issue { key, enforced }),
            Some(held) if held != enforced => Some(Effect::Enforce { key, enforced }),
            Some(_) => None,
        }
    });
    changed.collect()
}

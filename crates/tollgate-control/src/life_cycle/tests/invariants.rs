//! What holds whatever happens, said without the paper.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tollgate_core::Status;

use crate::life_cycle::{
    Chain, Effect, Enforced, Entry, Event, Happening, Key, KeyNumber, State, Transition,
};

/// What the proxies hold each key to, as far as they were told.
pub(super) type Proxies = BTreeMap<KeyNumber, Enforced>;

/// The state of each key, as far as the timeline says.
pub(super) type Told = BTreeMap<KeyNumber, State>;

pub(super) fn admits(enforced: Enforced, second: i64) -> bool {
    enforced.status == Status::Active && enforced.not_after.is_none_or(|end| second < end)
}

fn usable(proxies: &Proxies, second: i64) -> usize {
    proxies.values().filter(|enforced| admits(**enforced, second)).count()
}

/// Tells the proxies what a transition asks for.
pub(super) fn tell(proxies: &mut Proxies, effects: &[Effect]) -> Result<(), TestCaseError> {
    for effect in effects {
        match *effect {
            Effect::Issue { key, enforced } => {
                prop_assert!(proxies.insert(key, enforced).is_none(), "issued twice");
            }
            Effect::Enforce { key, enforced } => {
                prop_assert!(proxies.insert(key, enforced).is_some(), "told of an unknown key");
            }
        }
    }
    Ok(())
}

/// Adds to what the timeline says.
pub(super) fn read(told: &mut Told, timeline: &[Entry]) {
    for entry in timeline {
        if let Happening::Became(state) | Happening::Issued(state) = entry.what {
            told.insert(entry.key, state);
        } else if entry.what == Happening::Provisioned {
            told.insert(entry.key, State::Active);
        }
    }
}

pub(super) fn hold(
    before: &Chain,
    event: &Event,
    now: i64,
    transition: &Transition,
    proxies: &Proxies,
) -> Result<(), TestCaseError> {
    let after = &transition.chain;
    let mut told = proxies.clone();
    tell(&mut told, &transition.effects)?;
    prop_assert_eq!(after.version, before.version + 1);
    one_latest(after)?;
    prop_assert!(transition.timeline.iter().all(|entry| entry.at == now));

    let allowed = 1 + usize::from(after.superseded().is_some());
    prop_assert!(usable(&told, now) <= allowed, "two usable keys without an overlap");
    let replaced = after.latest.number != before.latest.number;
    if replaced && admits(before.enforced(&before.latest), now) {
        prop_assert!(admits(after.enforced(&after.latest), now), "no usable key");
    }

    for old in before.keys() {
        let new = after.keys().find(|key| key.number == old.number);
        let Some(new) = new else { return Err(TestCaseError::fail("a key was lost")) };
        one_key(old, event, new)?;
    }
    Ok(())
}

fn one_latest(chain: &Chain) -> Result<(), TestCaseError> {
    let numbers: Vec<_> = chain.keys().map(|key| key.number).collect();
    prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{:?}", numbers);
    prop_assert!(chain.latest.superseded_until.is_none());
    let live = chain.earlier.iter().filter(|key| !key.state.is_over());
    prop_assert!(live.clone().count() <= 1, "more than one predecessor");
    let mut live = live;
    prop_assert!(live.all(|key| key.superseded_until.is_some() && key.state == chain.state()));
    Ok(())
}

fn one_key(old: &Key, event: &Event, new: &Key) -> Result<(), TestCaseError> {
    if old.state.is_over() {
        prop_assert_eq!(old, new, "what is over stays as it is");
    }
    if old.state != State::Pending {
        prop_assert_ne!(new.state, State::Pending);
        if *event != Event::EnforceSchedule {
            prop_assert_eq!(old.rotation, new.rotation, "a plan moved");
        }
    }
    if *event == Event::EnforceSchedule {
        let Key { rotation, expiration, .. } = *new;
        let moved = Key { rotation, expiration, ..old.clone() };
        prop_assert_eq!(&moved, new, "more than the plan moved");
        prop_assert!(old.superseded_until.is_none() || old == new, "an old key's plan moved");
    }
    if old.provisioned.is_some() {
        prop_assert_eq!(old.provisioned, new.provisioned);
    }
    if matches!(event, Event::PolicyChanged(_)) {
        prop_assert_eq!(old, new, "a policy moved what was planned");
    }
    prop_assert!(new.rotated.is_none() || new.expired.is_none() || new.superseded_until.is_some());
    if let (Some(rotation), Some(rotated)) = (new.rotation, new.rotated) {
        prop_assert!(rotated >= rotation.due, "rotated before its time");
    }
    Ok(())
}

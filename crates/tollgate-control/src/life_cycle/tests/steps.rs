//! What a random history is made of.

use proptest::prelude::*;
use proptest::sample::select;

use crate::life_cycle::{Chain, Event, Instant, KeyNumber, Months, Policy, RotationPolicy};

pub(super) const DAY: i64 = 86_400;

/// How the clock moves before a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pause {
    /// By so many seconds, also back.
    By(i64),
    /// To so many seconds after what is due next.
    ToDue(i64),
    /// To the end of the day of what is due next, and so many seconds on.
    ToDueMidnight(i64),
}

/// Which key an actor means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Latest,
    Previous,
    Unknown,
}

/// An event, before the actor has looked at the chain.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Plain(Event),
    Regenerate(Which, Option<u32>),
    EndOverlap(Which),
    Revoke(Which),
    /// So many seconds from now, as an instant or as the day that it is in.
    ExpiryChanged(Option<(i64, bool)>),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) pause: Pause,
    /// The scheduler catches up before anyone acts.
    pub(super) scheduler: bool,
    /// The store is closed and opened again.
    pub(super) restart: bool,
    /// Which of the two acts.
    pub(super) actor: usize,
    /// He looks at the chain before, and not only at what he remembers.
    pub(super) looks: bool,
    pub(super) act: Act,
}

/// How a chain begins.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) policy: Option<Policy>,
    pub(super) expires: Option<(i64, bool)>,
    pub(super) application_suspended: bool,
}

impl Act {
    pub(super) fn event(&self, chain: &Chain, now: i64) -> Event {
        match self {
            Self::Plain(event) => event.clone(),
            Self::Regenerate(which, overlap) => {
                Event::Regenerate { key: which.of(chain), overlap: *overlap }
            }
            Self::EndOverlap(which) => Event::EndOverlap { key: which.of(chain) },
            Self::Revoke(which) => Event::Revoke { key: which.of(chain) },
            Self::ExpiryChanged(end) => Event::ExpiryChanged(expiration(*end, now)),
        }
    }
}

pub(super) fn expiration(end: Option<(i64, bool)>, now: i64) -> Option<Instant> {
    end.map(|(seconds, whole_day)| match now + seconds {
        second if whole_day => Instant::Day(second / DAY * DAY),
        second => Instant::Second(second),
    })
}

impl Which {
    fn of(self, chain: &Chain) -> KeyNumber {
        let unknown = KeyNumber(9_999);
        match self {
            Self::Latest => chain.latest.number,
            Self::Previous => chain.earlier.last().map_or(unknown, |key| key.number),
            Self::Unknown => unknown,
        }
    }
}

fn which() -> impl Strategy<Value = Which> {
    select(&[Which::Latest, Which::Latest, Which::Previous, Which::Unknown][..])
}

fn policy() -> impl Strategy<Value = Policy> {
    let rotation = select(&[None, Some((1, 0)), Some((3, 0)), Some((3, 5)), Some((12, 0))][..]);
    let expiration = select(&[None, None, Some(1), Some(2), Some(3), Some(12)][..]);
    let overlap = select(&[0, 0, 7_200, 10, 20 * 86_400, 100 * 86_400][..]);
    (rotation, expiration, any::<bool>(), overlap).prop_map(
        |(rotation, expiration, manual_regeneration, overlap)| Policy {
            rotation: rotation.map(|(after, days)| {
                RotationPolicy::new(Months::new(after).unwrap(), days * 86_400).unwrap()
            }),
            expiration: expiration.map(|after| Months::new(after).unwrap()),
            manual_regeneration,
            overlap,
        },
    )
}

fn end() -> impl Strategy<Value = Option<(i64, bool)>> {
    let seconds = select(&[-DAY, 0, 10, DAY, 40 * DAY, 500 * DAY][..]);
    proptest::option::of((seconds, any::<bool>()))
}

fn plain() -> impl Strategy<Value = Event> {
    let events = [
        Event::Activate,
        Event::Activate,
        Event::Activate,
        Event::ActivationFailed("no answer".to_owned()),
        Event::Disable,
        Event::Suspend,
        Event::Suspend,
        Event::SuspensionFailed("disk full".to_owned()),
        Event::Reactivate,
        Event::Reactivate,
        Event::Reactivate,
        Event::ApplicationSuspended,
        Event::ApplicationReactivated { keep_suspended: false },
        Event::ApplicationReactivated { keep_suspended: true },
        Event::RotationDue,
        Event::ExpiryDue,
        Event::OverlapDue,
        Event::EnforceSchedule,
        Event::EnforceSchedule,
    ];
    select(events.to_vec())
}

fn act() -> impl Strategy<Value = Act> {
    let overlap = select(&[None, Some(0), Some(5 * 86_400), Some(100 * 86_400)][..]);
    prop_oneof![
        24 => plain().prop_map(Act::Plain),
        6 => (which(), overlap).prop_map(|(which, overlap)| Act::Regenerate(which, overlap)),
        2 => which().prop_map(Act::EndOverlap),
        1 => which().prop_map(Act::Revoke),
        3 => policy().prop_map(|policy| Act::Plain(Event::PolicyChanged(policy))),
        2 => end().prop_map(Act::ExpiryChanged),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let pauses = [
        Pause::By(0),
        Pause::By(0),
        Pause::By(1),
        Pause::By(3_600),
        Pause::By(DAY - 1),
        Pause::By(9 * DAY),
        Pause::By(31 * DAY),
        Pause::By(100 * DAY),
        Pause::By(-10),
        Pause::By(-2 * DAY),
        Pause::ToDue(-1),
        Pause::ToDue(0),
        Pause::ToDue(1),
        Pause::ToDueMidnight(-1),
        Pause::ToDueMidnight(0),
    ];
    let often = proptest::bool::weighted;
    (select(pauses.to_vec()), often(0.5), often(0.1), 0..2_usize, often(0.6), act()).prop_map(
        |(pause, scheduler, restart, actor, looks, act)| Step {
            pause,
            scheduler,
            restart,
            actor,
            looks,
            act,
        },
    )
}

pub(super) fn start() -> impl Strategy<Value = Start> {
    let key_set =
        (policy(), proptest::bool::weighted(0.1)).prop_map(|(policy, application_suspended)| {
            Start { policy: Some(policy), expires: None, application_suspended }
        });
    let package_key =
        (end(), proptest::bool::weighted(0.1)).prop_map(|(expires, application_suspended)| Start {
            policy: None,
            expires,
            application_suspended,
        });
    prop_oneof![4 => key_set, 1 => package_key]
}

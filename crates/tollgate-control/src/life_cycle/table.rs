//! Every state and event that go together, and what comes of them.

use super::calendar::Second;
use super::chain::State::{Active, Expired, Pending, Revoked, Suspended};
use super::chain::{Chain, State};
use super::condition::Condition::{
    ApplicationActive, ApplicationIsSuspended, BeforeExpiry, ExpiryIsDue, IsKeySet, IsLatest,
    IsPackageKey, IsSuperseded, OverlapIsDue, PlanMoves, PolicyAllows, RotationIsDue,
    StaysSuspended,
};
use super::condition::{Condition, Refused};
use super::event::EventKind::{
    Activate, ActivationFailed, ApplicationReactivated, ApplicationSuspended, Disable, EndOverlap,
    EnforceSchedule, ExpiryChanged, ExpiryDue, OverlapDue, PolicyChanged, Reactivate, Regenerate,
    Revoke, RotationDue, Suspend, SuspensionFailed,
};
use super::event::{Event, EventKind};
use super::step::Step;
use super::step::Step::{
    AdoptExpiry, AdoptPolicy, Become, Free, FreeApplication, Hold, HoldApplication, Issue,
    KeepError, Plan, Provision, Replan, Rotated, Supersede, Withdraw,
};

/// In this state, on this event, if all of this holds: these steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) state: State,
    pub(super) event: EventKind,
    pub(super) when: &'static [Condition],
    pub(super) then: &'static [Step],
}

const fn row(
    state: State,
    event: EventKind,
    when: &'static [Condition],
    then: &'static [Step],
) -> Row {
    Row { state, event, when, then }
}

/// Of several rows for one state and event, the first whose conditions hold. What is not here is
/// refused: nothing leaves Revoked or Expired, because nothing here starts there.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // A Pending key waits for its activation, and only that moves it; a v3 key may be disabled
    // instead. Activated under a suspended application it is Suspended, and comes back with that.
    row(Pending,   Activate,               &[BeforeExpiry, ApplicationActive],        &[Provision, Plan, Become(Active)]),
    row(Pending,   Activate,               &[BeforeExpiry],                           &[Provision, Plan, Become(Suspended)]),
    row(Pending,   ActivationFailed,       &[],                                       &[KeepError]),
    row(Pending,   Disable,                &[IsPackageKey],                           &[Hold, Become(Suspended)]),
    row(Pending,   ApplicationSuspended,   &[ApplicationActive],                      &[HoldApplication]),
    row(Pending,   ApplicationReactivated, &[ApplicationIsSuspended],                 &[FreeApplication]),

    // Suspension bars the chain; what is planned for it stays planned.
    row(Active,    Suspend,                &[],                                       &[Hold, Become(Suspended)]),
    row(Active,    SuspensionFailed,       &[],                                       &[KeepError]),
    row(Suspended, Reactivate,             &[ApplicationActive, BeforeExpiry],        &[Free, Become(Active), Provision]),
    row(Active,    ApplicationSuspended,   &[],                                       &[HoldApplication, Become(Suspended)]),
    row(Suspended, ApplicationSuspended,   &[ApplicationActive],                      &[HoldApplication]),
    row(Suspended, ApplicationReactivated, &[ApplicationIsSuspended, StaysSuspended], &[FreeApplication]),
    row(Suspended, ApplicationReactivated, &[ApplicationIsSuspended],                 &[FreeApplication, Free, Become(Active), Provision]),

    // A new key is born in the state of the old one, in the transition in which the old one is
    // superseded: never two without an overlap, never none.
    row(Active,    Regenerate,             &[IsLatest, PolicyAllows, BeforeExpiry],   &[Supersede, Issue(Active)]),
    row(Suspended, Regenerate,             &[IsLatest, PolicyAllows, BeforeExpiry],   &[Supersede, Issue(Suspended)]),
    row(Active,    RotationDue,            &[RotationIsDue],                          &[Rotated, Supersede, Issue(Active)]),
    row(Suspended, RotationDue,            &[RotationIsDue],                          &[Rotated, Supersede, Issue(Suspended)]),
    row(Active,    OverlapDue,             &[OverlapIsDue],                           &[Withdraw]),
    row(Suspended, OverlapDue,             &[OverlapIsDue],                           &[Withdraw]),
    row(Active,    EndOverlap,             &[IsSuperseded],                           &[Withdraw]),
    row(Suspended, EndOverlap,             &[IsSuperseded],                           &[Withdraw]),

    // The end reaches LATEST and a predecessor that still works; a superseded key can end alone.
    row(Active,    ExpiryDue,              &[ExpiryIsDue],                            &[Become(Expired)]),
    row(Suspended, ExpiryDue,              &[ExpiryIsDue],                            &[Become(Expired)]),
    row(Active,    Revoke,                 &[IsSuperseded],                           &[Withdraw]),
    row(Suspended, Revoke,                 &[IsSuperseded],                           &[Withdraw]),
    row(Active,    Revoke,                 &[IsLatest],                               &[Become(Revoked)]),
    row(Suspended, Revoke,                 &[IsLatest],                               &[Become(Revoked)]),

    // The rules of its life. What is planned for a key set's present key does not move with them.
    row(Pending,   PolicyChanged,          &[IsKeySet],                               &[AdoptPolicy]),
    row(Active,    PolicyChanged,          &[IsKeySet],                               &[AdoptPolicy]),
    row(Suspended, PolicyChanged,          &[IsKeySet],                               &[AdoptPolicy]),
    // Only where it is asked for. A Pending key has no dates yet, and what is too old stays so.
    row(Active,    EnforceSchedule,        &[IsKeySet, BeforeExpiry, PlanMoves],      &[Replan]),
    row(Suspended, EnforceSchedule,        &[IsKeySet, BeforeExpiry, PlanMoves],      &[Replan]),
    row(Pending,   ExpiryChanged,          &[IsPackageKey],                           &[AdoptExpiry]),
    row(Active,    ExpiryChanged,          &[IsPackageKey],                           &[AdoptExpiry]),
    row(Suspended, ExpiryChanged,          &[IsPackageKey],                           &[AdoptExpiry]),
];

/// The row for a chain and an event, or why there is none.
pub(super) fn row_for<'table>(
    table: &'table [Row],
    chain: &Chain,
    event: &Event,
    now: Second,
) -> Result<&'table Row, Refused> {
    let (state, kind) = (chain.state(), event.kind());
    let mut refused = Refused::NotIn { state, event: kind };
    for row in table.iter().filter(|row| row.state == state && row.event == kind) {
        match row.when.iter().find(|condition| !condition.holds(chain, event, now)) {
            None => return Ok(row),
            Some(condition) => refused = condition.refused(),
        }
    }
    Err(refused)
}

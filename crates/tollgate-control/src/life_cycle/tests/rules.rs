//! The rules one by one, with dates that a reader can check.

use jiff::Timestamp;
use tollgate_core::Status;

use crate::life_cycle::event::EventKind as On;
use crate::life_cycle::table::TABLE;
use crate::life_cycle::{
    Chain, Due, Effect, Enforced, Entry, Event, Happening, Instant, Key, KeyNumber, Months,
    PackageKeyStatus, Policy, Refused, Rotation, RotationPolicy, Schedule, Second, State,
    Transition, apply, due, lifespan, permitted,
};

const DAY: u32 = 86_400;

fn at(time: &str) -> Second {
    time.parse::<Timestamp>().unwrap().as_second()
}

/// Rotation and expiration after so many months; 0 for never.
fn policy(rotation: u16, expiration: u16) -> Policy {
    Policy {
        rotation: Months::new(rotation).and_then(|after| RotationPolicy::new(after, 0)),
        expiration: Months::new(expiration),
        manual_regeneration: true,
        overlap: 0,
    }
}

fn take(chain: &mut Chain, event: &Event, time: &str) -> Transition {
    let transition = apply(chain, event, at(time)).unwrap();
    *chain = transition.chain.clone();
    transition
}

/// A v3 client writes a status that is another.
fn write(chain: &mut Chain, status: PackageKeyStatus, time: &str) {
    let event = chain.event_for(status).unwrap().unwrap();
    take(chain, &event, time);
}

fn refused(chain: &Chain, event: &Event, time: &str) -> Refused {
    apply(chain, event, at(time)).unwrap_err()
}

/// Active since 2026-01-31T10:00:00Z.
fn active(policy: Policy) -> Chain {
    let mut chain = Chain::key_set(policy, false);
    take(&mut chain, &Event::Activate, "2026-01-31T10:00:00Z");
    chain
}

fn regenerate(key: u32, overlap: Option<u32>) -> Event {
    Event::Regenerate { key: KeyNumber(key), overlap }
}

fn until(status: Status, time: &str) -> Enforced {
    Enforced { status, not_after: Some(at(time)) }
}

fn states(chain: &Chain) -> Vec<State> {
    chain.keys().map(|key| key.state).collect()
}

/// What the scheduler does at a time, one after the other.
fn catch_up(chain: &mut Chain, time: &str) -> Vec<On> {
    let mut done = Vec::new();
    while let Some(next) = due(chain).filter(|next| next.at <= at(time)) {
        take(chain, &next.event, time);
        done.push(next.event.kind());
    }
    done
}

#[test]
fn what_is_over_has_no_row() {
    assert!(TABLE.iter().all(|row| !row.state.is_over()));
    let mut chain = active(policy(0, 0));
    take(&mut chain, &Event::Revoke { key: KeyNumber(1) }, "2026-02-01T00:00:00Z");
    let no = refused(&chain, &Event::ExpiryDue, "2027-01-01T00:00:00Z");
    assert_eq!(no, Refused::NotIn { state: State::Revoked, event: On::ExpiryDue });
    assert_eq!(no.to_string(), "no expiry_due of a revoked key");
    assert_eq!(due(&chain), None);
}

#[test]
fn months_are_counted_by_the_calendar() {
    let chain = active(policy(1, 25));
    let rotation = chain.latest.rotation.unwrap();
    assert_eq!(rotation.planned, at("2026-02-28T10:00:00Z"));
    assert_eq!(rotation.due, rotation.planned);
    assert_eq!(chain.latest.expiration, Some(Instant::Second(at("2028-02-29T10:00:00Z"))));
}

#[test]
fn a_plan_beyond_the_calendar_is_its_end() {
    let chain = Chain::key_set(policy(1_200, 1_200), false);
    let transition = apply(&chain, &Event::Activate, at("9990-01-01T00:00:00Z")).unwrap();
    let planned = transition.chain.latest.rotation.unwrap().planned;
    assert_eq!(planned, Timestamp::MAX.as_second());
}

#[test]
fn a_lead_is_shorter_than_the_months_that_it_leads() {
    let month = Months::new(1).unwrap();
    assert!(RotationPolicy::new(month, 28 * DAY).is_none());
    let lead = RotationPolicy::new(month, 28 * DAY - 1);
    let chain = active(Policy { rotation: lead, ..policy(0, 0) });
    let next = due(&chain).unwrap();
    assert_eq!(next, Due { at: at("2026-01-31T10:00:01Z"), event: Event::RotationDue });
    let early = apply(&chain, &next.event, next.at).unwrap().chain;
    let milestone = early.earlier[0].rotation_milestone().unwrap();
    assert_eq!(milestone.delay(), Some(1 - i64::from(28 * DAY)));
}

#[test]
fn rotation_and_expiry_on_one_day_are_a_rotation_and_the_proxies_hold_the_end_of_that_day() {
    let mut chain = active(policy(12, 12));
    let held = chain.enforced(&chain.latest);
    assert_eq!(held, until(Status::Active, "2027-02-01T00:00:00Z"));
    assert_eq!(refused(&chain, &Event::ExpiryDue, "2027-01-31T10:00:00Z"), Refused::NotDue);
    assert_eq!(catch_up(&mut chain, "2027-01-31T18:00:00Z"), [On::RotationDue]);
    assert_eq!(states(&chain), [State::Revoked, State::Active]);
    let old = &chain.earlier[0];
    assert_eq!(old.rotation_milestone().unwrap().delay(), Some(8 * 3_600));
    assert!(old.expiration_milestone().unwrap().cancelled);
    let planned = chain.latest.rotation.unwrap().planned;
    assert_eq!(planned, at("2028-01-31T18:00:00Z"), "from the actual date");
}

#[test]
fn after_downtime_the_earlier_planned_day_wins() {
    let mut rotated = active(policy(2, 3));
    assert_eq!(catch_up(&mut rotated, "2026-12-01T00:00:00Z"), [On::RotationDue]);
    assert_eq!(states(&rotated), [State::Revoked, State::Active]);

    let mut expired = active(policy(3, 2));
    assert_eq!(catch_up(&mut expired, "2026-12-01T00:00:00Z"), [On::ExpiryDue]);
    assert_eq!(states(&expired), [State::Expired]);
    let milestone = expired.latest.expiration_milestone().unwrap();
    assert_eq!(milestone.planned, Instant::Second(at("2026-03-31T10:00:00Z")));
    assert_eq!(milestone.actual, Some(at("2026-12-01T00:00:00Z")));
    assert!(expired.latest.rotation_milestone().unwrap().cancelled);
}

#[test]
fn several_missed_rotations_are_one() {
    let mut chain = active(policy(1, 0));
    assert_eq!(catch_up(&mut chain, "2026-12-15T00:00:00Z"), [On::RotationDue]);
    assert_eq!(due(&chain).unwrap().at, at("2027-01-15T00:00:00Z"));
}

#[test]
fn an_expired_key_stays_refused_by_a_clock_that_was_set_back() {
    let mut chain = active(policy(0, 1));
    let transition = take(&mut chain, &Event::ExpiryDue, "2026-02-28T10:00:00Z");
    let enforced = Enforced { status: Status::Active, not_after: Some(0) };
    assert_eq!(transition.effects, [Effect::Enforce { key: KeyNumber(1), enforced }]);
}

#[test]
fn regeneration_is_one_transition() {
    let mut chain = active(policy(0, 6));
    let transition = take(&mut chain, &regenerate(1, None), "2026-03-01T00:00:00Z");
    let revoked = Enforced { status: Status::Revoked, not_after: None };
    let effects = [
        Effect::Enforce { key: KeyNumber(1), enforced: revoked },
        Effect::Issue {
            key: KeyNumber(2),
            enforced: until(Status::Active, "2026-09-01T00:00:00Z"),
        },
    ];
    assert_eq!(transition.effects, effects);
    assert_eq!(chain.earlier[0].revoked, Some(at("2026-03-01T00:00:00Z")));
    assert_eq!(refused(&chain, &regenerate(1, None), "2026-03-01T00:00:00Z"), Refused::NotLatest);
}

#[test]
fn two_that_act_on_one_version_leave_one_to_look_again() {
    let chain = active(policy(1, 0));
    let now = "2026-02-28T10:00:00Z";
    let rotated = apply(&chain, &Event::RotationDue, at(now)).unwrap().chain;
    let regenerated = apply(&chain, &regenerate(1, None), at(now)).unwrap().chain;
    assert_eq!(rotated.version, regenerated.version, "a store takes one of them");
    assert_eq!(refused(&rotated, &regenerate(1, None), now), Refused::NotLatest);
    assert_eq!(refused(&rotated, &Event::Revoke { key: KeyNumber(1) }, now), Refused::NotLatest);
    assert_eq!(refused(&regenerated, &Event::RotationDue, now), Refused::NotDue);
}

#[test]
fn an_overlap_lets_both_work_until_its_end() {
    let mut chain = active(Policy { overlap: 7 * DAY, ..policy(0, 0) });
    take(&mut chain, &regenerate(1, None), "2026-03-01T00:00:00Z");
    assert_eq!(states(&chain), [State::Active, State::Active]);
    let old = chain.superseded().unwrap();
    assert_eq!(chain.enforced(old), until(Status::Active, "2026-03-08T00:00:00Z"));

    let mut suspended = chain.clone();
    take(&mut suspended, &Event::Suspend, "2026-03-02T00:00:00Z");
    assert_eq!(states(&suspended), [State::Suspended, State::Suspended]);
    take(&mut suspended, &Event::Revoke { key: KeyNumber(2) }, "2026-03-02T00:00:00Z");
    assert_eq!(states(&suspended), [State::Revoked, State::Revoked]);

    let mut again = chain.clone();
    take(&mut again, &regenerate(2, None), "2026-03-03T00:00:00Z");
    assert_eq!(states(&again), [State::Revoked, State::Active, State::Active]);

    let mut leaked = chain.clone();
    take(&mut leaked, &Event::Revoke { key: KeyNumber(1) }, "2026-03-03T00:00:00Z");
    assert_eq!(states(&leaked), [State::Revoked, State::Active]);
    let gone = Event::EndOverlap { key: KeyNumber(1) };
    assert_eq!(refused(&leaked, &gone, "2026-03-03T00:00:00Z"), Refused::NotSuperseded);

    assert_eq!(catch_up(&mut chain, "2026-03-09T00:00:00Z"), [On::OverlapDue]);
    assert_eq!(states(&chain), [State::Revoked, State::Active]);
}

#[test]
fn an_overlap_does_not_outlive_the_old_keys_own_expiration() {
    let mut chain = active(policy(0, 1));
    take(&mut chain, &regenerate(1, Some(90 * DAY)), "2026-02-20T00:00:00Z");
    assert_eq!(chain.earlier[0].superseded_until, Some(at("2026-02-28T10:00:00Z")));

    // Rotation before expiration, both missed: the old key has been refused for long, and is dead.
    let mut late = active(Policy { overlap: 90 * DAY, ..policy(1, 2) });
    catch_up(&mut late, "2026-04-10T00:00:00Z");
    assert_eq!(states(&late), [State::Revoked, State::Active]);

    // On the day on which the rotation cancels the expiration there is an overlap.
    let mut met = active(Policy { overlap: 9 * DAY, ..policy(1, 1) });
    catch_up(&mut met, "2026-02-28T12:00:00Z");
    assert_eq!(met.earlier[0].superseded_until, Some(at("2026-03-09T12:00:00Z")));
}

#[test]
fn what_is_too_old_is_not_revived_before_the_scheduler_has_come() {
    let mut chain = active(policy(0, 1));
    let late = "2026-02-28T10:00:00Z";
    assert_eq!(refused(&chain, &regenerate(1, None), late), Refused::PastExpiry);
    take(&mut chain, &Event::Suspend, late);
    assert_eq!(refused(&chain, &Event::Reactivate, late), Refused::PastExpiry);
}

#[test]
fn a_key_born_suspended_is_provisioned_when_it_first_works() {
    let mut chain = active(policy(6, 0));
    take(&mut chain, &Event::Suspend, "2026-02-01T00:00:00Z");
    take(&mut chain, &regenerate(1, None), "2026-02-02T00:00:00Z");
    assert_eq!(states(&chain), [State::Revoked, State::Suspended]);
    assert_eq!(chain.latest.provisioned, None);
    assert_eq!(due(&chain).unwrap().at, at("2026-08-02T00:00:00Z"));
    take(&mut chain, &Event::Reactivate, "2026-02-03T00:00:00Z");
    assert_eq!(chain.latest.provisioned, Some(at("2026-02-03T00:00:00Z")));
}

#[test]
fn a_suspended_application_holds_its_chains() {
    let now = "2026-02-01T00:00:00Z";
    let back = |keep_suspended| Event::ApplicationReactivated { keep_suspended };
    let mut chain = active(policy(0, 0));
    take(&mut chain, &Event::Suspend, now);
    take(&mut chain, &Event::ApplicationSuspended, now);
    assert_eq!(refused(&chain, &Event::Reactivate, now), Refused::ApplicationSuspended);
    assert_eq!(apply(&chain, &back(false), at(now)).unwrap().chain.state(), State::Active);
    assert_eq!(apply(&chain, &back(true), at(now)).unwrap().chain.state(), State::Suspended);

    let mut pending = Chain::key_set(policy(0, 0), true);
    take(&mut pending, &Event::Activate, now);
    assert_eq!((pending.state(), pending.suspended_itself), (State::Suspended, false));
    take(&mut pending, &back(true), now);
    assert_eq!(pending.state(), State::Active);
}

#[test]
fn another_policy_is_for_the_next_key() {
    let mut chain = active(policy(6, 0));
    let planned = chain.latest.rotation;
    let now = "2026-02-01T00:00:00Z";
    take(&mut chain, &Event::PolicyChanged(policy(0, 2)), now);
    assert_eq!((chain.latest.rotation, chain.latest.expiration), (planned, None));
    take(&mut chain, &regenerate(1, None), now);
    let expiration = Some(Instant::Second(at("2026-04-01T00:00:00Z")));
    assert_eq!((chain.latest.rotation, chain.latest.expiration), (None, expiration));
}

#[test]
fn an_enforced_schedule_is_counted_from_the_keys_own_beginning() {
    let mut chain = active(policy(12, 0));
    let now = "2026-05-01T00:00:00Z";
    assert_eq!(refused(&chain, &Event::EnforceSchedule, now), Refused::PlanStands);
    let before = chain.latest.schedule();
    take(&mut chain, &Event::PolicyChanged(policy(6, 7)), now);
    assert_eq!(permitted(&chain, at(now)).last(), Some(&On::EnforceSchedule));
    let moved = take(&mut chain, &Event::EnforceSchedule, now);
    let planned = at("2026-07-31T10:00:00Z");
    let to = Schedule {
        rotation: Some(Rotation { planned, due: planned }),
        expiration: Some(Instant::Second(at("2026-08-31T10:00:00Z"))),
    };
    let what = Happening::Rescheduled { from: before, to };
    assert_eq!(moved.timeline, [Entry { at: at(now), key: KeyNumber(1), what }]);
    assert_eq!(chain.latest.schedule(), to);
    assert_eq!(refused(&chain, &Event::EnforceSchedule, now), Refused::PlanStands);

    // What is past by the new policy is due at once, and the next key is counted from its issue.
    take(&mut chain, &Event::PolicyChanged(policy(2, 0)), now);
    take(&mut chain, &Event::EnforceSchedule, now);
    assert_eq!(catch_up(&mut chain, now), [On::RotationDue]);
    take(&mut chain, &Event::PolicyChanged(policy(0, 1)), now);
    take(&mut chain, &Event::EnforceSchedule, now);
    assert_eq!(chain.latest.rotation, None);
    let end = "2026-06-01T00:00:00Z";
    assert_eq!(chain.latest.expiration, Some(Instant::Second(at(end))));
    take(&mut chain, &Event::PolicyChanged(policy(0, 12)), end);
    assert_eq!(refused(&chain, &Event::EnforceSchedule, end), Refused::PastExpiry);
}

#[test]
fn a_failed_attempt_is_kept_until_one_succeeds() {
    let mut chain = Chain::key_set(policy(0, 0), false);
    let now = "2026-02-01T00:00:00Z";
    take(&mut chain, &Event::ActivationFailed("no answer".to_owned()), now);
    assert_eq!(chain.state(), State::Pending);
    assert_eq!(chain.last_error.as_ref().unwrap().reason, "no answer");
    take(&mut chain, &Event::Activate, now);
    assert_eq!(chain.last_error, None);
}

#[test]
fn a_page_offers_what_the_table_has() {
    let now = at("2026-02-01T00:00:00Z");
    let pending = Chain::key_set(policy(0, 0), false);
    assert_eq!(permitted(&pending, now), [On::Activate]);
    let mut chain = active(policy(0, 0));
    assert_eq!(permitted(&chain, now), [On::Suspend, On::Regenerate, On::Revoke]);
    take(&mut chain, &regenerate(1, Some(DAY)), "2026-02-01T00:00:00Z");
    take(&mut chain, &Event::Suspend, "2026-02-01T00:00:00Z");
    let actions = [On::Reactivate, On::Regenerate, On::Revoke, On::EndOverlap];
    assert_eq!(permitted(&chain, now), actions);
}

#[test]
fn a_package_key_speaks_v3() {
    use PackageKeyStatus::{Active, Disabled, Waiting};
    let now = "2026-02-01T00:00:00Z";
    let mut chain = Chain::package_key(None, false);
    assert_eq!(chain.event_for(Waiting), Ok(None));
    assert_eq!(chain.event_for(Active), Ok(Some(Event::Activate)));
    write(&mut chain, Disabled, now);
    assert_eq!((chain.state(), chain.latest.provisioned), (State::Suspended, None));
    assert_eq!(chain.event_for(Waiting), Err(Refused::NeverWaitingAgain));
    write(&mut chain, Active, now);
    assert_eq!(chain.latest.provisioned, Some(at(now)));
    write(&mut chain, Disabled, now);
    take(&mut chain, &Event::Revoke { key: KeyNumber(1) }, now);
    assert_eq!(PackageKeyStatus::from(chain.state()), Disabled);
    let no = Refused::NotIn { state: State::Revoked, event: On::Reactivate };
    assert_eq!((chain.event_for(Disabled), chain.event_for(Active)), (Ok(None), Err(no)));
}

#[test]
fn a_disabled_package_key_does_not_come_back_with_its_application() {
    let now = "2026-02-01T00:00:00Z";
    let mut chain = Chain::package_key(None, false);
    take(&mut chain, &Event::Disable, now);
    take(&mut chain, &Event::ApplicationSuspended, now);
    take(&mut chain, &Event::ApplicationReactivated { keep_suspended: false }, now);
    assert_eq!(chain.state(), State::Suspended);
}

#[test]
fn a_date_holds_through_its_last_second() {
    let now = "2026-02-01T15:00:00Z";
    assert_eq!(lifespan(at(now), 0), None);
    let mut chain = Chain::package_key(lifespan(at(now), 30), false);
    take(&mut chain, &Event::Activate, now);
    let end = "2026-03-04T00:00:00Z";
    assert_eq!(chain.enforced(&chain.latest), until(Status::Active, end));
    assert_eq!(due(&chain), Some(Due { at: at(end), event: Event::ExpiryDue }));
    take(&mut chain, &Event::ExpiryChanged(None), now);
    assert_eq!(due(&chain), None);
}

#[test]
fn a_predecessor_without_a_date_has_no_right_to_work() {
    let mut chain = active(policy(0, 0));
    let old = Key { number: KeyNumber(0), ..chain.latest.clone() };
    chain.earlier.push(old.clone());
    assert_eq!(chain.enforced(&old).not_after, Some(0));
}

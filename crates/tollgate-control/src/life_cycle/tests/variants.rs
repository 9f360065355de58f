//! Machines with one thing broken: each is found by the histories that the sound one lives through.

use super::history::fault;
use super::machine::{Machine, Spoil};
use crate::life_cycle::condition::Condition::{
    ApplicationIsSuspended, BeforeExpiry, IsKeySet, IsLatest, PlanMoves, PolicyAllows,
    StaysSuspended,
};
use crate::life_cycle::event::EventKind as On;
use crate::life_cycle::step::Step::{
    Become, FreeApplication, HoldApplication, Issue, Plan, Provision, Replan, Rotated, Supersede,
};
use crate::life_cycle::table::{Row, TABLE};
use crate::life_cycle::{Chain, Effect, Event, State, State::*, Transition};

fn with(change: impl FnOnce(&mut Vec<Row>)) -> Machine {
    let mut machine = Machine::sound();
    change(&mut machine.table);
    machine
}

fn added(row: Row) -> Machine {
    with(|table| table.push(row))
}

/// With other conditions or steps in the rows for a state and an event.
fn changed(state: State, event: On, change: impl Fn(&mut Row)) -> Machine {
    with(|table| {
        let rows = table.iter_mut().filter(|row| row.state == state && row.event == event);
        assert_ne!(rows.map(change).count(), 0, "no row to break");
    })
}

fn without(wrong: impl Fn(&Row) -> bool) -> Machine {
    with(|table| assert_ne!(table.extract_if(.., |row| wrong(row)).count(), 0, "no row to break"))
}

fn spoilt(spoil: Spoil) -> Machine {
    Machine { spoil, ..Machine::sound() }
}

fn row(state: State, event: On) -> Row {
    Row { state, event, when: &[], then: &[] }
}

fn broken_tables() -> Vec<(&'static str, Machine)> {
    vec![
        ("suspends a Pending key", {
            added(Row { then: &[Become(Suspended)], ..row(Pending, On::Suspend) })
        }),
        ("revokes a Pending key", {
            added(Row { then: &[Become(Revoked)], ..row(Pending, On::Revoke) })
        }),
        ("lets an application reach a Revoked key", {
            added(Row { then: &[FreeApplication], ..row(Revoked, On::ApplicationReactivated) })
        }),
        ("revives an Expired key", {
            added(Row { then: &[Issue(Active)], ..row(Expired, On::Reactivate) })
        }),
        ("issues a key beside the old one", {
            changed(Active, On::Regenerate, |row| row.then = &[Issue(Active)])
        }),
        ("takes the old key and issues none", {
            changed(Active, On::RotationDue, |row| row.then = &[Rotated, Supersede])
        }),
        ("activates by regeneration", {
            changed(Suspended, On::Regenerate, |row| row.then = &[Supersede, Issue(Active)])
        }),
        ("regenerates what is not LATEST", {
            changed(Active, On::Regenerate, |row| row.when = &[PolicyAllows, BeforeExpiry])
        }),
        ("regenerates against the policy", {
            changed(Active, On::Regenerate, |row| row.when = &[IsLatest, BeforeExpiry])
        }),
        ("regenerates what is too old", {
            changed(Active, On::Regenerate, |row| row.when = &[IsLatest, PolicyAllows])
        }),
        ("rotates before the day", changed(Active, On::RotationDue, |row| row.when = &[])),
        ("expires where rotation comes first", {
            changed(Active, On::ExpiryDue, |row| row.when = &[])
        }),
        ("ends an overlap before its time", {
            changed(Active, On::OverlapDue, |row| row.when = &[])
        }),
        ("reactivates under a suspended application", {
            changed(Suspended, On::Reactivate, |row| row.when = &[BeforeExpiry])
        }),
        ("activates under a suspended application", {
            changed(Pending, On::Activate, |row| {
                row.when = &[BeforeExpiry];
                row.then = &[Provision, Plan, Become(Active)];
            })
        }),
        ("plans nothing on activation", {
            changed(Pending, On::Activate, |row| row.then = &[Provision, Become(Active)])
        }),
        ("forgets who suspended it", {
            changed(Active, On::Suspend, |row| row.then = &[Become(Suspended)])
        }),
        ("brings back with the application what was to stay suspended", {
            without(|row| row.when.contains(&StaysSuspended))
        }),
        ("does not suspend along with the application", {
            changed(Active, On::ApplicationSuspended, |row| row.then = &[HoldApplication])
        }),
        ("enforces the schedule of a Pending key", {
            added(Row { then: &[Replan], ..row(Pending, On::EnforceSchedule) })
        }),
        ("revives by another schedule what is too old", {
            changed(Active, On::EnforceSchedule, |row| row.when = &[IsKeySet, PlanMoves])
        }),
        ("leaves the application's hold on a Pending key", {
            without(|row| row.state == Pending && row.when == [ApplicationIsSuspended])
        }),
    ]
}

fn broken_answers() -> Vec<(&'static str, Machine)> {
    vec![
        (
            "leaves the version",
            spoilt(|before, _, _, answer| answer.chain.version = before.version),
        ),
        ("revokes LATEST only", spoilt(revoke_latest_only)),
        ("moves the plan with the policy", spoilt(replan)),
        ("counts an enforced schedule from the present", spoilt(enforce_from_now)),
        ("moves the rotation and forgets the expiration", spoilt(enforce_rotation_only)),
        ("does not tell the proxies of an enforced schedule", {
            spoilt(|_, event, _, answer| {
                if *event == Event::EnforceSchedule {
                    answer.effects.clear();
                }
            })
        }),
        ("plans the next rotation from the planned date", spoilt(plan_from_planned)),
        ("does not tell the proxies of the old key", spoilt(tell_of_new_keys_only)),
        ("tells the proxies of no end where rotation and expiry meet", spoilt(tell_no_end)),
        ("keeps the error of an earlier attempt", {
            spoilt(|before, _, _, answer| {
                let error = before.last_error.clone();
                answer.chain.last_error = answer.chain.last_error.take().or(error);
            })
        }),
        ("provisions anew on each activation", {
            spoilt(|_, event, now, answer| {
                if *event == Event::Reactivate {
                    answer.chain.latest.provisioned = Some(now);
                }
            })
        }),
        ("says nothing of a revocation", {
            spoilt(|_, event, _, answer| {
                if matches!(event, Event::Revoke { .. }) {
                    answer.timeline.clear();
                }
            })
        }),
        ("lets an overlap last past the old key's end", spoilt(overlap_past_the_end)),
    ]
}

fn revoke_latest_only(before: &Chain, event: &Event, _: i64, answer: &mut Transition) {
    if matches!(event, Event::Revoke { key } if *key == before.latest.number) {
        answer.chain.earlier = before.earlier.clone();
        let latest = before.latest.number;
        answer
            .effects
            .retain(|effect| matches!(effect, Effect::Enforce { key, .. } if *key == latest));
    }
}

fn replan(_: &Chain, event: &Event, now: i64, answer: &mut Transition) {
    if let Event::PolicyChanged(policy) = event {
        answer.chain.latest.plan(policy.schedule(now));
    }
}

fn enforce_from_now(before: &Chain, event: &Event, now: i64, answer: &mut Transition) {
    if let (Event::EnforceSchedule, Some(policy)) = (event, before.policy) {
        answer.chain.latest.plan(policy.schedule(now));
    }
}

fn enforce_rotation_only(before: &Chain, event: &Event, _: i64, answer: &mut Transition) {
    if *event == Event::EnforceSchedule {
        answer.chain.latest.expiration = before.latest.expiration;
    }
}

fn plan_from_planned(before: &Chain, event: &Event, _: i64, answer: &mut Transition) {
    let planned = before.latest.rotation.filter(|_| *event == Event::RotationDue);
    if let Some((rotation, policy)) = planned.zip(before.policy) {
        answer.chain.latest.plan(policy.schedule(rotation.planned));
    }
}

fn tell_of_new_keys_only(_: &Chain, event: &Event, _: i64, answer: &mut Transition) {
    if matches!(event, Event::Regenerate { .. }) {
        answer.effects.retain(|effect| matches!(effect, Effect::Issue { .. }));
    }
}

fn tell_no_end(_: &Chain, _: &Event, _: i64, answer: &mut Transition) {
    let key = &answer.chain.latest;
    let met = key.rotation.zip(key.expiration);
    if met.is_some_and(|(rotation, expiration)| rotation.meets(expiration)) {
        for effect in &mut answer.effects {
            let (Effect::Issue { enforced, .. } | Effect::Enforce { enforced, .. }) = effect;
            enforced.not_after = None;
        }
    }
}

fn overlap_past_the_end(before: &Chain, event: &Event, now: i64, answer: &mut Transition) {
    if let (Event::Regenerate { overlap: Some(overlap), .. }, Some(old)) =
        (event, answer.chain.earlier.last_mut())
    {
        assert_eq!(old.number, before.latest.number);
        old.superseded_until = old.superseded_until.map(|_| now + i64::from(*overlap));
    }
}

#[test]
fn every_broken_variant_is_found() {
    let mut variants = broken_tables();
    variants.append(&mut broken_answers());
    let missed: Vec<_> = variants
        .into_iter()
        .filter_map(|(what, machine)| fault(&machine, 0).is_none().then_some(what))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

/// Leaves out one of several.
fn left_out<T: Copy>(all: &[T], index: usize) -> &'static [T] {
    let mut rest = all.to_vec();
    rest.remove(index);
    rest.leak()
}

/// The table without one row, and without each condition and step of that row.
fn poorer_tables(index: usize) -> Vec<(String, Machine)> {
    let Row { state, event, when, then } = TABLE[index];
    let mut poorer = vec![(format!("{state} {event}"), with(|table| _ = table.remove(index)))];
    for (part, condition) in when.iter().enumerate() {
        let machine = with(|table| table[index].when = left_out(when, part));
        poorer.push((format!("{state} {event} {condition:?}"), machine));
    }
    for (part, step) in then.iter().enumerate() {
        let machine = with(|table| table[index].then = left_out(then, part));
        poorer.push((format!("{state} {event} {step:?}"), machine));
    }
    poorer
}

#[test]
fn no_row_condition_or_step_of_the_table_is_idle() {
    let poorer = (0..TABLE.len()).flat_map(poorer_tables);
    let idle: Vec<_> =
        poorer.filter_map(|(what, machine)| fault(&machine, 0).is_none().then_some(what)).collect();
    assert!(idle.is_empty(), "idle: {idle:#?}");
}

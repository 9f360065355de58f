//! Random histories, held against the paper: whatever was edited in whatever order, every call is
//! decided as the objects say, and every counter stands where the admitted calls have left it.

use http::Method;
use proptest::prelude::*;
use proptest::sample::select;
use tollgate_core::{
    Dead, Decision, Digests, ExplainedKey, Explanation, Now, Permit, Reading, ReadingKind, Refusal,
    Root, Route, standing,
};

use super::edit::{Edit, edit};
use super::fixture::{self, Gate};
use super::naive::{Call, Counters, KeyNumber, Objects, Verdict, secret};
use crate::publisher::Published;

/// Milliseconds between two steps: within a second, within each period, and past its end.
const PAUSES: &[u64] = &[0, 1, 130, 1_000, 61_000, 600_000, 3_600_000, 40_000_000, 2_700_000_000];

#[derive(Clone, Debug)]
struct Step {
    edits: Vec<Edit>,
    pause: u64,
    /// Of a hundred open requests, how many end.
    closes: usize,
    reaps: bool,
    /// Where only keys change, only they are published.
    by_keys: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let edits = prop::collection::vec(edit(), 0..3);
    (edits, select(PAUSES), 0..=100_usize, any::<bool>(), any::<bool>()).prop_map(
        |(edits, pause, closes, reaps, by_keys)| Step { edits, pause, closes, reaps, by_keys },
    )
}

struct Open {
    permit: Permit,
    key: KeyNumber,
    counted: bool,
}

/// The gate beside the paper.
struct Both {
    gate: Gate,
    objects: Objects,
    counters: Counters,
    open: Vec<Open>,
}

impl Both {
    fn new() -> Self {
        let objects = Objects::default();
        let mut gate = Gate::new();
        gate.publish(&objects.toml());
        gate.answer();
        Self { gate, objects, counters: Counters::default(), open: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        self.gate.clock.advance(step.pause);
        let ends = self.open.len() * step.closes / 100;
        for open in self.open.drain(..ends).filter(|open| open.counted) {
            self.counters.close(open.key);
        }
        // What the source refuses as a whole may be right in parts.
        if !self.edit(&step.edits, step.by_keys) {
            step.edits.chunks(1).for_each(|edit| _ = self.edit(edit, step.by_keys));
        }
        if step.reaps {
            self.gate.reap();
        }
        self.call_everything();
    }

    /// Makes the edits, in one revision. False if the source refuses them: then nothing changes.
    fn edit(&mut self, edits: &[Edit], by_keys: bool) -> bool {
        let mut edited = self.objects.clone();
        edits.iter().for_each(|edit| edit.apply(&mut edited));
        let right = self.gate.read(&edited.toml()).is_ok();
        if right {
            self.publish(edited, by_keys);
        }
        right
    }

    fn publish(&mut self, edited: Objects, by_keys: bool) {
        let before = self.gate.root();
        let only_keys = Objects { keys: self.objects.keys.clone(), ..edited.clone() };
        let published = if by_keys && only_keys == self.objects && edited != self.objects {
            self.gate.publish_keys(&edited.toml())
        } else {
            self.gate.publish(&edited.toml())
        };
        let root = self.gate.root();
        if let Published::Revision(revision) = published {
            assert_ne!(edited, self.objects, "nothing was changed");
            assert_eq!(revision.number, before.revision.number + 1);
            assert_eq!(root.revision, revision);
        } else {
            assert_eq!(root.revision, before.revision);
        }
        self.hold_dead(&before, &root);
        // What the workers look at and find ended is open no longer.
        let now = self.gate.now();
        let ended = |open: &mut Open| {
            standing(&root, open.permit.digest(), open.permit.meter(), now).is_err()
        };
        for open in self.open.extract_if(.., ended).filter(|open| open.counted) {
            self.counters.close(open.key);
        }
        self.objects = edited;
    }

    /// Every open request whose key the revision has ended is one that the workers look at.
    fn hold_dead(&self, before: &Root, root: &Root) {
        let now = self.gate.now();
        let posted: Vec<_> = self.gate.notices.try_iter().collect();
        for open in &self.open {
            let (digest, meter) = (open.permit.digest(), open.permit.meter());
            let stands = standing(root, digest, meter, now);
            let ended = standing(before, digest, meter, now).is_ok() && stands.is_err();
            let looked_at = posted.iter().any(|notice| match notice.dead() {
                Dead::None => false,
                Dead::Meters(meters) => meters.contains(&meter),
                Dead::Any => true,
            });
            assert!(!ended || looked_at, "key {}: {stands:?}", open.key);
        }
    }

    fn call_everything(&mut self) {
        let root = self.gate.root();
        let now = self.gate.now();
        for number in 0..6 {
            for call in Call::ALL {
                let expected =
                    self.counters.decide(&self.objects, number, call, now.unix(), now.monotonic);
                let found = self.call(&root, number, call, now, &expected);
                assert_eq!(found, expected, "secret {number}, {call:?}");
            }
        }
    }

    /// What the gate says of a call. An admitted one stays open.
    fn call(
        &mut self,
        root: &Root,
        number: usize,
        call: Call,
        now: Now,
        expected: &Verdict,
    ) -> Verdict {
        let (method, path) = target(call);
        let route = self.gate.route(&method, path);
        let secret = secret(number);
        let key = ExplainedKey::Presented(Digests::of(&root.schemes, secret.as_bytes()));
        let source = fixture::call(&secret, &route).source.unwrap();
        let explained = self.gate.decider.explain(root, &key, &route, source, now);
        let found = self.decide(root, &secret, call, &route, now, expected);
        hold_explanation(&explained, &found);
        found
    }

    fn decide(
        &mut self,
        root: &Root,
        secret: &str,
        call: Call,
        route: &Route,
        now: Now,
        expected: &Verdict,
    ) -> Verdict {
        match self.gate.decider.decide(root, &fixture::call(secret, route), now) {
            Decision::Refuse(refused, _) => Verdict::Refused(refused.refusal.code()),
            Decision::Admit(permit, caller) => {
                let Verdict::Admitted { key, counted, .. } = *expected else {
                    panic!("{call:?} of {secret} admitted, expected {expected:?}")
                };
                let own = &self.objects.keys[&key];
                assert_eq!(caller.application.to_string(), format!("app{}", own.application));
                assert_eq!(caller.plan.to_string(), format!("p{}", own.plan));
                let quota = remaining(&permit, |kind| matches!(kind, ReadingKind::Quota(_)));
                let method_quota = remaining(&permit, |kind| kind == ReadingKind::MethodQuota);
                let shadow = permit.shadow().refusals().map(Refusal::code).collect();
                self.open.push(Open { permit, key, counted });
                Verdict::Admitted { key, quota, method_quota, counted, shadow }
            }
        }
    }
}

/// What was explained before a call was decided says the same, and where the limits stood.
fn hold_explanation(explained: &Explanation<'_>, found: &Verdict) {
    let (quota, method_quota) = match (&explained.verdict, found) {
        (Err(refused), Verdict::Refused(code)) => {
            assert_eq!(refused.refusal.code(), *code);
            return;
        }
        (Ok(explained), Verdict::Admitted { quota, method_quota, shadow, .. }) => {
            assert!(explained.refusals().map(Refusal::code).eq(in_order(shadow)), "{explained:?}");
            (*quota, *method_quota)
        }
        (verdict, found) => panic!("explained {verdict:?}, decided {found:?}"),
    };
    let left = |of: fn(ReadingKind) -> bool| {
        let limit = explained.limits.iter().find(|limit| limit.kind.is_some_and(of));
        limit.and_then(|limit| limit.reading).map(|reading| reading.remaining.saturating_sub(1))
    };
    assert_eq!(left(|kind| matches!(kind, ReadingKind::Quota(_))), quota);
    assert_eq!(left(|kind| kind == ReadingKind::MethodQuota), method_quota);
}

/// In the order of the table of refusals.
fn in_order(codes: &[&'static str]) -> impl Iterator<Item = &'static str> {
    Refusal::all().map(Refusal::code).filter(|code| codes.contains(code))
}

fn remaining(permit: &Permit, of: impl Fn(ReadingKind) -> bool) -> Option<u64> {
    let reading = permit.readings().iter().find(|(kind, _)| of(*kind));
    reading.map(|(_, Reading { remaining, .. })| *remaining)
}

fn target(call: Call) -> (Method, &'static str) {
    match call {
        Call::Read => (Method::GET, "/a/items/7"),
        Call::Write => (Method::POST, "/a/items/7"),
        Call::Undefined => (Method::DELETE, "/a/items/7"),
        Call::Other => (Method::GET, "/a/other"),
        Call::B => (Method::GET, "/b/x"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_gate_decides_as_its_objects_say_whatever_was_edited(
        steps in prop::collection::vec(step(), 1..24)
    ) {
        let mut both = Both::new();
        both.call_everything();
        steps.iter().for_each(|step| both.take(step));
    }
}

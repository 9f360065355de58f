use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;
use crate::decision::{Decider, Decision, Permit, Refused};
use crate::fixture::{Limits, ROUTE, World, qps};
use crate::{
    Batch, Change, Clock, Limit, Now, Period, Presented, Quota, Refusal, SignatureHash, Wrapped,
};

/// The vector of domain.md §2.2.
const KEY: &[u8] = b"2fvmer3qbk7f3jnqneg58bu2";
const SECRET: &[u8] = b"qvxkmw57pec7";
const SECOND: u64 = 1_200_603_038;
const MD5: &str = "65a08176826fa4621116997e1dd775fa";
const SHA256: &str = "b4ebe06e70eef0ed36a1bf270f723935ce1ad03a62d8f4bbc0ab505d1cee2dcc";

struct Stopped(Now);

impl Clock for Stopped {
    fn now(&self) -> Now {
        self.0
    }
}

fn now(second: u64) -> Now {
    Now { monotonic: (second + 10_000 - SECOND) * 1_000_000_000, unix_ms: second * 1000 }
}

fn world(scheme: ProofScheme, limits: Limits) -> World {
    let mut world = World::new(limits);
    world.prove(KEY, scheme, SECRET, limits);
    world
}

fn md5(tolerance: u64) -> ProofScheme {
    ProofScheme::Signature { hash: SignatureHash::Md5, tolerance }
}

fn hmac(tolerance: u64) -> ProofScheme {
    let time = http::HeaderName::from_static("x-timestamp");
    ProofScheme::HmacSha256 { tolerance, time }
}

fn decide(world: &World, proof: Presented<'_>, second: u64) -> Result<Permit, Refused> {
    let root = world.reader.current().unwrap();
    let now = now(second);
    let decider = Decider::new(world.reader.clone(), Arc::new(Stopped(now)));
    let source = core::net::IpAddr::from([127, 0, 0, 1]);
    let call = Call::new(CallKey::Presented(KEY), &ROUTE, Some(source)).with_proof(proof);
    match decider.decide(&root, &call, now) {
        Decision::Admit(permit, _) => Ok(permit),
        Decision::Refuse(refused, _) => Err(refused),
    }
}

/// What comes of a signature without a time; `None` = admitted.
fn failure(world: &World, signature: &str, second: u64) -> Option<ProofFailure> {
    let proof = Presented::Proof { proof: signature.as_bytes(), time: None };
    decide(world, proof, second).err().map(|refused| refused.proof.unwrap())
}

/// What comes of a signature of `time`; `None` = admitted.
fn timed(world: &World, time: &str, second: u64) -> Option<Refused> {
    let signature = signed(time);
    let proof = Presented::Proof { proof: signature.as_bytes(), time: Some(time.as_bytes()) };
    decide(world, proof, second).err()
}

fn timed_failure(world: &World, time: &str, second: u64) -> Option<ProofFailure> {
    timed(world, time, second).map(|refused| refused.proof.unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn md5_of(second: u64) -> String {
    let text = [KEY, SECRET, second.to_string().as_bytes()].concat();
    hex(&<md5::Md5 as md5::Digest>::digest(text))
}

fn signed(time: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(KEY);
    mac.update(time.as_bytes());
    hex(&mac.finalize().into_bytes())
}

#[test]
fn the_vendors_signatures_pass_in_either_case_up_to_the_edges_of_the_tolerance() {
    for (hash, signature) in [(SignatureHash::Md5, MD5), (SignatureHash::Sha256, SHA256)] {
        for signature in [signature.to_owned(), signature.to_ascii_uppercase()] {
            let scheme = ProofScheme::Signature { hash, tolerance: 300 };
            let world = world(scheme, Limits::default());
            for second in [SECOND - 300, SECOND - 299, SECOND - 1, SECOND, SECOND + 300] {
                assert_eq!(failure(&world, &signature, second), None, "{second}");
            }
            for second in [SECOND - 301, SECOND + 301] {
                assert_eq!(failure(&world, &signature, second), Some(ProofFailure::Wrong));
            }
        }
    }
    let narrow = world(md5(10), Limits::default());
    assert_eq!(failure(&narrow, MD5, SECOND - 10), None);
    assert_eq!(failure(&narrow, MD5, SECOND + 11), Some(ProofFailure::Wrong));
}

#[test]
fn what_is_no_signature_is_not_searched_for() {
    let world = world(md5(300), Limits::default());
    for malformed in
        ["", "0", SHA256, &MD5[1..], &MD5.replace('6', "g"), &MD5.replacen('6', "+", 1)]
    {
        for _ in 0..30 {
            assert_eq!(failure(&world, malformed, SECOND), Some(ProofFailure::Malformed));
        }
    }
    let missing = decide(&world, Presented::Nothing, SECOND).unwrap_err();
    assert_eq!(missing.refusal, Refusal::ProofMissing);
    let malformed = decide(&world, Presented::Malformed, SECOND).unwrap_err();
    assert_eq!(malformed.refusal, Refusal::ProofInvalid);
}

#[test]
fn a_key_over_its_budget_of_failures_is_tried_around_now_alone() {
    let mut world = world(md5(300), Limits::default());
    let wrong = "0".repeat(32);
    for _ in 0..BUDGET.1 {
        assert_eq!(failure(&world, &wrong, SECOND), Some(ProofFailure::Wrong));
    }
    for _ in 0..100 {
        assert_eq!(failure(&world, &wrong, SECOND), Some(ProofFailure::OverBudget));
        for second in [SECOND - 5, SECOND, SECOND + 5] {
            assert_eq!(failure(&world, &md5_of(second), SECOND), None, "{second}");
        }
    }
    for second in [SECOND - 6, SECOND + 6, SECOND - 300] {
        let failure = failure(&world, &md5_of(second), SECOND);
        assert_eq!(failure, Some(ProofFailure::OverBudget), "{second}");
    }
    // It is the key's, whatever is published meanwhile.
    world.prove(KEY, md5(300), SECRET, Limits::default());
    assert_eq!(failure(&world, &md5_of(SECOND - 6), SECOND), Some(ProofFailure::OverBudget));
    // A second brings one failure back, and success costs nothing.
    for _ in 0..9 {
        assert_eq!(failure(&world, &md5_of(SECOND - 6), SECOND + 1), None);
    }
    assert_eq!(failure(&world, &wrong, SECOND + 1), Some(ProofFailure::Wrong));
    assert_eq!(failure(&world, &wrong, SECOND + 1), Some(ProofFailure::OverBudget));
}

#[test]
fn a_time_that_is_sent_is_held_to_the_tolerance() {
    let world = world(hmac(60), Limits::default());
    for second in [SECOND - 60, SECOND, SECOND + 60] {
        assert_eq!(timed_failure(&world, &second.to_string(), SECOND), None);
    }
    for second in [SECOND - 61, SECOND + 61] {
        let failure = timed_failure(&world, &second.to_string(), SECOND);
        assert_eq!(failure, Some(ProofFailure::Untimely));
    }
    for time in [
        "",
        "x",
        "-1",
        "+1200603038",
        " 1200603038",
        "1200603038.",
        "1200603038.1.2",
        "1e9",
        "1200603038.1234567890123",
        "1200603038000000",
    ] {
        assert_eq!(timed_failure(&world, time, SECOND), Some(ProofFailure::Malformed), "{time}");
    }
    let proof = Presented::Proof { proof: SHA256.as_bytes(), time: None };
    assert_eq!(decide(&world, proof, SECOND).unwrap_err().proof, Some(ProofFailure::Missing));
    let (time, proof) = (SECOND.to_string(), SHA256.as_bytes());
    let proof = Presented::Proof { proof, time: Some(time.as_bytes()) };
    assert_eq!(decide(&world, proof, SECOND).unwrap_err().proof, Some(ProofFailure::Wrong));
}

#[test]
fn no_signature_is_accepted_twice_and_a_fraction_makes_another() {
    let mut world = world(hmac(300), Limits::default());
    let whole = SECOND.to_string();
    assert_eq!(timed_failure(&world, &whole, SECOND), None);
    for fraction in 0..50 {
        let time = format!("{SECOND}.{fraction:06}");
        assert_eq!(timed_failure(&world, &time, SECOND), None);
        assert_eq!(timed_failure(&world, &time, SECOND + 1), Some(ProofFailure::Replayed));
    }
    for second in [SECOND, SECOND + 300] {
        assert_eq!(timed_failure(&world, &whole, second), Some(ProofFailure::Replayed));
    }
    // Not after a swap either.
    world.prove(KEY, hmac(300), SECRET, Limits::default());
    assert_eq!(timed_failure(&world, &whole, SECOND), Some(ProofFailure::Replayed));
}

#[test]
fn a_call_that_is_refused_later_keeps_its_signature() {
    let world = world(hmac(300), Limits { qps: qps(1, 1), ..Limits::default() });
    let time = |number: u32| format!("{SECOND}.{number}");
    assert!(timed(&world, &time(1), SECOND).is_none());
    for _ in 0..9 {
        assert_eq!(timed(&world, &time(2), SECOND).unwrap().refusal, Refusal::OverQps);
    }
    assert!(timed(&world, &time(2), SECOND + 1).is_none());
    assert_eq!(timed(&world, &time(2), SECOND + 9).unwrap().refusal, Refusal::ProofInvalid);
}

#[test]
fn a_wrap_that_another_key_made_does_not_open() {
    let mut world = world(md5(300), Limits::default());
    let root = world.reader.current().unwrap();
    let (_, mut secret) = (0, root.secrets.iter().next().unwrap().clone());
    secret.wrapped = Wrapped::seal(b"another", SECRET, [1; Wrapped::NONCE]);
    world.publish(Batch { secrets: vec![Change::Put(secret.clone())], ..Batch::default() });
    assert_eq!(failure(&world, MD5, SECOND), Some(ProofFailure::Sealed));
    secret.wrapped = None;
    world.publish(Batch { secrets: vec![Change::Put(secret.clone())], ..Batch::default() });
    assert_eq!(failure(&world, MD5, SECOND), Some(ProofFailure::NoSecret));
    world.publish(Batch { secrets: vec![Change::Remove(secret.key)], ..Batch::default() });
    assert_eq!(failure(&world, MD5, SECOND), Some(ProofFailure::NoSecret));
}

#[test]
fn of_eight_threads_with_the_same_call_one_is_admitted_and_the_others_spend_nothing() {
    const CALLS: usize = 300;
    let quota = Limit::Ceiling(Quota { ceiling: CALLS as u64 + 1, period: Period::Month });
    let limits = Limits { quota, service: qps(1_000_000, 1_000_000), ..Limits::default() };
    let world = world(hmac(300), limits);
    let admitted: Vec<_> = (0..CALLS).map(|_| AtomicUsize::new(0)).collect();
    let arrived = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (number, admitted) in admitted.iter().enumerate() {
                    arrived.fetch_add(1, SeqCst);
                    while arrived.load(SeqCst) < 8 * (number + 1) {
                        std::thread::yield_now();
                    }
                    if timed(&world, &format!("{SECOND}.{number}"), SECOND).is_none() {
                        admitted.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert!(admitted.iter().all(|admitted| admitted.load(SeqCst) == 1));
    let last = format!("{}", SECOND + 1);
    assert!(timed(&world, &last, SECOND).is_none());
    let over = format!("{}", SECOND + 2);
    assert_eq!(timed(&world, &over, SECOND).unwrap().refusal, Refusal::OverQuota);
}

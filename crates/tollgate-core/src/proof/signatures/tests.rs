use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

const NOW: u64 = 1_767_268_800;

fn memory(entries: usize) -> Signatures {
    let memory = Signatures::default();
    memory.make_room(entries);
    memory
}

/// The `number`th signature of a second.
fn signed(number: u64, second: u64) -> Signed {
    let signature = Sha256::digest([number.to_be_bytes(), second.to_be_bytes()].concat());
    Signed::new(&signature.into(), second)
}

/// Signatures that live in the same few words.
fn crowded(number: u64, second: u64) -> Signed {
    Signed { home: 0, ..signed(number, second) }
}

#[test]
fn a_signature_is_spent_once() {
    let memory = memory(1 << 10);
    for number in 0..100 {
        assert_eq!(memory.look(signed(number, NOW)), Ok(()));
        assert_eq!(memory.spend(signed(number, NOW)), Ok(()));
        assert_eq!(memory.look(signed(number, NOW)), Err(ProofFailure::Replayed));
        assert_eq!(memory.spend(signed(number, NOW)), Err(ProofFailure::Replayed));
    }
}

#[test]
fn without_room_nothing_is_accepted() {
    assert_eq!(Signatures::default().spend(signed(1, NOW)), Err(ProofFailure::MemoryFull));
    let memory = memory(1);
    let spent = (0..).take_while(|number| memory.spend(signed(*number, NOW)).is_ok()).count();
    assert_eq!(spent, REACH);
    assert_eq!(memory.spend(signed(999, NOW)), Err(ProofFailure::MemoryFull));
    // A signature that anybody who accepts these accepts too finds no room either.
    let last = NOW + 2 * MAX_TOLERANCE;
    assert_eq!(memory.spend(signed(999, last)), Err(ProofFailure::MemoryFull));
    let later = last + 2 * UNIT;
    assert_eq!(memory.spend(signed(999, later)), Ok(()));
}

#[test]
fn what_was_overwritten_is_not_accepted_by_a_clock_that_went_back() {
    let memory = memory(1 << 10);
    memory.spend(crowded(1, NOW)).unwrap();
    memory.spend(crowded(2, NOW + 3600)).unwrap();
    for _ in 0..2 {
        assert_eq!(memory.spend(crowded(1, NOW)), Err(ProofFailure::Untimely));
        assert_eq!(memory.spend(crowded(3, NOW)), Err(ProofFailure::Untimely));
    }
    memory.spend(crowded(3, NOW + 3600)).unwrap();
}

proptest! {
    /// Whatever the clock does, nothing is accepted twice; while it goes forward and there is room,
    /// everything new is accepted.
    #[test]
    fn agrees_with_a_set(
        steps in prop::collection::vec((0u64..400, 0u64..40, 0u64..=600, any::<bool>()), 1..400),
        back in prop::option::of(0usize..400),
    ) {
        let roomy = memory(1 << 16);
        let tight = memory(REACH);
        let mut accepted = [HashSet::new(), HashSet::new()];
        let mut now = NOW;
        for (index, (advance, number, offset, look)) in steps.into_iter().enumerate() {
            now += advance / 20;
            if back == Some(index) {
                now -= 2000;
            }
            let second = now + offset - 300;
            let each = [signed(number, second), crowded(number, second)];
            for ((memory, signed), accepted) in
                [&roomy, &tight].into_iter().zip(each).zip(&mut accepted)
            {
                let new = !accepted.contains(&(number, second));
                if look {
                    prop_assert!(new || memory.look(signed).is_err());
                }
                match memory.spend(signed) {
                    Ok(()) => prop_assert!(accepted.insert((number, second))),
                    Err(ProofFailure::Replayed) => prop_assert!(!new),
                    Err(_) => {}
                }
            }
            let known = accepted[0].contains(&(number, second));
            prop_assert!(known || back.is_some_and(|back| back <= index));
        }
    }
}

/// Threads that spend the same signatures, each in an order of its own, while time goes on by `step` seconds.
/// Returns how often each was accepted.
fn race(memory: &Signatures, step: u64, seconds: u64, each: u64) -> Vec<usize> {
    let accepted: Vec<_> = (0..seconds * each).map(|_| AtomicUsize::new(0)).collect();
    let arrived = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (accepted, arrived) = (&accepted, &arrived);
            scope.spawn(move || {
                for second in 0..seconds {
                    // All begin a second together.
                    arrived.fetch_add(1, SeqCst);
                    while arrived.load(SeqCst) < 8 * (usize::try_from(second).unwrap() + 1) {
                        std::thread::yield_now();
                    }
                    for number in 0..each {
                        let number = (number * 7 + thread * 3) % each;
                        if memory.spend(signed(number, NOW + second * step)).is_ok() {
                            let index = usize::try_from(second * each + number).unwrap();
                            accepted[index].fetch_add(1, SeqCst);
                        }
                    }
                }
            });
        }
    });
    accepted.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn of_eight_threads_with_the_same_signature_one_is_accepted() {
    let accepted = race(&memory(1 << 16), 1, 100, 101);
    assert!(accepted.iter().all(|count| *count == 1));
}

#[test]
fn no_thread_gets_a_signature_through_a_crowded_memory_twice() {
    // An hour, with room for a fraction of what comes in ten minutes.
    let accepted = race(&memory(512), 30, 120, 101);
    assert!(accepted.iter().all(|count| *count <= 1));
    let spent: usize = accepted.iter().sum();
    assert!(spent > 2 * 512, "{spent}");
}

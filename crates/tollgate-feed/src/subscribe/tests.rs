use super::*;
use crate::wire::{Numbering, SentScheme, SnapshotOffer};

const ONE: Revision = Revision { epoch: 1, number: 1 };

fn revision(number: u64) -> Revision {
    Revision { epoch: 1, number }
}

fn at(monotonic: u64) -> Moment {
    Moment { monotonic, unix: 1_800_000_000_000 + monotonic }
}

fn settings(serve_for: Option<u64>) -> SubscriberSettings {
    SubscriberSettings {
        name: "proxy-1".to_owned(),
        instance: 7,
        software: "0.1.0".to_owned(),
        environment: "production".to_owned(),
        region: None,
        schemes: vec![SentScheme::Sha256],
        serve_for,
    }
}

fn held(number: u64) -> Held {
    Held { numbering: Numbering(1), revision: revision(number) }
}

/// One that is welcomed at millisecond 0, with a heartbeat each second.
fn following(held: Option<Held>, serve_for: Option<u64>) -> Subscriber {
    let (mut subscriber, _) = Subscriber::new(settings(serve_for), 1, held, Some(0), at(0));
    assert!(matches!(*subscriber.step(Event::Tick, at(0)), [Act::Connect]));
    let acts = subscriber.step(Event::Opened, at(0));
    assert!(matches!(&*acts, [Act::Send(ToControl::Hello(hello))] if hello.held == held));
    let acts = subscriber.step(Event::Arrived(Box::new(welcome("production"))), at(0));
    assert!(matches!(&*acts, [Act::Send(ToControl::Heartbeat(_))]), "{acts:?}");
    subscriber
}

fn welcome(environment: &str) -> ToProxy {
    ToProxy::Welcome(Welcome {
        version: VERSION,
        software: "0.1.0".to_owned(),
        numbering: Numbering(1),
        environment: environment.to_owned(),
        newest: ONE,
        heartbeat_ms: 1000,
        capabilities: 0,
        unix_ms: 0,
    })
}

fn batch(previous: u64, number: u64) -> Event {
    Event::Arrived(Box::new(ToProxy::Batch(SentBatch {
        revision: revision(number),
        previous: revision(previous),
        ..SentBatch::default()
    })))
}

fn heartbeat(answers: u64, newest: u64) -> Event {
    Event::Arrived(Box::new(ToProxy::Heartbeat(ServerHeartbeat {
        answers: Some(answers),
        newest: revision(newest),
        unix_ms: 0,
    })))
}

fn published(number: u64, to_sync: bool) -> Event {
    let taken = Taken { to_sync, keys: 1, withheld: None };
    Event::Published(revision(number), Ok(taken))
}

fn applied(acts: &[Act]) -> Option<u64> {
    acts.iter().find_map(|act| match act {
        Act::Send(ToControl::Applied(applied)) => Some(applied.revision.number),
        _ => None,
    })
}

fn lease(acts: &[Act]) -> Option<u64> {
    acts.iter().find_map(|act| match act {
        Act::Lease(ends) => *ends,
        _ => None,
    })
}

#[test]
fn a_revocation_is_acknowledged_once_it_is_on_the_disk_and_with_every_worker() {
    let mut subscriber = following(Some(held(1)), None);
    subscriber.step(Event::Enforced(revision(1)), at(1));
    assert!(matches!(*subscriber.step(batch(1, 2), at(2)), [Act::Publish(_)]));
    assert_eq!(applied(&subscriber.step(published(2, true), at(2))), None);
    assert_eq!(applied(&subscriber.step(Event::Enforced(revision(2)), at(3))), None);
    assert_eq!(applied(&subscriber.step(Event::Synced(revision(2)), at(4))), Some(2));
    // One without a revocation waits for workers alone, and answers for what is before it.
    subscriber.step(batch(2, 3), at(5));
    subscriber.step(published(3, false), at(5));
    subscriber.step(batch(3, 4), at(5));
    subscriber.step(published(4, false), at(5));
    assert_eq!(applied(&subscriber.step(Event::Enforced(revision(4)), at(6))), Some(4));
}

#[test]
fn what_is_withheld_is_not_acknowledged_until_it_is_accepted() {
    let mut subscriber = following(Some(held(1)), Some(60));
    subscriber.step(Event::Enforced(revision(1)), at(1));
    subscriber.step(batch(1, 2), at(2));
    let withheld = Some("40 of 100 keys would be gone".to_owned());
    let taken = Taken { to_sync: false, keys: 100, withheld };
    let acts = subscriber.step(Event::Published(revision(2), Ok(taken)), at(2));
    assert!(acts.iter().any(|act| matches!(act, Act::Send(ToControl::Refused(_)))), "{acts:?}");
    let acts = subscriber.step(Event::Enforced(revision(2)), at(3));
    assert_eq!(applied(&acts), None);
    subscriber.step(Event::Tick, at(1000));
    assert_eq!(lease(&subscriber.step(heartbeat(1000, 2), at(1004))), None, "the lease runs out");
    let acts = subscriber.step(Event::Withheld(None), at(1005));
    assert_eq!((applied(&acts), lease(&acts)), (Some(2), Some(61_000)));
}

#[test]
fn a_gap_asks_for_a_snapshot_and_what_was_said_before_says_nothing() {
    let mut subscriber = following(Some(held(5)), None);
    let acts = subscriber.step(batch(4, 5), at(1));
    assert!(matches!(&*acts, [Act::Tell(Alarm::Backwards { .. })]), "{acts:?}");
    let acts = subscriber.step(batch(6, 7), at(2));
    assert!(matches!(&*acts, [Act::Tell(Alarm::Gap { .. }), Act::Close]), "{acts:?}");
    assert!(subscriber.step(batch(5, 6), at(3)).is_empty(), "it is not listened to any more");
    let acts = subscriber.step(Event::Tick, at(1000));
    assert!(matches!(*acts, [Act::Connect]));
    let acts = subscriber.step(Event::Opened, at(1001));
    let [Act::Send(ToControl::Hello(hello))] = &*acts else { panic!("{acts:?}") };
    // By nobody's numbers, so that a snapshot comes, and none that is older.
    assert_eq!(hello.held, Some(held(5).under_no_numbering()));
    assert_eq!(subscriber.held(), Some(held(5)), "and yet it is held");
}

#[test]
fn a_revision_that_was_told_of_and_does_not_come_is_a_gap() {
    let mut subscriber = following(Some(held(5)), None);
    let acts = subscriber.step(heartbeat(0, 6), at(1));
    assert!(matches!(*acts, [Act::Time(_)]), "it may be on its way");
    let acts = subscriber.step(heartbeat(0, 6), at(1001));
    assert!(matches!(&*acts, [Act::Tell(Alarm::Gap { .. }), Act::Close]), "{acts:?}");
}

#[test]
fn a_snapshot_that_goes_back_is_not_fetched() {
    let mut subscriber = following(Some(held(5)), None);
    let offer = |number| {
        Event::Arrived(Box::new(ToProxy::Snapshot(SnapshotOffer {
            revision: revision(number),
            numbering: Numbering(1),
            etag: String::new(),
            bytes: 0,
            keys: 0,
        })))
    };
    let acts = subscriber.step(offer(4), at(1));
    assert!(matches!(&*acts, [Act::Tell(Alarm::Backwards { .. }), Act::Close]), "{acts:?}");
    let mut subscriber = following(Some(held(5)), None);
    assert!(subscriber.reads());
    assert!(matches!(*subscriber.step(offer(5), at(1)), [Act::Fetch(_)]));
    assert!(!subscriber.reads(), "what follows waits");
    // However long it takes, the other side hears of us.
    let acts = subscriber.step(Event::Tick, at(60_000));
    assert!(matches!(*acts, [Act::Send(ToControl::Heartbeat(_))]), "{acts:?}");
    subscriber.step(Event::Fetched(Ok((held(5), Taken::default()))), at(60_001));
    assert!(subscriber.reads());
}

#[test]
fn the_lease_counts_from_the_heartbeat_that_was_answered_once_the_newest_is_enforced() {
    let mut subscriber = following(Some(held(1)), Some(60));
    subscriber.step(Event::Enforced(revision(1)), at(1));
    subscriber.step(Event::Tick, at(1000));
    // Answered late: what counts is when it was sent.
    assert_eq!(lease(&subscriber.step(heartbeat(1000, 1), at(3500))), Some(61_000));
    assert_eq!(lease(&subscriber.step(heartbeat(1000, 1), at(3600))), None, "once");
    assert_eq!(lease(&subscriber.step(heartbeat(9000, 1), at(3700))), None, "never sent");
    // A revision is there that has not arrived.
    subscriber.step(Event::Tick, at(4000));
    assert_eq!(lease(&subscriber.step(heartbeat(4000, 2), at(4100))), None);
    subscriber.step(batch(1, 2), at(5000));
    subscriber.step(published(2, false), at(5000));
    assert_eq!(lease(&subscriber.step(Event::Enforced(revision(2)), at(5001))), Some(64_000));
    // A control plane that is behind renews nothing.
    subscriber.step(Event::Tick, at(6000));
    assert_eq!(lease(&subscriber.step(heartbeat(6000, 1), at(6001))), None);
}

#[test]
fn a_start_from_the_disk_goes_on_with_the_lease_and_one_without_has_none() {
    let lease_of = |serve_for, ago| {
        let (_, acts) = Subscriber::new(settings(serve_for), 1, Some(held(1)), ago, at(500));
        let [Act::Lease(ends)] = &*acts else { panic!("{acts:?}") };
        *ends
    };
    assert_eq!(lease_of(Some(60), Some(20_000)), Some(40_500));
    assert_eq!(lease_of(Some(60), Some(60_000)), Some(0));
    assert_eq!(lease_of(Some(60), None), Some(0));
    assert_eq!(lease_of(None, None), None);
}

#[test]
fn waits_grow_and_differ_and_one_that_was_sent_away_waits_long() {
    let waits = |seed| {
        let (mut subscriber, _) = Subscriber::new(settings(None), seed, None, None, at(0));
        let mut now = 0;
        let waits = (0..10).map(|_| {
            subscriber.step(Event::Closed("refused".to_owned()), at(now));
            let begin = now;
            while subscriber.step(Event::Tick, at(now)).is_empty() {
                now += 1;
            }
            now - begin
        });
        waits.collect::<Vec<_>>()
    };
    let waits_of_one = waits(1);
    assert!(waits_of_one.iter().all(|wait| (50..=10_000).contains(wait)), "{waits_of_one:?}");
    assert!(waits_of_one[9] >= 5000 && waits_of_one[0] <= 100, "{waits_of_one:?}");
    assert_ne!(waits_of_one, waits(2));
    let mut subscriber = following(None, None);
    let goodbye = Goodbye { reason: GoodbyeReason::AccessRevoked, text: String::new() };
    subscriber.step(Event::Arrived(Box::new(ToProxy::Goodbye(goodbye))), at(0));
    assert!(subscriber.step(Event::Tick, at(4999)).is_empty());
    assert!(matches!(*subscriber.step(Event::Tick, at(10_000)), [Act::Connect]));
}

#[test]
fn who_is_silent_or_of_another_environment_is_left() {
    let mut subscriber = following(None, None);
    subscriber.step(Event::Tick, at(1000));
    let acts = subscriber.step(Event::Tick, at(4000));
    assert!(matches!(&*acts, [Act::Tell(Alarm::Disconnected(_)), Act::Close]), "{acts:?}");
    let (mut subscriber, _) = Subscriber::new(settings(None), 1, None, None, at(0));
    subscriber.step(Event::Tick, at(0));
    subscriber.step(Event::Opened, at(0));
    let acts = subscriber.step(Event::Arrived(Box::new(welcome("staging"))), at(0));
    assert!(matches!(&*acts, [Act::Tell(_), Act::Send(ToControl::Goodbye(_)), Act::Close]));
    assert!(!subscriber.is_connected());
}

//! The scheduler: a year in a moment, exactly once whoever runs it, and after downtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use serde_json::json;
use tollgate_control::life_cycle::{Event, State};
use tollgate_control::operations::{Context, Refused, Subscribe};
use tollgate_control::scheduler::Scheduler;
use tollgate_control::store::{Change, NotChanged, Shelf, StoredChain};

use crate::engines::{NOW, Place, contract};
use crate::operations::House;

contract! {
    a_year_of_monthly_rotations_and_an_expiry
    two_schedulers_do_each_thing_once
    what_was_missed_is_caught_up_with
}

const DAY: u64 = 86_400_000;

/// A key set of `a1` under a template, active since now.
async fn key_set(house: &House, template: serde_json::Value) -> String {
    house.put(Shelf::Policies, "template", "", "template", template).await;
    let subscribe =
        |context: &Context, change: &mut Change<'_>| -> Result<_, NotChanged<Refused>> {
            let [application, service, package, plan] =
                ["a1", "orders", "basic", "free"].map(str::to_owned);
            let wanted = Subscribe { application, service, package, plan };
            let subscribed = context.subscribe(change, &wanted)?;
            let id = subscribed[0].chain.id.clone();
            context.live(change, &id, None, &Event::Activate)?;
            Ok(id)
        };
    house.does(subscribe).await.unwrap()
}

fn scheduler(house: &House, place: &Place) -> Scheduler {
    let clock = Arc::<crate::engines::Hands>::clone(&place.clock);
    let context = house.context.clone();
    let context = Box::new(move || context.clone());
    Scheduler { store: Arc::clone(&house.store), context, clock }
}

/// Turns the clock to whatever is due next, again and again, until `end`.
async fn live_until(scheduler: &Scheduler, place: &Place, end: u64) {
    while let Some(next) = scheduler.catch_up().await.unwrap() {
        let next = u64::try_from(next).unwrap() * 1000;
        if next > end {
            break;
        }
        place.clock.0.store(next, SeqCst);
    }
    place.clock.0.store(end, SeqCst);
    scheduler.catch_up().await.unwrap();
}

async fn chain(house: &House, id: &str) -> StoredChain {
    let id = id.to_owned();
    let found = house.store.read(move |connection| StoredChain::find(connection, &id)).await;
    found.unwrap().unwrap()
}

/// How often the scheduler did what.
async fn deeds(house: &House) -> BTreeMap<String, i64> {
    let counted = house.store.read(|connection| {
        let query = "SELECT action, count(*) FROM audit WHERE actor = 'scheduler' GROUP BY action";
        let rows = connection.rows(query, &[])?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?))).collect()
    });
    counted.await.unwrap()
}

fn counts(expected: &[(&str, i64)]) -> BTreeMap<String, i64> {
    expected.iter().map(|(action, count)| ((*action).to_owned(), *count)).collect()
}

async fn a_year_of_monthly_rotations_and_an_expiry(place: Place) {
    let house = House::open(&place).await;
    let template = json!({ "services": ["orders"], "rotationMonths": 1, "overlapSeconds": 3600 });
    let id = key_set(&house, template).await;
    live_until(&scheduler(&house, &place), &place, NOW + 365 * DAY).await;
    let after = chain(&house, &id).await;
    assert_eq!(after.life.latest.number.0, 13);
    assert_eq!(after.life.state(), State::Active);
    let expected = counts(&[("key_set.rotate", 12), ("key_set.end_overlap", 11)]);
    assert_eq!(deeds(&house).await, expected, "the last overlap is not over");
    let digests: std::collections::BTreeSet<_> =
        after.credentials.iter().map(|(_, credential)| credential.digest).collect();
    assert_eq!(digests.len(), 13, "each key is another");

    let template = json!({ "services": ["items"], "expirationMonths": 2 });
    house.put(Shelf::Policies, "short", "", "short", template).await;
    let subscribe =
        |context: &Context, change: &mut Change<'_>| -> Result<_, NotChanged<Refused>> {
            let [application, service, package, plan] =
                ["a1", "items", "basic", "open"].map(str::to_owned);
            let wanted = Subscribe { application, service, package, plan };
            let id = context.subscribe(change, &wanted)?[0].chain.id.clone();
            context.live(change, &id, None, &Event::Activate)?;
            Ok(id)
        };
    let short = house.does(subscribe).await.unwrap();
    live_until(&scheduler(&house, &place), &place, NOW + 430 * DAY).await;
    assert_eq!(chain(&house, &short).await.life.state(), State::Expired);
}

async fn two_schedulers_do_each_thing_once(place: Place) {
    let house = House::open(&place).await;
    let template = json!({ "services": ["orders"], "rotationMonths": 1 });
    let id = key_set(&house, template).await;
    let (one, other) = (scheduler(&house, &place), scheduler(&house, &place));
    for month in 1..=6 {
        place.clock.0.store(NOW + month * 31 * DAY, SeqCst);
        let both = tokio::join!(one.catch_up(), other.catch_up());
        assert_eq!(both.0.unwrap(), both.1.unwrap());
    }
    assert_eq!(chain(&house, &id).await.life.latest.number.0, 7);
    assert_eq!(deeds(&house).await, counts(&[("key_set.rotate", 6)]));
}

async fn what_was_missed_is_caught_up_with(place: Place) {
    let house = House::open(&place).await;
    let template = json!({ "services": ["orders"], "rotationMonths": 1 });
    let id = key_set(&house, template).await;
    place.clock.0.store(NOW + 200 * DAY, SeqCst);
    scheduler(&house, &place).catch_up().await.unwrap();
    let after = chain(&house, &id).await;
    assert_eq!(after.life.latest.number.0, 2, "several missed rotations are one");
    let planned = after.life.latest.rotation.unwrap().planned;
    assert!(planned > i64::try_from((NOW + 200 * DAY) / 1000).unwrap(), "from the actual date");
}

//! Events: written with their changes, sent once by whoever comes first, tried again, given up.

#![expect(clippy::disallowed_types, reason = "what a test has heard is on no request's road")]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

use prometheus::Registry;
use serde_json::{Value as Json, json};
use tollgate_control::life_cycle::{Event, Instant, KeyNumber};
use tollgate_control::operations::{Context, Refused, Subscribe};
use tollgate_control::store::{Change, Delivery, DeliveryState, NotChanged, Shelf};
use tollgate_control::webhooks::{
    AddressRules, Answer, Letter, MeterEvents, NotSent, Post, Posted, Reminders, Sender,
    SigningSecret, WebhookMetrics,
};
use tollgate_core::{KeyEvent, MeterEvent, Scheme};

use crate::engines::{Hands, NOW, Place, contract};
use crate::operations::House;
use crate::publishing::{Street, new};

contract! {
    an_event_is_there_with_its_change_and_not_without_it
    a_webhook_hears_of_what_it_listens_to
    two_senders_send_each_event_once
    what_fails_is_tried_again_and_given_up_in_the_end
    who_took_a_delivery_and_vanished_has_it_for_a_while_only
    a_key_that_expires_is_told_of_three_times
    after_downtime_the_nearest_reminder_is_told_and_no_stale_one
    an_overlap_that_ends_is_told_of_once
    what_a_meter_says_is_told_once_a_period_whoever_hears_it
}

const DAY: u64 = 86_400_000;

/// Answers as it is told, and remembers what came.
struct Ear {
    answer: Mutex<Result<u16, NotSent>>,
    heard: Mutex<Vec<(String, String)>>,
}

impl Post for Ear {
    fn post(&self, letter: Letter) -> Posted<'_> {
        self.heard.lock().unwrap().push((letter.id, letter.body));
        let answer = *self.answer.lock().unwrap();
        Box::pin(async move {
            // Whoever else wants it gets his chance.
            tokio::task::yield_now().await;
            answer.map(|status| Answer { status, retry_after: None })
        })
    }
}

impl Ear {
    fn new(status: u16) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Ok(status)), heard: Mutex::default() })
    }

    fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn sender(house: &House, place: &Place, ear: &Arc<Ear>) -> Sender {
    Sender {
        store: Arc::clone(&house.store),
        sealer: house.context.sealer.clone(),
        post: Arc::<Ear>::clone(ear),
        clock: Arc::<Hands>::clone(&place.clock),
        rules: AddressRules::default(),
        metrics: WebhookMetrics::register(&Registry::new()).unwrap(),
    }
}

fn reminders(house: &House, place: &Place) -> Reminders {
    let context = house.context.clone();
    Reminders {
        store: Arc::clone(&house.store),
        context: Box::new(move || context.clone()),
        clock: Arc::<Hands>::clone(&place.clock),
    }
}

async fn listen(house: &House, id: &str, more: Json) {
    let mut body = json!({ "url": "https://example.com/hook" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.put(Shelf::Webhooks, id, "", "", body).await;
    let id = id.to_owned();
    let keep = move |context: &Context, change: &mut Change<'_>| {
        let secret = SigningSecret::fresh().unwrap();
        Ok(secret.keep(&context.sealer, change.connection(), &id)?)
    };
    house.does(keep).await.unwrap();
}

async fn deliveries(house: &House, webhook: &str) -> Vec<Delivery> {
    let webhook = webhook.to_owned();
    let all = house.store.read(move |connection| Delivery::of_webhook(connection, &webhook));
    all.await.unwrap()
}

/// How often a webhook was told of what.
async fn told(house: &House, webhook: &str) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for delivery in deliveries(house, webhook).await {
        let body: Json = serde_json::from_str(&delivery.body).unwrap();
        assert_eq!(body["type"], *delivery.kind);
        let days = body["data"]["days"].as_i64();
        let name = days.map_or(delivery.kind.clone(), |days| format!("{} {days}", delivery.kind));
        *told.entry(name).or_default() += 1;
    }
    told
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// A package key that expires so many days from now, if it does.
async fn key(house: &House, days: Option<u64>) -> String {
    let expires = days.map(|days| Instant::Second(((NOW + days * DAY) / 1000).cast_signed()));
    let made = house.does(move |context, change| {
        let key =
            tollgate_control::operations::NewPackageKey { expires, ..new("a1", "basic", "open") };
        context.create_package_key(change, key)
    });
    made.await.unwrap().chain.id
}

async fn happens(house: &House, id: &str, event: Event) -> Result<(), Refused> {
    let id = id.to_owned();
    house.does(move |context, change| context.live(change, &id, None, &event).map(drop)).await
}

async fn an_event_is_there_with_its_change_and_not_without_it(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    let id = key(&house, None).await;
    assert_eq!(told(&house, "all").await, counts(&[]));
    happens(&house, &id, Event::Suspend).await.unwrap();
    assert!(happens(&house, &id, Event::Suspend).await.is_err(), "it is suspended");
    let gone = id.clone();
    let undone = house.does(move |context, change| {
        context.live(change, &gone, None, &Event::Revoke { key: KeyNumber(1) })?;
        Err::<(), _>(NotChanged::Refused(Refused::Outdated))
    });
    assert!(undone.await.is_err());
    assert_eq!(told(&house, "all").await, counts(&[("key.suspended", 1)]));
    let delivery = deliveries(&house, "all").await.remove(0);
    let body: Json = serde_json::from_str(&delivery.body).unwrap();
    assert_eq!(body["timestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(body["data"]["keySet"]["id"], *id);
    assert_eq!(body["data"]["application"]["id"], "a1");
    happens(&house, &id, Event::Revoke { key: KeyNumber(1) }).await.unwrap();
    assert_eq!(told(&house, "all").await, counts(&[("key.suspended", 1), ("key.revoked", 1)]));
}

async fn a_webhook_hears_of_what_it_listens_to(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "revoked", json!({ "kinds": ["key.revoked"] })).await;
    listen(&house, "off", json!({ "enabled": false })).await;
    listen(&house, "north", json!({ "organization": "north" })).await;
    listen(&house, "south", json!({ "organization": "south", "group": "shops" })).await;
    let application = json!({ "organization": "north", "status": "active" });
    house.put(Shelf::Applications, "a3", "m1", "shop", application).await;
    let of_a3 = house
        .does(|context, change| context.create_package_key(change, new("a3", "basic", "open")));
    let of_a3 = of_a3.await.unwrap().chain.id;
    let of_a1 = key(&house, None).await;
    for id in [&of_a1, &of_a3] {
        happens(&house, id, Event::Suspend).await.unwrap();
    }
    assert_eq!(told(&house, "revoked").await, counts(&[]));
    assert_eq!(told(&house, "off").await, counts(&[]));
    assert_eq!(told(&house, "north").await, counts(&[("key.suspended", 1)]));
    assert_eq!(told(&house, "south").await, counts(&[]));
    happens(&house, &of_a1, Event::Revoke { key: KeyNumber(1) }).await.unwrap();
    assert_eq!(told(&house, "revoked").await, counts(&[("key.revoked", 1)]));
}

async fn two_senders_send_each_event_once(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    for _ in 0..10 {
        let id = key(&house, None).await;
        happens(&house, &id, Event::Suspend).await.unwrap();
    }
    let ear = Ear::new(200);
    let (one, other) = (sender(&house, &place, &ear), sender(&house, &place, &ear));
    let both = tokio::join!(one.catch_up(), other.catch_up());
    both.0.unwrap();
    both.1.unwrap();
    assert_eq!(ear.count(), 10);
    let ids: std::collections::BTreeSet<_> =
        ear.heard.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids.len(), 10, "each event has an id of its own");
    let all = deliveries(&house, "all").await;
    assert!(all.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
    one.catch_up().await.unwrap();
    assert_eq!(ear.count(), 10);
}

async fn what_fails_is_tried_again_and_given_up_in_the_end(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    let id = key(&house, None).await;
    happens(&house, &id, Event::Suspend).await.unwrap();
    let ear = Ear::new(500);
    let sender = sender(&house, &place, &ear);
    let mut hours = 0;
    for attempt in 1.. {
        sender.catch_up().await.unwrap();
        let delivery = deliveries(&house, "all").await.remove(0);
        assert_eq!((delivery.attempts, ear.count()), (attempt, usize::try_from(attempt).unwrap()));
        assert_eq!(delivery.status, Some(500));
        let Some(next) = delivery.next else {
            assert_eq!(delivery.state, DeliveryState::Dead);
            assert_eq!(delivery.failure.as_deref(), Some("the answer was 500"));
            break;
        };
        place.clock.0.store(u64::try_from(next).unwrap() - 1, SeqCst);
        sender.catch_up().await.unwrap();
        assert_eq!(ear.count(), usize::try_from(attempt).unwrap(), "it is not time yet");
        place.clock.0.store(u64::try_from(next).unwrap(), SeqCst);
        hours = (u64::try_from(next).unwrap() - NOW) / 3_600_000;
    }
    assert!((18..30).contains(&hours), "{hours}");
    let heard = ear.heard.lock().unwrap().clone();
    assert!(heard.iter().all(|(id, _)| *id == heard[0].0), "the id stays");
}

async fn who_took_a_delivery_and_vanished_has_it_for_a_while_only(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    let id = key(&house, None).await;
    happens(&house, &id, Event::Suspend).await.unwrap();
    let now = NOW.cast_signed();
    let claim = move |_: &Context, change: &mut Change<'_>| {
        Ok(Delivery::claim(change.connection(), "all", now, now + 30_000, 4)?)
    };
    let taken = house.does(claim).await.unwrap();
    assert_eq!(taken.len(), 1);
    let ear = Ear::new(200);
    let sender = sender(&house, &place, &ear);
    sender.catch_up().await.unwrap();
    assert_eq!(ear.count(), 0);
    place.clock.0.store(NOW + 30_000, SeqCst);
    sender.catch_up().await.unwrap();
    assert_eq!(ear.count(), 1);
    // What comes of the first try at last does not count any more.
    let tried = tollgate_control::store::Tried {
        state: DeliveryState::Dead,
        at: now,
        next: None,
        status: None,
        failure: None,
    };
    let late =
        move |_: &Context, change: &mut Change<'_>| Ok(taken[0].note(change.connection(), &tried)?);
    assert!(!house.does(late).await.unwrap());
    assert_eq!(deliveries(&house, "all").await[0].state, DeliveryState::Delivered);
}

/// Looks what is to be reminded of each day, until so many days from now.
async fn days(house: &House, place: &Place, from: u64, to: u64) {
    let reminders = reminders(house, place);
    for day in from..=to {
        place.clock.0.store(NOW + day * DAY, SeqCst);
        reminders.catch_up().await.unwrap();
    }
}

async fn a_key_that_expires_is_told_of_three_times(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    days(&house, &place, 0, 0).await;
    let id = key(&house, Some(40)).await;
    key(&house, Some(5)).await;
    key(&house, None).await;
    days(&house, &place, 0, 9).await;
    assert_eq!(told(&house, "all").await, counts(&[("key.expiring 1", 1)]), "5 days are no 7");
    days(&house, &place, 9, 39).await;
    let three = [("key.expiring 1", 2), ("key.expiring 7", 1), ("key.expiring 30", 1)];
    assert_eq!(told(&house, "all").await, counts(&three));
    let last = deliveries(&house, "all").await.pop().unwrap();
    let body: Json = serde_json::from_str(&last.body).unwrap();
    assert_eq!(body["data"]["keySet"]["id"], *id);
    assert_eq!(body["data"]["expires"], "2026-02-10T00:00:00Z");
    days(&house, &place, 40, 45).await;
    assert_eq!(told(&house, "all").await, counts(&three));
}

async fn after_downtime_the_nearest_reminder_is_told_and_no_stale_one(place: Place) {
    let house = House::open(&place).await;
    listen(&house, "all", json!({})).await;
    days(&house, &place, 0, 0).await;
    for expires in [35, 45, 60, 90] {
        key(&house, Some(expires)).await;
    }
    // 50 days later: two have expired, one does in 10 days, one in 40.
    days(&house, &place, 50, 50).await;
    assert_eq!(told(&house, "all").await, counts(&[("key.expiring 30", 1)]));
    days(&house, &place, 59, 59).await;
    let expected = [("key.expiring 30", 1), ("key.expiring 1", 1)];
    assert_eq!(told(&house, "all").await, counts(&expected), "the nearest only");
    // Two that look at the same time.
    place.clock.0.store(NOW + 60 * DAY, SeqCst);
    let (one, other) = (reminders(&house, &place), reminders(&house, &place));
    let both = tokio::join!(one.catch_up(), other.catch_up());
    both.0.unwrap();
    both.1.unwrap();
    let expected = [("key.expiring 30", 2), ("key.expiring 1", 1)];
    assert_eq!(told(&house, "all").await, counts(&expected));
}

async fn an_overlap_that_ends_is_told_of_once(place: Place) {
    let house = House::open(&place).await;
    let template =
        json!({ "services": ["orders"], "rotationMonths": 1, "manualRegeneration": true });
    house.put(Shelf::Policies, "template", "", "template", template).await;
    listen(&house, "all", json!({})).await;
    days(&house, &place, 0, 0).await;
    let subscribe = |context: &Context, change: &mut Change<'_>| {
        let [application, service, package, plan] =
            ["a1", "orders", "basic", "free"].map(str::to_owned);
        let wanted = Subscribe { application, service, package, plan };
        let id = context.subscribe(change, &wanted)?[0].chain.id.clone();
        context.live(change, &id, None, &Event::Activate)?;
        Ok(id)
    };
    let id = house.does(subscribe).await.unwrap();
    assert_eq!(told(&house, "all").await, counts(&[("key.rotation_planned", 1)]));
    let overlap = Some(3 * 86_400);
    happens(&house, &id, Event::Regenerate { key: KeyNumber(1), overlap }).await.unwrap();
    days(&house, &place, 0, 1).await;
    assert_eq!(told(&house, "all").await, counts(&[("key.rotation_planned", 2)]));
    days(&house, &place, 2, 3).await;
    let expected = [("key.rotation_planned", 2), ("key.overlap_ending", 1)];
    assert_eq!(told(&house, "all").await, counts(&expected));
    // One that is shorter than a day is ending as it begins; the key before has to go for it.
    let overlap = Some(3600);
    happens(&house, &id, Event::Regenerate { key: KeyNumber(2), overlap }).await.unwrap();
    days(&house, &place, 3, 4).await;
    let expected = [("key.rotation_planned", 3), ("key.overlap_ending", 2), ("key.revoked", 1)];
    assert_eq!(told(&house, "all").await, counts(&expected));
}

async fn what_a_meter_says_is_told_once_a_period_whoever_hears_it(place: Place) {
    let mut street = Street::open(&place).await;
    listen(&street.house, "all", json!({})).await;
    let made = street.does(|context, change| {
        let mut package = Shelf::Packages.find(change.connection(), "p1")?.unwrap();
        package.body.insert("notifyDeveloperOverQuota".to_owned(), json!(true));
        package.body.insert("notifyDeveloperPeriod".to_owned(), json!("hour"));
        Shelf::Packages.update(change.connection(), &package)?;
        change.touch(tollgate_control::store::Kind::Package, "p1");
        context.create_package_key(change, new("a1", "p1", "l1"))
    });
    let made = made.await;
    let root = street.reader.current().unwrap();
    let front = root.routes.find("any", "/orders", &http::Method::GET).unwrap().front;
    let service = root.routes.service(front).unwrap().id;
    let key = Scheme::Sha256.digest(made.apikey.reveal().as_bytes());
    let hear = |event, minute: u64| {
        let unix = NOW / 1000 + minute * 60;
        let context = street.house.context.clone();
        let mut events = vec![KeyEvent { event, key, service, unix }];
        MeterEvents {
            take: Box::new(move || std::mem::take(&mut events)),
            reader: street.reader.clone(),
            store: Arc::clone(&street.house.store),
            context: Box::new(move || context.clone()),
            clock: Arc::<Hands>::clone(&place.clock),
        }
    };
    for (minute, expected) in [(0, 1), (30, 1), (59, 1), (60, 2), (59, 2), (119, 2), (120, 3)] {
        let (mut one, mut other) =
            (hear(MeterEvent::OverQuota, minute), hear(MeterEvent::OverQuota, minute));
        let both = tokio::join!(one.catch_up(), other.catch_up());
        both.0.unwrap();
        both.1.unwrap();
        let told = told(&street.house, "all").await;
        assert_eq!(told, counts(&[("key.over_quota", expected)]), "minute {minute}");
    }
    hear(MeterEvent::NearQuota, 0).catch_up().await.unwrap();
    assert_eq!(told(&street.house, "all").await.len(), 1, "nobody wants to know of others");
    let delivery = deliveries(&street.house, "all").await.remove(0);
    let data: Json = serde_json::from_str(&delivery.body).unwrap();
    let data = &data["data"];
    assert_eq!((&data["audience"], &data["service"]), (&json!("developer"), &json!("orders")));
    assert_eq!(data["keySet"]["id"], *made.chain.id);
}

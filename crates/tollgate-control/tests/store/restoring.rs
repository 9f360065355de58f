//! What a restored store is brought back to, by what the present one tells.

use std::collections::BTreeSet;

use tollgate_control::life_cycle::{Event, KeyNumber, PackageKeyStatus, State};
use tollgate_control::operations::{NewPackageKey, Subscribe};
use tollgate_control::restore::{Again, reconcile};
use tollgate_control::store::{Row, Shelf, Store, StoredChain};

use crate::engines::{Place, blocking, contract};
use crate::operations::House;

contract! {
    what_is_over_or_suspended_at_present_is_so_again
    a_key_that_was_replaced_takes_its_key_set_along
    what_is_named_is_left_and_what_has_not_changed_is_not_touched
}

/// The tables of what a backup holds, each after those that it refers to.
const TABLES: [(&str, &str); 5] = [
    ("documents", "shelf, id, parent, name, body, created, updated"),
    (
        "chains",
        "id, version, name, application, auth_type, policy, template, suspended_itself, \
         application_suspended, last_error, due, package, plan, qps_limit_ceiling, \
         qps_limit_exempt, rate_limit_ceiling, rate_limit_exempt, body, created, updated, \
         is_key_set, words",
    ),
    (
        "keys",
        "id, chain, number, latest, state, superseded_until, provisioned, rotation_planned, \
         rotation_due, rotated, expiration, expiration_is_day, expired, revoked, digest, sealed, \
         sealed_secret, secret_digest, wrapped_secret, created, scheme",
    ),
    ("subscriptions", "id, chain, service, package, plan, created, cancelled"),
    ("timeline", "chain, number, at, key_number, what, details"),
];

/// A store of the same engine that holds what this one does.
async fn backed_up(place: &Place, store: &Store) -> (Place, House) {
    let other = blocking(place.again).await;
    let house = House::open(&other).await;
    for (table, columns) in TABLES {
        let all = format!("SELECT {columns} FROM {table}");
        let rows = store.read(move |connection| connection.rows(&all, &[])).await.unwrap();
        house
            .does(move |_, change| {
                change.connection().run(&format!("DELETE FROM {table}"), &[])?;
                let numbers: Vec<_> =
                    (1..=columns.split(", ").count()).map(|number| format!("${number}")).collect();
                let statement =
                    format!("INSERT INTO {table} ({columns}) VALUES ({})", numbers.join(", "));
                for Row(values) in rows {
                    change.connection().run(&statement, &values)?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
    (other, house)
}

async fn key(house: &House, status: PackageKeyStatus) -> String {
    let [application, package, plan] = ["a1", "basic", "free"].map(str::to_owned);
    let status = Some(status);
    let new = NewPackageKey { application, package, plan, status, ..NewPackageKey::default() };
    let made = house.does(move |context, change| context.create_package_key(change, new)).await;
    made.unwrap().chain.id
}

async fn live(house: &House, id: &str, event: Event) {
    let id = id.to_owned();
    house.does(move |context, change| context.live(change, &id, None, &event)).await.unwrap();
}

async fn delete(house: &House, id: &str) {
    let id = id.to_owned();
    let delete = house.does(move |context, change| context.delete_package_key(change, None, &id));
    delete.await.unwrap();
}

/// Reconciles a restored store with the present one.
async fn brought_back(restored: &House, present: &Place, leave: &[&str]) -> Again {
    let mut present = {
        let engine = std::sync::Arc::clone(&present.engine);
        blocking(move || engine.reader().unwrap()).await
    };
    let leave: BTreeSet<_> = leave.iter().map(|id| (*id).to_owned()).collect();
    let again =
        restored.does(move |context, change| reconcile(context, change, &mut *present, &leave));
    again.await.unwrap()
}

async fn state(house: &House, id: &str) -> Option<State> {
    let id = id.to_owned();
    let find = house.does(move |_, change| Ok(StoredChain::find(change.connection(), &id)?));
    find.await.unwrap().map(|chain| chain.life.state())
}

const REVOKE: Event = Event::Revoke { key: KeyNumber(1) };

async fn what_is_over_or_suspended_at_present_is_so_again(place: Place) {
    let present = House::open(&place).await;
    let active = PackageKeyStatus::Active;
    let [stays, revoked, deleted, suspended] = [
        key(&present, active).await,
        key(&present, active).await,
        key(&present, active).await,
        key(&present, active).await,
    ];
    let waiting = key(&present, PackageKeyStatus::Waiting).await;
    let (_other, restored) = backed_up(&place, &present.store).await;
    live(&present, &revoked, REVOKE).await;
    live(&present, &suspended, Event::Suspend).await;
    delete(&present, &deleted).await;
    delete(&present, &waiting).await;
    let again = brought_back(&restored, &place, &[]).await;
    assert_eq!(state(&restored, &stays).await, Some(State::Active));
    for id in [&revoked, &deleted] {
        assert_eq!(state(&restored, id).await, Some(State::Revoked));
    }
    assert_eq!(state(&restored, &suspended).await, Some(State::Suspended));
    assert_eq!(state(&restored, &waiting).await, None);
    assert_eq!(again.revoked, BTreeSet::from([revoked, deleted]));
    assert_eq!(again.suspended, BTreeSet::from([suspended]));
    assert_eq!(again.deleted, BTreeSet::from([waiting]));
    assert!(again.left.is_empty() && again.members.is_empty());
}

async fn a_key_that_was_replaced_takes_its_key_set_along(place: Place) {
    let present = House::open(&place).await;
    let policy = serde_json::json!({ "services": ["orders"], "manualRegeneration": true,
                                     "overlapSeconds": 3600 });
    present.put(Shelf::Policies, "hour", "", "hour", policy).await;
    let subscribe = |application: &str| {
        let [service, package, plan] = ["orders", "basic", "open"].map(str::to_owned);
        Subscribe { application: application.to_owned(), service, package, plan }
    };
    let mut sets = Vec::new();
    for application in ["a1", "acme"] {
        let wanted = subscribe(application);
        let made = present.does(move |context, change| context.subscribe(change, &wanted)).await;
        let [made] = made.unwrap().try_into().unwrap();
        live(&present, &made.chain.id, Event::Activate).await;
        sets.push(made);
    }
    let [replaced, cancelled] = sets.try_into().unwrap();
    let (_other, restored) = backed_up(&place, &present.store).await;
    let regenerate = Event::Regenerate { key: KeyNumber(1), overlap: None };
    live(&present, &replaced.chain.id, regenerate).await;
    let subscription = cancelled.subscription.id.clone();
    let cancel = subscription.clone();
    present
        .does(move |_, change| {
            let cancel = [5.into(), cancel.into()];
            let statement = "UPDATE subscriptions SET cancelled = $1 WHERE id = $2";
            Ok(change.connection().run(statement, &cancel)?)
        })
        .await
        .unwrap();
    // The old key works on for an hour there; here nobody would end it.
    let again = brought_back(&restored, &place, &[]).await;
    assert_eq!(again.revoked, BTreeSet::from([replaced.chain.id.clone()]));
    assert_eq!(state(&restored, &replaced.chain.id).await, Some(State::Revoked));
    assert_eq!(again.subscriptions, BTreeSet::from([subscription]));
    assert_eq!(state(&restored, &cancelled.chain.id).await, Some(State::Active));
}

async fn what_is_named_is_left_and_what_has_not_changed_is_not_touched(place: Place) {
    let present = House::open(&place).await;
    let [one, other] = [
        key(&present, PackageKeyStatus::Active).await,
        key(&present, PackageKeyStatus::Active).await,
    ];
    let (_other, restored) = backed_up(&place, &present.store).await;
    assert_eq!(brought_back(&restored, &place, &[]).await, Again::default());
    live(&present, &one, REVOKE).await;
    delete(&present, &other).await;
    let again = brought_back(&restored, &place, &[&one, &other]).await;
    assert_eq!(again.left, BTreeSet::from([one.clone(), other.clone()]));
    assert!(again.revoked.is_empty());
    for id in [one, other] {
        assert_eq!(state(&restored, &id).await, Some(State::Active));
    }
}

//! When keys were last used, from the meters to the store.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tollgate_control::last_use::LastUse;
use tollgate_control::store::uses;

use crate::engines::{Hands, NOW, Place, contract};
use crate::publishing::{Street, new};

contract! {
    what_was_used_is_stored_and_only_what_was_used
    a_chain_that_is_deleted_leaves_no_uses
}

/// When each key was last used, in seconds from now.
async fn stored(street: &Street, keys: &[String]) -> Vec<Option<i64>> {
    let asked = keys.to_vec();
    let found = street.house.store.read(move |connection| {
        let keys: Vec<_> = asked.iter().map(String::as_str).collect();
        uses::of_keys(connection, &keys)
    });
    let found = found.await.unwrap();
    let now = (NOW / 1000).cast_signed();
    keys.iter().map(|key| found.get(key).map(|at| at - now)).collect()
}

fn sweep(street: &Street, place: &Place) -> LastUse {
    let clock = Arc::<Hands>::clone(&place.clock);
    LastUse::new(street.reader.clone(), Arc::clone(&street.house.store), clock)
}

async fn what_was_used_is_stored_and_only_what_was_used(place: Place) {
    let mut street = Street::open(&place).await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let key = new("a1", "basic", "open");
        made.push(street.does(|context, change| context.create_package_key(change, key)).await);
    }
    let ids: Vec<_> = made.iter().map(|made| made.chain.id.clone()).collect();
    let mut sweep = sweep(&street, &place);
    sweep.step().await.unwrap();
    assert_eq!(stored(&street, &ids).await, [None, None]);
    place.clock.0.store(NOW + 5000, SeqCst);
    street.call(&made[0].apikey, "/orders").unwrap();
    sweep.step().await.unwrap();
    assert_eq!(stored(&street, &ids).await, [Some(5), None]);
    place.clock.0.store(NOW + 90_000, SeqCst);
    street.call(&made[0].apikey, "/orders").unwrap();
    street.call(&made[1].apikey, "/orders").unwrap();
    let before = street.house.store.newest().await.unwrap();
    sweep.step().await.unwrap();
    assert_eq!(stored(&street, &ids).await, [Some(90), Some(90)]);
    assert_eq!(street.house.store.newest().await.unwrap(), before, "it is no revision");
    // Another control plane that has seen less takes nothing back.
    let (id, earlier) = (ids[0].clone(), (NOW / 1000).cast_signed() + 30);
    street
        .house
        .does(move |_, change| Ok(uses::note(change.connection(), &[(id, earlier)])?))
        .await
        .unwrap();
    assert_eq!(stored(&street, &ids).await, [Some(90), Some(90)]);
}

async fn a_chain_that_is_deleted_leaves_no_uses(place: Place) {
    let mut street = Street::open(&place).await;
    let key = new("a1", "basic", "open");
    let made = street.does(|context, change| context.create_package_key(change, key)).await;
    street.call(&made.apikey, "/orders").unwrap();
    sweep(&street, &place).step().await.unwrap();
    let ids = [made.chain.id.clone()];
    assert_eq!(stored(&street, &ids).await, [Some(0)]);
    let id = made.chain.id.clone();
    street.does(move |context, change| context.delete_package_key(change, None, &id)).await;
    assert_eq!(stored(&street, &ids).await, [None]);
}

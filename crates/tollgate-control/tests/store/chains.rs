//! Chains: kept with all of their life, set only in the place of the version that was read.

use serde_json::{Map, json};
use tollgate_control::life_cycle::{
    Chain, Event, Instant, KeyNumber, Months, Policy, RotationPolicy, apply, due,
};
use tollgate_control::model::DigestLiteral;
use tollgate_control::store::{
    Bought, Connection, Credential, NotChanged, Store, StoreError, StoredChain, Written,
};

use crate::engines::{No, Place, contract, deed};

contract! {
    a_chain_comes_back_as_it_was_at_every_point_of_its_life
    only_the_version_that_was_read_is_replaced
    values_of_keys_change_places
    chains_are_found_by_what_belongs_to_them
    what_is_due_comes_in_order
    a_digest_belongs_to_one_key
}

pub(crate) const NOW: i64 = 1_767_225_600;

fn credential(id: &str) -> Credential {
    let digest = format!("sha256:{}", sha256(id));
    Credential {
        id: id.to_owned(),
        digest: DigestLiteral::parse(&digest).unwrap(),
        scheme: Some("sha256".to_owned()),
        sealed: Some(vec![1, 2, 3]),
        sealed_secret: None,
        secret_digest: Some("sha256:beef".to_owned()),
        wrapped_secret: None,
        created: 7,
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn chain(id: &str, application: &str, life: Chain) -> StoredChain {
    let mut body = Map::new();
    body.insert("eav".to_owned(), json!({ "a": [1, "ü"] }));
    StoredChain {
        id: id.to_owned(),
        name: "API key Acme".to_owned(),
        application: application.to_owned(),
        realm: Default::default(),
        auth_type: "api_key".to_owned(),
        template: Some("yearly".to_owned()),
        bought: Some(Bought { package: "basic".to_owned(), plan: "free".to_owned() }),
        qps: Written { ceiling: Some(5), exempt: true },
        quota: Written { ceiling: None, exempt: false },
        words: "api key acme\nacme\nkim".to_owned(),
        body,
        credentials: vec![(life.latest.number, credential(id))],
        life,
        created: 1,
        updated: 2,
    }
}

fn policy() -> Policy {
    let year = Months::new(12).unwrap();
    Policy {
        rotation: RotationPolicy::new(year, 3600),
        expiration: Months::new(13),
        manual_regeneration: true,
        overlap: 86_400,
    }
}

async fn put(store: &Store, chain: StoredChain) {
    let put = move |connection: &mut dyn Connection| chain.insert(connection);
    change(store, put).await;
}

async fn change<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let work = |change: &mut tollgate_control::store::Change<'_>, _: &mut _| {
        work(change.connection()).map_err(NotChanged::<No>::from)
    };
    store.change(deed(""), work).await.unwrap().0
}

async fn find(store: &Store, id: &'static str) -> StoredChain {
    store.read(|connection| StoredChain::find(connection, id)).await.unwrap().unwrap()
}

async fn a_chain_comes_back_as_it_was_at_every_point_of_its_life(place: Place) {
    let (store, _committed) = place.open().await;
    let mut kept = chain("a", "acme", Chain::key_set(policy(), true));
    put(&store, kept.clone()).await;
    assert_eq!(find(&store, "a").await, kept);
    for (number, event) in [
        Event::ActivationFailed("no \"gateway\"".to_owned()),
        Event::ApplicationReactivated { keep_suspended: true },
        Event::Activate,
        Event::SuspensionFailed("again".to_owned()),
        Event::Regenerate { key: KeyNumber(1), overlap: None },
        Event::Suspend,
        Event::Reactivate,
        Event::EndOverlap { key: KeyNumber(1) },
        Event::PolicyChanged(Policy { manual_regeneration: true, ..Policy::default() }),
        Event::EnforceSchedule,
        Event::PolicyChanged(Policy::default()),
        Event::Regenerate { key: KeyNumber(2), overlap: Some(60) },
        Event::Revoke { key: KeyNumber(3) },
    ]
    .into_iter()
    .enumerate()
    {
        let before = kept.life.version;
        // The policy of the second half forbids what its event asks for; the first allows it.
        let Ok(transition) = apply(&kept.life, &event, NOW + number as i64) else { continue };
        kept.life = transition.chain;
        if kept.credential(kept.life.latest.number).is_none() {
            let number = kept.life.latest.number;
            let id = format!("a{}", number.0);
            let created = kept.life.latest.issued.unwrap() * 1000;
            kept.credentials.push((number, Credential { created, ..credential(&id) }));
        }
        let next = kept.clone();
        assert!(change(&store, move |connection| next.update(connection, before)).await);
        assert_eq!(find(&store, "a").await, kept, "{event:?}");
    }
    assert_eq!(kept.life.latest.number, KeyNumber(2), "it was regenerated");

    let package_key = Chain::package_key(Some(Instant::Day(NOW)), false);
    let plain = StoredChain {
        bought: None,
        template: None,
        qps: Written::default(),
        quota: Written { ceiling: Some(u64::MAX >> 1), exempt: false },
        ..chain("b", "acme", package_key)
    };
    put(&store, plain.clone()).await;
    assert_eq!(find(&store, "b").await, plain);
}

async fn only_the_version_that_was_read_is_replaced(place: Place) {
    let (store, _committed) = place.open().await;
    let first = chain("a", "acme", Chain::package_key(None, false));
    put(&store, first.clone()).await;
    let active = apply(&first.life, &Event::Activate, NOW).unwrap().chain;
    let disabled = apply(&first.life, &Event::Disable, NOW).unwrap().chain;
    let before = first.life.version;
    let [one, other] = [active, disabled].map(|life| StoredChain { life, ..first.clone() });
    let winner = one.clone();
    let set =
        |next: StoredChain| move |connection: &mut dyn Connection| next.update(connection, before);
    assert!(change(&store, set(one)).await);
    assert!(!change(&store, set(other)).await, "it was read in a version that is gone");
    assert_eq!(find(&store, "a").await, winner);
}

async fn values_of_keys_change_places(place: Place) {
    let (store, _committed) = place.open().await;
    let mut kept = chain("a", "acme", Chain::key_set(policy(), false));
    for event in [Event::Activate, Event::Regenerate { key: KeyNumber(1), overlap: Some(60) }] {
        kept.life = apply(&kept.life, &event, NOW).unwrap().chain;
    }
    let number = kept.life.latest.number;
    let created = kept.life.latest.issued.unwrap() * 1000;
    kept.credentials.push((number, Credential { created, ..credential("b") }));
    put(&store, kept.clone()).await;
    let before = kept.life.version;
    kept.life.version += 1;
    let [(_, one), (_, other)] = &mut kept.credentials[..] else { panic!("it has two keys") };
    std::mem::swap(&mut one.digest, &mut other.digest);
    let next = kept.clone();
    assert!(change(&store, move |connection| next.update(connection, before)).await);
    assert_eq!(find(&store, "a").await, kept);
}

async fn chains_are_found_by_what_belongs_to_them(place: Place) {
    let (store, _committed) = place.open().await;
    let make = |id, application, created| StoredChain {
        created,
        ..chain(id, application, Chain::package_key(None, false))
    };
    let all = [make("c", "acme", 1), make("a", "acme", 2), make("b", "other", 0)];
    for chain in all.clone() {
        put(&store, chain).await;
    }
    let [first, second, _] = &all;
    let of_acme = store.read(|connection| StoredChain::of_application(connection, "acme"));
    assert_eq!(of_acme.await.unwrap(), [first.clone(), second.clone()]);
    let digest = credential("a").digest.to_string();
    let found = store.read(move |connection| {
        let key = StoredChain::key_of_digest(connection, &digest)?.unwrap();
        StoredChain::of_key(connection, &key)
    });
    assert_eq!(found.await.unwrap().as_ref(), Some(second));
    let mut ids = Vec::new();
    let ids = store.read(move |connection| {
        StoredChain::each(connection, |chain| {
            ids.push(chain.id);
            Ok(())
        })?;
        Ok(ids)
    });
    assert_eq!(ids.await.unwrap(), ["a", "b", "c"]);
    assert!(change(&store, |connection| StoredChain::delete(connection, "a")).await);
    assert!(!change(&store, |connection| StoredChain::delete(connection, "a")).await);
    let gone = store.read(|connection| StoredChain::of_key(connection, "a")).await;
    assert_eq!(gone.unwrap(), None, "its keys are gone with it");
}

async fn what_is_due_comes_in_order(place: Place) {
    let (store, _committed) = place.open().await;
    let mut dates = Vec::new();
    for (id, day) in [("a", 3), ("b", 1), ("c", 2)] {
        let waiting = Chain::package_key(Some(Instant::Day(day * 86_400)), false);
        let life = apply(&waiting, &Event::Activate, 0).unwrap().chain;
        dates.push(due(&life).unwrap().at);
        put(&store, chain(id, "acme", life)).await;
    }
    put(&store, chain("never", "acme", Chain::package_key(None, false))).await;
    dates.sort_unstable();
    let (first, second) = (dates[0], dates[1]);
    let found = store.read(move |connection| {
        Ok((
            StoredChain::due(connection, first - 1, 9)?,
            StoredChain::due(connection, second, 9)?,
            StoredChain::due(connection, second, 1)?,
            StoredChain::next_due(connection)?,
        ))
    });
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let expected = (ids(&[]), ids(&["b", "c"]), ids(&["b"]), Some(first));
    assert_eq!(found.await.unwrap(), expected);
}

async fn a_digest_belongs_to_one_key(place: Place) {
    let (store, _committed) = place.open().await;
    put(&store, chain("a", "acme", Chain::package_key(None, false))).await;
    let mut twin = chain("b", "acme", Chain::package_key(None, false));
    twin.credentials[0].1.digest = credential("a").digest;
    let refused = store.change(deed(""), move |change, _| {
        twin.insert(change.connection()).map_err(NotChanged::<No>::from)
    });
    assert!(matches!(refused.await, Err(NotChanged::Store(StoreError::Failed(_)))));
}

//! Key sets, as S4 wants them.

use serde_json::json;
use tollgate_control::life_cycle::{self, Event, KeyNumber, State};
use tollgate_control::operations::{Context, Lived, Refused, Subscribe, Subscribed};
use tollgate_control::store::{Change, Shelf, StoredChain};

use super::{House, properties};
use crate::engines::{Place, contract};

contract! {
    a_subscription_makes_a_key_set_or_finds_one_that_fits
    a_subscription_makes_a_key_set_for_each_authentication_type
    a_policy_comes_from_the_template_of_the_service
    a_plan_that_opens_nothing_of_the_service_is_refused
    regeneration_replaces_the_key_and_keeps_the_chain
    an_application_takes_its_key_sets_along
    what_the_life_of_a_key_set_does_not_allow_changes_nothing
}

async fn subscribe(
    house: &House,
    application: &str,
    service: &str,
) -> Result<Vec<Subscribed>, Refused> {
    let wanted = Subscribe {
        application: application.to_owned(),
        service: service.to_owned(),
        package: "basic".to_owned(),
        plan: "open".to_owned(),
    };
    house.does(move |context, change| context.subscribe(change, &wanted)).await
}

async fn live(house: &House, id: &str, event: Event) -> Result<Lived, Refused> {
    let id = id.to_owned();
    house.does(move |context, change| context.live(change, &id, None, &event)).await
}

async fn template(house: &House, id: &str, service: &str) {
    let body = json!({ "services": [service], "rotationMonths": 12, "expirationMonths": 13,
                       "manualRegeneration": true, "overlapSeconds": 0 });
    house.put(Shelf::Policies, id, "", id, body).await;
}

async fn a_subscription_makes_a_key_set_or_finds_one_that_fits(place: Place) {
    let house = House::open(&place).await;
    let [first] = subscribe(&house, "a1", "orders").await.unwrap().try_into().unwrap();
    assert!(!first.reused);
    assert_eq!(first.chain.name, "api_key Kim's");
    assert_eq!(first.chain.life.state(), State::Pending);
    let [second] = subscribe(&house, "a1", "items").await.unwrap().try_into().unwrap();
    assert!(second.reused, "same application, authentication type and policy");
    assert_eq!(second.chain.id, first.chain.id);
    let [other] = subscribe(&house, "acme", "items").await.unwrap().try_into().unwrap();
    assert!(!other.reused, "another application");
    live(&house, &first.chain.id, Event::Activate).await.unwrap();
    let revoke = Event::Revoke { key: KeyNumber(1) };
    live(&house, &first.chain.id, revoke).await.unwrap();
    let [third] = subscribe(&house, "a1", "items").await.unwrap().try_into().unwrap();
    assert!(!third.reused, "what is revoked is not revived");
}

async fn a_subscription_makes_a_key_set_for_each_authentication_type(place: Place) {
    let house = House::open(&place).await;
    let stored = json!({ "endpoints": [
        { "id": "e1", "requestAuthenticationType": "apiKey" },
        { "id": "e2", "requestAuthenticationType": "apiKeyAndSecret_MD5" },
    ] });
    house.put(Shelf::Services, "s1", "", "stored", stored).await;
    let plan = json!({ "services": [{ "id": "s1" }] });
    house.put(Shelf::Plans, "l2", "p1", "both", plan).await;
    let of_file = subscribe(&house, "a1", "both").await.unwrap();
    let wanted = Subscribe {
        application: "a1".to_owned(),
        service: "s1".to_owned(),
        package: "p1".to_owned(),
        plan: "l2".to_owned(),
    };
    let of_store = house.does(move |context, change| context.subscribe(change, &wanted)).await;
    let of_store = of_store.unwrap();
    let types = |made: &[Subscribed]| {
        made.iter().map(|set| (set.chain.auth_type.clone(), set.reused)).collect::<Vec<_>>()
    };
    let both = |reused| [("api_key".to_owned(), reused), ("api_key_and_secret".to_owned(), reused)];
    assert_eq!(types(&of_file), both(false));
    assert_eq!(types(&of_store), both(true), "one of each type fits");
    assert_ne!(of_file[0].chain.id, of_file[1].chain.id);
    let has_secret =
        |set: &Subscribed| set.chain.credential(KeyNumber(1)).unwrap().sealed_secret.is_some();
    assert!(!has_secret(&of_file[0]) && has_secret(&of_file[1]));
}

async fn a_policy_comes_from_the_template_of_the_service(place: Place) {
    let house = House::open(&place).await;
    template(&house, "yearly", "orders").await;
    let [with] = subscribe(&house, "a1", "orders").await.unwrap().try_into().unwrap();
    assert_eq!(with.chain.template.as_deref(), Some("yearly"));
    assert!(with.chain.life.policy.unwrap().manual_regeneration);
    let [without] = subscribe(&house, "a1", "items").await.unwrap().try_into().unwrap();
    assert!(!without.reused, "its policy differs");
    assert_eq!(without.chain.template, None);
}

async fn a_plan_that_opens_nothing_of_the_service_is_refused(place: Place) {
    let house = House::open(&place).await;
    let wanted = |package: &str, plan: &str, service: &str| {
        let [package, plan, service] = [package, plan, service].map(str::to_owned);
        Subscribe { application: "a1".to_owned(), service, package, plan }
    };
    for wanted in [
        wanted("basic", "free", "items"),
        wanted("basic", "none", "items"),
        wanted("p1", "l1", "items"),
    ] {
        let shown = format!("{wanted:?}");
        let refused = house
            .does(move |context, change| context.subscribe(change, &wanted))
            .await
            .unwrap_err();
        assert_eq!(properties(&refused), ["plan"], "{shown}");
    }
    let stored = wanted("p1", "l1", "orders");
    house.does(move |context, change| context.subscribe(change, &stored)).await.unwrap();
    assert_eq!(subscribe(&house, "a1", "none").await.unwrap_err(), Refused::NotFound("service"));
}

async fn regeneration_replaces_the_key_and_keeps_the_chain(place: Place) {
    let house = House::open(&place).await;
    template(&house, "yearly", "orders").await;
    let [set] = subscribe(&house, "a1", "orders").await.unwrap().try_into().unwrap();
    live(&house, &set.chain.id, Event::Activate).await.unwrap();
    let old = set.chain.credential(KeyNumber(1)).unwrap().clone();
    let regenerate = Event::Regenerate { key: KeyNumber(1), overlap: None };
    let lived = live(&house, &set.chain.id, regenerate.clone()).await.unwrap();
    let issued = lived.issued.unwrap();
    assert_eq!(issued.number, KeyNumber(2));
    let new = lived.chain.credential(KeyNumber(2)).unwrap();
    assert_eq!(house.context.open_key(new).unwrap(), Some(issued.apikey));
    assert_ne!(new.digest, old.digest);
    assert_eq!(
        lived.chain.life.keys().map(|key| key.state).collect::<Vec<_>>(),
        [State::Revoked, State::Active]
    );
    let late = live(&house, &set.chain.id, regenerate).await.unwrap_err();
    assert_eq!(late, Refused::Life(life_cycle::Refused::NotLatest));
}

async fn an_application_takes_its_key_sets_along(place: Place) {
    let house = House::open(&place).await;
    let [set] = subscribe(&house, "a1", "orders").await.unwrap().try_into().unwrap();
    live(&house, &set.chain.id, Event::Activate).await.unwrap();
    let suspended = house.does(|context, change| context.suspend_application(change, "a1"));
    let ids =
        |chains: Vec<StoredChain>| chains.into_iter().map(|chain| chain.id).collect::<Vec<_>>();
    assert_eq!(ids(suspended.await.unwrap()), [set.chain.id.as_str()]);
    assert_eq!(state(&house, &set.chain.id).await, State::Suspended);
    let [pending] = subscribe(&house, "a1", "items").await.unwrap().try_into().unwrap();
    assert_eq!(pending.chain.id, set.chain.id, "a suspended one is reused");
    let alone = live(&house, &set.chain.id, Event::Reactivate).await.unwrap_err();
    assert_eq!(alone, Refused::Life(life_cycle::Refused::ApplicationSuspended));
    let back = |context: &Context, change: &mut Change<'_>| {
        context.reactivate_application(change, "a1", false)
    };
    assert_eq!(ids(house.does(back).await.unwrap()), [set.chain.id.as_str()]);
    assert_eq!(state(&house, &set.chain.id).await, State::Active);
    let of_file = house.does(|context, change| context.suspend_application(change, "acme"));
    assert!(matches!(of_file.await.unwrap_err(), Refused::OwnedByFile(_)));
}

async fn what_the_life_of_a_key_set_does_not_allow_changes_nothing(place: Place) {
    let house = House::open(&place).await;
    let [set] = subscribe(&house, "a1", "orders").await.unwrap().try_into().unwrap();
    for event in [
        Event::Suspend,
        Event::Reactivate,
        Event::Revoke { key: KeyNumber(1) },
        Event::Regenerate { key: KeyNumber(1), overlap: None },
        Event::RotationDue,
    ] {
        let refused = live(&house, &set.chain.id, event.clone()).await.unwrap_err();
        assert!(matches!(refused, Refused::Life(_)), "{event:?}: {refused:?}");
    }
    let id = set.chain.id.clone();
    let kept = house.store.read(move |connection| StoredChain::find(connection, &id)).await;
    assert_eq!(kept.unwrap(), Some(set.chain));
}

async fn state(house: &House, id: &str) -> State {
    let id = id.to_owned();
    let kept = house.store.read(move |connection| StoredChain::find(connection, &id)).await;
    kept.unwrap().unwrap().life.state()
}

//! Package keys, as S0, S2 and S3 want them.

use tollgate_control::life_cycle::{Instant, PackageKeyStatus, State};
use tollgate_control::operations::{
    Context, MadeKey, NewPackageKey, PackageKeyChange, Refused, Secret,
};
use tollgate_control::store::{Change, NotChanged, StoredChain, Written, timeline};

use super::{House, properties};
use crate::engines::{NOW, Place, contract};

contract! {
    a_key_is_made_of_what_the_package_and_plan_say
    a_key_is_made_of_what_the_caller_says
    every_rule_that_a_new_key_breaks_is_named
    moderation_lets_the_first_keys_through
    settings_change_and_the_key_does_not
    every_rule_that_a_change_breaks_is_named_and_nothing_changes
    a_status_changes_as_the_life_of_a_key_allows
    a_deleted_key_frees_its_value
    what_the_file_owns_is_changed_there
}

fn new(application: &str, package: &str, plan: &str) -> NewPackageKey {
    let [application, package, plan] = [application, package, plan].map(str::to_owned);
    NewPackageKey { application, package, plan, ..NewPackageKey::default() }
}

async fn make(house: &House, new: NewPackageKey) -> Result<MadeKey, Refused> {
    house.does(move |context, change| context.create_package_key(change, new)).await
}

async fn update(house: &House, id: &str, wanted: PackageKeyChange) -> Result<StoredChain, Refused> {
    let id = id.to_owned();
    let update = move |context: &Context, change: &mut Change<'_>| {
        context.update_package_key(change, None, &id, wanted)
    };
    house.does(update).await
}

async fn a_key_is_made_of_what_the_package_and_plan_say(place: Place) {
    let house = House::open(&place).await;
    let made = make(&house, new("a1", "p1", "l1")).await.unwrap();
    assert_eq!(made.apikey.reveal().len(), 20, "the package's keyLength");
    assert_eq!(made.secret, None, "the package has no secrets");
    let thirty_days_on = (i64::try_from(NOW).unwrap() / 86_400_000 + 30) * 86_400;
    assert_eq!(made.chain.life.latest.expiration, Some(Instant::Day(thirty_days_on)));
    let other = make(&house, new("acme", "basic", "free")).await.unwrap();
    assert_eq!(other.apikey.reveal().len(), 32);
    assert_eq!(other.secret.as_ref().map(|secret| secret.reveal().len()), Some(10));
    assert_eq!(other.chain.life.latest.expiration, None);
    let credential = other.chain.credential(other.chain.life.latest.number).unwrap();
    assert_eq!(house.context.open_key(credential).unwrap(), Some(other.apikey.clone()));
    assert_eq!(house.context.open_secret(credential).unwrap(), other.secret);
    let sealed = credential.sealed.as_ref().unwrap();
    assert!(!sealed.windows(32).any(|part| part == other.apikey.reveal().as_bytes()));
}

async fn a_key_is_made_of_what_the_caller_says(place: Place) {
    let house = House::open(&place).await;
    let wanted = NewPackageKey {
        username: Some("kim".to_owned()),
        apikey: Some(Secret::new("Az09_-.:")),
        secret: Some(Secret::new("s3cret!")),
        status: Some(PackageKeyStatus::Active),
        qps: Written { ceiling: Some(3), exempt: true },
        quota: Written { ceiling: Some(0), exempt: false },
        expires: Some(Instant::Second(i64::from(u32::MAX))),
        ..new("a1", "p1", "l1")
    };
    let made = make(&house, wanted).await.unwrap();
    assert_eq!(made.apikey.reveal(), "Az09_-.:");
    assert_eq!(made.chain.life.state(), State::Active);
    assert_eq!(made.chain.life.latest.expiration, Some(Instant::Second(i64::from(u32::MAX))));
    let id = made.chain.id.clone();
    let kept = house.store.read(move |connection| {
        Ok((StoredChain::find(connection, &id)?, timeline::of_chain(connection, &id)?))
    });
    let (kept, timeline) = kept.await.unwrap();
    assert_eq!(kept, Some(made.chain));
    assert!(!timeline.is_empty(), "its activation is told");
}

async fn every_rule_that_a_new_key_breaks_is_named(place: Place) {
    let house = House::open(&place).await;
    let custom = |apikey: &str| NewPackageKey {
        apikey: Some(Secret::new(apikey)),
        ..new("acme", "basic", "free")
    };
    for (wanted, expected) in [
        (new("a1", "nothing", "l1"), &["package"][..]),
        (new("a1", "p1", "free"), &["plan"]),
        (new("a1", "basic", "l1"), &["plan"]),
        (new("a1", "p2", "l1"), &["plan"]),
        (new("a2", "p1", "l1"), &["member"]),
        (new("late", "basic", "free"), &["member"]),
        (custom(""), &["apikey"]),
        (custom("a b"), &["apikey"]),
        (custom("ä"), &["apikey"]),
        (custom(&"k".repeat(256)), &["apikey"]),
        (custom("test"), &["apikey"]),
        (
            NewPackageKey { username: Some("lee".to_owned()), ..custom("a/b") },
            &["username", "apikey"],
        ),
        (
            NewPackageKey {
                qps: Written { ceiling: Some(u32::MAX), exempt: false },
                quota: Written { ceiling: Some(u64::MAX), exempt: false },
                secret: Some(Secret::new("\n")),
                ..new("a1", "p1", "l1")
            },
            &["secret", "qpsLimitCeiling", "rateLimitCeiling"],
        ),
        (
            NewPackageKey {
                quota: Written { ceiling: Some(5), exempt: false },
                ..new("acme", "basic", "open")
            },
            &["rateLimitCeiling"],
        ),
    ] {
        let refused = make(&house, wanted.clone()).await.unwrap_err();
        assert_eq!(properties(&refused), expected, "{wanted:?}");
    }
    assert_eq!(
        make(&house, new("nobody", "basic", "free")).await.unwrap_err(),
        Refused::NotFound("application")
    );
    // "test" is the value of the file's key; the store refuses its own likewise.
    make(&house, custom("mine")).await.unwrap();
    let twice = make(&house, custom("mine")).await.unwrap_err();
    assert_eq!(properties(&twice), ["apikey"]);
}

async fn moderation_lets_the_first_keys_through(place: Place) {
    let house = House::open(&place).await;
    let mut states = Vec::new();
    for _ in 0..3 {
        let made = make(&house, new("a1", "p1", "l1")).await.unwrap();
        states.push(made.chain.life.state());
    }
    assert_eq!(states, [State::Active, State::Pending, State::Pending]);
    let moderated = make(&house, new("acme", "basic", "free")).await.unwrap();
    assert_eq!(moderated.chain.life.state(), State::Pending, "0 keys without review by default");
}

async fn settings_change_and_the_key_does_not(place: Place) {
    let house = House::open(&place).await;
    let made = make(&house, new("acme", "basic", "free")).await.unwrap();
    let wanted = PackageKeyChange {
        plan: Some("open".to_owned()),
        secret: Some(Secret::new("another")),
        qps_ceiling: Some(Some(7)),
        quota_exempt: Some(true),
        expires: Some(Some(Instant::Day(1_800_000_000 / 86_400 * 86_400))),
        ..PackageKeyChange::default()
    };
    let changed = update(&house, &made.chain.id, wanted).await.unwrap();
    assert_eq!(changed.bought.as_ref().map(|bought| bought.plan.as_str()), Some("open"));
    assert_eq!(changed.qps, Written { ceiling: Some(7), exempt: false });
    assert_eq!(changed.quota, Written { ceiling: None, exempt: true });
    assert!(changed.life.version > made.chain.life.version);
    let credential = changed.credential(changed.life.latest.number).unwrap();
    assert_eq!(house.context.open_key(credential).unwrap(), Some(made.apikey));
    assert_eq!(house.context.open_secret(credential).unwrap(), Some(Secret::new("another")));
    let back = PackageKeyChange {
        qps_ceiling: Some(None),
        expires: Some(None),
        ..PackageKeyChange::default()
    };
    let changed = update(&house, &made.chain.id, back).await.unwrap();
    assert_eq!(changed.qps, Written::default());
    assert_eq!(changed.life.latest.expiration, None);
}

async fn every_rule_that_a_change_breaks_is_named_and_nothing_changes(place: Place) {
    let house = House::open(&place).await;
    let made = make(&house, new("acme", "basic", "free")).await.unwrap();
    let wanted = PackageKeyChange {
        plan: Some("l1".to_owned()),
        secret: Some(Secret::new("")),
        qps_ceiling: Some(Some(u32::MAX)),
        ..PackageKeyChange::default()
    };
    let refused = update(&house, &made.chain.id, wanted).await.unwrap_err();
    assert_eq!(properties(&refused), ["plan", "secret", "qpsLimitCeiling"]);
    let outdated = PackageKeyChange { version: Some(99), ..PackageKeyChange::default() };
    assert_eq!(update(&house, &made.chain.id, outdated).await.unwrap_err(), Refused::Outdated);
    let none = update(&house, "nothing", PackageKeyChange::default()).await.unwrap_err();
    assert_eq!(none, Refused::NotFound("package key"));
    let id = made.chain.id.clone();
    let of_other = house.does(move |context, change| {
        context.update_package_key(change, Some("a1"), &id, PackageKeyChange::default())
    });
    assert_eq!(of_other.await.unwrap_err(), Refused::NotFound("package key"));
    let id = made.chain.id.clone();
    let kept = house.store.read(move |connection| StoredChain::find(connection, &id)).await;
    assert_eq!(kept.unwrap(), Some(made.chain));
}

async fn a_status_changes_as_the_life_of_a_key_allows(place: Place) {
    let house = House::open(&place).await;
    let made = make(&house, new("acme", "basic", "free")).await.unwrap();
    let to = |status| PackageKeyChange { status: Some(status), ..PackageKeyChange::default() };
    for (status, state) in [
        (PackageKeyStatus::Waiting, State::Pending),
        (PackageKeyStatus::Active, State::Active),
        (PackageKeyStatus::Disabled, State::Suspended),
        (PackageKeyStatus::Active, State::Active),
    ] {
        let changed = update(&house, &made.chain.id, to(status)).await.unwrap();
        assert_eq!(changed.life.state(), state);
    }
    let back = update(&house, &made.chain.id, to(PackageKeyStatus::Waiting)).await.unwrap_err();
    assert_eq!(properties(&back), ["status"]);
}

async fn a_deleted_key_frees_its_value(place: Place) {
    let house = House::open(&place).await;
    let custom =
        NewPackageKey { apikey: Some(Secret::new("moving")), ..new("acme", "basic", "free") };
    let made = make(&house, custom.clone()).await.unwrap();
    let id = made.chain.id.clone();
    let delete = house.does(move |context, change| context.delete_package_key(change, None, &id));
    delete.await.unwrap();
    let elsewhere = NewPackageKey { package: "p1".to_owned(), plan: "l1".to_owned(), ..custom };
    let again = make(&house, elsewhere).await.unwrap();
    assert_eq!(again.apikey, made.apikey);
    assert_ne!(again.chain.id, made.chain.id);
}

async fn what_the_file_owns_is_changed_there(place: Place) {
    let house = House::open(&place).await;
    let refused = update(&house, "old", PackageKeyChange::default()).await.unwrap_err();
    let Refused::OwnedByFile(place) = &refused else { panic!("{refused:?}") };
    assert!(place.to_string().contains("tollgate.toml:"), "{place}");
    let delete = |context: &Context, change: &mut Change<'_>| -> Result<(), NotChanged<Refused>> {
        context.delete_package_key(change, None, "old")
    };
    assert!(matches!(house.does(delete).await.unwrap_err(), Refused::OwnedByFile(_)));
}

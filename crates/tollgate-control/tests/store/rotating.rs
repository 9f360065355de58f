//! Moving keys to another sealing key and another digest scheme.

use std::sync::Arc;

use tokio::sync::watch;
use tollgate_control::model::{DigestSchemes, Objects, Pepper, SchemeSettings};
use tollgate_control::operations::{Context, MadeKey, NewPackageKey, Retrieval, Secret};
use tollgate_control::rotation::{Moved, Progress, Rotation, Stood};
use tollgate_control::seal::{Sealer, SealingKey};
use tollgate_control::store::StoredChain;

use crate::engines::{Place, contract};
use crate::operations::House;

contract! {
    what_was_sealed_before_is_sealed_anew_and_opens_throughout
    keys_are_digested_anew_and_those_that_are_not_kept_stay
    what_cannot_be_opened_stays_as_it_is
}

fn sealer(current: u8, previous: Option<u8>) -> Sealer {
    let key = |byte| SealingKey::new(&[byte; 32]);
    Sealer::new(key(current), previous.map(key))
}

fn pepper(text: &str) -> SchemeSettings {
    SchemeSettings::HmacSha256(Pepper::new(text.as_bytes().to_vec().into()))
}

fn digested(
    context: &Context,
    current: SchemeSettings,
    previous: Option<SchemeSettings>,
) -> Context {
    let digests = DigestSchemes { current, previous };
    let files = Arc::new(Objects { digests, ..Objects::clone(&context.files) });
    Context { files, ..context.clone() }
}

async fn make(house: &House) -> MadeKey {
    let [application, package, plan] = ["a1", "basic", "free"].map(str::to_owned);
    let new = NewPackageKey { application, package, plan, ..NewPackageKey::default() };
    let made = house.does(move |context, change| context.create_package_key(change, new)).await;
    made.unwrap()
}

async fn rotate(house: &House) -> Moved {
    let (_sender, files) = watch::channel(Arc::clone(&house.context.files));
    let (store, context) = (Arc::clone(&house.store), house.context.clone());
    let rotation = Rotation { store, context: Box::new(move || context.clone()), files };
    rotation.pass().await.unwrap()
}

async fn progress(house: &House) -> Progress {
    let context = house.context.clone();
    house.store.read(move |connection| Progress::of(&context, connection)).await.unwrap()
}

/// A key and its secret, as they can be shown.
async fn shown(house: &House, context: &Context, made: &MadeKey) -> [Option<Secret>; 2] {
    let id = made.chain.id.clone();
    let find = house.does(move |_, change| Ok(StoredChain::find(change.connection(), &id)?));
    let chain = find.await.unwrap().unwrap();
    assert_eq!(chain.life.version, made.chain.life.version, "nothing has happened to it");
    let credential = chain.credential(chain.life.latest.number).unwrap();
    [context.open_key(credential).unwrap(), context.open_secret(credential).unwrap()]
}

async fn what_was_sealed_before_is_sealed_anew_and_opens_throughout(place: Place) {
    let mut house = House::open(&place).await;
    let made = [make(&house).await, make(&house).await];
    // What `House` has sealed with 7 goes to 8; one key was made with 8 already.
    house.context.sealer = sealer(8, Some(7));
    let newer = make(&house).await;
    assert_eq!(progress(&house).await.sealed, Stood { present: 2, previous: 4, other: 0 });
    for made in &made {
        let both = [Some(made.apikey.clone()), made.secret.clone()];
        assert_eq!(shown(&house, &house.context, made).await, both, "before it is moved");
    }
    assert_eq!(rotate(&house).await, Moved { keys: 2, left: 0 });
    let alone = Context { sealer: sealer(8, None), ..house.context.clone() };
    for made in made.iter().chain([&newer]) {
        let both = [Some(made.apikey.clone()), made.secret.clone()];
        assert_eq!(shown(&house, &alone, made).await, both, "without the key before");
    }
    assert_eq!(progress(&house).await.sealed, Stood { present: 6, previous: 0, other: 0 });
    assert_eq!(rotate(&house).await, Moved::default(), "there is nothing left to do");
}

async fn keys_are_digested_anew_and_those_that_are_not_kept_stay(place: Place) {
    let mut house = House::open(&place).await;
    let original = house.context.clone();
    let kept = make(&house).await;
    house.context.retrieval = Retrieval::Once;
    let once = make(&house).await;
    house.context =
        digested(&original, pepper("a-pepper-of-20-bytes"), Some(SchemeSettings::Sha256));
    let newer = make(&house).await;
    assert_eq!(rotate(&house).await, Moved { keys: 1, left: 1 });
    let Progress { digested: stood, unmovable, .. } = progress(&house).await;
    assert_eq!((stood, unmovable), (Stood { present: 2, previous: 1, other: 0 }, 1));
    // A pepper after a pepper: the names of the schemes are the same.
    let (second, first) = (pepper("another-pepper-of-28-bytes"), pepper("a-pepper-of-20-bytes"));
    house.context = digested(&original, second.clone(), Some(first));
    assert_eq!(rotate(&house).await, Moved { keys: 2, left: 1 });
    let Progress { digested: stood, unmovable, .. } = progress(&house).await;
    assert_eq!((stood, unmovable), (Stood { present: 2, previous: 0, other: 1 }, 0));
    for (made, scheme) in [(kept, &second), (newer, &second), (once, &SchemeSettings::Sha256)] {
        let scheme = scheme.compile().unwrap();
        let id = made.chain.id.clone();
        let find = house.does(move |_, change| Ok(StoredChain::find(change.connection(), &id)?));
        let chain = find.await.unwrap().unwrap();
        let credential = chain.credential(chain.life.latest.number).unwrap();
        let digest = |text: &Secret| *scheme.digest(text.reveal().as_bytes()).bytes();
        assert_eq!(credential.digest.bytes, digest(&made.apikey));
        let secret_digest = credential.secret_digest.as_deref().unwrap();
        let hex: String =
            digest(&made.secret.unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(secret_digest.ends_with(&hex));
    }
}

async fn what_cannot_be_opened_stays_as_it_is(place: Place) {
    let mut house = House::open(&place).await;
    let made = make(&house).await;
    house.context.sealer = sealer(9, Some(8));
    assert_eq!(progress(&house).await.sealed, Stood { present: 0, previous: 0, other: 2 });
    assert_eq!(rotate(&house).await, Moved { keys: 0, left: 1 });
    let with_its_own = Context { sealer: sealer(7, None), ..house.context.clone() };
    let both = [Some(made.apikey.clone()), made.secret.clone()];
    assert_eq!(shown(&house, &with_its_own, &made).await, both);
}

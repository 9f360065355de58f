//! Registered proxies. Whatever happens to them and to the control plane, an answer names each, and no
//! lease ends later than it says.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_control::people::{Realm, Secret};
use tollgate_control::proxies::{
    AccessKey, Capability, Heard, Newcomer, Outcome, Proof, RegisteredProxy, Roll, Session,
};
use tollgate_control::store::{NotChanged, Store};
use tollgate_core::Revision;

use crate::engines::{Hands, Place, contract, deed, set_and_touch};

contract! {
    answers_name_every_proxy_and_no_lease_ends_later_than_they_say
}

const STEPS: usize = 600;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A proxy, as it knows itself.
#[derive(Default)]
struct Known {
    session: Option<Session>,
    serve_for: Option<u64>,
    enforced: Option<Revision>,
    /// When its lease ends, in milliseconds since 1970.
    ends: i64,
}

/// Drawn the same way each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

struct World {
    store: Arc<Store>,
    clock: Arc<Hands>,
    roll: Roll,
    proxies: BTreeMap<&'static str, Known>,
    /// What is committed, and what proxies are told of.
    committed: Revision,
    told: watch::Sender<Revision>,
}

impl World {
    fn now(&self) -> i64 {
        self.clock.0.load(SeqCst).cast_signed()
    }

    async fn open(store: Arc<Store>, clock: Arc<Hands>) -> Roll {
        Roll::load(store, clock).await.unwrap()
    }

    async fn register(&mut self, name: &'static str, serve_for: Option<u64>) {
        let known = self.proxies.entry(name).or_default();
        let newcomer = Newcomer {
            name: name.to_owned(),
            access_key: "edge".to_owned(),
            region: "eu-1".to_owned(),
            software: String::new(),
            serve_for,
            enforced: known.enforced,
            unix_ms: self.clock.0.load(SeqCst),
        };
        known.session = Some(self.roll.register(newcomer).await.unwrap());
        known.serve_for = serve_for;
    }

    /// Answers a heartbeat. The proxy renews its lease if it enforces what the answer names.
    async fn renew(&mut self, name: &str) {
        let (now, told) = (self.now(), *self.told.borrow());
        let Some(known) = self.proxies.get_mut(name) else { return };
        let Some(session) = &known.session else { return };
        self.roll.renew(session, now).await.unwrap();
        if let Some(seconds) = known.serve_for.filter(|_| known.enforced >= Some(told)) {
            known.ends = known.ends.max(now + seconds.cast_signed() * 1000);
        }
    }

    fn enforce(&mut self, name: &str) {
        let (told, unix_ms) = (*self.told.borrow(), self.clock.0.load(SeqCst));
        let Some(known) = self.proxies.get_mut(name) else { return };
        if let Some(session) = &known.session {
            known.enforced = Some(told);
            self.roll.hear(session, Heard { enforced: known.enforced, keys: 1, unix_ms });
        }
    }

    async fn forget(&mut self, name: &'static str) {
        let forgotten = self.store.change(deed(name), move |change, _| {
            Ok::<_, NotChanged<Infallible>>(RegisteredProxy::forget(change.connection(), name)?)
        });
        forgotten.await.unwrap();
        self.proxies.remove(name);
    }

    async fn restart(&mut self) {
        self.roll = Self::open(Arc::clone(&self.store), Arc::clone(&self.clock)).await;
        self.proxies.values_mut().for_each(|known| known.session = None);
    }

    async fn check(&self) {
        let here = watch::channel(self.committed).1;
        let at_once = (Instant::now(), Instant::now());
        let told = self.told.subscribe();
        let applied = self.roll.applied(self.committed, at_once, here, told).await.unwrap();
        let names: Vec<_> = applied.proxies.keys().map(String::as_str).collect();
        let known: Vec<_> = self.proxies.keys().copied().collect();
        assert_eq!(names, known);
        for (name, outcome) in &applied.proxies {
            let known = &self.proxies[name.as_str()];
            match outcome {
                Outcome::Enforced(_) => assert!(known.enforced >= Some(self.committed), "{name}"),
                Outcome::ClosesBy(at) => assert!(*at >= known.ends, "{name}: {at} {}", known.ends),
                Outcome::Unbounded => assert_eq!(known.serve_for, None, "{name}"),
            }
        }
    }
}

async fn answers_name_every_proxy_and_no_lease_ends_later_than_they_say(place: Place) {
    let (store, _committed) = place.open().await;
    let store = Arc::new(store);
    let clock = Arc::clone(&place.clock);
    let made = store.change(deed("edge"), |change, _| {
        let proof = Proof::of(&Secret::fresh().unwrap());
        let maker = ("m1", Realm::default());
        let key = AccessKey::new("edge", (Capability::Enforce, "eu-1"), maker, proof, change.now());
        Ok::<_, NotChanged<Infallible>>(key.insert(change.connection())?)
    });
    made.await.unwrap();
    let committed = set_and_touch(&store, "fact", "0").await;
    let roll = World::open(Arc::clone(&store), Arc::clone(&clock)).await;
    let told = watch::Sender::new(committed);
    let mut world = World { store, clock, roll, proxies: BTreeMap::new(), committed, told };
    let mut dice = Dice(0x5eed);
    for step in 0..STEPS {
        let name = NAMES[dice.below(NAMES.len())];
        match dice.below(24) {
            0 | 1 => {
                let serve_for = [None, Some(60), Some(600), Some(3600)][dice.below(4)];
                world.register(name, serve_for).await;
            }
            2..6 => world.renew(name).await,
            6..11 => world.enforce(name),
            11 | 12 => {
                world.committed = set_and_touch(&world.store, "fact", &step.to_string()).await;
            }
            13..16 => _ = world.told.send_replace(world.committed),
            16..18 => {
                let ms = dice.below(90_000) as u64;
                world.clock.0.fetch_add(ms, SeqCst);
            }
            18 => {
                if let Some(session) =
                    world.proxies.get_mut(name).and_then(|known| known.session.take())
                {
                    world.roll.leave(&session);
                }
            }
            19 => world.forget(name).await,
            20 if dice.below(3) == 0 => world.restart().await,
            21 => world.roll.keep().await.unwrap(),
            _ => {}
        }
        world.check().await;
    }
}

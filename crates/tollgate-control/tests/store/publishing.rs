//! From a committed change to what is decided: file and store in one snapshot.

mod apart;
mod histories;
mod owners;
mod services;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use prometheus::Registry;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use tollgate_control::life_cycle::{Event, KeyNumber, PackageKeyStatus};
use tollgate_control::model::Objects;
use tollgate_control::operations::{
    Context, NewPackageKey, PackageKeyChange, Refused, Secret, Subscribe,
};
use tollgate_control::store::{Change, Committed, Kind, NotChanged, Shelf};
use tollgate_control::{
    Published, Publisher, PublisherMetrics, Publishing, PublishingError, Reload,
};
use tollgate_core::{
    Call, CallKey, Clock, Decider, Decision, Mailbox, Notice, Now, Presented, Revision, Root,
    SnapshotReader, handoff,
};

use crate::engines::{Hands, NOW, Place, contract};
use crate::operations::{FILE, House, read};

contract! {
    a_key_works_from_its_creation_to_its_deletion
    a_plan_changes_for_all_of_its_keys
    an_application_is_suspended_with_its_keys
    a_key_set_opens_what_it_is_subscribed_to_and_counts_each_apart
    a_successor_goes_on_with_the_counters_of_its_chain
    a_file_that_contradicts_the_store_does_not_take_effect
    a_file_that_drops_what_a_plan_of_the_store_opens_does_not_take_effect
    what_was_committed_before_the_start_is_there_at_the_start
    a_secret_proves_until_another_takes_its_place
}

/// Where calls come from.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A house whose changes are published, and a gate that decides by what was.
pub(crate) struct Street {
    pub(crate) house: House,
    pub(crate) reader: SnapshotReader,
    decider: Decider,
    clock: Arc<Hands>,
    enforced: watch::Receiver<Revision>,
    reloads: mpsc::Sender<Reload>,
}

/// A worker that answers at once.
struct Post(Sender<Notice>);

impl Mailbox for Post {
    fn post(&self, notice: Notice) {
        self.0.send(notice).unwrap();
    }
}

impl Street {
    pub(crate) async fn open(place: &Place) -> Self {
        let house = House::open(place).await;
        Self::of(place, house).await.unwrap()
    }

    async fn of(place: &Place, mut house: House) -> Result<Self, PublishingError> {
        let (mut writer, reader) = handoff();
        let (sender, notices) = channel();
        std::thread::spawn(move || notices.iter().for_each(drop));
        writer.add_worker(Box::new(Post(sender)));
        let metrics = PublisherMetrics::register(&Registry::new()).unwrap();
        let publisher = Publisher::new(writer, 0, metrics);
        let clock = Arc::<Hands>::clone(&place.clock);
        let files = watch::Sender::new(Arc::clone(&house.context.files));
        let store = Arc::clone(&house.store);
        let publishing = Publishing::begin(publisher, store, Arc::<Hands>::clone(&clock), files);
        let publishing = publishing.await?;
        let enforced = publishing.enforced();
        let (reloads, asked) = mpsc::channel(1);
        let committed: mpsc::UnboundedReceiver<Committed> = house.take_committed();
        tokio::spawn(publishing.run(committed, asked, std::future::pending()));
        let decider = Decider::new(reader.clone(), Arc::<Hands>::clone(&clock));
        Ok(Self { house, reader, decider, clock, enforced, reloads })
    }

    /// Does something in one change and waits until it is enforced.
    pub(crate) async fn does<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Context, &mut Change<'_>) -> Result<T, NotChanged<Refused>> + Send + 'static,
    ) -> T {
        let done = self.house.does(work).await.unwrap();
        let newest = self.house.store.newest().await.unwrap();
        self.enforced.wait_for(|enforced| *enforced >= newest).await.unwrap();
        done
    }

    /// What comes of a call: who called it, or the code of the refusal.
    pub(crate) fn call(&self, key: &Secret, path: &str) -> Result<String, &'static str> {
        let root = self.reader.current().unwrap();
        let route = root.routes.find("any", path, &http::Method::GET).unwrap();
        self.decide(
            &root,
            &Call::new(CallKey::Presented(key.reveal().as_bytes()), &route, Some(SOURCE)),
        )
    }

    /// What comes of a call that is signed with `secret`, as Mashery signs.
    fn call_signed(
        &self,
        key: &Secret,
        secret: &Secret,
        path: &str,
    ) -> Result<String, &'static str> {
        let root = self.reader.current().unwrap();
        let route = root.routes.find("any", path, &http::Method::GET).unwrap();
        let text = format!("{}{}{}", key.reveal(), secret.reveal(), self.clock.now().unix());
        let signature: String =
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let proof = Presented::Proof { proof: signature.as_bytes(), time: None };
        let call = Call::new(CallKey::Presented(key.reveal().as_bytes()), &route, Some(SOURCE));
        self.decide(&root, &call.with_proof(proof))
    }

    fn decide(&self, root: &Root, call: &Call<'_>) -> Result<String, &'static str> {
        match self.decider.decide(root, call, self.clock.now()) {
            Decision::Admit(_, caller) => Ok(caller.application.to_string()),
            Decision::Refuse(refused, _) => Err(refused.refusal.code()),
        }
    }

    fn admitted(&self, key: &Secret, path: &str, calls: usize) -> usize {
        (0..calls).filter(|_| self.call(key, path).is_ok()).count()
    }

    async fn reload(&self, files: Arc<Objects>) -> Result<Published, PublishingError> {
        let (answer, answered) = oneshot::channel();
        let reload = Reload { files, changed: Instant::now(), answer };
        self.reloads.send(reload).await.unwrap();
        answered.await.unwrap()
    }
}

pub(crate) fn new(application: &str, package: &str, plan: &str) -> NewPackageKey {
    let [application, package, plan] = [application, package, plan].map(str::to_owned);
    let status = Some(PackageKeyStatus::Active);
    NewPackageKey { application, package, plan, status, ..NewPackageKey::default() }
}

async fn a_key_works_from_its_creation_to_its_deletion(place: Place) {
    let mut street = Street::open(&place).await;
    let waiting =
        NewPackageKey { status: Some(PackageKeyStatus::Waiting), ..new("acme", "basic", "free") };
    let made = street.does(|context, change| context.create_package_key(change, waiting)).await;
    assert_eq!(street.call(&made.apikey, "/orders"), Err("key_pending"));
    for (status, expected) in [
        (PackageKeyStatus::Active, Ok("acme".to_owned())),
        (PackageKeyStatus::Disabled, Err("key_suspended")),
        (PackageKeyStatus::Active, Ok("acme".to_owned())),
    ] {
        let id = made.chain.id.clone();
        let wanted = PackageKeyChange { status: Some(status), ..PackageKeyChange::default() };
        street
            .does(move |context, change| context.update_package_key(change, None, &id, wanted))
            .await;
        assert_eq!(street.call(&made.apikey, "/orders"), expected);
    }
    assert_eq!(street.call(&made.apikey, "/items"), Err("not_entitled"));
    let id = made.chain.id.clone();
    street.does(move |context, change| context.delete_package_key(change, None, &id)).await;
    assert_eq!(street.call(&made.apikey, "/orders"), Err("key_unknown"));
}

async fn a_plan_changes_for_all_of_its_keys(place: Place) {
    let mut street = Street::open(&place).await;
    let made = street
        .does(|context, change| context.create_package_key(change, new("a1", "p1", "l1")))
        .await;
    assert_eq!(street.call(&made.apikey, "/orders"), Err("over_qps"), "no limit is no call");
    street
        .does(|_, change| {
            let mut plan = Shelf::Plans.find(change.connection(), "l1")?.unwrap();
            plan.body.insert("qpsLimitExempt".to_owned(), json!(true));
            plan.body.insert("rateLimitCeiling".to_owned(), json!(2));
            Shelf::Plans.update(change.connection(), &plan)?;
            change.touch(Kind::Package, "p1");
            Ok(())
        })
        .await;
    assert_eq!(street.admitted(&made.apikey, "/orders", 5), 2);
}

async fn an_application_is_suspended_with_its_keys(place: Place) {
    let mut street = Street::open(&place).await;
    let made = street
        .does(|context, change| context.create_package_key(change, new("a1", "basic", "open")))
        .await;
    assert_eq!(street.call(&made.apikey, "/orders"), Ok("a1".to_owned()));
    street.does(|context, change| context.suspend_application(change, "a1")).await;
    assert!(street.call(&made.apikey, "/orders").is_err());
    street.does(|context, change| context.reactivate_application(change, "a1", false)).await;
    assert_eq!(street.call(&made.apikey, "/orders"), Ok("a1".to_owned()));
}

/// An active key set of `a1` for a service.
async fn key_set(street: &mut Street, service: &str, plan: &str) -> (String, Secret) {
    let wanted = Subscribe {
        application: "a1".to_owned(),
        service: service.to_owned(),
        package: "basic".to_owned(),
        plan: plan.to_owned(),
    };
    let chain = street
        .does(move |context, change| {
            let subscribed = context.subscribe(change, &wanted)?;
            let chain = subscribed[0].chain.clone();
            if !subscribed[0].reused {
                context.live(change, &chain.id, None, &Event::Activate)?;
            }
            Ok(chain)
        })
        .await;
    let credential = chain.credential(chain.life.latest.number).unwrap();
    (chain.id.clone(), street.house.context.open_key(credential).unwrap().unwrap())
}

async fn a_key_set_opens_what_it_is_subscribed_to_and_counts_each_apart(place: Place) {
    let mut street = Street::open(&place).await;
    let (id, key) = key_set(&mut street, "orders", "free").await;
    assert_eq!(street.admitted(&key, "/orders", 30), 10, "the burst of the plan");
    assert_eq!(street.call(&key, "/items"), Err("not_entitled"));
    let (again, same) = key_set(&mut street, "items", "open").await;
    assert_eq!((&again, &same), (&id, &key), "the set is reused");
    assert_eq!(street.admitted(&key, "/items", 30), 30, "its own plan has no limit");
    assert_eq!(street.call(&key, "/orders"), Err("over_qps"), "and the other's holds");
}

async fn a_successor_goes_on_with_the_counters_of_its_chain(place: Place) {
    let mut street = Street::open(&place).await;
    let template = json!({ "services": ["orders"], "manualRegeneration": true });
    street.house.put(Shelf::Policies, "any", "", "any", template).await;
    let (id, old) = key_set(&mut street, "orders", "free").await;
    assert_eq!(street.admitted(&old, "/orders", 7), 7);
    let overlap = Event::Regenerate { key: KeyNumber(1), overlap: Some(3600) };
    let lived = {
        let id = id.clone();
        street.does(move |context, change| context.live(change, &id, None, &overlap)).await
    };
    let new = lived.issued.unwrap().apikey;
    assert_eq!(street.admitted(&new, "/orders", 2), 2);
    assert_eq!(street.admitted(&old, "/orders", 9), 1, "both share ten");
    assert_eq!(street.admitted(&new, "/orders", 9), 0);
    // The overlap ends by the proxies' own clock, whether or not the scheduler comes.
    street.clock.0.store(NOW + 3_600_000, SeqCst);
    assert_eq!(street.call(&old, "/orders"), Err("key_expired"));
    street.does(move |context, change| context.live(change, &id, None, &Event::OverlapDue)).await;
    assert_eq!(street.call(&old, "/orders"), Err("key_revoked"));
}

async fn a_file_that_contradicts_the_store_does_not_take_effect(place: Place) {
    let mut street = Street::open(&place).await;
    let custom =
        NewPackageKey { apikey: Some(Secret::new("mine")), ..new("acme", "basic", "free") };
    let made = street.does(|context, change| context.create_package_key(change, custom)).await;
    let digest = made.chain.credential(KeyNumber(1)).unwrap().digest;
    let edited = |from: &str, to: &str| {
        assert!(FILE.contains(from));
        read(&FILE.replace(from, to)).unwrap()
    };
    let key_of_file = format!(
        "{FILE}\n[keys.new]\ndigest = \"{digest}\"\napplication = \"acme\"\n\
         package = \"basic\"\nplan = \"free\"\n"
    );
    let refused = street.reload(read(&key_of_file).unwrap()).await.unwrap_err().to_string();
    assert!(refused.contains("has the same value"), "{refused}");
    let without_old = FILE.split("[keys.old]").next().unwrap().replace("plans.free", "plans.other");
    let refused = street.reload(read(&without_old).unwrap()).await.unwrap_err().to_string();
    let needed = format!("plan basic/free is gone, but key {}", made.chain.id);
    assert!(refused.contains(&needed), "{refused}");
    assert_eq!(street.call(&Secret::new("mine"), "/orders"), Ok("acme".to_owned()));
    let closed = edited(
        "services.orders = {}\n\n[packages.basic.plans.open]",
        "services.items = {}\n\n[packages.basic.plans.open]",
    );
    let revision = street.reload(Arc::clone(&closed)).await.unwrap();
    let newest = street.house.store.newest().await.unwrap();
    assert_eq!(revision, Published::Revision(newest));
    // What is in force already is no change.
    assert_eq!(street.reload(closed).await.unwrap(), Published::Unchanged);
    assert_eq!(street.house.store.newest().await.unwrap(), newest);
    assert_eq!(street.call(&Secret::new("mine"), "/orders"), Err("not_entitled"));
    assert_eq!(street.call(&Secret::new("mine"), "/items"), Ok("acme".to_owned()));
}

async fn a_file_that_drops_what_a_plan_of_the_store_opens_does_not_take_effect(place: Place) {
    let mut street = Street::open(&place).await;
    let items = "services.items = { upstream = \"demo\", path = \"/items\", endpoints.all = {} }";
    let with = "{ upstream = \"demo\", path = \"/items\", \
                endpoints.all.methods.read.http_methods = [\"GET\"], \
                endpoints.all.methods.write.http_methods = [\"POST\"], \
                endpoints.spare.path = \"/spare\" }";
    let text = FILE.replace(items, &format!("services.items = {with}"));
    assert_ne!(text, FILE);
    street.reload(read(&text).unwrap()).await.unwrap();
    let opened = json!([{ "id": "orders" }, { "id": "items", "endpoints": [
        { "id": "all", "methods": [{ "id": "read" }] }, { "id": "spare" },
    ] }]);
    street
        .does(move |_, change| {
            let mut plan = Shelf::Plans.find(change.connection(), "l1")?.unwrap();
            plan.body.insert("services".to_owned(), opened);
            plan.body.insert("qpsLimitExempt".to_owned(), json!(true));
            plan.body.insert("rateLimitExempt".to_owned(), json!(true));
            Shelf::Plans.update(change.connection(), &plan)?;
            change.touch(Kind::Package, "p1");
            Ok(())
        })
        .await;
    let made = street
        .does(|context, change| context.create_package_key(change, new("a1", "p1", "l1")))
        .await;
    assert_eq!(street.call(&made.apikey, "/items"), Ok("a1".to_owned()));
    let before = street.house.store.newest().await.unwrap();
    for (from, to, missing) in [
        ("methods.read", "methods.get", "method items/all/read"),
        ("endpoints.spare", "endpoints.other", "endpoint items/spare"),
        ("services.items", "services.wares", "service items"),
    ] {
        let edited = read(&text.replace(from, to)).unwrap_or_else(|problems| panic!("{problems}"));
        let refused = street.reload(edited).await.unwrap_err().to_string();
        let expected = format!("{missing} is gone, but plan p1/l1 of the store needs it");
        assert!(refused.contains(&expected), "{refused}");
    }
    assert_eq!(street.call(&made.apikey, "/items"), Ok("a1".to_owned()));
    assert_eq!(street.house.store.newest().await.unwrap(), before, "nothing was changed");
    // What no plan of the store opens may go.
    let edited = text.replace("methods.write", "methods.post");
    street.reload(read(&edited).unwrap()).await.unwrap();
    assert_eq!(street.call(&made.apikey, "/items"), Ok("a1".to_owned()));
}

async fn what_was_committed_before_the_start_is_there_at_the_start(place: Place) {
    let house = House::open(&place).await;
    let made = house
        .does(|context, change| context.create_package_key(change, new("acme", "basic", "free")));
    let made = made.await.unwrap();
    let street = Street::of(&place, house).await.unwrap();
    assert_eq!(street.call(&made.apikey, "/orders"), Ok("acme".to_owned()));
    let of_file = Secret::new("test");
    assert_eq!(street.call(&of_file, "/orders"), Ok("acme".to_owned()));
    let newest = street.house.store.newest().await.unwrap();
    assert_eq!(street.reader.current().unwrap().revision, newest);
}

async fn a_secret_proves_until_another_takes_its_place(place: Place) {
    let mut street = Street::open(&place).await;
    let made = street
        .does(|context, change| context.create_package_key(change, new("acme", "basic", "open")))
        .await;
    let (key, old) = (made.apikey, made.secret.unwrap());
    assert_eq!(street.call(&key, "/signed"), Err("proof_missing"));
    assert_eq!(street.call_signed(&key, &Secret::new("guessed"), "/signed"), Err("proof_invalid"));
    assert_eq!(street.call_signed(&key, &old, "/signed"), Ok("acme".to_owned()));
    let (id, next) = (made.chain.id, Secret::new("another"));
    let wanted = PackageKeyChange { secret: Some(next.clone()), ..PackageKeyChange::default() };
    street.does(move |context, change| context.update_package_key(change, None, &id, wanted)).await;
    assert_eq!(street.call_signed(&key, &old, "/signed"), Err("proof_invalid"));
    assert_eq!(street.call_signed(&key, &next, "/signed"), Ok("acme".to_owned()));
}

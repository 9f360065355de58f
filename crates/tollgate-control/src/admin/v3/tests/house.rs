//! A control plane with objects of all kinds in it, which differ in few ways.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::watch;
use tollgate_core::{Clock, Now, Revision, handoff};

use crate::directory::realm;
use crate::document;
use crate::feed::FeedMetrics;
use crate::file::read_objects;
use crate::life_cycle::{Chain, Event, Instant, KeyNumber, apply};
use crate::model::{DigestLiteral, Objects, Scheme};
use crate::operations::Retrieval;
use crate::people::{Lifetimes, Permissions};
use crate::plane::{ControlPlane, ControlSettings, Regions, StorePlace};
use crate::store::{Bought, Credential, Deed, Document, NotChanged, Shelf, StoredChain, Written};
use crate::webhooks::AddressRules;
use crate::{Publisher, PublisherMetrics};

/// When everything was made, or up to three days later.
pub(super) const NOW: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;

const KEYS: usize = 70;
pub(super) const APPLICATIONS: usize = 9;
const MEMBERS: usize = 4;

const FILE: &str = r#"
upstreams.demo.url = "http://127.0.0.1:9000"
members.jo = {}
applications.acme.owner = "jo"
services.orders = { upstream = "demo", path = "/orders", endpoints.all = {} }
[digest]
scheme = "sha256"
[packages.basic.plans.free]
qps_limit_ceiling = 10
rate_limit_ceiling = 1000
rate_limit_period = "day"
services.orders = {}
[keys.acme-1]
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
application = "acme"
package = "basic"
plan = "free"
[keys.acme-2]
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000002"
application = "acme"
package = "basic"
plan = "free"
status = "suspended"
"#;

pub(super) struct House {
    pub(super) plane: ControlPlane,
    _folder: TempDir,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { monotonic: 0, unix_ms: NOW.cast_unsigned() }
    }
}

impl House {
    /// One with its objects in `store`, or in a file.
    pub(super) async fn full(store: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tollgate.toml");
        std::fs::write(&path, FILE).unwrap();
        let files: Arc<Objects> =
            document::read(&path, |root| read_objects(root, 0).objects).unwrap().0;
        let file = |name: &str| folder.path().join(name);
        let settings = ControlSettings {
            store: match store {
                Some(url) => StorePlace::Postgres { url, password_file: None, tls: None },
                None => StorePlace::File(file("store.db")),
            },
            sealing_key_file: file("sealing.key"),
            previous_sealing_key_file: None,
            pepper_file: file("pepper.key"),
            first_administrator_file: file("first.toml"),
            lifetimes: Lifetimes { access: Default::default(), refresh: Default::default() },
            retrieval: Retrieval::Always,
            permissions: Permissions::default(),
            import_body_limit: 1 << 20,
            webhooks: AddressRules::default(),
            regions: Regions {
                own: "eu-1".to_owned(),
                all: vec!["eu-1".to_owned()],
                public_url: "http://127.0.0.1:8082".to_owned(),
            },
        };
        let (files, enforced) = (watch::channel(files).1, watch::channel(Revision::default()).1);
        let given = watch::channel(Arc::default()).1;
        let reader = handoff().1;
        let (writer, _) = handoff();
        let registry = prometheus::Registry::new();
        let mut publisher =
            Publisher::new(writer, 1, PublisherMetrics::register(&registry).unwrap());
        let metrics = FeedMetrics::register(&registry).unwrap();
        let feed =
            publisher.feed("production", (folder.path(), None), Arc::new(Still), metrics).unwrap();
        let plane =
            ControlPlane::open(settings, Arc::new(Still), files, enforced, reader, given, feed)
                .await
                .unwrap()
                .0;
        let deed = Deed {
            actor: String::new(),
            action: String::new(),
            kind: String::new(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let filled = plane.store.change(deed, |change, _| {
            let mut runner = TestRunner::deterministic();
            let mut any = |of: BoxedStrategy<Document>| of.new_tree(&mut runner).unwrap().current();
            let members: Vec<_> = (0..MEMBERS).map(|n| any(member(n).boxed())).collect();
            let applications: Vec<_> =
                (0..APPLICATIONS).map(|n| any(application(n).boxed())).collect();
            Shelf::Members.insert_all(change.connection(), &members)?;
            Shelf::Applications.insert_all(change.connection(), &applications)?;
            for (id, name) in [("p1", "Pro"), ("p2", "Pro"), ("p3", "basic")] {
                let package = document(id, "", name, Map::new(), 0);
                Shelf::Packages.insert(change.connection(), &package)?;
                let plan = document(&format!("{id}-plan"), id, "free", Map::new(), 0);
                Shelf::Plans.insert(change.connection(), &plan)?;
            }
            for number in 0..KEYS {
                let key = key(number, applications.clone());
                let key = key.new_tree(&mut runner).unwrap().current();
                key.insert(change.connection())?;
            }
            Ok::<_, NotChanged<super::super::Failure>>(())
        });
        filled.await.unwrap();
        Self { plane, _folder: folder }
    }
}

fn document(id: &str, parent: &str, name: &str, body: Map<String, Json>, days: i64) -> Document {
    let created = NOW + days * DAY;
    let (id, parent, name) = (id.to_owned(), parent.to_owned(), name.to_owned());
    Document { id, parent, name, body, created, updated: created + days }
}

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().cloned().unwrap_or_default()
}

fn word() -> impl Strategy<Value = &'static str> {
    select(vec!["red", "Red", "50%_off", "ÜNDER score", "\"x\"", "no", "2026-01-02"])
}

fn whose() -> impl Strategy<Value = Option<(&'static str, Option<&'static str>)>> {
    select(vec![None, Some(("o1", None)), Some(("o1", Some("g1"))), Some(("o2", Some("g2")))])
}

fn own(body: &mut Map<String, Json>, whose: Option<(&str, Option<&str>)>) {
    let Some((organization, group)) = whose else { return };
    body.insert("organization".to_owned(), json!({ "id": organization }));
    if let Some(group) = group {
        body.insert("group".to_owned(), json!(group));
    }
}

fn member(number: usize) -> impl Strategy<Value = Document> {
    (word(), whose(), 0..3_i64).prop_map(move |(word, whose, days)| {
        let mut body = object(&json!({ "email": word, "areaStatus": "active", "company": "acme" }));
        own(&mut body, whose);
        document(&format!("m{number}"), "", &format!("user{number}"), body, days)
    })
}

fn application(number: usize) -> impl Strategy<Value = Document> {
    (word(), word(), 0..MEMBERS, whose(), 0..3_i64, any::<bool>()).prop_map(
        move |(name, tags, member, whose, days, packaged)| {
            let username = format!("user{member}");
            let mut body = object(&json!({
                "username": username, "tags": tags, "isPackaged": packaged, "count": number,
            }));
            own(&mut body, whose);
            document(&format!("a{number}"), &format!("m{member}"), name, body, days)
        },
    )
}

fn key(number: usize, applications: Vec<Document>) -> impl Strategy<Value = StoredChain> {
    let ends = prop::option::of((0..3_i64, any::<bool>()));
    let own = (prop::option::of(0..3_u32), prop::option::of(0..3_u64), any::<bool>());
    let bought = prop::option::of(select(vec![
        ("basic", "free"),
        ("p1", "p1-plan"),
        ("p2", "p2-plan"),
        ("p3", "p3-plan"),
    ]));
    let told =
        prop::option::of(select(vec![json!({ "a": 1 }), json!({ "a": "red", "b": [true] })]));
    let times = (0..3_i64, 0..3_i64, 0..4_usize);
    (select(applications), ends, own, bought, told, times).prop_map(
        move |(application, ends, (qps, quota, exempt), bought, told, (made, changed, events))| {
            let ends = ends.map(|(days, day)| {
                let second = (NOW + days * DAY) / 1000;
                if day { Instant::Day(second) } else { Instant::Second(second + 3600) }
            });
            let life = match number.is_multiple_of(9) {
                true => Chain::key_set(Default::default(), false),
                false => Chain::package_key(ends, false),
            };
            let all = [Event::Activate, Event::Suspend, Event::Revoke { key: KeyNumber(1) }];
            let life = all.into_iter().take(events).fold(life, |life, event| {
                let happened = apply(&life, &event, NOW / 1000 - 9);
                happened.map_or(life, |transition| transition.chain)
            });
            let id = format!("k{number:03}");
            let bytes = Sha256::digest(format!("key-{number}")).into();
            let credential = Credential {
                id: id.clone(),
                digest: DigestLiteral { scheme: Scheme::Sha256, bytes },
                scheme: Some("sha256".to_owned()),
                sealed: None,
                sealed_secret: None,
                secret_digest: None,
                wrapped_secret: None,
                created: NOW,
            };
            StoredChain {
                name: String::new(),
                realm: realm(&application.body),
                application: application.id,
                auth_type: "api_key".to_owned(),
                template: None,
                bought: bought.map(|(package, plan)| Bought {
                    package: package.to_owned(),
                    plan: plan.to_owned(),
                }),
                qps: Written { ceiling: qps, exempt },
                quota: Written { ceiling: quota, exempt: !exempt },
                words: application.name.to_lowercase(),
                body: told.map(|told| ("eav".to_owned(), told)).into_iter().collect(),
                credentials: vec![(life.latest.number, credential)],
                life,
                created: NOW + made * DAY,
                updated: NOW + changed * DAY + 1,
                id,
            }
        },
    )
}

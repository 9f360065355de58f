//! A store with many keys in it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tollgate_control::document;
use tollgate_control::file::read_objects;
use tollgate_control::life_cycle::{Chain, Event, apply};
use tollgate_control::model::{DigestLiteral, Objects, Scheme};
use tollgate_control::operations::{Context, Refused, Retrieval};
use tollgate_control::seal::{Sealer, SealingKey};
use tollgate_control::store::{
    Bought, Committed, Credential, Deed, Document, Engine, NotChanged, Postgres, Shelf, Sqlite,
    Store, StoredChain, Written,
};
use tollgate_core::{Clock, Now};

const FILE: &str = r#"
upstreams.demo.url = "http://127.0.0.1:9000"
members.jo = {}
services.orders = { upstream = "demo", path = "/orders", endpoints.all = {} }

[packages.basic.plans.free]
qps_limit_ceiling = 10
rate_limit_ceiling = 1000
rate_limit_period = "day"
services.orders = {}
"#;

/// So many keys share a change.
const BATCH: usize = 10_000;

/// So many keys an application has.
pub(crate) const OF_APPLICATION: usize = 100;

/// One key in so many is suspended.
pub(crate) const SUSPENDED: usize = 100;

pub(crate) struct House {
    folder: TempDir,
    engine: Arc<dyn Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) context: Context,
}

/// The clock of the machine.
struct System(Instant);

impl Clock for System {
    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.0.elapsed().as_nanos() as u64, unix_ms: unix.as_millis() as u64 }
    }
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine: Arc<dyn Engine> = match std::env::var("POSTGRES") {
            Ok(url) => Arc::new(Postgres::new(&url).expect("an address")),
            Err(_) => Arc::new(Sqlite::open(&folder.path().join("store.db")).expect("a store")),
        };
        let file = folder.path().join("tollgate.toml");
        std::fs::write(&file, FILE).expect("a file");
        let files = document::read(&file, |root| read_objects(root, 0).objects);
        let files: Arc<Objects> = files.expect("a configuration").0;
        let sealer = Sealer::new(SealingKey::new(&[7; 32]), None);
        let context = Context { files, sealer, retrieval: Retrieval::Always };
        Self { folder, engine, clock: Arc::new(System(Instant::now())), context }
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_heard().await.0
    }

    pub(crate) async fn open_heard(&self) -> (Store, UnboundedReceiver<Committed>) {
        let opened = Store::open(Arc::clone(&self.engine), Arc::clone(&self.clock));
        opened.await.expect("a store")
    }

    /// Bytes on the disk, where it is a file of ours.
    pub(crate) fn bytes(&self) -> Option<u64> {
        std::fs::metadata(self.folder.path().join("store.db")).map(|file| file.len()).ok()
    }

    pub(crate) async fn fill(&self, store: &Store, keys: usize) {
        for first in (0..keys).step_by(BATCH) {
            let context = self.context.clone();
            let filled = store.change(deed(), move |change, _| {
                for number in first..keys.min(first + BATCH) {
                    if number.is_multiple_of(OF_APPLICATION) {
                        let application = application(number / OF_APPLICATION, change.now());
                        Shelf::Applications.insert(change.connection(), &application)?;
                    }
                    let chain = chain(&context, number, change.now());
                    chain.insert(change.connection())?;
                }
                Ok::<_, NotChanged<Refused>>(())
            });
            filled.await.map_err(|_| "a change").expect("a change");
        }
    }
}

pub(crate) fn deed() -> Deed {
    let [actor, action, kind, object, details] =
        ["bench", "fill", "key", "", "{}"].map(str::to_owned);
    Deed { actor, action, kind, object, details }
}

fn application(number: usize, now: i64) -> Document {
    let body = json!({ "username": "jo", "description": "made to be counted" });
    Document {
        id: format!("application-{number}"),
        parent: "jo".to_owned(),
        name: format!("Application {number}"),
        body: body.as_object().cloned().unwrap_or_default(),
        created: now,
        updated: now,
    }
}

/// A key as the API makes it, sealed too.
fn chain(context: &Context, number: usize, now: i64) -> StoredChain {
    let id = format!("00000000-0000-7000-8000-{number:012x}");
    let key = format!("key-{number}");
    let active = |life: Chain, event: &Event| match apply(&life, event, now / 1000) {
        Ok(transition) => transition.chain,
        Err(_) => life,
    };
    let mut life = active(Chain::package_key(None, false), &Event::Activate);
    if number.is_multiple_of(SUSPENDED) {
        life = active(life, &Event::Suspend);
    }
    let application = number / OF_APPLICATION;
    let credential = Credential {
        id: id.clone(),
        digest: DigestLiteral { scheme: Scheme::Sha256, bytes: Sha256::digest(&key).into() },
        scheme: Some(context.files.digests.current.mark()),
        sealed: context.sealer.seal(&id, "apikey", key.as_bytes()).ok(),
        sealed_secret: None,
        secret_digest: None,
        wrapped_secret: None,
        created: now,
    };
    StoredChain {
        name: String::new(),
        application: format!("application-{application}"),
        realm: Default::default(),
        auth_type: "api_key".to_owned(),
        template: None,
        bought: Some(Bought { package: "basic".to_owned(), plan: "free".to_owned() }),
        qps: Written::default(),
        quota: Written::default(),
        words: format!("\napplication {application}\njo"),
        body: Map::new(),
        credentials: vec![(life.latest.number, credential)],
        life,
        created: now,
        updated: now,
        id,
    }
}

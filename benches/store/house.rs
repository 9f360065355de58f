//! A store with many keys in it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tollgate_control::document;
use tollgate_control::file::read_objects;
use tollgate_control::life_cycle::{Chain, Event, Instant, apply};
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

/// So many applications a member has.
const OF_MEMBER: usize = 10;

/// One key in so many says something else of itself, or has an end.
const TALKATIVE: usize = 100;

/// One key in so many has a ceiling of its own.
const OWN_CEILING: usize = 7;

/// What the keys are sealed with.
const SEALING_KEY: [u8; 32] = [7; 32];

pub(crate) struct House {
    folder: TempDir,
    /// `None` = another process has it.
    engine: Option<Arc<dyn Engine>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) context: Context,
}

/// The clock of the machine.
struct System(std::time::Instant);

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
        let sealer = Sealer::new(SealingKey::new(&SEALING_KEY), None);
        let context = Context { files, sealer, retrieval: Retrieval::Always };
        Self {
            folder,
            engine: Some(engine),
            clock: Arc::new(System(std::time::Instant::now())),
            context,
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_heard().await.0
    }

    pub(crate) async fn open_heard(&self) -> (Store, UnboundedReceiver<Committed>) {
        let engine = self.engine.as_ref().expect("an engine of this process");
        let opened = Store::open(Arc::clone(engine), Arc::clone(&self.clock));
        opened.await.expect("a store")
    }

    /// Leaves the store to another process.
    pub(crate) fn let_go(&mut self) {
        self.engine = None;
    }

    /// A folder of its own.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `tollgate run` reads to have this store.
    pub(crate) fn configuration(&self) -> PathBuf {
        let hex: String = SEALING_KEY.iter().map(|byte| format!("{byte:02x}")).collect();
        let sealing = self.folder.path().join("sealing.key");
        std::fs::write(&sealing, hex).expect("a file");
        std::fs::set_permissions(&sealing, Permissions::from_mode(0o600)).expect("a mode");
        let store = std::env::var("POSTGRES").unwrap_or_else(|_| "store.db".to_owned());
        let path = self.folder.path().join("run.toml");
        // As the keys are digested: else the process would digest all of them anew meanwhile.
        let more = format!(
            "[digest]\nscheme = \"sha256\"\n[control]\naddress = \"127.0.0.1:0\"\nstore = \"{store}\"\n[ops]\naddress = \
             \"127.0.0.1:0\"\n[log]\nlevel = \"warn\"\n[listeners.data]\naddress = \
             \"127.0.0.1:0\"\n"
        );
        std::fs::write(&path, format!("{FILE}{more}")).expect("a file");
        path
    }

    /// Lets a server put in order what was filled, as it does by itself within minutes.
    pub(crate) fn settle(&self) {
        let Ok(url) = std::env::var("POSTGRES") else { return };
        // On a thread of its own: the client has a runtime, and here is one already.
        let settled = std::thread::spawn(move || {
            let client = postgres::Client::connect(&url, postgres::NoTls);
            client.expect("a server").batch_execute("VACUUM ANALYZE").expect("a vacuum");
        });
        settled.join().expect("a settled store");
    }

    /// Bytes on the disk, where it is a file of ours.
    pub(crate) fn bytes(&self) -> Option<u64> {
        std::fs::metadata(self.folder.path().join("store.db")).map(|file| file.len()).ok()
    }

    pub(crate) async fn fill(&self, store: &Store, keys: usize) {
        for first in (0..keys).step_by(BATCH) {
            let context = self.context.clone();
            let filled = store.change(deed(), move |change, _| {
                let numbers = first..keys.min(first + BATCH);
                let (now, connection) = (change.now(), change.connection());
                let every =
                    |step: usize| numbers.clone().filter(move |one| one.is_multiple_of(step));
                let members = every(OF_APPLICATION * OF_MEMBER);
                let members: Vec<_> =
                    members.map(|one| member(one / OF_APPLICATION / OF_MEMBER, now)).collect();
                Shelf::Members.insert_all(connection, &members)?;
                let applications = every(OF_APPLICATION);
                let applications: Vec<_> =
                    applications.map(|one| application(one / OF_APPLICATION, now)).collect();
                Shelf::Applications.insert_all(connection, &applications)?;
                let chains: Vec<_> =
                    numbers.clone().map(|number| chain(&context, number, now)).collect();
                StoredChain::insert_all(connection, &chains)?;
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
    let member = number / OF_MEMBER;
    let body = json!({
        "username": format!("user-{member}"), "description": "made to be counted",
        "externalId": format!("external-{number}"), "status": "active",
    });
    Document {
        id: format!("application-{number}"),
        parent: format!("member-{member}"),
        name: format!("Application {number}"),
        body: body.as_object().cloned().unwrap_or_default(),
        created: now,
        updated: now,
    }
}

fn member(number: usize, now: i64) -> Document {
    let body = json!({
        "email": format!("user-{number}@example.com"), "displayName": format!("User {number}"),
        "areaStatus": "active",
    });
    Document {
        id: format!("member-{number}"),
        parent: String::new(),
        name: format!("user-{number}"),
        body: body.as_object().cloned().unwrap_or_default(),
        created: now,
        updated: now,
    }
}

/// The id of a key.
pub(crate) fn id(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

/// A key as the API makes it, sealed too.
fn chain(context: &Context, number: usize, now: i64) -> StoredChain {
    let id = id(number);
    let key = format!("key-{number}");
    let active = |life: Chain, event: &Event| match apply(&life, event, now / 1000) {
        Ok(transition) => transition.chain,
        Err(_) => life,
    };
    let talks = number.is_multiple_of(TALKATIVE);
    let ends = talks.then(|| Instant::Day((now / 86_400_000 + 30) * 86_400));
    let mut life = active(Chain::package_key(ends, false), &Event::Activate);
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
        qps: Written {
            ceiling: number.is_multiple_of(OWN_CEILING).then_some((number % 1000) as u32),
            exempt: false,
        },
        quota: Written::default(),
        words: format!("\napplication {application}\nuser-{}", application / OF_MEMBER),
        body: if talks { told(number) } else { Map::new() },
        credentials: vec![(life.latest.number, credential)],
        life,
        created: now,
        updated: now,
        id,
    }
}

/// What a client has said of a key besides.
fn told(number: usize) -> Map<String, Json> {
    let told = json!({ "eav": { "team": format!("team-{}", number / TALKATIVE) } });
    told.as_object().cloned().unwrap_or_default()
}

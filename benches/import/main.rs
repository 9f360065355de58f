//! How long a bulk import takes, and how much memory.
//!
//!   cargo bench --bench import                 1,000,000 keys, on SQLite
//!   cargo bench --bench import -- 100000       so many
//!   POSTGRES=postgresql://… cargo bench --bench import     an empty database
//!
//! The document is a list of v3, one application for ten keys. Reading, drafting, writing
//! rows and revealing them are timed apart, as is the export; memory is the process's peak after each.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, reason = "a bench that fails ends")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinHandle;
use tollgate_control::document;
use tollgate_control::file::read_objects;
use tollgate_control::migration::{Format, PlanName};
use tollgate_control::model::Objects;
use tollgate_control::operations::{Context, Destination, NotImported, Retrieval};
use tollgate_control::seal::{Sealer, SealingKey};
use tollgate_control::store::{Deed, Engine, Kind, NotChanged, Postgres, Sqlite, Store};
use tollgate_core::{Clock, Now};

/// When it is, in milliseconds since 1970.
const NOW: i64 = 1_767_225_600_000;

/// How long it takes until another change is asked for.
const PAUSE: Duration = Duration::from_millis(10);

const FILE: &str = r#"
upstreams.demo.url = "http://127.0.0.1:9000"
services.orders = { upstream = "demo", path = "/orders", endpoints.all = {} }
[packages.basic.plans.free]
qps_limit_ceiling = 10
rate_limit_ceiling = 1000
rate_limit_period = "day"
services.orders = {}
"#;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let count: usize = count.unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let engine: Arc<dyn Engine> = match std::env::var("POSTGRES") {
        Ok(url) => Arc::new(Postgres::new(&url).expect("an address")),
        Err(_) => Arc::new(Sqlite::open(&path).expect("a store")),
    };
    let (store, _committed) = Store::open(engine, Arc::new(Fixed)).await.expect("a store");
    let store = Arc::new(store);
    let context = Context {
        files: objects(folder.path()),
        sealer: Sealer::new(SealingKey::new(&[7; 32]), None),
        retrieval: Retrieval::Always,
    };
    let document = document(count);
    println!("{count} keys, {} MB of JSON", document.len() / 1_000_000);
    told("made", Instant::now());
    for dry_run in [true, false] {
        let began = Instant::now();
        let reading = Format::V3.read(document.as_bytes()).expect("a list");
        told("read", began);
        let others = others(&store);
        let plan = PlanName { package: "basic".to_owned(), plan: "free".to_owned() };
        let destination = Destination { plan: Some(plan), ..Destination::default() };
        let (drafting, began) = (context.clone(), Instant::now());
        let drafted = store.read(move |connection| {
            Ok(drafting.draft_import(connection, reading, &destination, NOW))
        });
        let draft = drafted.await.expect("a store").unwrap_or_else(|_| unreachable!("good"));
        told("draft", began);
        let mut imported = draft.imported().clone();
        if !dry_run {
            let began = Instant::now();
            let context = context.clone();
            let within = context.clone();
            let written = draft.write_ahead(&store, move || within.clone()).await;
            let written = written.unwrap_or_else(|_| unreachable!("every row is good"));
            told("write", began);
            let began = Instant::now();
            let done = store.change(deed(), move |change, _| context.import(change, &written));
            (imported, _) = done.await.unwrap_or_else(|_| unreachable!("every row is good"));
            told("reveal", began);
        }
        others.tell().await;
        println!("  {} keys, {} applications", imported.keys, imported.applications);
    }
    let began = Instant::now();
    let exported = store.read(move |connection| {
        context.export(connection, |line| {
            std::hint::black_box(line);
            Ok(())
        })
    });
    exported.await.expect("a store").expect("keys that can be seen");
    told("export", began);
    if let Ok(file) = fs::metadata(&path) {
        println!("store: {} MB", file.len() / 1_000_000);
    }
}

fn told(what: &str, began: Instant) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{what:<8} {:>8.1?}, peak memory {}", began.elapsed(), peak.unwrap_or("?").trim());
}

/// Changes that are made one after another until the import is done.
struct Others {
    done: oneshot::Sender<()>,
    waits: JoinHandle<Vec<Duration>>,
}

fn others(store: &Arc<Store>) -> Others {
    let (done, mut ended) = oneshot::channel();
    let store = Arc::clone(store);
    let waits = tokio::spawn(async move {
        let mut waits = Vec::new();
        while let Err(TryRecvError::Empty) = ended.try_recv() {
            let began = Instant::now();
            let changed = store.change(deed(), |change, _| {
                change.touch(Kind::Key, "another");
                Ok::<_, NotChanged<NotImported>>(())
            });
            changed.await.expect("a store");
            waits.push(began.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        waits
    });
    Others { done, waits }
}

impl Others {
    /// Prints how long they waited.
    async fn tell(self) {
        let _ = self.done.send(());
        let mut waits = self.waits.await.expect("changes");
        waits.sort();
        let (Some(most), Some(half)) = (waits.last(), waits.get(waits.len() / 2)) else { return };
        println!("  {} other changes waited {half:.1?} (p50), {most:.1?} (max)", waits.len());
    }
}

fn document(count: usize) -> String {
    let mut document = "[".to_owned();
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        let owner = number / 10;
        write!(
            document,
            "{comma}\n{{\"id\":\"{number}\",\"apikey\":\"key-{number:032}\",\"secret\":\"secret{number:06}\",\
             \"status\":\"active\",\"qpsLimitCeiling\":5,\"qpsLimitExempt\":false,\
             \"rateLimitCeiling\":null,\"rateLimitExempt\":false,\
             \"application\":{{\"name\":\"app {owner}\",\"username\":\"user{owner}\"}}}}"
        )
        .expect("memory");
    }
    document + "\n]"
}

fn objects(folder: &Path) -> Arc<Objects> {
    let path = folder.join("tollgate.toml");
    fs::write(&path, FILE).expect("a folder that can be written to");
    let read = document::read(&path, |root| read_objects(root, 0).objects);
    read.expect("a good document").0
}

fn deed() -> Deed {
    Deed {
        actor: "bench".to_owned(),
        action: "key.import".to_owned(),
        kind: "key".to_owned(),
        object: String::new(),
        details: "{}".to_owned(),
    }
}

/// It is always the same instant.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Now {
        Now { monotonic: 0, unix_ms: NOW.unsigned_abs() }
    }
}

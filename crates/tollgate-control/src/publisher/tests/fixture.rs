//! A publisher with one worker, a decider behind it and a clock in the test's hand.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use http::Method;
use prometheus::Registry;
use tempfile::TempDir;
use tollgate_core::{
    Call, CallKey, Clock, Decider, Decision, Mailbox, Notice, Now, Revision, Root, Route,
    SnapshotReader, handoff,
};

use crate::document::{self, Problems};
use crate::file::read_objects;
use crate::model::Objects;
use crate::publisher::{Published, Publisher, PublisherMetrics};

/// 2026-01-01T12:00:00Z.
pub(super) const NOON: u64 = 1_767_268_800;

/// A clock that stands still until it is told to go on.
#[derive(Debug, Default)]
pub(super) struct Hand(AtomicU64);

impl Hand {
    pub(super) fn advance(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds, SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Now {
        let milliseconds = self.0.load(SeqCst);
        Now {
            monotonic: 1_000_000_000 + milliseconds * 1_000_000,
            unix_ms: NOON * 1000 + milliseconds,
        }
    }
}

struct Post(Sender<Notice>);

impl Mailbox for Post {
    fn post(&self, notice: Notice) {
        self.0.send(notice).unwrap();
    }
}

pub(super) struct Gate {
    pub(super) publisher: Publisher,
    pub(super) reader: SnapshotReader,
    pub(super) decider: Decider,
    pub(super) clock: Arc<Hand>,
    /// What the worker has been told and not answered yet.
    pub(super) notices: Receiver<Notice>,
    folder: TempDir,
    /// What was published last.
    published: Option<Objects>,
}

impl Gate {
    pub(super) fn new() -> Self {
        let (mut writer, reader) = handoff();
        let (sender, notices) = channel();
        writer.add_worker(Box::new(Post(sender)));
        let metrics = PublisherMetrics::register(&Registry::new()).unwrap();
        let clock = Arc::new(Hand::default());
        Self {
            publisher: Publisher::new(writer, 1, metrics),
            decider: Decider::new(reader.clone(), Arc::clone(&clock) as Arc<dyn Clock>),
            reader,
            clock,
            notices,
            folder: tempfile::tempdir().unwrap(),
            published: None,
        }
    }

    pub(super) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(super) fn root(&self) -> Arc<Root> {
        self.reader.current().unwrap()
    }

    /// What the file source makes of `text`.
    pub(super) fn read(&self, text: &str) -> Result<Objects, Problems> {
        let path = self.folder.path().join("tollgate.toml");
        fs::write(&path, text).unwrap();
        let now = i64::try_from(self.now().unix()).unwrap();
        let read = document::read(&path, |root| read_objects(root, now).objects);
        read.map(|(objects, _)| Arc::unwrap_or_clone(objects))
    }

    /// Publishes what `text` says.
    pub(super) fn publish(&mut self, text: &str) -> Published {
        let objects = self.read(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let unix = self.now().unix();
        let published = self.publisher.publish(&objects, None, unix, Instant::now()).unwrap();
        self.published = Some(objects);
        published
    }

    /// Publishes what `text` says of the keys that it changes; it changes nothing else.
    pub(super) fn publish_keys(&mut self, text: &str) -> Published {
        let objects = self.read(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let before = self.published.take().unwrap();
        let names: BTreeSet<_> = before.keys.keys().chain(objects.keys.keys()).cloned().collect();
        let counted = names.into_iter().map(|name| {
            let keys = objects.keys.get(&name).cloned().into_iter().collect();
            (name, keys)
        });
        let counted: Vec<_> = counted.collect();
        let Revision { epoch, number } = self.root().revision;
        let revision = Revision { epoch, number: number + 1 };
        let unix = self.now().unix();
        let now = Instant::now();
        let published = self.publisher.publish_keys(
            &objects,
            &counted,
            std::iter::empty(),
            revision,
            unix,
            now,
        );
        self.published = Some(objects);
        published.unwrap()
    }

    /// Answers everything that the worker has been told.
    pub(super) fn answer(&self) {
        self.notices.try_iter().for_each(drop);
    }

    pub(super) fn reap(&mut self) {
        let unix = self.now().unix();
        self.publisher.reap(unix);
    }

    pub(super) fn route(&self, method: &Method, path: &str) -> Route {
        self.root().routes.find("api.example.com", path, method).unwrap()
    }

    /// Whether `key` may get `path`.
    pub(super) fn admits(&self, key: &str, path: &str) -> bool {
        let route = self.route(&Method::GET, path);
        let root = self.root();
        let decision = self.decider.decide(&root, &call(key, &route), self.now());
        matches!(decision, Decision::Admit(..))
    }

    /// How many of `calls` are admitted.
    pub(super) fn admitted(&self, key: &str, path: &str, calls: usize) -> usize {
        (0..calls).filter(|_| self.admits(key, path)).count()
    }
}

/// A call from this machine.
pub(super) fn call<'a>(key: &'a str, route: &'a Route) -> Call<'a> {
    Call::new(CallKey::Presented(key.as_bytes()), route, Some(Ipv4Addr::LOCALHOST.into()))
}

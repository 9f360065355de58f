//! Changes of keys, from the call to their enforcement.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use prometheus::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tollgate_control::life_cycle::Event;
use tollgate_control::operations::{Context, Refused};
use tollgate_control::store::{Change, NotChanged, Store};
use tollgate_control::{Publisher, PublisherMetrics, Publishing};
use tollgate_core::{Mailbox, Notice, Revision, handoff};

use super::house::{House, OF_APPLICATION, SUSPENDED, deed, id};
use super::quantiles;

const CHANGES: usize = 1000;
const OWNERS: usize = 100;

pub(crate) struct Street {
    store: Arc<Store>,
    context: Context,
    enforced: watch::Receiver<Revision>,
    _reloads: mpsc::Sender<tollgate_control::Reload>,
    publishing: JoinHandle<Publishing>,
}

/// A worker that answers at once.
struct Post(Sender<Notice>);

impl Mailbox for Post {
    fn post(&self, notice: Notice) {
        let _ = self.0.send(notice);
    }
}

impl Street {
    pub(crate) async fn open(house: &House) -> Self {
        let (store, committed) = house.open_heard().await;
        let store = Arc::new(store);
        let (mut writer, _reader) = handoff();
        let (sender, notices) = channel();
        std::thread::spawn(move || notices.iter().for_each(drop));
        writer.add_worker(Box::new(Post(sender)));
        let metrics = PublisherMetrics::register(&Registry::new()).expect("metrics");
        let publisher = Publisher::new(writer, 0, metrics);
        let files = watch::Sender::new(Arc::clone(&house.context.files));
        let clock = Arc::clone(&house.clock);
        let publishing = Publishing::begin(publisher, Arc::clone(&store), clock, files);
        let publishing = publishing.await.expect("a snapshot");
        let enforced = publishing.enforced();
        let (reloads, asked) = mpsc::channel(1);
        let publishing = tokio::spawn(publishing.run(committed, asked, std::future::pending()));
        let context = house.context.clone();
        Self { store, context, enforced, _reloads: reloads, publishing }
    }

    /// Leaves the store to others.
    pub(crate) async fn close(self) {
        self.publishing.abort();
        let _ = self.publishing.await;
    }

    /// Suspends and reactivates one key after another, then one application after another, each
    /// waited for.
    pub(crate) async fn measure(&mut self, keys: usize) {
        let key = |number: usize| id(1 + number / 2 * SUSPENDED);
        self.each("one change, enforced", CHANGES, move |context, change, number| {
            let event = if number % 2 == 0 { Event::Suspend } else { Event::Reactivate };
            context.live(change, &key(number), None, &event).map(drop)
        })
        .await;
        let applications = keys / OF_APPLICATION;
        self.each("one application, enforced", OWNERS, move |context, change, number| {
            let application = format!("application-{}", number / 2 % applications);
            match number % 2 {
                0 => context.suspend_application(change, &application).map(drop),
                _ => context.reactivate_application(change, &application, false).map(drop),
            }
        })
        .await;
    }

    async fn each(
        &mut self,
        what: &str,
        times: usize,
        work: impl Fn(&Context, &mut Change<'_>, usize) -> Result<(), NotChanged<Refused>>
        + Clone
        + Send
        + 'static,
    ) {
        let mut took = Vec::with_capacity(times);
        for number in 0..times {
            let (context, work) = (self.context.clone(), work.clone());
            let began = Instant::now();
            let changed =
                self.store.change(deed(), move |change, _| work(&context, change, number));
            let changed = changed.await.map_err(|_| "a change").expect("a change");
            let revision = changed.1.expect("a revision");
            let enforced = self.enforced.wait_for(|newest| *newest >= revision).await;
            enforced.expect("enforcement");
            took.push(began.elapsed());
        }
        println!("{what:<30} {}", quantiles(took));
    }
}

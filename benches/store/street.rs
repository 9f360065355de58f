//! Changes of keys, from the call to their enforcement.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use prometheus::Registry;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tollgate_control::life_cycle::Event;
use tollgate_control::store::Store;
use tollgate_control::{Publisher, PublisherMetrics, Publishing};
use tollgate_core::{Mailbox, Notice, Revision, handoff};

use super::house::{House, SUSPENDED, deed, id};
use super::quantiles;

const CHANGES: usize = 1000;

pub(crate) struct Street {
    store: Arc<Store>,
    context: tollgate_control::operations::Context,
    enforced: watch::Receiver<Revision>,
    _reloads: mpsc::Sender<tollgate_control::Reload>,
    publishing: JoinHandle<()>,
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
        let publishing = tokio::spawn(publishing.run(committed, asked));
        let context = house.context.clone();
        Self { store, context, enforced, _reloads: reloads, publishing }
    }

    /// Leaves the store to others.
    pub(crate) async fn close(self) {
        self.publishing.abort();
        let _ = self.publishing.await;
    }

    /// Suspends and reactivates one key after another, each waited for.
    pub(crate) async fn measure(&mut self) {
        let mut took = Vec::with_capacity(CHANGES);
        for number in 0..CHANGES {
            let id = id(1 + number / 2 * SUSPENDED);
            let event = if number % 2 == 0 { Event::Suspend } else { Event::Reactivate };
            let context = self.context.clone();
            let began = Instant::now();
            let changed = self
                .store
                .change(deed(), move |change, _| context.live(change, &id, None, &event).map(drop));
            let changed = changed.await.map_err(|_| "a change").expect("a change");
            let revision = changed.1.expect("a revision");
            let enforced = self.enforced.wait_for(|newest| *newest >= revision).await;
            enforced.expect("enforcement");
            took.push(began.elapsed());
        }
        println!("one change, enforced            {}", quantiles(took));
    }
}

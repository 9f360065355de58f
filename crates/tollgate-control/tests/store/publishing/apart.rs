//! Publishing everything keeps nothing else waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use prometheus::Registry;
use tokio::sync::{mpsc, oneshot, watch};
use tollgate_control::{Publisher, PublisherMetrics, Publishing, Reload};
use tollgate_core::{Mailbox, Notice, handoff};

use crate::engines::{Hands, Place, blocking};
use crate::operations::{FILE, House, read};

/// So long a publish waits for the rest of the process at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A worker that holds a publish up until something else of the process has run meanwhile.
struct Holding {
    holds: Arc<AtomicBool>,
    held: mpsc::UnboundedSender<()>,
}

impl Mailbox for Holding {
    fn post(&self, notice: Notice) {
        let began = Instant::now();
        let _ = self.held.send(());
        while self.holds.load(SeqCst) {
            assert!(began.elapsed() < PATIENCE, "nothing else runs while a snapshot is published");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(notice);
    }
}

#[tokio::test]
async fn everything_is_published_while_the_rest_of_the_process_goes_on() {
    let place = blocking(Place::sqlite).await;
    let mut house = House::open(&place).await;
    let (mut writer, _reader) = handoff();
    let holds = Arc::new(AtomicBool::new(false));
    let (sender, mut held) = mpsc::unbounded_channel();
    writer.add_worker(Box::new(Holding { holds: Arc::clone(&holds), held: sender }));
    let metrics = PublisherMetrics::register(&Registry::new()).unwrap();
    let publisher = Publisher::new(writer, 0, metrics);
    let files = watch::Sender::new(Arc::clone(&house.context.files));
    let store = Arc::clone(&house.store);
    let clock = Arc::<Hands>::clone(&place.clock);
    let publishing = Publishing::begin(publisher, store, clock, files).await.unwrap();
    let (reloads, asked) = mpsc::channel(1);
    tokio::spawn(publishing.run(house.take_committed(), asked, std::future::pending()));
    held.recv().await.unwrap();

    holds.store(true, SeqCst);
    let (answer, answered) = oneshot::channel();
    let files = read(&FILE.replace("/items", "/other")).unwrap();
    reloads.send(Reload { files, changed: Instant::now(), answer }).await.unwrap();
    // Only one thread runs tasks here, so this one runs only if the publish does not hold it.
    held.recv().await.unwrap();
    holds.store(false, SeqCst);
    answered.await.unwrap().unwrap();
}

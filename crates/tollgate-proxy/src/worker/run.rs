//! The thread of a worker, from its first connection to its last.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::hash::RandomState;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tollgate_core::{Clock, Decider, Notice, Refusal, SnapshotReader, Strangers};

use super::accept::{Accepting, Door, Entrance, Entrances, receive};
use super::crew::{Arrival, Crew};
use super::ending::LAST_REQUEST;
use super::farewell::Farewell;
use super::rest::Rest;
use super::{Coarse, Ending, RequestIds, Worker, WorkerSettings};
use crate::access_log::Ring;
use crate::key_events::KeyEvents;
use crate::metrics::Cells;
use crate::roster::Roster;
#[cfg(feature = "otlp")]
use crate::spans::SpanRing;
use crate::trace::Tracer;
use crate::upstream::{Share, Upstreams};

/// How exact deadlines are.
const TICK: Duration = Duration::from_millis(100);

/// As much as is read of an HTTP/2 connection at once.
const READ_ROOM: usize = 16 << 10;

/// How long what was cut at the end of a drain may take to notice.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a worker is told by other threads.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A revision has been stored.
    Notice(Notice),
    /// Serve what another worker has accepted.
    Arrival(Box<Arrival>),
    /// Accept nothing more, and admit nothing more once the requests that are on their way have come:
    /// answered then. Another process is to take over.
    Pause(oneshot::Sender<()>),
    /// Serve again, as before the pause.
    Resume,
    /// Accept nothing more, finish what is open, cut what is left after this time.
    Drain(Duration),
}

/// Everything that a worker starts with.
pub(crate) struct Seat {
    /// Its number in the crew.
    pub(crate) number: usize,
    pub(crate) crew: Arc<Crew>,
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) mail: UnboundedReceiver<Mail>,
    pub(crate) reader: SnapshotReader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cells: Arc<Cells>,
    pub(crate) settings: WorkerSettings,
    pub(crate) strangers: Option<Arc<Strangers>>,
    pub(crate) access_log: Option<Ring>,
    #[cfg(feature = "otlp")]
    pub(crate) spans: Option<SpanRing>,
    pub(crate) key_events: KeyEvents,
    pub(crate) upstreams: Upstreams,
    pub(crate) share: Share,
    pub(crate) kept: Option<watch::Receiver<()>>,
}

/// Serves until told to drain. Returns how many requests were cut at the end of it.
///
/// # Errors
/// If there is no runtime to be had, or the sockets cannot be used.
pub(crate) fn run(seat: Seat) -> std::io::Result<usize> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        // The mailbox and the clock are looked at every so many tasks even under full load.
        .event_interval(61)
        .build_local(LocalOptions::default())?;
    runtime.block_on(work(seat))
}

async fn work(seat: Seat) -> std::io::Result<usize> {
    let worker = Rc::new(Worker {
        number: seat.number,
        crew: seat.crew,
        held: Cell::new(0),
        rest: Rest::default(),
        snapshot: RefCell::new(seat.reader.cache()),
        decider: Decider::new(seat.reader, Arc::clone(&seat.clock)),
        clock: seat.clock,
        coarse: Rc::<Coarse>::default(),
        live: Rc::new(Roster::default()),
        forms: Rc::new(Roster::default()),
        connections: Rc::new(Roster::default()),
        cells: seat.cells,
        arena: RefCell::default(),
        names: RefCell::default(),
        challenges: RefCell::default(),
        request_ids: RequestIds::new(),
        tracer: seat.settings.traces.map(Tracer::new),
        settings: seat.settings.own(),
        ending: Cell::new(Ending::No),
        beginning: Rc::default(),
        strangers: seat.strangers,
        access_log: seat.access_log,
        #[cfg(feature = "otlp")]
        spans: seat.spans,
        key_events: seat.key_events,
        upstreams: seat.upstreams,
        share: seat.share,
        kept: seat.kept,
        destinations: RefCell::default(),
        sampled: Cell::new(0),
        rooms: Rc::default(),
        date: RefCell::default(),
        read_room: Rc::new(RefCell::new(vec![0; READ_ROOM])),
        ages: RandomState::new(),
        looked: Cell::new(0),
    });
    worker.tick();
    let entrances = Entrances::new(seat.entrances);
    let mut post = Post { worker: Rc::clone(&worker), doors: entrances.doors(), mail: seat.mail };
    let mut accepting = entrances.accept(&worker)?;
    let mut told = attend(&mut post, pending()).await;
    let patience = loop {
        told = match told {
            Told::Drain(patience) => break patience,
            Told::Pause(answer) => {
                accepting = Accepting::default();
                worker.set_ending(Ending::Last);
                match attend(&mut post, worker.settled()).await {
                    Told::Settled => {
                        worker.set_ending(Ending::Sealed);
                        // Whoever asked may have given up: it says so in the next letter.
                        let _ = answer.send(());
                        attend(&mut post, pending()).await
                    }
                    told => told,
                }
            }
            Told::Resume => {
                worker.set_ending(Ending::No);
                accepting = entrances.accept(&worker)?;
                attend(&mut post, pending()).await
            }
            Told::Settled => attend(&mut post, pending()).await,
        }
    };
    drop((accepting, entrances));
    drain(&mut post, patience).await
}

/// What a worker is told, and what it needs to act on it.
struct Post {
    worker: Rc<Worker>,
    /// By their numbers.
    doors: Vec<Rc<Door>>,
    mail: UnboundedReceiver<Mail>,
}

impl Post {
    /// Serves what another worker has accepted.
    fn receive(&self, arrival: Arrival) {
        if let Some(door) = self.doors.get(arrival.door) {
            receive(&self.worker, door, arrival);
        }
    }
}

/// What a worker has to do something about that serves, or is paused.
enum Told {
    Drain(Duration),
    Pause(oneshot::Sender<()>),
    Resume,
    /// No request is to be expected any more.
    Settled,
}

/// Reads the mail and ticks unless the worker rests, until told something else or `settled`. Swaps are
/// enforced all the while.
async fn attend(post: &mut Post, settled: impl Future<Output = ()>) -> Told {
    let worker = Rc::clone(&post.worker);
    let mut settled = pin!(settled);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            letter = post.mail.recv() => match letter {
                Some(Mail::Notice(notice)) => worker.enforce(notice),
                Some(Mail::Arrival(arrival)) => post.receive(*arrival),
                Some(Mail::Pause(answer)) => return Told::Pause(answer),
                Some(Mail::Resume) => return Told::Resume,
                Some(Mail::Drain(patience)) => return Told::Drain(patience),
                None => return Told::Drain(Duration::ZERO),
            },
            _ = ticks.tick(), if !worker.rest.is_on() => {
                worker.tick();
                worker.rest_if_idle();
            }
            () = worker.rest.over(), if worker.rest.is_on() => ticks.reset(),
            () = &mut settled => return Told::Settled,
        }
    }
}

async fn drain(post: &mut Post, patience: Duration) -> std::io::Result<usize> {
    let worker = Rc::clone(&post.worker);
    let end = Instant::now() + patience;
    let mut farewell = Farewell::of(&worker, patience);
    if worker.ending.get() < Ending::Last {
        worker.set_ending(Ending::Last);
        let _ = timeout(patience.min(LAST_REQUEST), emptied(post, || farewell.say(&worker))).await;
        worker.set_ending(Ending::Idle);
    }
    let finished = timeout_at(end, emptied(post, || farewell.say(&worker))).await.is_ok();
    let left = if finished { 0 } else { worker.live.len() + worker.forms.len() };
    worker.live.end_where(|_| Some(Refusal::Draining));
    worker.forms.end_where(|_| Some(Refusal::Draining));
    let _ = timeout(LAST_WORDS, emptied(post, || ())).await;
    Ok(left)
}

/// Until no connection is open. Swaps are enforced to the last, and something is done all the while.
async fn emptied(post: &mut Post, mut meanwhile: impl FnMut()) {
    let worker = Rc::clone(&post.worker);
    let mut ticks = interval(TICK / 10);
    while !worker.is_empty() {
        tokio::select! {
            biased;
            Some(letter) = post.mail.recv() => match letter {
                Mail::Notice(notice) => worker.enforce(notice),
                Mail::Arrival(arrival) => post.receive(*arrival),
                _ => {}
            },
            _ = ticks.tick() => {
                worker.tick();
                meanwhile();
            }
        }
    }
}

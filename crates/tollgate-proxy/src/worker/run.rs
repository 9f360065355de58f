//! The thread of a worker, from its first connection to its last.

use std::cell::{Cell, RefCell};
use std::hash::RandomState;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tollgate_core::{Clock, Decider, Notice, Refusal, SnapshotReader, Strangers};

use super::{Coarse, RequestIds, Worker, WorkerSettings};
use crate::access_log::Ring;
use crate::connection::{TurnedAway, serve};
use crate::key_events::KeyEvents;
use crate::listen::ListenerSettings;
use crate::metrics::{Cells, Connections};
use crate::roster::Roster;
use crate::tls::Acceptor;
use crate::upstream::Upstreams;

/// How exact deadlines are.
const TICK: Duration = Duration::from_millis(100);

/// As much as is read of an HTTP/2 connection at once.
const READ_ROOM: usize = 16 << 10;

/// How long accepting pauses after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long what was cut at the end of a drain may take to notice.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a worker is told by other threads.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A revision has been stored.
    Notice(Notice),
    /// Accept nothing more, finish what is open, cut what is left after this time.
    Drain(Duration),
}

/// A listener, as it is given to one worker.
pub(crate) struct Entrance {
    pub(crate) socket: std::net::TcpListener,
    pub(crate) settings: ListenerSettings,
    pub(crate) tls: Option<Acceptor>,
    pub(crate) connections: Arc<Connections>,
}

/// Everything that a worker starts with.
pub(crate) struct Seat {
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) mail: UnboundedReceiver<Mail>,
    pub(crate) reader: SnapshotReader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cells: Arc<Cells>,
    pub(crate) settings: WorkerSettings,
    pub(crate) strangers: Option<Arc<Strangers>>,
    pub(crate) access_log: Option<Ring>,
    pub(crate) key_events: KeyEvents,
    pub(crate) upstreams: Upstreams,
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
        request_ids: RequestIds::new(),
        settings: seat.settings.own(),
        draining: Cell::new(false),
        strangers: seat.strangers,
        access_log: seat.access_log,
        key_events: seat.key_events,
        upstreams: seat.upstreams,
        destinations: RefCell::default(),
        sampled: Cell::new(0),
        read_room: Rc::new(RefCell::new(vec![0; READ_ROOM])),
        ages: RandomState::new(),
        looked: Cell::new(0),
    });
    worker.tick();
    let mut accepting = Vec::new();
    for (number, entrance) in seat.entrances.into_iter().enumerate() {
        let Entrance { socket, settings, tls, connections } = entrance;
        let listener = TcpListener::from_std(socket)?;
        let door = Rc::new(Door { number, settings, tls, connections });
        let accept = accept(Rc::clone(&worker), listener, door);
        accepting.push(tokio::task::spawn_local(accept));
    }
    let mut mail = seat.mail;
    let patience = attend(&worker, &mut mail).await;
    drain(&worker, accepting, &mut mail, patience).await
}

/// Reads the mail and ticks, until told to drain.
async fn attend(worker: &Worker, mail: &mut UnboundedReceiver<Mail>) -> Duration {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            letter = mail.recv() => match letter {
                Some(Mail::Notice(notice)) => worker.enforce(notice),
                Some(Mail::Drain(patience)) => return patience,
                None => return Duration::ZERO,
            },
            _ = ticks.tick() => worker.tick(),
        }
    }
}

async fn drain(
    worker: &Worker,
    accepting: Vec<JoinHandle<()>>,
    mail: &mut UnboundedReceiver<Mail>,
    patience: Duration,
) -> std::io::Result<usize> {
    worker.draining.set(true);
    for task in accepting {
        task.abort();
    }
    worker.connections.wake_all();
    let finished = timeout(patience, emptied(worker, mail)).await.is_ok();
    let left = if finished { 0 } else { worker.live.len() + worker.forms.len() };
    worker.live.end_where(|_| Some(Refusal::Draining));
    worker.forms.end_where(|_| Some(Refusal::Draining));
    let _ = timeout(LAST_WORDS, emptied(worker, mail)).await;
    Ok(left)
}

/// Until no connection is open. Swaps are enforced to the last.
async fn emptied(worker: &Worker, mail: &mut UnboundedReceiver<Mail>) {
    let mut ticks = interval(TICK / 10);
    while worker.connections.len() > 0 {
        tokio::select! {
            biased;
            Some(letter) = mail.recv() => {
                if let Mail::Notice(notice) = letter {
                    worker.enforce(notice);
                }
            }
            _ = ticks.tick() => worker.tick(),
        }
    }
}

/// A listener, as one worker has it.
pub(crate) struct Door {
    /// Its number among all listeners.
    pub(crate) number: usize,
    pub(crate) settings: ListenerSettings,
    /// How it takes TLS; `None` = it is a plain one.
    pub(crate) tls: Option<Acceptor>,
    /// Over all workers.
    pub(crate) connections: Arc<Connections>,
}

/// Accepts for ever. An error is a pause, not an end.
async fn accept(worker: Rc<Worker>, listener: TcpListener, door: Rc<Door>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => admit(&worker, &door, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn admit(worker: &Rc<Worker>, door: &Rc<Door>, stream: TcpStream, peer: SocketAddr) {
    let seat = OpenConnection(Arc::clone(&door.connections));
    if door.connections.open.fetch_add(1, Relaxed) >= door.settings.max_connections {
        door.connections.turn_away(TurnedAway::Maximum);
        return;
    }
    // A socket that takes no option is about to fail anyway, and says so when it is read.
    let _ = stream.set_nodelay(true);
    let (worker, door) = (Rc::clone(worker), Rc::clone(door));
    tokio::task::spawn_local(async move {
        serve(worker, door, stream, peer.ip()).await;
        drop(seat);
    });
}

/// Counts a connection while it lives.
struct OpenConnection(Arc<Connections>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

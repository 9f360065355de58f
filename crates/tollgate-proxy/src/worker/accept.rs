//! How connections come to a worker: accepted by itself, or sent by one that has more of them.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::crew::{Arrival, Load};
use super::{Mail, Worker};
use crate::connection::{TurnedAway, serve};
use crate::listen::{ListenerSettings, Listening};
use crate::metrics::Connections;
use crate::socket::Socket;
use crate::tls::Acceptor;

/// How long accepting pauses after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener, as it is given to one worker.
pub(crate) struct Entrance {
    /// At least one; they may be another process's or worker's too.
    pub(crate) sockets: Vec<Listening>,
    pub(crate) settings: ListenerSettings,
    pub(crate) tls: Option<Acceptor>,
    pub(crate) connections: Arc<Connections>,
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

/// Listeners of a worker, accepted from or not.
pub(super) struct Entrances(Vec<(Vec<Listening>, Rc<Door>)>);

/// A socket that listens, on the worker's runtime.
enum Listens {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Counts a connection among those of its listener while it lives.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Connections>);

/// Counts a connection among those that its worker serves, until it is dropped.
pub(crate) struct Held {
    pub(crate) worker: Rc<Worker>,
    /// Among those of its listener and of all workers, too.
    _counted: (OpenConnection, Load),
}

impl Entrances {
    pub(super) fn new(entrances: Vec<Entrance>) -> Self {
        let open = |(number, entrance)| {
            let Entrance { sockets, settings, tls, connections } = entrance;
            (sockets, Rc::new(Door { number, settings, tls, connections }))
        };
        Self(entrances.into_iter().enumerate().map(open).collect())
    }

    /// The listeners by their numbers.
    pub(super) fn doors(&self) -> Vec<Rc<Door>> {
        self.0.iter().map(|(_, door)| Rc::clone(door)).collect()
    }

    /// Accepts from all of them, until what is returned is dropped.
    ///
    /// # Errors
    /// If the sockets cannot be used.
    pub(super) fn accept(&self, worker: &Rc<Worker>) -> io::Result<Accepting> {
        let mut accepting = Accepting::default();
        for (sockets, door) in &self.0 {
            for socket in sockets {
                let listener = Listens::of(socket.try_clone()?)?;
                let accept = accept(Rc::clone(worker), listener, Rc::clone(door));
                accepting.0.push(tokio::task::spawn_local(accept));
            }
        }
        Ok(accepting)
    }
}

/// The tasks that accept. Dropped, they end; every connection that they have accepted is served, as
/// there is no await between the two.
#[derive(Default)]
pub(super) struct Accepting(Vec<JoinHandle<()>>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Listens {
    /// Puts a socket on the runtime of whoever calls.
    ///
    /// # Errors
    /// If the runtime does not take it.
    fn of(socket: Listening) -> io::Result<Self> {
        Ok(match socket {
            Listening::Tcp(socket) => Self::Tcp(TcpListener::from_std(socket)?),
            Listening::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    /// The next connection, and where it comes from.
    async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // A socket that takes no option is about to fail anyway, and says so when it is read.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), Some(peer.ip())))
            }
            Self::Unix(listener) => Ok((Socket::Unix(listener.accept().await?.0), None)),
        }
    }
}

/// Accepts for ever. An error is a pause, not an end.
async fn accept(worker: Rc<Worker>, listener: Listens, door: Rc<Door>) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => admit(&worker, &door, socket, peer),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection, here or where there are fewer.
fn admit(worker: &Rc<Worker>, door: &Rc<Door>, socket: Socket, peer: Option<IpAddr>) {
    let seat = OpenConnection(Arc::clone(&door.connections));
    if door.connections.open.fetch_add(1, Relaxed) >= door.settings.max_connections {
        door.connections.turn_away(TurnedAway::Maximum);
        return;
    }
    let Some((number, load)) = worker.crew.choose(worker.number) else { return };
    if number == worker.number {
        return start(worker, door, socket, peer, (seat, load));
    }
    // One that cannot be let go is not connected any more.
    let Ok(socket) = socket.loosen() else { return };
    let arrival = Mail::Arrival(Box::new(Arrival { door: door.number, socket, peer, seat, load }));
    let unsent = match worker.crew.mailbox(number) {
        Some(mailbox) => mailbox.send(arrival).err().map(|unsent| unsent.0),
        None => Some(arrival),
    };
    // A worker that has ended serves nobody.
    if let Some(Mail::Arrival(mut arrival)) = unsent
        && let Some(load) = worker.crew.take(worker.number)
    {
        arrival.load = load;
        receive(worker, door, *arrival);
    }
}

/// Serves a connection that was accepted elsewhere.
pub(super) fn receive(worker: &Rc<Worker>, door: &Rc<Door>, arrival: Arrival) {
    let Arrival { socket, peer, seat, load, .. } = arrival;
    match socket.fasten() {
        Ok(socket) => start(worker, door, socket, peer, (seat, load)),
        Err(error) => tracing::warn!(%error, "cannot take a connection over"),
    }
}

fn start(
    worker: &Rc<Worker>,
    door: &Rc<Door>,
    socket: Socket,
    peer: Option<IpAddr>,
    counted: (OpenConnection, Load),
) {
    worker.rouse();
    let held = Held::by(worker, counted);
    tokio::task::spawn_local(serve(held, Rc::clone(door), socket, peer));
}

impl Held {
    fn by(worker: &Rc<Worker>, counted: (OpenConnection, Load)) -> Self {
        worker.held.set(worker.held.get() + 1);
        Self { worker: Rc::clone(worker), _counted: counted }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.worker.held.set(self.worker.held.get().saturating_sub(1));
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

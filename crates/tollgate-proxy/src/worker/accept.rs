//! Where connections come in.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Beginning, Worker};
use crate::connection::{TurnedAway, serve};
use crate::listen::ListenerSettings;
use crate::metrics::Connections;
use crate::tls::Acceptor;

/// How long accepting pauses after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener, as it is given to one worker.
pub(crate) struct Entrance {
    /// At least one; they may be another process's or worker's too.
    pub(crate) sockets: Vec<std::net::TcpListener>,
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
pub(super) struct Entrances(Vec<(Vec<std::net::TcpListener>, Rc<Door>)>);

impl Entrances {
    pub(super) fn new(entrances: Vec<Entrance>) -> Self {
        let open = |(number, entrance)| {
            let Entrance { sockets, settings, tls, connections } = entrance;
            (sockets, Rc::new(Door { number, settings, tls, connections }))
        };
        Self(entrances.into_iter().enumerate().map(open).collect())
    }

    /// Accepts from all of them, until what is returned is dropped.
    ///
    /// # Errors
    /// If the sockets cannot be used.
    pub(super) fn accept(&self, worker: &Rc<Worker>) -> std::io::Result<Accepting> {
        let mut accepting = Accepting::default();
        for (sockets, door) in &self.0 {
            for socket in sockets {
                let listener = TcpListener::from_std(socket.try_clone()?)?;
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
    let beginning = Beginning::of(&worker);
    tokio::task::spawn_local(async move {
        serve(worker, door, stream, peer.ip(), beginning).await;
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

//! The upstream that speaks HTTP/2: a server that knows no faults, and a wire that commits them between its frames.

mod answer;
mod wire;

use std::future::pending;
use std::io;
use std::rc::Rc;

use h2::Reason;
use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::upstream::{Link, Upstream};
use wire::Wire;

/// Requests at once on a connection, so that the gate needs several.
pub(super) const STREAMS: u32 = 8;

const ROOM: usize = 64 << 10;

/// How the server itself is to go.
enum Leaving {
    InPeace,
    InAnger,
}

/// What all requests of a connection share.
struct Shared {
    wire: Wire,
    link: Rc<Link>,
    upstream: Rc<Upstream>,
    leave: UnboundedSender<Leaving>,
}

pub(super) async fn serve(stream: TcpStream, upstream: Rc<Upstream>) -> io::Result<()> {
    let (near, far) = tokio::io::duplex(ROOM);
    let (leave, leaving) = unbounded_channel();
    let shared = Shared { wire: Wire::default(), link: Rc::default(), upstream, leave };
    let shared = Rc::new(shared);
    tokio::select! {
        carried = shared.carry(stream, far) => carried,
        () = answer_all(near, Rc::clone(&shared), leaving) => Ok(()),
    }
}

/// Until the wire has ended.
async fn answer_all(
    near: DuplexStream,
    shared: Rc<Shared>,
    mut leaving: UnboundedReceiver<Leaving>,
) {
    let mut requests = JoinSet::new();
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(STREAMS);
    if let Ok(mut connection) = builder.handshake(near).await {
        loop {
            tokio::select! {
                accepted = connection.accept() => {
                    let Some(Ok((request, respond))) = accepted else { break };
                    let shared = Rc::clone(&shared);
                    requests.spawn_local(async {
                        // What fails is our intention, or the gate's answer to it.
                        answer::answer(request, respond, shared).await.unwrap_or(());
                    });
                }
                Some(how) = leaving.recv() => match how {
                    Leaving::InPeace => connection.graceful_shutdown(),
                    Leaving::InAnger => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
                },
                Some(_) = requests.join_next() => {}
            }
        }
    }
    // What was said last is still on the wire.
    pending().await
}

impl Shared {
    async fn carry(&self, stream: TcpStream, server: DuplexStream) -> io::Result<()> {
        wire::carry(stream, server, &self.wire, &self.upstream, &self.link).await
    }
}

//! The upstream's process, as far as the gate can tell: it listens, and is killed now and then.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::upstream::Upstream;
use super::{http1, http2};
use crate::connection::Protocol;
use crate::random::Random;

/// How long nobody listens.
const AWAY: Duration = Duration::from_millis(100);

/// Serves for ever.
pub(super) async fn run(
    upstream: Rc<Upstream>,
    address: SocketAddr,
    mut listener: TcpListener,
    random: Random,
) -> std::io::Result<()> {
    loop {
        let mut connections = JoinSet::new();
        let mut killed = std::pin::pin!(sleep(random.millis(2000, 5000)));
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    stream.set_nodelay(true)?;
                    let upstream = Rc::clone(&upstream);
                    // What fails is our intention, or the gate's answer to it.
                    match upstream.protocol {
                        Protocol::Http1 => connections.spawn_local(async {
                            http1::serve(stream, upstream).await.unwrap_or(());
                        }),
                        Protocol::Http2 => connections.spawn_local(async {
                            http2::serve(stream, upstream).await.unwrap_or(());
                        }),
                    };
                }
                Some(_) = connections.join_next() => {}
                () = &mut killed, if !upstream.calm.get() => break,
            }
        }
        upstream.is_down.set(true);
        upstream.kills.set(upstream.kills.get() + 1);
        drop(listener);
        connections.shutdown().await;
        sleep(AWAY).await;
        listener = TcpListener::bind(address).await?;
        upstream.up_since.set(Instant::now());
        upstream.is_down.set(false);
    }
}

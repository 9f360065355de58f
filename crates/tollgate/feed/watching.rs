//! The feed, looked on at by somebody who decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tollgate_feed::wire::{
    Goodbye, Hello, ProxyHeartbeat, SentBatch, SnapshotOffer, ToControl, ToProxy, VERSION, Welcome,
};

use super::connection::Connection;
use super::dialer::Dialer;
use super::ended;
use crate::config::Reach;

/// What was seen.
pub(crate) enum Watched {
    /// The control plane.
    Welcome(Welcome),
    /// A snapshot that is to be fetched.
    Offer(SnapshotOffer),
    /// The file of one, in memory.
    Snapshot(Vec<u8>),
    /// A revision.
    Batch(Box<SentBatch>),
}

/// Looks on until it ends. Snapshots are fetched if `whole` says so.
///
/// # Errors
/// Why it has ended; `tell` may end it.
pub(crate) async fn watch(
    reach: Reach,
    whole: bool,
    mut tell: impl FnMut(Watched) -> Result<(), String>,
) -> Result<(), String> {
    let mut connection = Arc::new(Dialer::new(reach)).dial().await?;
    connection.say(&ToControl::Hello(hello()));
    let mut fetching: Option<JoinHandle<Result<Vec<u8>, String>>> = None;
    // As often as it is told to, once it is.
    let mut beats = interval(Duration::from_secs(1));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => connection.beat(),
            fetched = ended(&mut fetching) => {
                fetching = None;
                tell(Watched::Snapshot(fetched??))?;
            }
            read = connection.read(), if fetching.is_none() => read?,
        }
        while fetching.is_none()
            && let Some(said) = connection.next().map_err(|malformed| malformed.to_string())?
        {
            match said {
                ToProxy::Welcome(welcome) => {
                    let every = u64::from(welcome.heartbeat_ms).clamp(100, 60_000);
                    beats = interval(Duration::from_millis(every));
                    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
                    tell(Watched::Welcome(welcome))?;
                }
                ToProxy::Snapshot(offer) => {
                    if whole {
                        fetching = Some(fetch(&connection, offer.etag.clone()));
                    }
                    tell(Watched::Offer(offer))?;
                }
                ToProxy::Batch(batch) => tell(Watched::Batch(Box::new(batch)))?,
                ToProxy::Heartbeat(_) => {}
                ToProxy::Goodbye(Goodbye { reason, text }) => {
                    return Err(format!("the control plane ends the feed: {reason:?}: {text}"));
                }
            }
        }
    }
}

fn fetch(connection: &Connection, etag: String) -> JoinHandle<Result<Vec<u8>, String>> {
    let requests = connection.requests.clone();
    tokio::spawn(async move {
        let mut file = Vec::new();
        requests.fetch(&etag, &mut file).await?;
        Ok(file)
    })
}

impl Connection {
    /// Says that it is there.
    fn beat(&self) {
        self.say(&ToControl::Heartbeat(ProxyHeartbeat {
            sent: 0,
            enforced: None,
            keys: 0,
            unix_ms: 0,
        }));
    }
}

fn hello() -> Hello {
    Hello {
        version: VERSION,
        software: env!("CARGO_PKG_VERSION").to_owned(),
        name: String::new(),
        instance: 0,
        environment: String::new(),
        region: None,
        held: None,
        serve_for: None,
        schemes: Vec::new(),
        capabilities: Hello::WATCHES,
        unix_ms: 0,
    }
}

//! The newer process: it takes the place of the older.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tollgate_control::{Counters, KeptMeters, OpenElsewhere};
use tollgate_core::{Clock, Meters};
use tollgate_proxy::ListenAddress;

use super::link::Link;
use super::{Offered, PROTOCOL, Purpose, Word};
use crate::boot::Failure;

/// A place that is claimed: the older process serves until the newer is told to go.
pub(crate) struct Claimed {
    link: Link,
    pub(crate) inherited: Inherited,
}

/// Sockets that were passed on, until they are used.
#[derive(Default)]
pub(crate) struct Inherited(Vec<(Offered, Vec<OwnedFd>)>);

/// The newer process once it serves.
pub(crate) struct Successor {
    link: Link,
    elsewhere: OpenElsewhere,
}

/// How long the place of a process that ends as it is asked is left alone.
const PAUSE: Duration = Duration::from_millis(20);

/// Claims the place of the process that answers at `path`; `None` = nobody does.
///
/// # Errors
/// Why it is not given.
pub(crate) async fn claim(
    path: &Path,
    environment: &str,
    patience: Duration,
) -> io::Result<Option<Claimed>> {
    let started = Instant::now();
    loop {
        match ask(path, environment, patience).await {
            // It takes a killed process a moment to be gone; then nobody answers.
            Err(error) if is_end(&error) && started.elapsed() < patience => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

async fn ask(path: &Path, environment: &str, patience: Duration) -> io::Result<Option<Claimed>> {
    let Some(mut link) = Link::connect(path, patience).await? else { return Ok(None) };
    let (version, environment) = (env!("CARGO_PKG_VERSION").to_owned(), environment.to_owned());
    link.say(&Word::Claim { protocol: PROTOCOL, version, environment }).await?;
    let Word::Offer { version, sockets } = link.hear().await? else { return Err(unexpected()) };
    tracing::info!(version, "taking over from a process");
    let mut inherited = Vec::new();
    for offered in sockets {
        let taken = link.take(offered.count).await?;
        inherited.push((offered, taken));
    }
    Ok(Some(Claimed { link, inherited: Inherited(inherited) }))
}

/// Whether the other process has ended the connection, or itself.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

impl Inherited {
    /// One more socket, which somebody else has made and keeps. It is to be what has this address in the
    /// configuration.
    pub(crate) fn add(&mut self, purpose: Purpose, name: &str, place: &str, socket: OwnedFd) {
        let (name, place) = (name.to_owned(), place.to_owned());
        let known = self.0.iter_mut().find(|(offered, _)| {
            (offered.purpose, &offered.name, &offered.place) == (purpose, &name, &place)
        });
        match known {
            Some((_, sockets)) => sockets.push(socket),
            None => {
                let offered = Offered { purpose, name, place, count: 1, foreign: true };
                self.0.push((offered, vec![socket]));
            }
        }
    }

    /// The sockets of a listener, by its address; where that has no port of its own, by its name too. And
    /// whether somebody else keeps the file of one.
    pub(crate) fn data(&mut self, name: &str, address: &ListenAddress) -> (Vec<OwnedFd>, bool) {
        let any = matches!(address, ListenAddress::Tcp(address) if address.port() == 0);
        let fits = |offered: &Offered| !any || offered.name == name;
        let taken = self.take(Purpose::Data, &address.to_string(), fits);
        taken.map(|(offered, sockets)| (sockets, offered.foreign)).unwrap_or_default()
    }

    /// The socket for ops.
    pub(crate) fn ops(&mut self, address: SocketAddr) -> Option<TcpListener> {
        self.one(Purpose::Ops, &address.to_string()).map(TcpListener::from)
    }

    /// The socket of the admin API.
    pub(crate) fn admin(&mut self, address: SocketAddr) -> Option<TcpListener> {
        self.one(Purpose::Admin, &address.to_string()).map(TcpListener::from)
    }

    /// The socket at which is explained.
    pub(crate) fn explain(&mut self, path: &Path) -> Option<OwnedFd> {
        self.one(Purpose::Explain, &path.to_string_lossy())
    }

    /// The socket at which the next process will ask.
    pub(crate) fn takeover(&mut self, path: &Path) -> Option<OwnedFd> {
        self.one(Purpose::Takeover, &path.to_string_lossy())
    }

    fn one(&mut self, purpose: Purpose, place: &str) -> Option<OwnedFd> {
        self.take(purpose, place, |_| true)?.1.pop()
    }

    fn take(
        &mut self,
        purpose: Purpose,
        place: &str,
        fits: impl Fn(&Offered) -> bool,
    ) -> Option<(Offered, Vec<OwnedFd>)> {
        let found = self.0.iter().position(|(offered, _)| {
            offered.purpose == purpose && offered.place == place && fits(offered)
        });
        found.map(|at| self.0.swap_remove(at))
    }
}

impl Claimed {
    /// Says that everything is made that can be made beside the older process, and returns once nothing
    /// changes there any more. Sockets that were not used are closed: nobody will listen there.
    ///
    /// # Errors
    /// If the older process does not go on; it serves then.
    pub(crate) async fn prepared(&mut self) -> io::Result<()> {
        for (offered, _) in self.inherited.0.drain(..) {
            tracing::info!(place = offered.place, "nobody listens there any more");
        }
        self.link.say(&Word::Prepared).await?;
        match self.link.hear().await? {
            Word::Quiet => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Says that this process could serve, takes over what the older has counted, and returns once this
    /// process is to serve. `keep` is told what was counted, and does what else depends on it.
    ///
    /// # Errors
    /// If the older process does not go on, or its counters cannot be gone on with; it serves then.
    pub(crate) async fn succeed<T>(
        mut self,
        counters: &mut dyn Counters,
        clock: &dyn Clock,
        keep: impl FnOnce(&KeptMeters) -> Result<T, Failure>,
    ) -> Result<(Successor, T), Failure> {
        self.link.say(&Word::Ready).await?;
        let Word::Meters(kept) = self.link.hear().await? else { return Err(unexpected().into()) };
        let restored = kept.restore(counters, clock.now()).map_err(Failure::from);
        let restored = restored.and_then(|elsewhere| Ok((elsewhere, keep(&kept)?)));
        let (elsewhere, keeps) = match restored {
            Ok(restored) => restored,
            Err(error) => {
                self.link.say(&Word::Refuse(error.to_string())).await?;
                return Err(error);
            }
        };
        self.link.say(&Word::Loaded).await?;
        match self.link.hear().await? {
            Word::Go => {}
            _ => return Err(unexpected().into()),
        }
        tracing::info!(meters = kept.len(), "took over");
        Ok((Successor { link: self.link, elsewhere }, keeps))
    }
}

impl Successor {
    /// Counts what the older process has open as open here, until it has ended.
    pub(crate) async fn follow(mut self, meters: Arc<Meters>) {
        while let Ok(Word::Open(counts)) = self.link.hear_at_last().await {
            self.elsewhere.note(&counts, &meters);
        }
        self.elsewhere.end(&meters);
    }
}

fn unexpected() -> io::Error {
    io::Error::other("the other process says something else than it should")
}

//! The older process: it gives its place to the newer.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tollgate_control::{KeptMeters, OpenElsewhere};
use tollgate_core::{Clock, Meters};
use tollgate_proxy::{DataPlane, Sockets as DataSockets};

use super::link::Link;
use super::{Offered, PROTOCOL, Purpose, Word};
use crate::boot::Failure;
use crate::changes::{Changes, Still};
use crate::quotas::{KeptQuotas, Quotas};

/// How often the newer process is told how much is open still.
const REPORT: Duration = Duration::from_millis(100);

/// How long the workers may take to stop admitting.
const PAUSE: Duration = Duration::from_secs(10);

/// The sockets that a process listens with, to be passed on.
#[derive(Default)]
pub(crate) struct Held(Vec<(Offered, Vec<OwnedFd>)>);

/// What a process does that can be replaced.
pub(crate) struct Standing {
    pub(crate) plane: DataPlane,
    pub(crate) held: Held,
    pub(crate) environment: String,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long it waits for the newer process.
    pub(crate) patience: Duration,
    /// `None` = they could not be begun again.
    pub(crate) changes: Option<Changes>,
    /// What `changes` are made of while they are stopped.
    still: Option<Still>,
    /// There where quotas are kept, and are at present.
    pub(crate) quotas: Option<KeptQuotas>,
    /// What `quotas` are made of while they are not.
    unkept: Option<Quotas>,
}

/// The older process once its place is taken.
pub(crate) struct Predecessor {
    link: Link,
    open: OpenElsewhere,
}

impl Held {
    /// Some more, by what they are for.
    pub(crate) fn hold(&mut self, purpose: Purpose, place: &str, sockets: Vec<OwnedFd>) {
        let (name, place, count) = (String::new(), place.to_owned(), sockets.len());
        self.0.push((Offered { purpose, name, place, count, foreign: false }, sockets));
    }

    /// Those of a listener.
    pub(crate) fn hold_data(&mut self, data: DataSockets) {
        let DataSockets { name, address, sockets, foreign } = data;
        let (purpose, place, count) = (Purpose::Data, address.to_string(), sockets.len());
        self.0.push((Offered { purpose, name, place, count, foreign }, sockets));
    }
}

impl Standing {
    pub(crate) fn new(
        (plane, held): (DataPlane, Held),
        environment: String,
        clock: Arc<dyn Clock>,
        patience: Duration,
        (changes, quotas): (Changes, Option<KeptQuotas>),
    ) -> Self {
        let (changes, still, unkept) = (Some(changes), None, None);
        Self { plane, held, environment, clock, patience, changes, still, quotas, unkept }
    }

    /// Gives its place to whoever claims it over `stream`. Nothing is admitted any more then.
    ///
    /// # Errors
    /// Why not; [`Standing::go_on`] is to be called then.
    pub(crate) async fn hand_over(&mut self, stream: UnixStream) -> Result<Predecessor, Failure> {
        let mut link = Link::new(stream, self.patience)?;
        self.offer(&mut link).await?;
        expect(&link.hear().await?, &Word::Prepared)?;
        let changes = self.changes.take().ok_or("changes are not followed any more")?;
        let still = self.still.insert(changes.stop().await?);
        link.say(&Word::Quiet).await?;
        expect(&link.hear().await?, &Word::Ready)?;
        let paused = timeout(PAUSE, self.plane.pause()).await;
        paused.map_err(|_| "the workers do not come to rest")??;
        if let Some(quotas) = self.quotas.take() {
            self.unkept = Some(quotas.end().await?);
        }
        let (kept, open) = KeptMeters::of(still.source.counters(), self.clock.now());
        link.say(&Word::Meters(Box::new(kept))).await?;
        expect(&link.hear().await?, &Word::Loaded)?;
        link.say(&Word::Go).await?;
        Ok(Predecessor { link, open })
    }

    async fn offer(&self, link: &mut Link) -> Result<(), Failure> {
        let Word::Claim { protocol, version, environment } = link.hear().await? else {
            return Err(unexpected().into());
        };
        let refusal = if protocol != PROTOCOL {
            let ours = env!("CARGO_PKG_VERSION");
            Some(format!("the versions {ours} and {version} cannot take over from each other"))
        } else if environment != self.environment {
            let ours = &self.environment;
            Some(format!("the environments {ours} and {environment} are not one"))
        } else {
            None
        };
        if let Some(why) = refusal {
            link.say(&Word::Refuse(why.clone())).await?;
            return Err(why.into());
        }
        tracing::info!(version, "a process wants to take over");
        let Held(held) = &self.held;
        let sockets = held.iter().map(|(offered, _)| offered.clone()).collect();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        link.say(&Word::Offer { version, sockets }).await?;
        for (_, sockets) in held {
            link.pass(sockets).await?;
        }
        Ok(())
    }

    /// Serves as before, wherever giving its place away has come to.
    pub(crate) async fn go_on(&mut self) {
        if let Some(quotas) = self.unkept.take() {
            match quotas.again().await {
                Ok(quotas) => self.quotas = Some(quotas),
                Err(error) => {
                    tracing::error!(%error, "quotas are not kept any more; calls are refused: restart");
                }
            }
        }
        self.plane.resume();
        if let Some(still) = self.still.take() {
            self.follow(still).await;
        }
        if self.changes.is_none() {
            tracing::error!(
                "changes are not followed any more; requests are decided as before: restart"
            );
        }
    }

    /// Once its place is taken: follows the file for the requests that are open, where that is all that
    /// there is to follow.
    pub(crate) async fn follow_file(&mut self) {
        if let Some(still) = self.still.take().filter(|still| still.source.is_a_file()) {
            self.follow(still).await;
        }
    }

    async fn follow(&mut self, still: Still) {
        match still.open().await.and_then(crate::changes::Open::run) {
            Ok(changes) => self.changes = Some(changes),
            Err(error) => tracing::error!(%error, "changes cannot be followed again"),
        }
    }
}

impl Predecessor {
    /// Tells the newer process of every end of what is open, for ever.
    pub(crate) async fn report(mut self, meters: Arc<Meters>) {
        let mut ticks = interval(REPORT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Vec::new();
        loop {
            ticks.tick().await;
            let counts = self.open.counts(&meters);
            if counts != said && self.link.say(&Word::Open(counts.clone())).await.is_err() {
                return;
            }
            said = counts;
        }
    }
}

fn expect(word: &Word, expected: &Word) -> io::Result<()> {
    let same = std::mem::discriminant(word) == std::mem::discriminant(expected);
    if same { Ok(()) } else { Err(unexpected()) }
}

fn unexpected() -> io::Error {
    io::Error::other("the other process says something else than it should")
}

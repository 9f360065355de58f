//! The publisher of a process that is fed: what is sent becomes snapshots.
//!
//! Numbers of services, endpoints and methods, and every meter, are the process's own and go by names.
//! So whatever the sender begins anew, counters and metrics go on.

mod batch;
mod counters;
mod filling;
mod ledger;
mod names;
mod numbers;
mod snapshot;
mod translate;
mod translated;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use tollgate_core::{
    Batch, Change, Digest, Now, Revision, Root, Scheme, Schemes, SnapshotReader, SnapshotWriter,
    TermsId,
};

use crate::sign::{PublicKeys, Unsigned};
use crate::wire::{Held, SentRoutes, SentScheme, SentSchemes};
pub use counters::SharedCounters;
use ledger::Ledger;
use names::LongNames;
use numbers::{Indexes, Numbers, Translation};
pub use snapshot::Staging;
pub use translate::Upstreams;

/// Makes snapshots out of what is sent.
#[derive(Debug)]
pub struct Receiver {
    writer: SnapshotWriter,
    settings: ReceiverSettings,
    numbers: Numbers,
    ledger: Ledger,
    translation: Translation,
    terms: Indexes,
    owners: Indexes,
    names: LongNames,
    /// The routes that were last sent.
    sent_routes: Option<SentRoutes>,
    /// Why the process cannot have them.
    routes_withheld: Option<Withheld>,
    /// Keys that are absent, and stay until an operator says so.
    absent: HashSet<Digest>,
    /// Who has to have signed what is received, and for which environment.
    signers: (String, PublicKeys),
}

/// What holds for all that is received.
#[derive(Debug)]
pub struct ReceiverSettings {
    /// The upstreams of the process.
    pub upstreams: Upstreams,
    /// The schemes that the process can digest keys under.
    pub schemes: Vec<(SentScheme, Scheme)>,
    /// When the absence of keys waits for an operator.
    pub absence: Absence,
}

/// How many keys may be absent at once, without anybody having said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// In percent of all.
    pub max_share: u8,
    /// So many at least, whatever their share.
    pub at_least: usize,
}

impl Default for Absence {
    fn default() -> Self {
        Self { max_share: 20, at_least: 100 }
    }
}

/// Why something that was sent was not taken. The snapshot stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It follows a revision that is not the present one.
    Gap {
        /// The one that it follows.
        previous: Revision,
        /// The present one.
        present: Revision,
    },
    /// It is not later than the present one.
    Back {
        /// What was sent.
        revision: Revision,
        /// The present one.
        present: Revision,
    },
    /// It goes by numbers of another process.
    Numbering,
    /// It names something by a number that was never given.
    Unknown(&'static str),
    /// Its keys are digested under a scheme that the process does not have.
    Scheme(SentScheme),
    /// All lines of the process's meters are in use.
    MetersExhausted,
    /// It has something twice, or not where it belongs.
    Disorder(&'static str),
    /// Nobody who may has signed it.
    Unsigned(Unsigned),
}

/// What of a revision is not enforced, while the rest of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Services and routes, because the process has not the upstream of a service.
    Routes {
        /// The service.
        service: Box<str>,
        /// The upstream.
        upstream: Box<str>,
    },
    /// The absence of keys.
    Absence {
        /// How many keys would be gone.
        absent: usize,
        /// Of how many.
        keys: usize,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { previous, present } => {
                write!(
                    f,
                    "it follows revision {}, and {} is the present one",
                    At(*previous),
                    At(*present)
                )
            }
            Self::Back { revision, present } => {
                write!(f, "revision {} is not later than {}", At(*revision), At(*present))
            }
            Self::Numbering => f.write_str("it goes by the numbers of another process"),
            Self::Unknown(what) => write!(f, "it names {what} by a number that was never given"),
            Self::Scheme(SentScheme::Sha256) => {
                f.write_str("its keys are digested with sha256, expected a scheme of [digest]")
            }
            Self::Scheme(SentScheme::HmacSha256(fingerprint)) => write!(
                f,
                "its keys are digested under the pepper with the fingerprint {:016x}, which is none of \
                 [digest]",
                u64::from_be_bytes(*fingerprint)
            ),
            Self::MetersExhausted => f.write_str("there are more keys than meters"),
            Self::Disorder(what) => f.write_str(what),
            Self::Unsigned(unsigned) => write!(f, "it {unsigned}"),
        }
    }
}

impl std::error::Error for Unfit {}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routes { service, upstream } => write!(
                f,
                "services and routes stay as they were: service {service} has the upstream {upstream}, \
                 which [upstreams] has not"
            ),
            Self::Absence { absent, keys } => write!(
                f,
                "{absent} of {keys} keys would be gone; they stay until an operator accepts it"
            ),
        }
    }
}

/// A revision, as it is told.
#[derive(Clone, Copy, Debug)]
pub struct At(pub Revision);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.epoch, self.0.number)
    }
}

impl Receiver {
    /// One that publishes with `writer`, which has published nothing yet.
    #[must_use]
    pub fn new(writer: SnapshotWriter, settings: ReceiverSettings) -> Self {
        Self {
            writer,
            settings,
            numbers: Numbers::default(),
            ledger: Ledger::default(),
            translation: Translation::default(),
            terms: Indexes::default(),
            owners: Indexes::default(),
            names: LongNames::default(),
            sent_routes: None,
            routes_withheld: None,
            absent: HashSet::new(),
            signers: Default::default(),
        }
    }

    /// Takes nothing from here on that one of these keys has not signed for this environment.
    pub fn trust_only(&mut self, environment: &str, keys: PublicKeys) {
        self.signers = (environment.to_owned(), keys);
    }

    /// The keys of which one has to have signed what is received; none = whatever comes is taken.
    #[must_use]
    pub fn trusted(&self) -> &PublicKeys {
        &self.signers.1
    }

    /// What is held; `None` = nothing yet.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        let root = self.writer.current()?;
        Some(Held { numbering: self.translation.numbering, revision: root.revision })
    }

    /// The present snapshot.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Root>> {
        self.writer.current()
    }

    /// What of the present revision is not enforced.
    #[must_use]
    pub fn withheld(&self) -> Vec<Withheld> {
        let keys = self.writer.current().map_or(0, |root| root.keys.len());
        let absent = self.absent.len();
        let absence = (absent > 0).then_some(Withheld::Absence { absent, keys });
        self.routes_withheld.iter().cloned().chain(absence).collect()
    }

    /// Has every decision refused from `monotonic` on; see [`SnapshotWriter::lease_until`].
    pub fn lease_until(&self, monotonic: u64) {
        self.writer.lease_until(monotonic);
    }

    /// Tells decisions what time it is at the least; see [`SnapshotWriter::time_is`].
    pub fn time_is(&self, now: Now) {
        self.writer.time_is(now);
    }

    /// Takes the keys out that are absent, because an operator says so. How many there were.
    pub fn accept_absence(
        &mut self,
        unix: u64,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> usize {
        let absent = std::mem::take(&mut self.absent);
        let Some(root) = self.writer.current() else { return 0 };
        let gone: Vec<_> = absent.iter().filter_map(|digest| root.keys.find(digest)).collect();
        let mut names = Vec::new();
        gone.iter().for_each(|known| LongNames::leave(known, None, &mut names));
        let secrets = absent.iter().filter(|digest| root.secrets.find(digest).is_some());
        let batch = Batch {
            keys: gone.iter().map(|known| Change::Remove(known.digest)).collect(),
            names,
            secrets: secrets.map(|digest| Change::Remove(*digest)).collect(),
            ..Batch::default()
        };
        self.store(&root, batch, root.revision, unix, enforced);
        absent.len()
    }

    /// Frees the meters of keys that are gone for good. To be called every now and then.
    pub fn reap(&mut self, unix: u64) {
        self.ledger.reap(&mut self.writer, unix);
    }

    /// Publishes, and counts keys by their meters.
    fn store(
        &mut self,
        before: &Root,
        batch: Batch,
        revision: Revision,
        published: u64,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Root> {
        let last: HashMap<_, _> = batch
            .keys
            .iter()
            .map(|change| match change {
                Change::Put(record) => (record.digest, Some(record.meter)),
                Change::Remove(digest) => (*digest, None),
            })
            .collect();
        for (digest, meter) in last {
            self.absent.remove(&digest);
            let known = before.keys.find(&digest);
            self.ledger.note(known.map(|record| record.meter), meter);
        }
        self.names.forget(&batch.names);
        let routed = batch.routes.is_some();
        let root = self.writer.publish(batch, revision, published, || before.clone(), enforced);
        if routed {
            self.settle_services(&root, published);
        }
        self.ledger.settle(&mut self.writer, published);
        root
    }

    fn settle_services(&mut self, root: &Root, unix: u64) {
        let named: HashSet<_> = root.routes.services().map(|service| &*service.name).collect();
        self.ledger.settle_services(&mut self.writer, |name| named.contains(name), unix);
    }

    /// The schemes of the process that were named.
    fn schemes(&self, sent: SentSchemes) -> Result<Arc<Schemes>, Unfit> {
        let own = |sent: SentScheme| {
            let own = self.settings.schemes.iter().find(|(known, _)| *known == sent);
            own.map(|(_, scheme)| scheme.clone()).ok_or(Unfit::Scheme(sent))
        };
        let previous = sent.previous.map(own).transpose()?;
        Ok(Arc::new(Schemes { current: own(sent.current)?, previous, brand: sent.brand }))
    }

    fn own_terms(&self, sent: u32) -> Result<TermsId, Unfit> {
        let own = self.translation.terms.get(sent);
        own.map(TermsId).ok_or(Unfit::Unknown("terms"))
    }
}

/// A process that is fed and has no workers, for who looks at what was sent.
#[must_use]
pub fn alone(settings: ReceiverSettings) -> (Receiver, SnapshotReader) {
    let (writer, reader) = tollgate_core::handoff();
    (Receiver::new(writer, settings), reader)
}

#[cfg(test)]
mod tests;

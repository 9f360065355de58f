//! What publishes, and what is kept on disk of it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tollgate_control::Upstreams;
use tollgate_control::model::{Objects, SchemeSettings};
use tollgate_core::{Revision, Scheme, SnapshotWriter};
use tollgate_feed::folder::{Contact, Folder, FolderError, Incoming};
use tollgate_feed::receive::{At, Receiver, ReceiverSettings, Unfit, Withheld};
use tollgate_feed::subscribe::Taken;
use tollgate_feed::wire::{Held, SentBatch, SentScheme, SnapshotOffer, ToProxy};

use super::{Fetched, contact};
use crate::boot::Failure;
use crate::config;
use crate::signing::read_public_keys;

/// How long it is tried to have the folder back that another process was given.
const AGAIN: Duration = Duration::from_secs(5);

/// The publisher of a process that is fed, with its folder.
pub(super) struct Kept {
    pub(super) receiver: Receiver,
    pub(super) folder: Folder,
    pub(super) schemes: Vec<SentScheme>,
    /// Whether something was appended that is not synced.
    pub(super) dirty: bool,
    /// Whether something that was published could not be kept: the disk is behind until the next
    /// snapshot, and nothing is acknowledged that wants it.
    pub(super) broken: bool,
    /// What was sent last and nobody who may has signed, if that is so.
    pub(super) unsigned: Option<String>,
    upstreams: Upstreams,
    contact: Option<Contact>,
}

/// The publisher of a process whose folder was not opened yet.
pub(super) struct Unopened {
    pub(super) receiver: Receiver,
    pub(super) schemes: Vec<SentScheme>,
    upstreams: Upstreams,
    environment: String,
}

impl Unopened {
    pub(super) fn new(
        settings: &config::Feed,
        objects: &Objects,
        writer: SnapshotWriter,
    ) -> Result<Self, Failure> {
        let environment = objects.environment.0.to_string();
        let mut upstreams = Upstreams::default();
        let schemes = schemes(objects);
        let known = schemes.iter().map(|(sent, _)| *sent).collect();
        let receiver_settings = ReceiverSettings {
            upstreams: upstreams.of(objects),
            schemes,
            absence: settings.absence,
        };
        let mut receiver = Receiver::new(writer, receiver_settings);
        let keys = read_public_keys(&settings.public_key_files);
        let keys = keys.map_err(|error| format!("feed.public_key_files: {error}"))?;
        receiver.trust_only(&environment, keys);
        Ok(Self { receiver, schemes: known, upstreams, environment })
    }
}

impl Kept {
    pub(super) fn open(settings: &config::Feed, unopened: Unopened) -> Result<Self, Failure> {
        let Unopened { receiver, schemes, upstreams, environment } = unopened;
        let folder = Folder::open(&settings.folder, &environment)
            .map_err(|error| format!("feed.folder: {error}"))?;
        let contact = folder.contact();
        Ok(Self {
            receiver,
            folder,
            schemes,
            dirty: false,
            broken: false,
            unsigned: None,
            upstreams,
            contact,
        })
    }

    /// Publishes what is on the disk.
    pub(super) fn restore(&mut self) -> Result<(), Failure> {
        let restored = self.folder.restore(&mut self.receiver)?;
        for unusable in &restored.unusable {
            tracing::error!(%unusable, "a file of feed.folder cannot be used");
            if unusable.why.is_unsigned() {
                self.unsigned = Some(format!("{} {}", unusable.path.display(), unusable.why));
            }
        }
        if restored.revision.is_some() && !restored.unusable.is_empty() {
            tracing::warn!("serving from what of feed.folder could be used");
        }
        Ok(())
    }

    /// Lets another process have the folder.
    pub(super) fn let_go(&mut self) -> io::Result<()> {
        self.dirty = false;
        self.folder.let_go()
    }

    /// Has the folder again, which another process was given.
    pub(super) async fn take_again(&mut self) -> Result<(), FolderError> {
        let end = Instant::now() + AGAIN;
        loop {
            match self.folder.take_again() {
                Ok(as_it_was) => {
                    self.broken |= !as_it_was;
                    return Ok(());
                }
                Err(FolderError::InUse(_)) if Instant::now() < end => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Milliseconds since the lease was last renewed, if that is known.
    pub(super) fn contact_ago(&self, unix: u64) -> Option<u64> {
        self.contact.as_ref()?.until(&contact::now(unix)?)
    }

    /// What time it is at the least, by the last contact and what has passed since; `None` = there was none.
    pub(super) fn told_time(&self, ago: Option<u64>) -> Option<u64> {
        Some(self.contact.as_ref()?.unix_ms.saturating_add(ago.unwrap_or(0)))
    }

    /// Writes down that the lease was renewed `ago` milliseconds ago, unless it was lately.
    pub(super) fn note_contact(&mut self, unix: u64, ago: u64, often: Duration) -> io::Result<()> {
        let Some(now) = contact::now(unix) else { return Ok(()) };
        let contact = Contact {
            since_boot_ms: now.since_boot_ms.saturating_sub(ago),
            unix_ms: now.unix_ms.saturating_sub(ago),
            ..now
        };
        let since = self.contact.as_ref().and_then(|last| last.until(&contact));
        if since.is_some_and(|since| u128::from(since) < often.as_millis()) {
            return Ok(());
        }
        self.folder.sync()?;
        self.folder.note_contact(&contact)?;
        self.contact = Some(contact);
        Ok(())
    }

    /// Publishes a batch, and appends it.
    pub(super) fn batch(
        &mut self,
        sent: SentBatch,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<Taken, Unfit> {
        let to_sync = self.receiver.takes_away(&sent);
        let numbering = self.receiver.held().ok_or(Unfit::Numbering)?.numbering;
        let frame = ToProxy::Batch(sent.clone()).to_bytes();
        let revision = sent.revision;
        let published = self.receiver.batch(numbering, sent, enforced);
        self.unsigned = match &published {
            Err(Unfit::Unsigned(unsigned)) => Some(format!("revision {} {unsigned}", At(revision))),
            _ => None,
        };
        let root = published?;
        if !self.broken {
            match self.folder.append(&frame, false) {
                Ok(()) => self.dirty = true,
                Err(error) => {
                    tracing::error!(%error, "what the feed says cannot be kept");
                    self.broken = true;
                }
            }
        }
        let withheld = withheld_text(&self.receiver.withheld());
        Ok(Taken { to_sync, keys: root.keys.len() as u64, withheld })
    }

    /// Publishes a snapshot that has arrived, on a thread that may block, and keeps it.
    pub(super) async fn snapshot(
        mut self,
        incoming: Incoming,
        offer: SnapshotOffer,
        enforced: impl Fn(Revision) + Send + Sync + 'static,
    ) -> (Self, Result<Fetched, String>) {
        let published = tokio::task::spawn_blocking(move || {
            let fetched = self.take(incoming, &offer, enforced);
            (self, fetched)
        });
        match published.await {
            Ok(published) => published,
            // It has panicked, and nothing publishes any more.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn take(
        &mut self,
        incoming: Incoming,
        offer: &SnapshotOffer,
        enforced: impl Fn(Revision) + Send + Sync + 'static,
    ) -> Result<Fetched, String> {
        let path: PathBuf = incoming.path().to_owned();
        let header = self.folder.header(&path).map_err(|error| format!("the snapshot {error}"))?;
        if (header.revision, header.numbering) != (offer.revision, offer.numbering) {
            return Err("the snapshot is another than was offered".to_owned());
        }
        let revision = offer.revision;
        let published = self.folder.publish(&path, &mut self.receiver, move || enforced(revision));
        self.unsigned = match &published {
            Err(error) if error.is_unsigned() => Some(format!("revision {} {error}", At(revision))),
            _ => None,
        };
        let header = published.map_err(|error| format!("the snapshot {error}"))?;
        let kept = self.folder.keep(incoming, &header);
        self.broken = kept.is_err();
        if let Err(error) = kept {
            tracing::error!(%error, "the snapshot cannot be kept");
        }
        self.dirty = false;
        let keys = self.receiver.current().map_or(0, |root| root.keys.len() as u64);
        let held = Held { numbering: header.numbering, revision: header.revision };
        let withheld = withheld_text(&self.receiver.withheld());
        Ok((held, Taken { to_sync: true, keys, withheld }))
    }

    pub(super) fn replace_upstreams(
        &mut self,
        objects: &Objects,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), String> {
        let upstreams = self.upstreams.of(objects);
        self.receiver.replace_upstreams(upstreams, enforced).map_err(|unfit| unfit.to_string())
    }

    /// Whether an operator has said that absent keys are to go. It is asked once.
    pub(super) fn is_accepted(&self) -> bool {
        std::fs::remove_file(self.folder.path().join(ACCEPT)).is_ok()
    }
}

/// The file in the folder by which an operator accepts the absence of keys.
pub(crate) const ACCEPT: &str = "accept-absence";

/// All that is withheld, in one line.
pub(super) fn withheld_text(withheld: &[Withheld]) -> Option<String> {
    let texts: Vec<_> = withheld.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// The schemes that the process can digest keys under.
fn schemes(objects: &Objects) -> Vec<(SentScheme, Scheme)> {
    let digests = &objects.digests;
    let given = std::iter::once(&digests.current).chain(&digests.previous);
    let peppered = given.filter_map(|settings| match settings {
        SchemeSettings::Sha256 => None,
        SchemeSettings::HmacSha256(pepper) => {
            Some((SentScheme::HmacSha256(pepper.fingerprint()), settings.compile()?))
        }
    });
    let mut schemes: Vec<_> = peppered.collect();
    schemes.push((SentScheme::Sha256, Scheme::Sha256));
    schemes
}

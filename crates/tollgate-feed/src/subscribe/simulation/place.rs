//! A proxy of a simulation, and the disk that outlives it.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Mailbox, Sender, channel};

use tollgate_core::{FixedResponse, Revision, Root, Scheme, Target, Upstream};

use super::network::{Said, Travelling};
use super::{SERVE_FOR, World};
use crate::file::SnapshotFile;
use crate::receive::{self, Absence, Receiver, ReceiverSettings, Unfit};
use crate::subscribe::{Act, Event, Subscriber, SubscriberSettings, Taken};
use crate::wire::{Held, Numbering, SentBatch, SentScheme, SnapshotOffer};

/// Milliseconds between two syncs of what nobody waits for, and between two contacts that are kept.
const SYNC: u64 = 800;
const CONTACT: u64 = SERVE_FOR * 100;

/// Where a proxy is.
#[derive(Default)]
pub(super) struct Place {
    pub(super) proxy: Option<Proxy>,
    disk: Disk,
    pub(super) network: Vec<Travelling>,
    /// What the control plane was ever told that is enforced here.
    pub(super) acknowledged: Option<Revision>,
    /// What was looked at last.
    pub(super) seen: (Revision, Option<Revision>),
}

/// What survives the process.
#[derive(Default)]
struct Disk {
    snapshot: Option<(Arc<[u8]>, Numbering)>,
    tail: Vec<SentBatch>,
    /// So many of these are there for good.
    synced: usize,
    contact: Option<u64>,
}

/// A process of the proxy.
pub(super) struct Proxy {
    pub(super) receiver: Receiver,
    pub(super) subscriber: Subscriber,
    enforced: (Sender<Revision>, Mailbox<Revision>),
    /// What the slowest worker decides by, and what was published since.
    pub(super) decides: Option<Arc<Root>>,
    published: Vec<Arc<Root>>,
    pub(super) lease: Option<u64>,
    pub(super) connection: Option<u64>,
    fetch: Option<(SnapshotOffer, u64)>,
    /// Whether something is to be synced that is not asked for yet.
    to_sync: bool,
    /// When which revision, which is so far down the tail, is synced.
    syncing: Option<(u64, Revision, usize)>,
}

impl World {
    pub(super) fn start_proxy(&mut self, at: usize) {
        let response =
            FixedResponse { status: http::StatusCode::OK, headers: Vec::new(), body: "".into() };
        let target = Target::Fixed(response);
        let upstream = Arc::new(Upstream { name: "origin".into(), generation: 1, target });
        let (mut receiver, _) = receive::alone(ReceiverSettings {
            upstreams: [("origin".into(), upstream)].into(),
            schemes: vec![(SentScheme::Sha256, Scheme::Sha256)],
            absence: Absence::default(),
        });
        let enforced = channel();
        let disk = &self.places[at].disk;
        if let Some((bytes, numbering)) = &disk.snapshot {
            publish(&mut receiver, bytes, &enforced.0).unwrap();
            for batch in &disk.tail {
                receiver.batch(*numbering, batch.clone(), || ()).unwrap();
            }
        }
        let settings = SubscriberSettings {
            name: format!("proxy-{at}"),
            instance: self.draw.below(1 << 30),
            software: "0.1.0".to_owned(),
            environment: "production".to_owned(),
            region: None,
            schemes: vec![SentScheme::Sha256],
            serve_for: Some(SERVE_FOR),
        };
        let ago = disk.contact.map(|contact| self.now - contact);
        let (held, seed) = (receiver.held(), self.draw.below(u64::MAX >> 33));
        let (subscriber, acts) = Subscriber::new(settings, seed, held, ago, self.moment());
        if let Some(held) = held {
            enforced.0.send(held.revision).unwrap();
        }
        self.places[at].proxy = Some(Proxy {
            decides: receiver.current(),
            published: Vec::new(),
            receiver,
            subscriber,
            enforced,
            lease: None,
            connection: None,
            fetch: None,
            to_sync: false,
            syncing: None,
        });
        self.perform(at, acts);
    }

    /// A crash that takes everything along that was not synced.
    pub(super) fn kill_proxy(&mut self, at: usize) {
        let place = &mut self.places[at];
        place.proxy = None;
        place.disk.tail.truncate(place.disk.synced);
        self.cut(at);
    }

    /// Fetches end some time.
    pub(super) fn fetched(&mut self, at: usize) {
        let Place { proxy: Some(proxy), disk, .. } = &mut self.places[at] else { return };
        let Some((offer, _)) = proxy.fetch.take_if(|(_, due)| *due <= self.now) else { return };
        let file = self.control.as_ref().and_then(|control| control.file(&offer));
        let file = file.ok_or("it is gone".to_owned());
        let fetched = file.and_then(|bytes| {
            let published = publish(&mut proxy.receiver, &bytes, &proxy.enforced.0);
            published.map_err(|unfit| unfit.to_string())?;
            proxy.published.extend(proxy.receiver.current());
            *disk = Disk {
                snapshot: Some((bytes, offer.numbering)),
                contact: disk.contact,
                ..Disk::default()
            };
            proxy.syncing = None;
            let held = Held { numbering: offer.numbering, revision: offer.revision };
            Ok((held, Taken { to_sync: true, keys: offer.keys, withheld: None }))
        });
        let is_kept = fetched.is_ok();
        self.step(at, Event::Fetched(fetched));
        if is_kept {
            self.step(at, Event::Synced(offer.revision));
        }
    }

    /// What is to be on the disk comes there some time.
    pub(super) fn synced(&mut self, at: usize) {
        let Place { proxy: Some(proxy), disk, .. } = &mut self.places[at] else { return };
        let unsynced = disk.synced < disk.tail.len();
        proxy.to_sync |= unsynced && self.now.is_multiple_of(SYNC);
        match proxy.syncing {
            Some((due, revision, length)) if due <= self.now => {
                proxy.syncing = None;
                disk.synced = disk.synced.max(length);
                self.step(at, Event::Synced(revision));
            }
            None if proxy.to_sync => {
                proxy.to_sync = false;
                let revision = proxy.subscriber.held().unwrap().revision;
                let due = self.now + self.draw.below(4) * 10;
                proxy.syncing = Some((due, revision, disk.tail.len()));
            }
            _ => {}
        }
    }

    /// Workers answer some time.
    pub(super) fn work(&mut self, at: usize) {
        if !self.heals && self.draw.chance(50) {
            return;
        }
        while let Some(proxy) = &mut self.places[at].proxy
            && let Ok(enforced) = proxy.enforced.1.try_recv()
        {
            if let Some(at) = proxy.published.iter().position(|root| root.revision == enforced) {
                proxy.decides = proxy.published.drain(..=at).next_back();
            }
            self.step(at, Event::Enforced(enforced));
        }
    }

    pub(super) fn step(&mut self, at: usize, event: Event) {
        let now = self.moment();
        let Some(proxy) = &self.places[at].proxy else { return };
        let events = match self.broken {
            None => vec![event],
            Some(broken) => broken.told(event, &proxy.subscriber),
        };
        for event in events {
            let Some(proxy) = &mut self.places[at].proxy else { return };
            let acts = proxy.subscriber.step(event, now);
            self.perform(at, acts);
        }
    }

    fn perform(&mut self, at: usize, acts: Vec<Act>) {
        for act in acts {
            let Place { proxy: Some(proxy), disk, network, .. } = &mut self.places[at] else {
                return;
            };
            match act {
                Act::Connect if self.control.is_some() => {
                    self.connections += 1;
                    proxy.connection = Some(self.connections);
                    self.step(at, Event::Opened);
                }
                Act::Connect => self.step(at, Event::Closed("nobody is there".to_owned())),
                Act::Close => {
                    proxy.connection = None;
                    network.clear();
                }
                Act::Send(said) => {
                    if let Some(connection) = proxy.connection {
                        self.send(at, connection, Said::Control(said));
                    }
                }
                Act::Publish(batch) => self.publish(at, *batch),
                Act::Fetch(offer) => {
                    let due = self.now + self.draw.below(20) * 10;
                    proxy.fetch = Some((offer, due));
                }
                Act::Lease(ends) => proxy.lease = ends,
                Act::Contact(contact) => {
                    if disk.contact.is_none_or(|last| contact >= last + CONTACT) {
                        disk.synced = disk.tail.len();
                        disk.contact = Some(contact);
                    }
                }
                Act::Tell(_) | Act::Time(_) => {}
            }
        }
    }

    fn publish(&mut self, at: usize, batch: SentBatch) {
        let Place { proxy: Some(proxy), disk, .. } = &mut self.places[at] else { return };
        let revision = batch.revision;
        let numbering = proxy.subscriber.held().unwrap().numbering;
        let to_sync = proxy.receiver.takes_away(&batch);
        let enforced = proxy.enforced.0.clone();
        let published = proxy.receiver.batch(numbering, batch.clone(), move || {
            // Whoever hears of it may be gone.
            let _ = enforced.send(revision);
        });
        let taken =
            published.map(|root| Taken { to_sync, keys: root.keys.len() as u64, withheld: None });
        if taken.is_ok() {
            disk.tail.push(batch);
            proxy.to_sync |= to_sync;
            proxy.published.extend(proxy.receiver.current());
        }
        self.step(at, Event::Published(revision, taken));
    }
}

fn publish(receiver: &mut Receiver, bytes: &[u8], to: &Sender<Revision>) -> Result<(), Unfit> {
    let mut file = SnapshotFile::open(Cursor::new(bytes)).unwrap();
    let revision = file.header().revision;
    let mut staging = receiver.stage(file.header().clone())?;
    while let Some(piece) = file.next_piece().unwrap() {
        staging.add(piece)?;
    }
    let to = to.clone();
    staging.finish(move || {
        // Whoever hears of it may be gone.
        let _ = to.send(revision);
    })?;
    Ok(())
}

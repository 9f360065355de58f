//! A snapshot as a busy gateway has it: keys of a few plans, each with a ceiling of queries and a quota that are
//! never used up, and for each reason to refuse a key some keys.

pub(crate) mod chance;
mod kind;
pub(crate) mod services;
mod terms;

use std::sync::Arc;
use std::thread;

use tollgate_core::{
    Brand, Change, Clock, Decider, Digest, KeyId, KeySecret, Now, Owner, OwnerId, Record, Revision,
    Root, Scheme, Schemes, SnapshotReader, SnapshotWriter, Status, Table, TermsId, handoff,
};
use zeroize::Zeroizing;

use chance::Chance;
pub(crate) use kind::Kind;
pub(crate) use terms::limited;

/// It stands still: nothing recovers, so what is refused stays refused.
pub(crate) const NOW: Now = Now { monotonic: 1_000_000_000, unix_ms: 1_800_000_000_000 };

/// What keys prove themselves with where a service asks for it.
pub(crate) const SECRET: &[u8] = b"a-secret-of-a-key-0123456789abcdef";

/// So many keys an application has.
const OF_APPLICATION: u32 = 100;

/// The first of the terms that one key alone has.
const OWN_TERMS: u32 = 16;

/// A gateway's decisions, without the gateway.
pub(crate) struct World {
    pub(crate) writer: SnapshotWriter,
    pub(crate) reader: SnapshotReader,
    pub(crate) decider: Decider,
    /// So many keys there are.
    pub(crate) size: u32,
    /// So many of the first keys may have ceilings of their own.
    own_ceilings: u32,
    revision: u64,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        NOW
    }
}

impl World {
    /// A world of `size` keys. Of the first `own_ceilings` those that can be used have ceilings of their own.
    pub(crate) fn new(size: u32, own_ceilings: u32) -> Self {
        let (mut writer, reader) = handoff();
        let mut schemes = Schemes::only(Scheme::Sha256);
        schemes.brand = Some(brand());
        let mut root = Root::empty(Arc::new(schemes));
        root.routes = Arc::new(services::routes(&mut writer));
        for (id, terms) in terms::shared() {
            root.terms.set(id.0, Some(Arc::new(terms)));
        }
        for number in 0..=size.div_ceil(OF_APPLICATION) {
            let application = format!("application-{number}").into();
            // The first is the one that is not active.
            root.owners.set(number, Some(Arc::new(Owner { application, active: number > 0 })));
        }
        let mut secrets = Table::default();
        let digests = digests(0..size);
        root.keys.make_room(digests.iter());
        for (number, digest) in (0..size).zip(digests) {
            let meter = writer.allot(&[]).expect("a meter");
            let own = number < own_ceilings && Kind::of(number) == Kind::Good;
            if own {
                let terms = limited(1_000 + number, 1_000_000_000);
                root.terms.set(OWN_TERMS + number, Some(Arc::new(terms)));
            }
            root.keys.put(record(number, digest, meter, own));
            if Kind::of(number) == Kind::Proven {
                let secret = Some(Scheme::Sha256.digest(SECRET));
                secrets.put(KeySecret { key: digest, digest: secret, wrapped: None });
            }
        }
        root.secrets = Arc::new(secrets);
        let revision = Revision { epoch: 1, number: 1 };
        writer.publish(Default::default(), revision, NOW.unix(), || root, || ());
        let decider = Decider::new(reader.clone(), Arc::new(Still));
        Self { writer, reader, decider, size, own_ceilings, revision: 1 }
    }

    /// The newest snapshot.
    pub(crate) fn root(&self) -> Arc<Root> {
        self.reader.current().expect("a snapshot")
    }

    /// The revision that follows.
    pub(crate) fn next_revision(&mut self) -> Revision {
        self.revision += 1;
        Revision { epoch: 1, number: self.revision }
    }

    /// A key of this kind, drawn.
    pub(crate) fn draw(&self, kind: Kind, chance: &mut Chance) -> u32 {
        loop {
            let number = kind.in_row(chance.below(self.size), chance);
            if number < self.size {
                return number;
            }
        }
    }

    /// The terms that only the key of this number has, if it has some.
    pub(crate) fn own_terms(&self, number: u32) -> Option<TermsId> {
        (number < self.own_ceilings).then_some(TermsId(OWN_TERMS + number))
    }

    /// What is known of a key, as it is to be changed.
    pub(crate) fn record(&self, number: u32) -> Record {
        *self.root().keys.find(&Scheme::Sha256.digest(key(number).as_bytes())).expect("a key")
    }

    /// A key that is suspended if it is active, and else active again.
    pub(crate) fn turned(&self, number: u32) -> Change {
        let record = self.record(number);
        let status = match record.status {
            Status::Active => Status::Suspended,
            _ => Status::Active,
        };
        Change::Put(Record { status, ..record })
    }
}

/// The key of a number, as the gateway generates them.
pub(crate) fn key(number: u32) -> String {
    let mut chance = Chance::new(u64::from(number) + 1);
    let random = Zeroizing::new(std::array::from_fn(|_| chance.next() as u32));
    brand().generate("production", &random).reveal().to_owned()
}

fn brand() -> Brand {
    Brand::new("acme").expect("a brand")
}

/// On all cores, since most of the time goes into it.
fn digests(numbers: std::ops::Range<u32>) -> Vec<Digest> {
    let numbers: Vec<u32> = numbers.collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = numbers.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let digest = |number: &u32| Scheme::Sha256.digest(key(*number).as_bytes());
        let shares = numbers.chunks(share);
        let digesting: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(digest).collect::<Vec<_>>()))
            .collect();
        digesting.into_iter().flat_map(|thread| thread.join().expect("digests")).collect()
    })
}

fn record(number: u32, digest: Digest, meter: tollgate_core::MeterId, own: bool) -> Record {
    let kind = Kind::of(number);
    let owner = if kind == Kind::OwnerInactive { 0 } else { 1 + number / OF_APPLICATION };
    Record {
        digest,
        id: KeyId::inline(&format!("k{number}")).expect("a short name"),
        meter,
        terms: if own { TermsId(OWN_TERMS + number) } else { terms::of(kind, number) },
        owner: OwnerId(owner),
        not_before: if kind == Kind::NotYetValid { u32::MAX - 1 } else { 0 },
        not_after: if kind == Kind::Expired { 1 } else { Record::NEVER },
        number: 1,
        status: match kind {
            Kind::Pending => Status::Waiting,
            Kind::Suspended => Status::Suspended,
            Kind::Revoked => Status::Revoked,
            _ => Status::Active,
        },
    }
}

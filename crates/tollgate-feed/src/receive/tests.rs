use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tollgate_core::{FixedResponse, KeyId, OwnerId, Record, Status, Table, Target, Upstream};

use super::*;
use crate::encode::{self, Context};
use crate::file::SnapshotFile;
use crate::synthetic::Synthetic;
use crate::wire::{Numbering, SentBatch};

/// A control plane, as far as it sends.
#[derive(Clone)]
struct Sender {
    made: Synthetic,
    root: Root,
    /// Added to every number that it gives, and so to those of terms and owners.
    shift: u32,
}

impl Sender {
    fn new(keys: u32) -> Self {
        let made = Synthetic {
            seed: 7,
            keys,
            numbering: Numbering(7),
            environment: "production".to_owned(),
            upstream: "origin".to_owned(),
            revision: Revision { epoch: 1, number: 100 },
            published: 1_811_808_000_000,
        };
        let root = made.root();
        Self { made, root, shift: 0 }
    }

    /// The same keys in another process, which has given other numbers.
    fn again(&self, shift: u32) -> Self {
        let mut other = self.clone();
        other.made.numbering = Numbering(7000 + u64::from(shift));
        other.shift = shift;
        let mut root = Root {
            keys: Table::default(),
            terms: Default::default(),
            owners: Default::default(),
            ..self.root.clone()
        };
        for (id, terms) in self.root.terms.iter() {
            root.terms.set((id + shift) % 60, Some(Arc::clone(terms)));
        }
        for (id, owner) in self.root.owners.iter() {
            root.owners.set(id + shift, Some(Arc::clone(owner)));
        }
        for record in self.root.keys.iter() {
            let terms = TermsId((record.terms.0 + shift) % 60);
            root.keys.put(Record { terms, owner: OwnerId(record.owner.0 + shift), ..*record });
        }
        other.root = root;
        other
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut made = self.made.clone();
        made.revision = self.root.revision;
        made.write(&self.root, "0.1.0", &mut bytes).unwrap();
        bytes
    }

    fn numbering(&self) -> Numbering {
        self.made.numbering
    }

    fn change(&mut self, batch: Batch) -> SentBatch {
        let revision = Revision { number: self.root.revision.number + 1, ..self.root.revision };
        let context = Context {
            before: &self.root,
            revision,
            published: self.made.published,
            given: Vec::new(),
            schemes: None,
            counter: |record: &Record| Some(Synthetic::counter(record)),
        };
        let sent = encode::batch(&batch, context).unwrap();
        self.root = self.root.with(batch, revision, self.made.published / 1000);
        sent
    }

    fn put(&mut self, record: Record) -> SentBatch {
        self.change(Batch { keys: vec![Change::Put(record)], ..Batch::default() })
    }

    fn key(&self, number: u32) -> Record {
        let digest = self.made.record(number).digest;
        *self.root.keys.find(&digest).unwrap()
    }
}

fn upstream(name: &str) -> (Box<str>, Arc<Upstream>) {
    let response =
        FixedResponse { status: http::StatusCode::OK, headers: Vec::new(), body: "".into() };
    let target = Target::Fixed(response);
    (name.into(), Arc::new(Upstream { name: name.into(), generation: 1, target }))
}

fn receiver() -> (Receiver, SnapshotReader) {
    alone(ReceiverSettings {
        upstreams: [upstream("origin")].into(),
        schemes: vec![(SentScheme::Sha256, Scheme::Sha256)],
        absence: Absence::default(),
    })
}

fn take(receiver: &mut Receiver, bytes: &[u8]) -> Result<Arc<Root>, Unfit> {
    let mut file = SnapshotFile::open(Cursor::new(bytes)).unwrap();
    let mut staging = receiver.stage(file.header().clone())?;
    while let Some(piece) = file.next_piece().unwrap() {
        staging.add(piece)?;
    }
    staging.finish(|| ())
}

/// What both say of each key, by names.
fn assert_same(sender: &Sender, root: &Root) {
    assert_eq!(root.revision, sender.root.revision);
    assert_eq!(root.keys.len(), sender.root.keys.len());
    for expected in sender.root.keys.iter() {
        let known = root.keys.find(&expected.digest).expect("a key is missing");
        let name = |root: &Root, record: &Record| root.key_name(record, &mut [0; 36]).to_owned();
        assert_eq!(name(root, known), name(&sender.root, expected));
        assert_eq!(known.status, expected.status);
        assert_eq!(known.not_after, expected.not_after);
        let owner = |root: &Root, record: &Record| root.owners.get(record.owner.0).cloned();
        assert_eq!(owner(root, known), owner(&sender.root, expected));
        let plan = |root: &Root, record: &Record| {
            root.terms.get(record.terms.0).map(|terms| terms.grants[0].plan.clone())
        };
        assert_eq!(plan(root, known), plan(&sender.root, expected));
    }
}

#[test]
fn a_snapshot_and_the_batches_after_it_make_what_the_sender_has() {
    let mut sender = Sender::new(3000);
    let (mut receiver, reader) = receiver();
    let root = take(&mut receiver, &sender.snapshot()).unwrap();
    assert_same(&sender, &root);
    let lines = receiver.writer.lines_in_use();
    for number in 0..100 {
        let mut record = sender.key(number);
        record.status = if number % 2 == 0 { Status::Revoked } else { Status::Suspended };
        let batch = sender.put(record);
        receiver.batch(sender.numbering(), batch, || ()).unwrap();
    }
    assert_same(&sender, &reader.current().unwrap());
    assert_eq!(receiver.writer.lines_in_use(), lines);
    let digest = sender.key(5).digest;
    let batch = sender.change(Batch { keys: vec![Change::Remove(digest)], ..Batch::default() });
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_same(&sender, &root);
}

#[test]
fn under_other_numbers_nothing_changes_and_every_meter_stays() {
    let mut sender = Sender::new(2000);
    let (mut receiver, _) = receiver();
    let before = take(&mut receiver, &sender.snapshot()).unwrap();
    let lines = receiver.writer.lines_in_use();
    for shift in [1, 33, 7] {
        sender = sender.again(shift);
        sender.root.revision.number += 1;
        let after = take(&mut receiver, &sender.snapshot()).unwrap();
        assert_same(&sender, &after);
        for record in before.keys.iter() {
            assert_eq!(after.keys.find(&record.digest), Some(record), "a key has changed");
        }
        assert_eq!(receiver.writer.lines_in_use(), lines, "a meter was made");
    }
    // And numbers go on to mean the right thing.
    let mut record = sender.key(9);
    record.terms = sender.key(10).terms;
    record.status = Status::Suspended;
    let batch = sender.put(record);
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_same(&sender, &root);
}

#[test]
fn a_rotated_key_keeps_its_meter_and_a_long_name_its_place() {
    let mut sender = Sender::new(10);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    let was = sender.key(3);
    let next = Record { digest: Digest::new([9; 32]), id: KeyId::long(4), ..was };
    let name: Arc<Box<str>> = Arc::new("a-name-longer-than-fifteen".into());
    let batch =
        Batch { keys: vec![Change::Put(next)], names: vec![(4, Some(name))], ..Batch::default() };
    // Both count under what the first one did.
    let counter = Synthetic::counter(&was);
    let mut sent = sender.change(batch);
    if let [Change::Put(key)] = &mut *sent.keys {
        key.counter = counter;
    }
    let root = receiver.batch(sender.numbering(), sent, || ()).unwrap();
    let (was, next) = (root.keys.find(&was.digest).unwrap(), root.keys.find(&next.digest).unwrap());
    assert_eq!(was.meter, next.meter);
    assert_eq!(root.key_name(next, &mut [0; 36]), "a-name-longer-than-fifteen");
    let gone = Batch { keys: vec![Change::Remove(next.digest)], ..Batch::default() };
    let sent = sender.change(gone);
    let root = receiver.batch(sender.numbering(), sent, || ()).unwrap();
    assert!(root.names.iter().next().is_none(), "the name is gone");
}

#[test]
fn what_goes_back_or_leaves_a_gap_is_refused() {
    let mut sender = Sender::new(10);
    let (mut receiver, _) = receiver();
    let old = sender.snapshot();
    take(&mut receiver, &old).unwrap();
    let record = sender.key(0);
    let first = sender.put(record);
    let second = sender.put(record);
    let numbering = sender.numbering();
    let refused = receiver.batch(numbering, second.clone(), || ());
    assert!(matches!(refused, Err(Unfit::Gap { .. })), "{refused:?}");
    let refused = receiver.batch(Numbering(1), first.clone(), || ());
    assert_eq!(refused.unwrap_err(), Unfit::Numbering);
    receiver.batch(numbering, first.clone(), || ()).unwrap();
    let refused = receiver.batch(numbering, first, || ());
    assert!(matches!(refused, Err(Unfit::Back { .. })), "{refused:?}");
    receiver.batch(numbering, second, || ()).unwrap();
    assert!(matches!(take(&mut receiver, &old), Err(Unfit::Back { .. })));
    assert_same(&sender, &receiver.current().unwrap());
}

#[test]
fn a_staged_snapshot_that_is_dropped_leaves_everything_as_it_was() {
    let mut sender = Sender::new(500);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    let other = sender.again(5).snapshot();
    let mut file = SnapshotFile::open(Cursor::new(&other)).unwrap();
    let mut staging = receiver.stage(file.header().clone()).unwrap();
    while let Some(piece) = file.next_piece().unwrap() {
        staging.add(piece).unwrap();
    }
    drop(staging);
    let mut record = sender.key(1);
    record.status = Status::Revoked;
    let batch = sender.put(record);
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_same(&sender, &root);
}

#[test]
fn a_large_absence_waits_for_an_operator_and_a_revocation_beside_it_does_not() {
    let sender = Sender::new(1000);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    let mut fewer = sender.again(3);
    let gone: Vec<_> = (0..400).map(|number| Change::Remove(sender.key(number).digest)).collect();
    let mut revoked = fewer.key(900);
    revoked.status = Status::Revoked;
    fewer.change(Batch { keys: gone, ..Batch::default() });
    fewer.put(revoked);
    let enforced = Arc::new(AtomicUsize::new(0));
    let root = take(&mut receiver, &fewer.snapshot()).unwrap();
    assert_eq!(root.keys.len(), 1000, "absent keys stay");
    assert_eq!(root.keys.find(&revoked.digest).unwrap().status, Status::Revoked);
    assert_eq!(receiver.withheld(), [Withheld::Absence { absent: 400, keys: 1000 }]);
    // Of those that stay one comes again.
    let back = fewer.made.record(17);
    let back = Record { terms: fewer.key(900).terms, owner: fewer.key(900).owner, ..back };
    let batch = fewer.put(back);
    receiver.batch(fewer.numbering(), batch, || ()).unwrap();
    let told = Arc::clone(&enforced);
    let accepted = receiver.accept_absence(1, move || {
        told.fetch_add(1, Relaxed);
    });
    assert_eq!((accepted, enforced.load(Relaxed)), (399, 1));
    assert!(receiver.withheld().is_empty());
    assert_same(&fewer, &receiver.current().unwrap());
}

#[test]
fn a_batch_that_removes_many_waits_too_and_a_few_do_not() {
    let mut sender = Sender::new(1000);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    let gone = |from: u32, to: u32, sender: &Sender| Batch {
        keys: (from..to).map(|number| Change::Remove(sender.key(number).digest)).collect(),
        ..Batch::default()
    };
    let few = gone(0, 99, &sender);
    let batch = sender.change(few);
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_eq!((root.keys.len(), receiver.withheld().len()), (901, 0));
    let many = gone(99, 500, &sender);
    let batch = sender.change(many);
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_eq!((root.keys.len(), receiver.withheld().len()), (901, 1));
    receiver.accept_absence(1, || ());
    assert_same(&sender, &receiver.current().unwrap());
}

#[test]
fn an_upstream_that_is_not_there_withholds_routes_and_nothing_else() {
    let mut sender = Sender::new(10);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    sender.made.upstream = "elsewhere".to_owned();
    let mut revoked = sender.key(2);
    revoked.status = Status::Revoked;
    let routes = Some(sender.made.root().routes);
    let batch = Batch { keys: vec![Change::Put(revoked)], routes, ..Batch::default() };
    let batch = sender.change(batch);
    let root = receiver.batch(sender.numbering(), batch, || ()).unwrap();
    assert_eq!(root.keys.find(&revoked.digest).unwrap().status, Status::Revoked);
    let upstream_of = |root: &Root| {
        let service = root.routes.services().next().unwrap();
        root.routes.upstream(service).unwrap().name.clone()
    };
    assert_eq!(&*upstream_of(&root), "origin");
    let [withheld] = &*receiver.withheld() else { panic!("nothing is withheld") };
    assert!(withheld.to_string().contains("elsewhere"), "{withheld}");
    let upstreams = [upstream("origin"), upstream("elsewhere")].into();
    receiver.replace_upstreams(upstreams, || ()).unwrap();
    assert_eq!(&*upstream_of(&receiver.current().unwrap()), "elsewhere");
    assert!(receiver.withheld().is_empty());
}

#[test]
fn keys_under_an_unknown_pepper_are_refused() {
    let sender = Sender::new(10);
    let (mut receiver, _) = alone(ReceiverSettings {
        upstreams: [upstream("origin")].into(),
        schemes: Vec::new(),
        absence: Absence::default(),
    });
    let refused = take(&mut receiver, &sender.snapshot()).unwrap_err();
    assert_eq!(refused, Unfit::Scheme(SentScheme::Sha256));
}

#[test]
fn a_number_that_was_never_given_is_refused() {
    let mut sender = Sender::new(10);
    let (mut receiver, _) = receiver();
    take(&mut receiver, &sender.snapshot()).unwrap();
    let mut record = sender.key(2);
    record.terms = TermsId(4711);
    let batch = sender.put(record);
    let refused = receiver.batch(sender.numbering(), batch, || ()).unwrap_err();
    assert_eq!(refused, Unfit::Unknown("terms"));
}

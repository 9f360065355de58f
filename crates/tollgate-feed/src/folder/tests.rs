mod many;

use std::fs;

use tempfile::TempDir;
use tollgate_core::{Batch, Change, Record, Revision, Scheme, Status};

use super::*;
use crate::encode::{self, Context};
use crate::receive::{self, Absence, Receiver, ReceiverSettings};
use crate::synthetic::Synthetic;
use crate::wire::{Numbering, SentScheme, ToProxy};

struct House {
    _place: TempDir,
    path: PathBuf,
    made: Synthetic,
    root: tollgate_core::Root,
}

impl House {
    fn new() -> Self {
        Self::of(200)
    }

    fn of(keys: u32) -> Self {
        let place = TempDir::new().unwrap();
        let path = place.path().join("feed");
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
        Self { _place: place, path, made, root }
    }

    fn folder(&self) -> Folder {
        Folder::open(&self.path, "production").unwrap()
    }

    fn receiver() -> Receiver {
        let response = tollgate_core::FixedResponse {
            status: http::StatusCode::OK,
            headers: Vec::new(),
            body: "".into(),
        };
        let upstream = tollgate_core::Upstream {
            name: "origin".into(),
            generation: 1,
            target: tollgate_core::Target::Fixed(response),
        };
        let settings = ReceiverSettings {
            upstreams: [("origin".into(), upstream.into())].into(),
            schemes: vec![(SentScheme::Sha256, Scheme::Sha256)],
            absence: Absence::default(),
        };
        receive::alone(settings).0
    }

    /// Receives the present snapshot and keeps it.
    fn snapshot(&mut self, folder: &mut Folder, receiver: &mut Receiver) {
        let mut incoming = folder.incoming().unwrap();
        self.made.revision = self.root.revision;
        self.made.write(&self.root, "0.1.0", &mut incoming).unwrap();
        let header = folder.publish(incoming.path(), receiver, || ()).unwrap();
        folder.keep(incoming, &header).unwrap();
    }

    /// Revokes a key.
    fn revoke(&mut self, number: u32, folder: &mut Folder, receiver: &mut Receiver) {
        let record = Record { status: Status::Revoked, ..self.made.record(number) };
        let batch = Batch { keys: vec![Change::Put(record)], ..Batch::default() };
        let revision = Revision { number: self.root.revision.number + 1, ..self.root.revision };
        let sent = encode::batch(
            &batch,
            Context {
                before: &self.root,
                revision,
                published: self.made.published,
                given: Vec::new(),
                schemes: None,
                counter: |record: &Record| Some(Synthetic::counter(record)),
            },
        )
        .unwrap();
        self.root = self.root.with(batch, revision, 0);
        let bytes = ToProxy::Batch(sent.clone()).to_bytes();
        receiver.batch(self.made.numbering, sent, || ()).unwrap();
        folder.append(&bytes, true).unwrap();
    }

    fn restored(&self) -> (Folder, Receiver, Restored) {
        let (mut folder, mut receiver) = (self.folder(), Self::receiver());
        let restored = folder.restore(&mut receiver).unwrap();
        (folder, receiver, restored)
    }

    fn is_revoked(&self, receiver: &Receiver, number: u32) -> bool {
        let root = receiver.current().unwrap();
        root.keys.find(&self.made.record(number).digest).unwrap().status == Status::Revoked
    }
}

/// A folder with two snapshots: keys 0 and 1 revoked after the first, 2 and 3 after the second.
fn house() -> House {
    let mut house = House::new();
    let (mut folder, mut receiver) = (house.folder(), House::receiver());
    house.snapshot(&mut folder, &mut receiver);
    house.revoke(0, &mut folder, &mut receiver);
    house.revoke(1, &mut folder, &mut receiver);
    house.snapshot(&mut folder, &mut receiver);
    house.revoke(2, &mut folder, &mut receiver);
    house.revoke(3, &mut folder, &mut receiver);
    house
}

#[test]
fn what_was_kept_is_there_again_and_is_gone_on_with() {
    let mut house = house();
    let (mut folder, mut receiver, restored) = house.restored();
    assert_eq!(restored.revision, Some(house.root.revision));
    assert!(restored.unusable.is_empty());
    assert!((0..4).all(|number| house.is_revoked(&receiver, number)));
    house.revoke(4, &mut folder, &mut receiver);
    drop(folder);
    let (_, receiver, restored) = house.restored();
    assert_eq!(restored.revision, Some(house.root.revision));
    assert!((0..5).all(|number| house.is_revoked(&receiver, number)));
}

#[test]
fn only_the_owner_can_read_what_is_kept_and_nobody_else_has_it_at_the_time() {
    let house = house();
    let folder = house.folder();
    assert!(matches!(Folder::open(&house.path, "production"), Err(FolderError::InUse(_))));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&house.path), 0o700);
    for entry in fs::read_dir(&house.path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    drop(folder);
    fs::set_permissions(&house.path, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Folder::open(&house.path, "production"), Err(FolderError::Open(_))));
}

#[test]
fn a_batch_that_was_being_written_is_as_if_it_had_not_begun() {
    let house = house();
    let tail = house.path.join("tail-2");
    let whole = fs::read(&tail).unwrap();
    let frame = whole.len() - last_frame(&whole);
    for cut in [1, frame / 2, frame - 1, frame] {
        fs::write(&tail, &whole[..whole.len() - cut]).unwrap();
        let (folder, receiver, restored) = house.restored();
        assert!(restored.unusable.is_empty(), "{:?}", restored.unusable);
        assert!(house.is_revoked(&receiver, 2) && !house.is_revoked(&receiver, 3));
        assert_eq!(folder.tail_bytes() as usize, last_frame(&whole));
    }
    // Long enough, but with something else in it.
    let mut torn = whole.clone();
    *torn.last_mut().unwrap() ^= 1;
    fs::write(&tail, &torn).unwrap();
    let (_, receiver, restored) = house.restored();
    assert!(restored.unusable.is_empty());
    assert!(house.is_revoked(&receiver, 2) && !house.is_revoked(&receiver, 3));
}

/// Where the last frame of a tail begins.
fn last_frame(tail: &[u8]) -> usize {
    let (mut at, mut last) = (b"tollgate tail 1\n".len(), 0);
    while at < tail.len() {
        last = at;
        at += 8 + u32::from_be_bytes(tail[at..at + 4].try_into().unwrap()) as usize;
    }
    last
}

#[test]
fn a_tail_with_something_wrong_in_the_middle_is_told_of_and_used_up_to_there() {
    let house = house();
    let tail = house.path.join("tail-2");
    let mut bytes = fs::read(&tail).unwrap();
    let last = last_frame(&bytes);
    bytes[last - 3] ^= 1;
    fs::write(&tail, &bytes).unwrap();
    let (_, receiver, restored) = house.restored();
    let [unusable] = &*restored.unusable else { panic!("{:?}", restored.unusable) };
    assert_eq!(unusable.path, tail);
    assert!(unusable.to_string().contains("is not what was written, from byte"), "{unusable}");
    assert!(house.is_revoked(&receiver, 1) && !house.is_revoked(&receiver, 2));
}

#[test]
fn where_the_newest_snapshot_cannot_be_used_the_one_before_and_both_tails_are() {
    let mut house = house();
    let newest = house.path.join("snapshot-2");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, &bytes).unwrap();
    let (mut folder, mut receiver, restored) = house.restored();
    let [unusable] = &*restored.unusable else { panic!("{:?}", restored.unusable) };
    assert_eq!(unusable.path, newest);
    assert_eq!(restored.revision, Some(house.root.revision));
    assert!((0..4).all(|number| house.is_revoked(&receiver, number)), "nothing is lost");
    assert!(house.path.join("snapshot-2.bad").exists());
    house.revoke(5, &mut folder, &mut receiver);
    drop(folder);
    let (mut folder, mut receiver, restored) = house.restored();
    assert!(restored.unusable.is_empty(), "{:?}", restored.unusable);
    assert!((0..4).chain([5]).all(|number| house.is_revoked(&receiver, number)));
    house.snapshot(&mut folder, &mut receiver);
    drop(folder);
    assert_eq!(house.restored().2.revision, Some(house.root.revision));
}

#[test]
fn what_is_of_another_environment_or_can_be_read_by_others_is_refused_and_stays() {
    let house = house();
    let mut folder = Folder::open(&house.path, "staging").unwrap();
    let restored = folder.restore(&mut House::receiver()).unwrap();
    assert_eq!(restored.revision, None);
    let told = restored.unusable.first().unwrap().to_string();
    assert!(told.contains("is of the environment production"), "{told}");
    drop(folder);
    let newest = house.path.join("snapshot-2");
    fs::set_permissions(&newest, fs::Permissions::from_mode(0o640)).unwrap();
    let (folder, _, restored) = house.restored();
    let told = restored.unusable.first().unwrap().to_string();
    assert!(told.contains("expected mode 0600"), "{told}");
    drop(folder);
    assert!(newest.exists());
}

#[test]
fn of_all_snapshots_the_newest_two_are_kept() {
    let mut house = house();
    let (mut folder, mut receiver, _) = house.restored();
    for _ in 0..3 {
        house.snapshot(&mut folder, &mut receiver);
    }
    assert_eq!(folder.numbers().unwrap(), [5, 4]);
    assert!(!house.path.join("tail-3").exists() && house.path.join("tail-4").exists());
}

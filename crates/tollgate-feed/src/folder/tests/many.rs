//! Snapshots of so many keys that a thread of its own fills the table.

use std::collections::HashSet;
use std::io::Cursor;

use tollgate_core::Record;

use super::*;
use crate::file::{FileError, SnapshotFile};

const KEYS: u32 = 70_000;

#[test]
fn many_keys_come_back_as_they_were() {
    let mut house = House::of(KEYS);
    let (mut folder, mut receiver) = (house.folder(), House::receiver());
    house.snapshot(&mut folder, &mut receiver);
    drop(folder);
    let (_, receiver, restored) = house.restored();
    assert_eq!(restored.revision, Some(house.root.revision));
    assert!(restored.unusable.is_empty());
    let root = receiver.current().unwrap();
    assert_eq!(root.keys.len(), KEYS as usize);
    let mut meters = HashSet::new();
    for number in 0..KEYS {
        let made = house.made.record(number);
        let found = *root.keys.find(&made.digest).unwrap();
        let Record { meter, terms, owner, .. } = found;
        assert_eq!(
            Record { meter: made.meter, terms: made.terms, owner: made.owner, ..found },
            made
        );
        assert_eq!(root.terms.get(terms.0), house.root.terms.get(made.terms.0));
        assert_eq!(root.owners.get(owner.0), house.root.owners.get(made.owner.0));
        assert!(meters.insert(meter), "each counts by itself");
        assert!(root.keys.find(&house.made.record(KEYS + number).digest).is_none());
    }
}

#[test]
fn a_file_of_many_keys_that_breaks_off_is_refused_for_what_it_lacks() {
    let house = House::of(KEYS);
    let (folder, mut receiver) = (house.folder(), House::receiver());
    let mut whole = Vec::new();
    house.made.write(&house.root, "0.1.0", &mut whole).unwrap();
    let read = |bytes: &[u8]| -> Result<(), FileError> {
        let mut file = SnapshotFile::open(Cursor::new(bytes))?;
        while file.next_piece()?.is_some() {}
        Ok(())
    };
    let path = folder.path().join("incoming");
    let publish = |bytes: &[u8], receiver: &mut Receiver| {
        folder.incoming().unwrap().write_all(bytes).unwrap();
        folder.publish(&path, receiver, || ())
    };
    for length in [whole.len() / 4, whole.len() / 2, whole.len() - 1] {
        let refused = publish(&whole[..length], &mut receiver).unwrap_err();
        assert!(matches!(refused, NotPublished::File(FileError::Corrupt { .. })), "{refused}");
        assert_eq!(refused.to_string(), read(&whole[..length]).unwrap_err().to_string());
        assert!(receiver.current().is_none());
    }
    publish(&whole, &mut receiver).unwrap();
    assert_eq!(receiver.current().unwrap().keys.len(), KEYS as usize);
}

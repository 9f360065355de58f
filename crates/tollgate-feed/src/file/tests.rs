use std::io::Cursor;

use tollgate_core::Revision;

use super::*;
use crate::synthetic::Synthetic;
use crate::wire::Numbering;

fn synthetic(keys: u32) -> Synthetic {
    Synthetic {
        seed: 7,
        keys,
        numbering: Numbering(7),
        environment: "production".to_owned(),
        upstream: "origin".to_owned(),
        revision: Revision { epoch: 3, number: 70_000_000 },
        published: 1_811_808_000_000,
    }
}

fn file(keys: u32) -> Vec<u8> {
    let made = synthetic(keys);
    let mut bytes = Vec::new();
    made.write(&made.root(), "0.1.0", &mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<(Header, Vec<Piece>), FileError> {
    let mut file = SnapshotFile::open(Cursor::new(bytes))?;
    let mut pieces = Vec::new();
    while let Some(piece) = file.next_piece()? {
        pieces.push(piece);
    }
    Ok((file.header().clone(), pieces))
}

#[test]
fn a_key_takes_at_most_64_bytes_with_all_that_belongs_to_it() {
    let keys = 20_000;
    let bytes = file(keys).len();
    let each = bytes as f64 / f64::from(keys);
    assert!(each <= 64.0, "{each} bytes a key");
    let largest = keys_of(&read(&file(1000)).unwrap().1).into_iter().map(|key| {
        let mut bytes = Vec::new();
        key.write_rest(key.counts_alone(), &mut bytes);
        bytes.len() + 29 + 3
    });
    assert!(largest.max().unwrap() <= 68, "no key stands out");
}

#[test]
fn keys_are_the_same_whether_what_they_count_under_is_told_or_not() {
    let sent = keys_of(&read(&file(500)).unwrap().1);
    let written = |told| {
        let mut keys = keys::Keys::default();
        sent.iter().for_each(|key| keys.add(key, told));
        keys.take()
    };
    let (told, untold) = (written(true), written(false));
    assert!(told.len() > untold.len());
    assert_eq!(keys::read(&told).unwrap(), sent);
    assert_eq!(keys::read(&untold).unwrap(), sent);
}

fn keys_of(pieces: &[Piece]) -> Vec<SentKey> {
    let keys = pieces.iter().filter_map(|piece| match piece {
        Piece::Keys(keys) => Some(keys.clone()),
        _ => None,
    });
    keys.flatten().collect()
}

#[test]
fn what_was_written_comes_back_in_the_order_of_the_digests() {
    let made = synthetic(5000);
    let (header, pieces) = read(&file(5000)).unwrap();
    assert_eq!((header.keys, header.revision), (5000, made.revision));
    assert_eq!(header.environment, "production");
    let keys = keys_of(&pieces);
    assert!(keys.is_sorted_by(|one, next| one.digest.bytes() < next.digest.bytes()));
    let mut expected: Vec<_> = (0..5000).map(|number| made.record(number)).collect();
    expected.sort_by_key(|record| *record.digest.bytes());
    for (key, record) in keys.iter().zip(&expected) {
        assert_eq!(key.digest, record.digest);
        assert_eq!(key.counter, Synthetic::counter(record));
        assert_eq!((key.terms, key.owner), (record.terms.0, record.owner.0));
        assert_eq!((key.not_after, key.number), (record.not_after, record.number));
    }
    assert_eq!(keys.len(), expected.len());
    // Given names, routes, terms and owners come before the keys that name them.
    let first = pieces.iter().position(|piece| matches!(piece, Piece::Keys(_))).unwrap();
    let terms = pieces.iter().position(|piece| matches!(piece, Piece::Terms(_))).unwrap();
    assert!(terms < first);
}

#[test]
fn a_file_that_is_not_what_was_written_is_refused() {
    let whole = file(40);
    assert!(read(&whole).is_ok());
    for at in 0..whole.len() {
        let mut turned = whole.clone();
        turned[at] ^= 1 << (at % 8);
        let error = read(&turned).expect_err(&format!("byte {at} turned"));
        assert!(matches!(error, FileError::Foreign(_) | FileError::Corrupt { .. }), "{error}");
    }
    for length in (0..whole.len()).step_by(7) {
        assert!(read(&whole[..length]).is_err(), "cut at {length}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(read(&longer).is_err());
    let other = [b"tollgate snapshot 2\n", &whole[MAGIC.len()..]].concat();
    assert!(matches!(read(&other), Err(FileError::Foreign("a snapshot"))));
}

#[test]
fn parts_in_another_order_do_not_fit_the_checksum_of_the_whole() {
    let whole = file(4000);
    // Two frames of keys, each of which fits its own checksum.
    let mut frames = Vec::new();
    let mut at = MAGIC.len();
    while at < whole.len() {
        let length = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize + 8;
        frames.push(&whole[at..at + length]);
        at += length;
    }
    let keys: Vec<_> = (0..frames.len()).filter(|at| frames[*at][8] == KEYS).collect();
    assert!(keys.len() >= 2);
    let mut missing = frames.clone();
    missing.remove(keys[0]);
    assert!(read(&[MAGIC, &missing.concat()].concat()).is_err());
    frames.swap(keys[0], keys[1]);
    assert!(read(&[MAGIC, &frames.concat()].concat()).is_err());
}

//! Whatever a snapshot's file holds is published or refused. Its frames are given checksums that fit, so that what
//! stands in them is read.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use tollgate_core::Scheme;
use tollgate_feed::file::{MAGIC, SnapshotFile};
use tollgate_feed::receive::{Absence, ReceiverSettings, alone};
use tollgate_feed::wire::{SentScheme, frame};

fuzz_target!(|bytes: &[u8]| {
    publish(bytes);
    publish(&mended(bytes));
});

fn publish(bytes: &[u8]) {
    let Ok(mut file) = SnapshotFile::open(Cursor::new(bytes)) else { return };
    let (mut receiver, reader) = alone(ReceiverSettings {
        upstreams: [].into(),
        schemes: vec![(SentScheme::Sha256, Scheme::Sha256)],
        absence: Absence::default(),
    });
    let Ok(mut staging) = receiver.stage(file.header().clone()) else { return };
    loop {
        match file.next_piece() {
            Ok(Some(piece)) => {
                if staging.add(piece).is_err() {
                    return;
                }
            }
            Ok(None) => break,
            Err(_) => return,
        }
    }
    assert!(reader.current().is_none(), "nothing is seen of what is staged");
    if let Ok(root) = staging.finish(|| ()) {
        assert_eq!(root.revision, file.header().revision);
        assert_eq!(root.keys.len() as u64, file.header().keys);
    }
}

/// The same frames, each with its checksum, and an end.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut mended = MAGIC.to_vec();
    let mut rest = bytes.strip_prefix(MAGIC).unwrap_or(bytes);
    while let Some((head, after)) = rest.split_first_chunk::<{ frame::HEAD }>() {
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let text = &after[..length.min(after.len())];
        let Some((kind, body)) = text.split_first() else { break };
        rest = &after[text.len()..];
        if *kind != 8 {
            frame::write(*kind, body, &mut mended);
        }
    }
    let checksum = crc32fast::hash(&mended);
    frame::write(8, &checksum.to_be_bytes(), &mut mended);
    mended
}

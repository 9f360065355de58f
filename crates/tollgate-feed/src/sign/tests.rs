use std::io::Cursor;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use tollgate_core::Revision;

use super::*;
use crate::file::{FileError, SnapshotFile, check_signature};
use crate::synthetic::Synthetic;
use crate::wire::ToProxy;
use crate::wire::frame::Frames;

/// A key, and its public half.
fn pair() -> (SigningKey, PublicKey) {
    let pair = Ed25519KeyPair::generate().unwrap();
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let public = [&DER[..], pair.public_key().as_ref()].concat();
    (SigningKey::of_der(private.as_ref()).unwrap(), PublicKey::of_der(&public).unwrap())
}

fn batch() -> SentBatch {
    let at = |number| Revision { epoch: 3, number };
    SentBatch { revision: at(7), previous: at(6), published: 9, ..SentBatch::default() }
}

fn snapshot(signer: Option<&SigningKey>) -> Vec<u8> {
    let made = Synthetic {
        seed: 7,
        keys: 2000,
        numbering: Numbering(7),
        environment: "production".to_owned(),
        upstream: "origin".to_owned(),
        revision: Revision { epoch: 3, number: 7 },
        published: 1_811_808_000_000,
    };
    let mut bytes = Vec::new();
    made.write_signed(&made.root(), ("0.1.0", signer), &mut bytes).unwrap();
    bytes
}

fn check(bytes: &[u8], keys: &PublicKeys) -> Result<(), Unsigned> {
    match check_signature(&mut Cursor::new(bytes), keys) {
        Ok(()) => Ok(()),
        Err(FileError::Unsigned(unsigned)) => Err(unsigned),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_batch_is_what_its_key_has_signed_for_one_environment_and_numbering() {
    let ((key, public), (other, other_public)) = (pair(), pair());
    let keys = PublicKeys::new(vec![other_public.clone(), public]);
    let mut sealed = batch();
    key.seal("production", Numbering(7), &mut sealed);
    let bytes = ToProxy::Batch(sealed).to_bytes();
    let read = |bytes: &[u8]| {
        let mut frames = Frames::default();
        frames.push(bytes);
        match ToProxy::read(&frames.frame().unwrap().unwrap()) {
            Ok(ToProxy::Batch(batch)) => batch,
            other => panic!("{other:?}"),
        }
    };
    let arrived = read(&bytes);
    let checked = |batch: &SentBatch| keys.check("production", Numbering(7), batch);
    assert_eq!(checked(&arrived), Ok(()));
    // It is sent on as it came.
    assert_eq!(ToProxy::Batch(arrived.clone()).to_bytes(), bytes);
    let wrong = Err(Unsigned::Wrong(key.mark));
    assert_eq!(keys.check("staging", Numbering(7), &arrived), wrong);
    assert_eq!(keys.check("production", Numbering(8), &arrived), wrong);
    assert_eq!(checked(&batch()), Err(Unsigned::Missing));
    let only = PublicKeys::new(vec![other_public]);
    assert_eq!(only.check("production", Numbering(7), &arrived), Err(Unsigned::Unknown(key.mark)));
    let mut by_other = batch();
    other.seal("production", Numbering(7), &mut by_other);
    assert_eq!(checked(&by_other), Ok(()), "any of several keys may have signed it");
    // Whatever is changed of what was signed, or of the signature.
    let seal = *arrived.seal.clone().unwrap();
    for at in 0..seal.body.len() {
        let mut body = seal.body.to_vec();
        body[at] ^= 1;
        let turned = Seal { body: body.into(), ..seal.clone() };
        assert_eq!(
            checked(&SentBatch { seal: Some(Box::new(turned)), ..batch() }),
            wrong,
            "byte {at}"
        );
    }
    for at in 0..64 {
        let mut signature = seal.signature;
        signature.bytes[at] ^= 1;
        let turned = Seal { signature, ..seal.clone() };
        assert_eq!(
            checked(&SentBatch { seal: Some(Box::new(turned)), ..batch() }),
            wrong,
            "byte {at}"
        );
    }
    assert_eq!(PublicKeys::default().check("production", Numbering(7), &batch()), Ok(()));
}

#[test]
fn a_snapshot_is_the_whole_file_that_was_signed() {
    let ((key, public), (_, stranger)) = (pair(), pair());
    let (keys, none) = (PublicKeys::new(vec![public]), PublicKeys::default());
    let signed = snapshot(Some(&key));
    assert_eq!((check(&signed, &keys), check(&signed, &none)), (Ok(()), Ok(())));
    let mut file = SnapshotFile::open(Cursor::new(&signed)).unwrap();
    while file.next_piece().unwrap().is_some() {}
    assert_eq!(file.signature().map(|signature| signature.key()), Some(key.mark));
    let unsigned = snapshot(None);
    assert_eq!(
        (check(&unsigned, &keys), check(&unsigned, &none)),
        (Err(Unsigned::Missing), Ok(()))
    );
    let only = PublicKeys::new(vec![stranger]);
    assert_eq!(check(&signed, &only), Err(Unsigned::Unknown(key.mark)));
    for at in (0..signed.len()).step_by(97).chain(signed.len() - 94..signed.len()) {
        let mut turned = signed.clone();
        turned[at] ^= 1;
        assert!(check(&turned, &keys).is_err(), "byte {at}");
        assert!(check(&signed[..at], &keys).is_err(), "cut at {at}");
    }
    let longer = [&signed[..], b"x"].concat();
    assert_eq!(check(&longer, &keys), Err(Unsigned::Missing));
}

#[test]
fn what_is_no_key_is_none() {
    let (key, _) = pair();
    assert!(PublicKey::of_der(&DER).is_err());
    assert!(PublicKey::of_der(&[0; 44]).is_err());
    assert!(SigningKey::of_der(&[0; 48]).is_err());
    let mark = key.mark;
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ mark: {mark}, .. }}"));
}

//! The signature of a snapshot's file: the last frame before its end, of everything before it.

use std::io::{Read, Seek, SeekFrom};

use aws_lc_rs::digest::{Context, SHA256};

use super::{END, FileError, SIGNATURE, read_frame};
use crate::sign::{PublicKeys, Signature, Unsigned};
use crate::wire::{Reader, frame};

/// Bytes of a signature's frame and the end after it.
const TRAILER: usize = (frame::HEAD + 1 + Signature::LENGTH) + (frame::HEAD + 1 + 4);

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Looks whether one of `keys` has signed a file, before anything else is made of it, and goes back to
/// its beginning. Without keys whatever comes is taken.
///
/// # Errors
/// See [`FileError`].
pub fn check_signature(file: &mut (impl Read + Seek), keys: &PublicKeys) -> Result<(), FileError> {
    if keys.is_empty() {
        return Ok(());
    }
    let length = file.seek(SeekFrom::End(0))?;
    let signed = length.checked_sub(TRAILER as u64).ok_or(Unsigned::Missing)?;
    file.seek(SeekFrom::Start(signed))?;
    let signature = trailer(file).ok_or(Unsigned::Missing)?;
    file.seek(SeekFrom::Start(0))?;
    let (mut context, mut piece, mut left) = (Context::new(&SHA256), vec![0; PIECE], signed);
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let part = piece.get_mut(..room).unwrap_or_default();
        file.read_exact(part)?;
        context.update(part);
        left -= room as u64;
    }
    keys.check_snapshot(&context.finish(), &signature)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

/// The signature, if it and the end are all that follows.
fn trailer(file: &mut impl Read) -> Option<Signature> {
    let mut next = || read_frame(file, &mut crc32fast::Hasher::new(), &mut 0).ok().flatten();
    let (signature, end) = (next()?, next()?);
    let ends = signature.kind == SIGNATURE && end.kind == END && next().is_none();
    if ends { Reader::new(&signature.body).whole().ok() } else { None }
}

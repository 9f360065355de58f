//! The file: a header, and frames that are only ever added at its end.
//!
//! A frame is its length, the CRC-32 of that, the CRC-32 of what follows, each as four bytes, and then
//! entries: the length of a name, the name, and the word of a quota. Of several entries of one name the
//! last counts. A frame that is not whole at the very end is one that nobody has waited for: it was
//! being written when the machine stopped. Anything else that does not fit is an error.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a file begins with; its environment follows, up to a line end.
const MAGIC: &str = "tollgate checkpoint 1 ";

/// Quotas by the names of what they count.
pub(super) type Words = HashMap<Vec<u8>, u64>;

/// A file that is open, and nobody else's.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    environment: String,
    file: File,
    /// Kept locked for as long as the journal is open.
    _lock: File,
    bytes: u64,
}

/// Why a file cannot be used. Nothing was changed in it.
#[derive(Debug)]
pub enum JournalError {
    /// The system says no.
    Io(PathBuf, io::Error),
    /// Another process has it.
    InUse(PathBuf),
    /// It is not what was written.
    Corrupt(PathBuf),
    /// It is of another environment.
    Elsewhere(PathBuf, String),
    /// Others can read it.
    Open(PathBuf),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::InUse(path) => write!(f, "{}: another process has it", path.display()),
            Self::Corrupt(path) => write!(
                f,
                "{}: is not what was written, so nobody knows what is left of quotas; take it away \
                 to begin with full ones",
                path.display()
            ),
            Self::Elsewhere(path, environment) => {
                write!(f, "{}: is of the environment {environment}", path.display())
            }
            Self::Open(path) => {
                write!(f, "{}: others can read it, expected mode 0600", path.display())
            }
        }
    }
}

impl std::error::Error for JournalError {}

impl Journal {
    /// Opens a file, or makes it, and reads what it holds.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub(super) fn open(path: &Path, environment: &str) -> Result<(Self, Words), JournalError> {
        let io = |error| JournalError::Io(path.to_owned(), error);
        let lock = private(&beside(path, "lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(io(error)),
        }
        let words = match fs::read(path) {
            Ok(bytes) => {
                let mode = fs::metadata(path).map_err(io)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(JournalError::Open(path.to_owned()));
                }
                read(path, &bytes, environment)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Words::new(),
            Err(error) => return Err(io(error)),
        };
        let (file, bytes) = write_whole(path, environment, &words).map_err(io)?;
        let (path, environment) = (path.to_owned(), environment.to_owned());
        Ok((Self { path, environment, file, _lock: lock, bytes }, words))
    }

    /// Adds entries, which are on the disk when this returns.
    pub(super) fn add<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a [u8], u64)>,
    ) -> io::Result<()> {
        let frame = frame(entries);
        self.file.write_all(&frame)?;
        self.file.sync_data()?;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Has the file hold these entries and no others; until that is on the disk it is as it was.
    pub(super) fn replace(&mut self, words: &Words) -> io::Result<()> {
        (self.file, self.bytes) = write_whole(&self.path, &self.environment, words)?;
        Ok(())
    }
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Writes a file anew, beside the old one and then in its place.
fn write_whole(path: &Path, environment: &str, words: &Words) -> io::Result<(File, u64)> {
    let new = beside(path, "new");
    let mut file = private(&new)?;
    file.set_len(0)?;
    let mut bytes = format!("{MAGIC}{environment}\n").into_bytes();
    if !words.is_empty() {
        bytes.extend(frame(words.iter().map(|(name, word)| (&**name, *word))));
    }
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok((file, bytes.len() as u64))
}

fn frame<'a>(entries: impl Iterator<Item = (&'a [u8], u64)>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, word) in entries {
        // Names are a few hundred bytes long at most.
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        body.extend(length.to_be_bytes());
        body.extend(&name[..usize::from(length)]);
        body.extend(word.to_be_bytes());
    }
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(body.len() + 12);
    frame.extend(length.to_be_bytes());
    frame.extend(crc32fast::hash(&length.to_be_bytes()).to_be_bytes());
    frame.extend(crc32fast::hash(&body).to_be_bytes());
    frame.extend(body);
    frame
}

fn read(path: &Path, bytes: &[u8], environment: &str) -> Result<Words, JournalError> {
    let corrupt = || JournalError::Corrupt(path.to_owned());
    let rest = bytes.strip_prefix(MAGIC.as_bytes()).ok_or_else(corrupt)?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(corrupt)?;
    let (theirs, rest) = rest.split_at(end);
    if theirs != environment.as_bytes() {
        let theirs = String::from_utf8_lossy(theirs).into_owned();
        return Err(JournalError::Elsewhere(path.to_owned(), theirs));
    }
    let mut rest = rest.get(1..).unwrap_or_default();
    let mut words = Words::new();
    while !rest.is_empty() {
        let Some((length, after)) = number(rest) else { break };
        let Some((of_length, after)) = number(after) else { break };
        if crc32fast::hash(&length.to_be_bytes()) != of_length {
            // The end of a file can have grown before it was written to.
            if rest.iter().all(|byte| *byte == 0) {
                break;
            }
            return Err(corrupt());
        }
        let Some((checksum, after)) = number(after) else { break };
        let Some((body, after)) = after.split_at_checked(length as usize) else { break };
        if crc32fast::hash(body) != checksum {
            if after.is_empty() {
                break;
            }
            return Err(corrupt());
        }
        read_entries(body, &mut words).ok_or_else(corrupt)?;
        rest = after;
    }
    Ok(words)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn read_entries(mut body: &[u8], words: &mut Words) -> Option<()> {
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (word, rest) = rest.split_first_chunk()?;
        words.insert(name.to_vec(), u64::from_be_bytes(*word));
        body = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opened(path: &Path) -> Result<Words, JournalError> {
        Journal::open(path, "here").map(|(_, words)| words)
    }

    #[test]
    fn it_is_its_owners_and_one_processs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let (journal, words) = Journal::open(&path, "here").unwrap();
        assert!(words.is_empty());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(opened(&path), Err(JournalError::InUse(_))));
        drop(journal);
        assert!(matches!(Journal::open(&path, "there"), Err(JournalError::Elsewhere(..))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(opened(&path), Err(JournalError::Open(_))));
    }

    #[test]
    fn what_is_not_what_was_written_is_an_error_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let (mut journal, _) = Journal::open(&path, "here").unwrap();
        journal.add([(&b"one"[..], 1)].into_iter()).unwrap();
        journal.add([(&b"two"[..], 2)].into_iter()).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        // The entries of the last frame may be what was being written.
        let last = whole.len() - 17;
        for at in 0..last {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, &bytes).unwrap();
            assert!(opened(&path).is_err(), "{at}");
        }
    }

    proptest! {
        /// Wherever the end is lost, everything before the frame that it is in is there.
        #[test]
        fn what_was_synced_is_there(
            frames in proptest::collection::vec(
                proptest::collection::vec(("[a-d]{1,3}", any::<u64>()), 1..5), 0..8),
            lost in 0usize..40,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("checkpoint");
            let (mut journal, _) = Journal::open(&path, "here").unwrap();
            let mut model = Words::new();
            let mut stages = vec![(journal.bytes(), model.clone())];
            for frame in &frames {
                journal.add(frame.iter().map(|(name, word)| (name.as_bytes(), *word))).unwrap();
                model.extend(frame.iter().map(|(name, word)| (name.clone().into_bytes(), *word)));
                stages.push((journal.bytes(), model.clone()));
            }
            drop(journal);
            let bytes = fs::read(&path).unwrap();
            let header = stages[0].0 as usize;
            let left = bytes.len().saturating_sub(lost).max(header);
            fs::write(&path, &bytes[..left]).unwrap();
            let expected = stages.iter().rev().find(|(end, _)| *end as usize <= left).unwrap();
            prop_assert_eq!(&opened(&path).unwrap(), &expected.1);
        }
    }
}

//! Files that hold secrets.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{error, fmt};

use zeroize::Zeroizing;

/// Reads a file that holds a secret (design decision 16).
///
/// # Errors
///
/// [`SecretFileError`], also when anybody but the file's owner may read or write it. The check is
/// on the open file, so that nothing can be put in its place in between.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let failed = |error| SecretFileError { path: path.to_owned(), reason: Reason::Io(error) };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    refuse_open(path, &metadata)?;
    // With room for all of it, so that growing leaves no copy of a part behind.
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut secret = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.read_to_end(&mut secret).map_err(failed)?;
    Ok(secret)
}

/// Refuses a file that anybody but its owner may read or write.
///
/// # Errors
///
/// [`SecretFileError`] with the mode that the file has.
pub fn refuse_open(path: &Path, metadata: &fs::Metadata) -> Result<(), SecretFileError> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(SecretFileError { path: path.to_owned(), reason: Reason::Mode(mode) })
}

/// A fresh secret: 64 hex digits, which are 256 random bits.
///
/// # Errors
///
/// If the system has no randomness.
pub fn fresh_secret() -> io::Result<Zeroizing<Vec<u8>>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(io::Error::other)?;
    let mut digits = Zeroizing::new(Vec::with_capacity(2 * random.len() + 1));
    for byte in random.iter() {
        digits.extend([byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]));
    }
    Ok(digits)
}

/// Writes a secret and a line break into a new file, which only its owner may read. Its folder is
/// made where it is absent, for its owner only.
///
/// # Errors
///
/// What the system says; [`io::ErrorKind::AlreadyExists`] if the file is there.
pub fn make_secret(path: &Path, secret: &[u8]) -> io::Result<()> {
    folder_of(path)?;
    let mut file: File = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let filled = file.write_all(secret).and_then(|()| file.write_all(b"\n"));
    let made = filled.and_then(|()| file.sync_all());
    if made.is_err() {
        // Half a secret would be taken for one that somebody broke.
        fs::remove_file(path)?;
    }
    made
}

/// Makes the folder of a file, for its owner only.
pub(crate) fn folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)
        }
        _ => Ok(()),
    }
}

/// Why a secret was not read.
#[derive(Debug)]
pub struct SecretFileError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Io(io::Error),
    Mode(u32),
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            // Without the path: what names no file can be the secret itself, written in its place.
            Reason::Io(error) => write!(f, "the file cannot be read: {error}"),
            Reason::Mode(mode) => write!(
                f,
                "the file {} holds a secret and is open to others (mode {mode:04o}), \
                 expected mode 0600 or 0400",
                self.path.display(),
            ),
        }
    }
}

impl error::Error for SecretFileError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) => Some(error),
            Reason::Mode(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_have_access() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pepper");
        fs::write(&path, "canary").unwrap();
        for (mode, fits) in
            [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_secret(&path).is_ok(), fits, "{mode:o}");
        }
        let message = read_secret(&path).unwrap_err().to_string();
        assert!(message.contains("mode 0620") && !message.contains("canary"), "{message}");
    }

    #[test]
    fn what_may_be_the_secret_itself_is_not_repeated() {
        for path in ["canary", "canary/canary", &"canary".repeat(999), "canary\0"] {
            let message = read_secret(Path::new(path)).unwrap_err().to_string();
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn a_link_to_a_secret_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pepper");
        fs::write(&path, "canary").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read_secret(&link).unwrap().as_slice(), b"canary");
    }
}

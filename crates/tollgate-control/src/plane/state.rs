//! What a control plane keeps on disk, made where it is absent.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{ControlError, StorePlace};
use crate::seal::SealingKey;
use crate::secret::read_secret;
use crate::store::{Engine, Postgres, Sqlite, StoreError};

/// The database of a place.
pub(super) fn engine(place: &StorePlace) -> Result<Arc<dyn Engine>, ControlError> {
    match place {
        StorePlace::File(path) => {
            folder_of(path).map_err(ControlError::Files)?;
            Ok(Arc::new(Sqlite::open(path)?))
        }
        StorePlace::Postgres { url, password_file } => {
            let password = password_file.as_deref().map(read_secret).transpose();
            let password = password.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let password = password.as_ref().map(|password| password.trim_ascii_end());
            Ok(Arc::new(Postgres::with_password(url, password)?))
        }
    }
}

/// The sealing key of a file. A file that is not there is made with a fresh one.
pub(super) fn sealing_key(path: &Path) -> Result<SealingKey, ControlError> {
    folder_of(path).map_err(ControlError::Files)?;
    match make_sealing_key(path) {
        Ok(()) => tracing::info!(file = %path.display(), "made a sealing key; keep a copy of it"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(ControlError::Files(error)),
    }
    SealingKey::read(path).map_err(ControlError::SealingKey)
}

fn make_sealing_key(path: &Path) -> io::Result<()> {
    let mut file: File = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    let made = fill(&mut file);
    if made.is_err() {
        // Half a key would be taken for one that somebody broke.
        fs::remove_file(path)?;
    }
    made
}

fn fill(file: &mut File) -> io::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
    let mut line = Zeroizing::new(String::with_capacity(65));
    key.iter().for_each(|byte| line.push_str(&format!("{byte:02x}")));
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Makes the folder of a file, for its owner only.
fn folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)
        }
        _ => Ok(()),
    }
}

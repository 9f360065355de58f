//! What a control plane keeps on disk, made where it is absent.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{ControlError, StorePlace};
use crate::secret::{folder_of, fresh_secret, make_secret, read_secret};
use crate::store::{Engine, Postgres, Sqlite, StoreError};

/// The database of a place.
pub(super) fn engine(place: &StorePlace) -> Result<Arc<dyn Engine>, ControlError> {
    match place {
        StorePlace::File(path) => {
            folder_of(path).map_err(ControlError::Files)?;
            Ok(Arc::new(Sqlite::open(path)?))
        }
        StorePlace::Postgres { url, password_file, tls } => {
            let mut database = Postgres::new(url)?;
            if let Some(file) = password_file {
                let password = read_secret(file).map_err(unavailable)?;
                database = database.with_password(password.trim_ascii_end());
            }
            if let Some(tls) = tls {
                database = database.with_tls(tls.load().map_err(unavailable)?);
            }
            Ok(Arc::new(database))
        }
    }
}

/// What keeps the way to the database from being known.
fn unavailable(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// Makes a fresh sealing key where there is none.
pub(super) fn make_sealing_key(path: &Path) -> Result<(), ControlError> {
    match fresh_secret().and_then(|key| make_secret(path, &key)) {
        Ok(()) => tracing::info!(file = %path.display(), "made a sealing key; keep a copy of it"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(ControlError::Files(error)),
    }
    Ok(())
}

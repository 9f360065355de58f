//! What a control plane keeps on disk, made where it is absent.

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
        StorePlace::Postgres { url, password_file } => {
            let password = password_file.as_deref().map(read_secret).transpose();
            let password = password.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let password = password.as_ref().map(|password| password.trim_ascii_end());
            Ok(Arc::new(Postgres::with_password(url, password)?))
        }
    }
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

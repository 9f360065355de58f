//! What the configuration says of the control plane.

use std::path::PathBuf;

use crate::operations::Retrieval;
use crate::people::{Lifetimes, Permissions};
use crate::store::PostgresTls;
use crate::webhooks::AddressRules;

/// `[control]`, without where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// Where objects are kept.
    pub store: StorePlace,
    /// What keys and their secrets are sealed with.
    pub sealing_key_file: PathBuf,
    /// What they were sealed with before, while they are sealed anew.
    pub previous_sealing_key_file: Option<PathBuf>,
    /// The pepper that keys are digested under, where no `[digest]` says otherwise.
    pub pepper_file: PathBuf,
    /// Where the first administrator is told of.
    pub first_administrator_file: PathBuf,
    /// How long tokens last.
    pub lifetimes: Lifetimes,
    /// Whether a key can be seen again after it was made.
    pub retrieval: Retrieval,
    /// The longest document that is imported, in bytes.
    pub import_body_limit: u64,
    /// Who may do what.
    pub permissions: Permissions,
    /// Which addresses webhooks may have.
    pub webhooks: AddressRules,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// SQLite, in this file.
    File(PathBuf),
    /// PostgreSQL, at this URL, which holds no password.
    Postgres {
        /// Where it is.
        url: String,
        /// The file that holds the password.
        password_file: Option<PathBuf>,
        /// How TLS to it is spoken; `None` = the connection is plain.
        tls: Option<PostgresTls>,
    },
}

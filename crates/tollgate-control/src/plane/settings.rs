//! What the configuration says of the control plane.

use std::path::{Path, PathBuf};

use crate::document::Section;
use crate::document::kind::{Name, NameKind};
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
    /// Where proxies are, and where they find this control plane.
    pub regions: Regions,
}

impl ControlSettings {
    /// Where snapshots for proxies stand, nameless: beside a store that is a file.
    #[must_use]
    pub fn snapshot_folder(&self) -> PathBuf {
        match &self.store {
            StorePlace::File(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
            }
            StorePlace::Postgres { .. } => std::env::temp_dir(),
        }
    }
}

/// Where control planes and proxies stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Where this control plane stands: access keys of other regions are refused by it.
    pub own: String,
    /// All there are, the own one among them.
    pub all: Vec<String>,
    /// What the URLs begin with at which proxies and programs reach this control plane, without a `/`
    /// at the end.
    pub public_url: String,
}

impl Regions {
    /// Reads the names of regions out of `[control]`.
    pub fn read(control: &mut Section, public_url: String) -> Self {
        let name = NameKind("the name of a region");
        let own = control.or("region", name, Name::unchecked("default"));
        let all = control.list_or("regions", name, vec![own.clone()]);
        if !control.is_misfit("regions") && !all.contains(&own) {
            let lacks = format_args!("lacks {own}, the region of this control plane");
            control.problem("regions", lacks);
        }
        let all = all.iter().map(|name| name.as_str().to_owned()).collect();
        Self { own: own.as_str().to_owned(), all, public_url }
    }
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

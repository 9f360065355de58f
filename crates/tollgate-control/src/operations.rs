//! What can be asked for of the store's keys: each operation is one change, wholly done or refused.

mod application;
mod credentials;
mod export;
mod ids;
mod import;
mod key_set;
mod life;
mod package_key;
mod refused;

use std::sync::Arc;

use tollgate_core::Brand;

use crate::directory::Directory;
use crate::model::{DigestSchemes, Name, Objects};
use crate::seal::Sealer;
use crate::store::{Change, NotChanged};

use ids::{Ids, Reserved};

pub use credentials::Secret;
pub use export::Export;
pub use import::{Destination, ImportAhead, ImportDraft, Imported, NotImported};
pub use key_set::{KeySetChange, NewPolicy, Rescheduled, Subscribe, Subscribed, TemplateEnforced};
pub use life::{Issued, Lived};
pub use package_key::{MadeKey, NewPackageKey, PackageKeyChange};
pub use refused::{Refused, Violation};

/// What an operation comes to.
type Done<T> = Result<T, NotChanged<Refused>>;

/// How long a secret is where no package says (domain.md §1.2).
const SECRET_LENGTH: usize = 10;

/// What operations are done within: what the file owns, and what becomes of keys.
#[derive(Clone, Debug)]
pub struct Context {
    /// The objects that the file owns.
    pub files: Arc<Objects>,
    /// What seals keys in the store.
    pub sealer: Sealer,
    /// Whether a key can be seen again after it was made.
    pub retrieval: Retrieval,
}

/// Whether a key can be seen again after it was made (design decision 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retrieval {
    /// Whoever may, sees it whenever he asks.
    Always,
    /// The answer that makes it is the only one that shows it.
    Once,
}

impl Context {
    /// Where it looks objects up.
    pub(crate) fn directory(&self) -> Directory<'_> {
        Directory { files: &self.files }
    }

    fn environment(&self) -> &Name {
        &self.files.environment.0
    }

    fn digests(&self) -> &DigestSchemes {
        &self.files.digests
    }

    fn brand(&self) -> Option<&Brand> {
        self.files.key_brand.as_ref()
    }
}

/// A fresh id. Later ones sort behind earlier ones, so that rows of one time lie together.
fn new_id(change: &Change<'_>) -> String {
    Ids::at(change.now()).next()
}

/// What a chain is found by.
fn words(name: &str, application: &str, username: &str) -> String {
    [name, application, username].join("\n").to_lowercase()
}

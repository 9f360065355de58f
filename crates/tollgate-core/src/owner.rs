//! Applications, as far as a decision needs them.

use std::sync::Arc;

/// Index of an [`Owner`] in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(pub u32);

/// An application and whether its keys may be used. Suspending it changes this one entry,
/// however many keys it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The application's name, as upstreams see it.
    pub application: Arc<str>,
    /// The application and the member who owns it are both active.
    pub active: bool,
}

//! Who may change an object.

use crate::document::Place;

/// Who may change an object (design §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The file in which it stands, here. Over the API the object can only be read.
    File(Place),
    /// The store of the control plane.
    Store,
}

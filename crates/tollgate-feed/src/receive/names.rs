//! Names of keys that do not fit into an id.

use std::sync::Arc;

use tollgate_core::{KeyId, KeyIdForm, Record, Root};

use super::numbers::Indexes;
use crate::wire::SentKeyName;

/// Which indexes such names have.
#[derive(Debug, Default)]
pub(super) struct LongNames(Indexes);

/// An index of a name, and the name to be there from now on, or none.
pub(super) type Named = (u32, Option<Arc<Box<str>>>);

impl LongNames {
    /// The id of a key, which is the one before it if it has the same name.
    pub(super) fn id(
        &mut self,
        root: &Root,
        before: Option<&Record>,
        name: &SentKeyName,
        named: &mut Vec<Named>,
    ) -> KeyId {
        let text = match name {
            SentKeyName::Inline(id) => return *id,
            SentKeyName::Long(text) => text,
        };
        if let Some(before) = before
            && let KeyIdForm::Long(index) = before.id.form()
            && root.names.get(index).is_some_and(|known| ***known == **text)
        {
            return before.id;
        }
        let index = self.0.take();
        named.push((index, Some(Arc::new(text.clone()))));
        KeyId::long(index)
    }

    /// Clears the name that a key leaves behind, to be [forgotten](LongNames::forget) once that is
    /// published.
    pub(super) fn leave(before: &Record, after: Option<KeyId>, named: &mut Vec<Named>) {
        if let KeyIdForm::Long(index) = before.id.form()
            && after != Some(before.id)
        {
            named.push((index, None));
        }
    }

    /// Gives the indexes back that have no name any more.
    pub(super) fn forget(&mut self, named: &[Named]) {
        let cleared = named.iter().filter(|(_, name)| name.is_none());
        cleared.for_each(|(index, _)| self.0.give_back(*index));
    }
}

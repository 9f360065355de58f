//! Numbers for names, the same over all revisions of a process.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::Name;

use super::TermsKey;

/// The numbers that have been given so far.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) services: Numbering<Name>,
    pub(crate) endpoints: Numbering<(Name, Name)>,
    pub(crate) methods: Numbering<(Name, Name, Name)>,
    pub(crate) owners: Numbering<Name>,
    pub(crate) terms: Numbering<TermsKey>,
    /// Of keys whose name does not fit into their id.
    pub(crate) names: Numbering<Name>,
}

/// Gives each value a number when it is first seen.
#[derive(Debug)]
pub(crate) struct Numbering<T>(HashMap<T, u32>);

impl<T> Default for Numbering<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone + Eq + Hash> Numbering<T> {
    pub(crate) fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.0.get(value) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(value.clone(), number);
        number
    }
}

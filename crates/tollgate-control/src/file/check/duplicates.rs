//! Things that stand twice.

use std::collections::HashMap;
use std::hash::Hash;

use crate::document::{Item, Place, Section};
use crate::model::{DigestLiteral, Name};

/// The values of a list; each that stands in it before is a problem.
pub fn distinct<T: PartialEq>(section: &Section, items: Vec<Item<T>>) -> Vec<T> {
    let mut values: Vec<T> = Vec::with_capacity(items.len());
    for Item { value, site } in items {
        if values.contains(&value) {
            section.problem_at(site, "stands in this list already");
        } else {
            values.push(value);
        }
    }
    values
}

/// The keys read so far, over all files.
#[derive(Default)]
pub(in crate::file) struct SeenKeys {
    names: HashMap<Name, Place>,
    digests: HashMap<DigestLiteral, (Name, Place)>,
}

impl SeenKeys {
    /// Whether a key of this name was there.
    pub(in crate::file) fn has(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    /// Reports a key whose name or digest was there before.
    pub(in crate::file) fn note(
        &mut self,
        section: &Section,
        name: &Name,
        digest: Option<&DigestLiteral>,
    ) {
        let place = section.place();
        if let Some(first) = first(&mut self.names, name.clone(), place.clone()) {
            section.problem_at(section.here(), format_args!("this key stands at {first} already"));
        }
        let Some(digest) = digest else { return };
        if let Some((key, first)) = first(&mut self.digests, *digest, (name.clone(), place)) {
            let message = format_args!("the same digest as keys.{key} at {first}");
            section.problem("digest", message);
        }
    }
}

/// What is known of `key`; it is known as `value` from now on if it was not.
fn first<K: Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) -> Option<&V> {
    use std::collections::hash_map::Entry;
    match known.entry(key) {
        Entry::Occupied(entry) => Some(entry.into_mut()),
        Entry::Vacant(entry) => {
            entry.insert(value);
            None
        }
    }
}

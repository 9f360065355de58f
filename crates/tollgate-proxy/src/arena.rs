//! Header values without an allocation each.

use std::sync::Arc;

use bytes::BytesMut;
use http::HeaderValue;

const BLOCK: usize = 4096;

/// Writes header values one behind the other into shared blocks. A block is given back when the
/// last value in it is dropped, so a worker allocates once for many requests.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    block: BytesMut,
}

impl Arena {
    /// A value that holds `text`; `None` if it cannot stand in a header.
    pub(crate) fn value(&mut self, text: &[u8]) -> Option<HeaderValue> {
        self.build(|block| block.extend_from_slice(text))
    }

    /// A value that holds what `write` appends.
    pub(crate) fn build(&mut self, write: impl FnOnce(&mut BytesMut)) -> Option<HeaderValue> {
        if self.block.capacity() < 256 {
            self.block.reserve(BLOCK);
        }
        write(&mut self.block);
        HeaderValue::from_maybe_shared(self.block.split().freeze()).ok()
    }
}

const NAMES: usize = 1024;

/// Header values of names that come again and again: applications, packages, plans. As many as
/// there are places; a name that wants a place takes it from another.
#[derive(Debug)]
pub(crate) struct Names(Box<[Option<Held>]>);

/// A name and the value that holds it.
type Held = (Arc<str>, HeaderValue);

impl Default for Names {
    fn default() -> Self {
        Self((0..NAMES).map(|_| None).collect())
    }
}

impl Names {
    /// A value that holds `name`; `None` if it cannot stand in a header.
    pub(crate) fn value(&mut self, name: &Arc<str>) -> Option<HeaderValue> {
        // Names do not move, and allocations of their size are at least 16 bytes apart.
        let place = (Arc::as_ptr(name).cast::<u8>() as usize >> 4) % NAMES;
        let held = self.0.get_mut(place)?;
        match held {
            Some((known, value)) if Arc::ptr_eq(known, name) => Some(value.clone()),
            _ => {
                let value = HeaderValue::from_str(name).ok()?;
                *held = Some((Arc::clone(name), value.clone()));
                Some(value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_was_written_however_many_are_written() {
        let mut arena = Arena::default();
        let values: Vec<_> =
            (0..10_000).map(|n| arena.value(format!("value-{n}").as_bytes())).collect();
        for (n, value) in values.iter().enumerate() {
            assert_eq!(value.as_ref().unwrap(), &format!("value-{n}"));
        }
        assert_eq!(arena.value(b"line\nbreak"), None);
    }

    #[test]
    fn a_name_is_its_own_whoever_had_its_place() {
        let mut names = Names::default();
        let all: Vec<Arc<str>> = (0..5 * NAMES).map(|n| format!("name-{n}").into()).collect();
        for name in all.iter().chain(&all) {
            assert_eq!(names.value(name).unwrap(), **name);
        }
    }
}

//! Key ids in sixteen bytes.

use std::fmt;
use std::str;

/// The public name of a key, which logs and upstreams see. Sixteen bytes in a record hold
/// a short name itself, a UUID, or a reference to a longer name kept beside the table.
///
/// The last byte tells which: a length up to 15 for a short name, `0x80..=0xbf` for a UUID (whose
/// variant byte, RFC 9562 §4.1, is moved there), [`LONG`] for a reference.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 16]);

const LONG: u8 = 0xff;
const VARIANT: usize = 8;
const LAST: usize = 15;

/// What a [`KeyId`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIdForm {
    /// A name of at most fifteen bytes, held in the id itself.
    Short,
    /// A UUID in its binary form.
    Uuid,
    /// The index of a longer name in the snapshot.
    Long(u32),
}

impl KeyId {
    /// The id of nothing.
    pub(crate) const EMPTY: Self = Self([0; 16]);

    /// An id that holds `name` itself: a UUID in its canonical lower-case form, or any name of at
    /// most fifteen bytes. A longer name needs [`KeyId::long`].
    #[must_use]
    pub fn inline(name: &str) -> Option<Self> {
        if let Some(uuid) = parse_uuid(name) {
            return Some(uuid);
        }
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len()).filter(|to| to.len() <= LAST)?.copy_from_slice(name.as_bytes());
        bytes[LAST] = u8::try_from(name.len()).ok()?;
        Some(Self(bytes))
    }

    /// An id whose name stands at `index` of the snapshot's names.
    #[must_use]
    pub fn long(index: u32) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&index.to_be_bytes());
        bytes[LAST] = LONG;
        Self(bytes)
    }

    /// The sixteen bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id of these bytes, if [`KeyId::bytes`] can have told them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let id = Self(bytes);
        let whole = match (id.form(), bytes.split_at(usize::from(bytes[LAST]).min(LAST))) {
            (KeyIdForm::Uuid, _) => true,
            (KeyIdForm::Long(index), _) => id == Self::long(index),
            (KeyIdForm::Short, (name, rest)) => {
                let padding = rest.split_last().map_or(rest, |(_, padding)| padding);
                str::from_utf8(name).is_ok() && padding.iter().all(|byte| *byte == 0)
            }
        };
        (whole && (bytes[LAST] <= 15 || bytes[LAST] >= 0x80)).then_some(id)
    }

    /// What this id holds.
    #[must_use]
    pub fn form(&self) -> KeyIdForm {
        match self.0[LAST] {
            0x80..=0xbf => KeyIdForm::Uuid,
            LONG => {
                let [a, b, c, d, ..] = self.0;
                KeyIdForm::Long(u32::from_be_bytes([a, b, c, d]))
            }
            _ => KeyIdForm::Short,
        }
    }

    /// Writes the name into `to` and returns it. A long name is looked up with `names`.
    pub fn write<'a>(
        &self,
        to: &'a mut [u8; 36],
        names: impl FnOnce(u32) -> Option<&'a str>,
    ) -> &'a str {
        match self.form() {
            KeyIdForm::Long(index) => names(index).unwrap_or(""),
            KeyIdForm::Uuid => {
                let mut bytes = self.0;
                bytes.swap(VARIANT, LAST);
                write_uuid(&bytes, to);
                str::from_utf8(&to[..]).unwrap_or("")
            }
            KeyIdForm::Short => {
                let length = usize::from(self.0[LAST]);
                to[..16].copy_from_slice(&self.0);
                to.get(..length).and_then(|name| str::from_utf8(name).ok()).unwrap_or("")
            }
        }
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form() {
            KeyIdForm::Long(index) => write!(f, "KeyId(name {index})"),
            KeyIdForm::Short | KeyIdForm::Uuid => {
                let mut name = [0; 36];
                write!(f, "KeyId({})", self.write(&mut name, |_| None))
            }
        }
    }
}

const DASHES: [usize; 4] = [8, 13, 18, 23];

fn parse_uuid(name: &str) -> Option<KeyId> {
    if name.len() != 36 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut nibbles = 0;
    for (at, character) in name.bytes().enumerate() {
        if DASHES.contains(&at) {
            if character != b'-' {
                return None;
            }
            continue;
        }
        let value = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => return None,
        };
        bytes[nibbles / 2] = bytes[nibbles / 2] << 4 | value;
        nibbles += 1;
    }
    bytes.swap(VARIANT, LAST);
    (0x80..=0xbf).contains(&bytes[LAST]).then_some(KeyId(bytes))
}

fn write_uuid(bytes: &[u8; 16], to: &mut [u8; 36]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (at, character) in to.iter_mut().enumerate() {
        *character =
            if DASHES.contains(&at) { b'-' } else { HEX[usize::from(nibbles.next().unwrap_or(0))] };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: KeyId) -> String {
        let mut to = [0; 36];
        id.write(&mut to, |index| (index == 7).then_some("a-name-longer-than-fifteen")).to_owned()
    }

    #[test]
    fn every_kind_of_name_comes_back() {
        for held in ["", "acme-1", "fifteen-letters", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
            assert_eq!(name(KeyId::inline(held).unwrap()), held);
        }
        assert_eq!(name(KeyId::long(7)), "a-name-longer-than-fifteen");
    }

    #[test]
    fn bytes_that_are_an_id_come_back_and_others_do_not() {
        for held in ["", "acme-1", "fifteen-letters", "0f8fad5b-d9cb-469f-a165-70867728950e"] {
            let id = KeyId::inline(held).unwrap();
            assert_eq!(KeyId::from_bytes(*id.bytes()), Some(id));
        }
        assert_eq!(KeyId::from_bytes(*KeyId::long(7).bytes()), Some(KeyId::long(7)));
        let mut bytes = *KeyId::inline("acme-1").unwrap().bytes();
        for (at, wrong) in [(LAST, 16), (LAST, 0x7f), (LAST, 5), (0, 0xff), (7, 1), (LAST, LONG)] {
            let right = std::mem::replace(&mut bytes[at], wrong);
            assert_eq!(KeyId::from_bytes(bytes), None, "{at} {wrong}");
            bytes[at] = right;
        }
    }

    #[test]
    fn what_does_not_fit_is_not_held() {
        for too_long in ["sixteen-letters!", "0F8FAD5B-D9CB-469F-A165-70867728950E"] {
            assert_eq!(KeyId::inline(too_long), None);
        }
        let not_a_variant = "0f8fad5b-d9cb-469f-0165-70867728950e";
        assert_eq!(KeyId::inline(not_a_variant), None);
    }
}

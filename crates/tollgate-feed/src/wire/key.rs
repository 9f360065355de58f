//! One key, in as few bytes as it takes.

use tollgate_core::{Digest, KeyId, KeyIdForm, KeySecret, Record, Status, Wrapped};

use super::codec::{Malformed, Read};
use super::{Counter, Reader, Wire};

/// A key, as its control plane tells it. Terms and owner are numbers of its numbering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentKey {
    /// Stands for the key itself.
    pub digest: Digest,
    /// Its public name.
    pub name: SentKeyName,
    /// Where its calls are counted.
    pub counter: Counter,
    /// What it may call.
    pub terms: u32,
    /// The application it belongs to.
    pub owner: u32,
    /// First second of validity, since 1970; 0 for always.
    pub not_before: u32,
    /// First second after validity, since 1970; [`Record::NEVER`] for never.
    pub not_after: u32,
    /// Which one it is of the keys that count where it does, modulo 65,536.
    pub number: u16,
    /// Its state.
    pub status: Status,
}

/// The public name of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentKeyName {
    /// One that an id holds.
    Inline(KeyId),
    /// A longer one.
    Long(Box<str>),
}

// The first byte of a key: two bits of status, two of how its name is told, four flags.
const STATUS: u8 = 0b11;
const NAME: u8 = 0b11 << 2;
const SHORT: u8 = 0;
const UUID: u8 = 1 << 2;
const LONG: u8 = 2 << 2;
const BEGINS: u8 = 1 << 4;
const ENDS: u8 = 1 << 5;
/// It counts under its own name.
const OWN_COUNTER: u8 = 1 << 6;
/// Its number is not 0, and told.
const NUMBERED: u8 = 1 << 7;

impl SentKeyName {
    /// The name of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        KeyId::inline(text).map_or_else(|| Self::Long(text.into()), Self::Inline)
    }

    /// The text, in `to` where it is short.
    pub fn text<'a>(&'a self, to: &'a mut [u8; 36]) -> &'a str {
        match self {
            Self::Inline(id) => id.write(to, |_| None),
            Self::Long(text) => text,
        }
    }
}

impl SentKey {
    /// Whether it counts under its own name.
    pub(crate) fn counts_alone(&self) -> bool {
        Counter::of(self.name.text(&mut [0; 36])) == self.counter
    }

    /// All but the digest. `own` = its counter is that of its name and is not told: who reads it has to
    /// digest the name.
    pub(crate) fn write_rest(&self, own: bool, to: &mut Vec<u8>) {
        let name = match &self.name {
            SentKeyName::Inline(id) if id.form() == KeyIdForm::Uuid => UUID,
            SentKeyName::Inline(_) => SHORT,
            SentKeyName::Long(_) => LONG,
        };
        let flag = |is: bool, flag| if is { flag } else { 0 };
        to.push(
            status_bits(self.status)
                | name
                | flag(self.not_before != 0, BEGINS)
                | flag(self.not_after != Record::NEVER, ENDS)
                | flag(own, OWN_COUNTER)
                | flag(self.number != 0, NUMBERED),
        );
        match &self.name {
            SentKeyName::Inline(id) if name == UUID => to.extend_from_slice(id.bytes()),
            name => {
                let mut text = [0; 36];
                super::codec::write_bytes(name.text(&mut text).as_bytes(), to);
            }
        }
        if !own {
            to.extend_from_slice(&self.counter.0.to_be_bytes());
        }
        self.terms.write(to);
        self.owner.write(to);
        if self.not_before != 0 {
            to.extend_from_slice(&self.not_before.to_be_bytes());
        }
        if self.not_after != Record::NEVER {
            to.extend_from_slice(&self.not_after.to_be_bytes());
        }
        if self.number != 0 {
            self.number.write(to);
        }
    }

    pub(crate) fn read_rest(digest: Digest, from: &mut Reader<'_>) -> Read<Self> {
        let flags = from.byte()?;
        let has = |flag| flags & flag != 0;
        let name = match flags & NAME {
            UUID => {
                let id = KeyId::from_bytes(from.array()?);
                let id = id.filter(|id| id.form() == KeyIdForm::Uuid);
                SentKeyName::Inline(id.ok_or(Malformed("the name of a key is no UUID"))?)
            }
            SHORT => match KeyId::inline(from.text()?) {
                Some(id) if id.form() == KeyIdForm::Short => SentKeyName::Inline(id),
                _ => return Err(Malformed("the name of a key is not short")),
            },
            LONG => match SentKeyName::of(from.text()?) {
                SentKeyName::Inline(_) => return Err(Malformed("the name of a key is not long")),
                long => long,
            },
            _ => return Err(Malformed("the name of a key is of no known kind")),
        };
        let counter = if has(OWN_COUNTER) {
            Counter::of(name.text(&mut [0; 36]))
        } else {
            Counter(u64::from_be_bytes(from.array()?))
        };
        let (terms, owner) = (from.get()?, from.get()?);
        let not_before = if has(BEGINS) { u32::from_be_bytes(from.array()?) } else { 0 };
        let not_after = if has(ENDS) { u32::from_be_bytes(from.array()?) } else { Record::NEVER };
        let number = if has(NUMBERED) { from.get()? } else { 0 };
        let status = status(flags);
        Ok(Self { digest, name, counter, terms, owner, not_before, not_after, number, status })
    }
}

impl Wire for SentKey {
    fn write(&self, to: &mut Vec<u8>) {
        self.digest.write(to);
        self.write_rest(self.counts_alone(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let digest = from.get()?;
        Self::read_rest(digest, from)
    }
}

impl Wire for Digest {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.bytes());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.array().map(Self::new)
    }
}

impl Wire for KeySecret {
    fn write(&self, to: &mut Vec<u8>) {
        self.key.write(to);
        self.digest.write(to);
        self.wrapped.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { key: from.get()?, digest: from.get()?, wrapped: from.get()? })
    }
}

impl Wire for Wrapped {
    fn write(&self, to: &mut Vec<u8>) {
        super::codec::write_bytes(self.bytes(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let length = from.count()?;
        let wrapped = Self::of_bytes(from.take(length)?);
        wrapped.ok_or(Malformed("a wrapped secret has a length that none has"))
    }
}

fn status_bits(status: Status) -> u8 {
    match status {
        Status::Waiting => 0,
        Status::Active => 1,
        Status::Suspended => 2,
        Status::Revoked => 3,
    }
}

fn status(bits: u8) -> Status {
    match bits & STATUS {
        0 => Status::Waiting,
        1 => Status::Active,
        2 => Status::Suspended,
        _ => Status::Revoked,
    }
}

//! How values become bytes, and bytes values.

use std::fmt;
use std::sync::Arc;

/// Why bytes are no message: what is wrong with which part of it. It never repeats the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

pub(crate) type Read<T> = Result<T, Malformed>;

/// What has a binary form.
pub(crate) trait Wire: Sized {
    /// Appends it.
    fn write(&self, to: &mut Vec<u8>);

    /// Takes one from the front.
    fn read(from: &mut Reader<'_>) -> Read<Self>;
}

/// Bytes that are still to be read.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed("ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed("ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn get<T: Wire>(&mut self) -> Read<T> {
        T::read(self)
    }

    /// How many of something follow, each of which takes a byte at least.
    pub(crate) fn count(&mut self) -> Read<usize> {
        let count = usize::try_from(self.get::<u64>()?).ok();
        count.filter(|count| *count <= self.left()).ok_or(Malformed("a length goes beyond the end"))
    }

    pub(crate) fn text(&mut self) -> Read<&'a str> {
        let length = self.count()?;
        str::from_utf8(self.take(length)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// Reads one value out of all that is left.
    pub(crate) fn whole<T: Wire>(mut self) -> Read<T> {
        let value = self.get()?;
        if self.0.is_empty() { Ok(value) } else { Err(Malformed("goes on after its end")) }
    }
}

pub(crate) fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    (bytes.len() as u64).write(to);
    to.extend_from_slice(bytes);
}

pub(crate) fn write_list<'a, T: Wire + 'a>(
    list: impl ExactSizeIterator<Item = &'a T>,
    to: &mut Vec<u8>,
) {
    (list.len() as u64).write(to);
    list.for_each(|value| value.write(to));
}

impl Wire for u64 {
    fn write(&self, to: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            to.push(left as u8 | 0x80);
            left >>= 7;
        }
        to.push(left as u8);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = from.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(Malformed("a number has too many bits"));
            }
            value |= shifted;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number has too many bits"))
    }
}

macro_rules! narrower {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn write(&self, to: &mut Vec<u8>) {
                (*self as u64).write(to);
            }

            fn read(from: &mut Reader<'_>) -> Read<Self> {
                Self::try_from(from.get::<u64>()?).map_err(|_| Malformed("a number is too great"))
            }
        }
    )*};
}

narrower!(u16, u32, usize);

impl Wire for u8 {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(*self);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.byte()
    }
}

impl Wire for u128 {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.to_be_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.array().map(Self::from_be_bytes)
    }
}

impl Wire for bool {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a yes or no is neither")),
        }
    }
}

macro_rules! text {
    ($($text:ty),*) => {$(
        impl Wire for $text {
            fn write(&self, to: &mut Vec<u8>) {
                write_bytes(self.as_bytes(), to);
            }

            fn read(from: &mut Reader<'_>) -> Read<Self> {
                from.text().map(Into::into)
            }
        }
    )*};
}

text!(String, Box<str>, Arc<str>);

impl<T: Wire> Wire for Option<T> {
    fn write(&self, to: &mut Vec<u8>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        if from.get()? { from.get().map(Some) } else { Ok(None) }
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write(&self, to: &mut Vec<u8>) {
        (**self).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.get().map(Self::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, to: &mut Vec<u8>) {
        write_list(self.iter(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        // Grows with what was read, not with what was promised.
        (0..from.count()?).map(|_| from.get()).collect()
    }
}

impl<T: Wire> Wire for Box<[T]> {
    fn write(&self, to: &mut Vec<u8>) {
        write_list(self.iter(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.get::<Vec<T>>().map(Into::into)
    }
}

impl<T: Wire> Wire for Arc<[T]> {
    fn write(&self, to: &mut Vec<u8>) {
        write_list(self.iter(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.get::<Vec<T>>().map(Into::into)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok((from.get()?, from.get()?))
    }
}

/// A structure whose fields follow each other.
macro_rules! fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl crate::wire::codec::Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $(crate::wire::codec::Wire::write($field, to);)*
            }

            fn read(
                from: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<Self, crate::wire::codec::Malformed> {
                $(let $field = from.get()?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Alternatives without fields, told apart by a byte.
macro_rules! choice {
    ($name:ident, $what:literal { $($byte:literal => $variant:ident),* $(,)? }) => {
        impl crate::wire::codec::Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                to.push(match self {
                    $(Self::$variant => $byte,)*
                });
            }

            fn read(
                from: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<Self, crate::wire::codec::Malformed> {
                match from.byte()? {
                    $($byte => Ok(Self::$variant),)*
                    _ => Err(crate::wire::codec::Malformed(concat!($what, " is of no known kind"))),
                }
            }
        }
    };
}

/// A structure around one number.
macro_rules! number {
    ($($name:ident),*) => {$(
        impl crate::wire::codec::Wire for $name {
            fn write(&self, to: &mut Vec<u8>) {
                crate::wire::codec::Wire::write(&self.0, to);
            }

            fn read(
                from: &mut crate::wire::codec::Reader<'_>,
            ) -> Result<Self, crate::wire::codec::Malformed> {
                from.get().map(Self)
            }
        }
    )*};
}

pub(crate) use {choice, fields, number};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_promises_more_than_there_is_takes_no_memory_for_it() {
        let mut bytes = Vec::new();
        u64::MAX.write(&mut bytes);
        assert!(Reader::new(&bytes).whole::<Vec<u64>>().is_err());
        assert!(Reader::new(&bytes).whole::<String>().is_err());
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_none() {
        let mut bytes = vec![0xff; 9];
        bytes.push(0x01);
        assert_eq!(Reader::new(&bytes).whole::<u64>(), Ok(u64::MAX));
        bytes[9] = 0x02;
        assert!(Reader::new(&bytes).whole::<u64>().is_err());
        bytes[9] = 0x80;
        assert!(Reader::new(&bytes).whole::<u64>().is_err());
    }

    proptest! {
        #[test]
        fn values_come_back(value in any::<(u64, (u32, Option<String>))>(), list in any::<Vec<u16>>()) {
            let mut bytes = Vec::new();
            (value.clone(), list.clone()).write(&mut bytes);
            prop_assert_eq!(Reader::new(&bytes).whole(), Ok((value, list)));
        }
    }
}

//! Blocks of header fields, as far as has to be known of them (RFC 7541 §6): whether they add to the table of fields.
//!
//! A field in that table keeps all of the bytes that it was read with, and many of them keep hundreds of times
//! what the table may hold. So clients are told that there is no table (`SETTINGS_HEADER_TABLE_SIZE` of 0), and
//! whoever has agreed to it and adds to the table all the same is an offender.

/// Bytes that may come once a table has begun, before its end has been agreed to: as much as a client may have sent
/// before it knew.
const UNTOLD: u32 = 256 << 10;

/// Flags of a frame of a block (RFC 9113 §6.2).
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Of a priority (RFC 9113 §6.2).
const DEPENDENCY: u32 = 5;

/// Follows the blocks of a connection, in any pieces.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    at: At,
    frame: Payload,
    table: Table,
}

/// How far the client's table of fields has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Table {
    /// Nothing is in it, and the client may not know that nothing may be.
    #[default]
    Empty,
    /// Something is in it, and so many bytes have come since.
    Begun(u32),
    /// The client has agreed that there is none, and no block of it has said so since. So many bytes had come
    /// before.
    Agreed(u32),
    /// It is gone: adding to it changes nothing.
    Gone,
}

/// What is left of the payload of a frame.
#[derive(Clone, Copy, Debug, Default)]
struct Payload {
    /// How long the padding is comes next.
    padded: bool,
    /// Bytes before the block.
    before: u32,
    /// Bytes of the block.
    block: u32,
}

/// Where in a field the next byte stands.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    #[default]
    Field,
    /// In the index of a name, or of a whole field, which so many strings follow.
    Index { strings: u8 },
    /// At the length of a string, the first of so many.
    Length { strings: u8 },
    /// In the length of such a string: what is known of it, and how many bits that are.
    LongLength { strings: u8, length: u32, bits: u32 },
    /// In such a string, so many bytes from its end.
    Text { strings: u8, left: u32 },
}

/// A table that there must not be, or not for as long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableKept;

impl Blocks {
    /// The client has acknowledged the settings.
    pub(super) fn agree(&mut self) {
        match self.table {
            Table::Empty => self.table = Table::Agreed(0),
            Table::Begun(bytes) => self.table = Table::Agreed(bytes),
            Table::Agreed(_) | Table::Gone => {}
        }
    }

    /// Bytes that the table may keep, at most.
    pub(super) fn kept(&self) -> u32 {
        match self.table {
            Table::Begun(bytes) | Table::Agreed(bytes) => bytes,
            Table::Empty | Table::Gone => 0,
        }
    }

    /// A frame begins a block, with these flags and so long a payload.
    pub(super) fn begin(&mut self, flags: u8, length: u32) {
        let before = if flags & PRIORITY == 0 { 0 } else { DEPENDENCY };
        self.at = At::Field;
        self.frame =
            Payload { padded: flags & PADDED != 0, before, block: length.saturating_sub(before) };
    }

    /// A frame goes on with a block.
    pub(super) fn go_on(&mut self, length: u32) {
        self.frame = Payload { block: length, ..Payload::default() };
    }

    /// So many bytes have come, of whatever frame.
    ///
    /// # Errors
    /// If that is too much for a client not to have heard that there is no table.
    pub(super) fn count(&mut self, length: usize) -> Result<(), TableKept> {
        if let Table::Begun(bytes) = &mut self.table {
            *bytes = bytes.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
            if *bytes > UNTOLD {
                return Err(TableKept);
            }
        }
        Ok(())
    }

    /// Looks at a piece of the payload of a frame of a block.
    ///
    /// # Errors
    /// If it adds to a table after the client has agreed that there is none.
    pub(super) fn read(&mut self, mut payload: &[u8]) -> Result<(), TableKept> {
        if self.table == Table::Gone {
            return Ok(());
        }
        if self.frame.padded
            && let Some((padding, rest)) = payload.split_first()
        {
            self.frame.padded = false;
            self.frame.block = self.frame.block.saturating_sub(u32::from(*padding) + 1);
            payload = rest;
        }
        skip(&mut payload, &mut self.frame.before);
        let block = payload.len().min(self.frame.block as usize);
        // No more than there is of a frame.
        self.frame.block -= block as u32;
        self.read_block(payload.get(..block).unwrap_or_default())
    }

    fn read_block(&mut self, mut block: &[u8]) -> Result<(), TableKept> {
        while let Some((byte, rest)) = block.split_first() {
            let byte = *byte;
            if let At::Text { strings, left } = &mut self.at {
                skip(&mut block, left);
                if *left == 0 {
                    self.at = At::after(*strings);
                }
                continue;
            }
            block = rest;
            self.at = match self.at {
                At::Field => self.begin_field(byte)?,
                At::Index { strings } if byte < 0x80 => At::before(strings),
                At::Length { strings } if byte & 0x7f < 0x7f => {
                    At::text(strings, u32::from(byte & 0x7f))
                }
                At::Length { strings } => At::LongLength { strings, length: 0x7f, bits: 0 },
                At::LongLength { strings, length, bits } => {
                    let more = u64::from(byte & 0x7f) << bits.min(56);
                    let length = length.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
                    if byte < 0x80 {
                        At::text(strings, length)
                    } else {
                        At::LongLength { strings, length, bits: bits.saturating_add(7) }
                    }
                }
                at => at,
            };
        }
        Ok(())
    }

    /// By the first byte of a field.
    fn begin_field(&mut self, byte: u8) -> Result<At, TableKept> {
        let (bits, mut strings) = match byte {
            0x80.. => (7, 0),
            0x40.. => {
                self.add()?;
                (6, 1)
            }
            0x20.. => {
                if matches!(self.table, Table::Agreed(_)) {
                    self.table = Table::Gone;
                }
                (5, 0)
            }
            _ => (4, 1),
        };
        let most = (1 << bits) - 1;
        let index = byte & most;
        if index == 0 && strings == 1 {
            strings = 2;
        }
        Ok(if index == most { At::Index { strings } } else { At::before(strings) })
    }

    fn add(&mut self) -> Result<(), TableKept> {
        match self.table {
            Table::Agreed(_) => return Err(TableKept),
            Table::Empty => self.table = Table::Begun(0),
            Table::Begun(_) | Table::Gone => {}
        }
        Ok(())
    }
}

impl At {
    /// Before so many strings.
    fn before(strings: u8) -> Self {
        if strings == 0 { Self::Field } else { Self::Length { strings } }
    }

    /// Behind the first of so many strings.
    fn after(strings: u8) -> Self {
        Self::before(strings.saturating_sub(1))
    }

    /// Before the first of so many strings, whose length is known.
    fn text(strings: u8, length: u32) -> Self {
        if length == 0 { Self::after(strings) } else { Self::Text { strings, left: length } }
    }
}

/// Takes as many bytes away as there are.
fn skip(bytes: &mut &[u8], count: &mut u32) {
    let skipped = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(*count);
    *count -= skipped;
    *bytes = bytes.get(skipped as usize..).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A field as it may be written (RFC 7541 §6).
    #[derive(Clone, Debug)]
    enum Field {
        Indexed(u32),
        /// With so many bits of its index, and what stands before them.
        Literal {
            bits: u32,
            first: u8,
            index: u32,
            texts: [usize; 2],
        },
        Size(u32),
    }

    impl Field {
        fn any() -> impl Strategy<Value = Self> {
            let index = prop_oneof![Just(0), 1u32..14, 14u32..100_000];
            let kinds = prop_oneof![Just((6, 0x40)), Just((4, 0)), Just((4, 0x10))];
            let text = prop_oneof![0usize..130, 126usize..129, 1000usize..1100];
            prop_oneof![
                (1u32..100_000).prop_map(Self::Indexed),
                (kinds, index, [text.clone(), text]).prop_map(|((bits, first), index, texts)| {
                    Self::Literal { bits, first, index, texts }
                }),
                (0u32..5000).prop_map(Self::Size),
            ]
        }

        fn adds(&self) -> bool {
            matches!(self, Self::Literal { first: 0x40, .. })
        }

        fn write(&self, bytes: &mut Vec<u8>) {
            match *self {
                Self::Indexed(index) => integer(bytes, 0x80, 7, index),
                Self::Size(size) => integer(bytes, 0x20, 5, size),
                Self::Literal { bits, first, index, texts: [name, value] } => {
                    integer(bytes, first, bits, index);
                    for length in [name, value].into_iter().skip(usize::from(index > 0)) {
                        integer(bytes, 0, 7, length.try_into().unwrap());
                        // Looks like a field that adds wherever it is taken for one.
                        bytes.extend(std::iter::repeat_n(0x41, length));
                    }
                }
            }
        }
    }

    /// RFC 7541 §5.1.
    fn integer(bytes: &mut Vec<u8>, first: u8, bits: u32, value: u32) {
        let most = (1 << bits) - 1;
        if value < most {
            return bytes.push(first | u8::try_from(value).unwrap());
        }
        bytes.push(first | u8::try_from(most).unwrap());
        let mut rest = value - most;
        while rest >= 128 {
            bytes.push(u8::try_from(rest % 128 + 128).unwrap());
            rest /= 128;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }

    fn block(fields: &[Field]) -> Vec<u8> {
        let mut bytes = Vec::new();
        fields.iter().for_each(|field| field.write(&mut bytes));
        bytes
    }

    fn read(blocks: &mut Blocks, fields: &[Field]) -> Result<(), TableKept> {
        let bytes = block(fields);
        blocks.begin(0, bytes.len().try_into().unwrap());
        blocks.read(&bytes)
    }

    const ADDS: Field = Field::Literal { bits: 6, first: 0x40, index: 4, texts: [0, 5] };

    #[test]
    fn who_has_agreed_adds_nothing_before_it_says_that_the_table_is_gone() {
        let mut blocks = Blocks::default();
        assert_eq!(read(&mut blocks, &[ADDS]), Ok(()));
        blocks.agree();
        assert_eq!(read(&mut blocks, &[Field::Indexed(62)]), Ok(()));
        assert_eq!(read(&mut blocks, &[ADDS]), Err(TableKept));
        assert_eq!(read(&mut blocks, &[Field::Size(0), ADDS]), Ok(()));
        blocks.agree();
        assert_eq!(read(&mut blocks, &[ADDS]), Ok(()));
    }

    #[test]
    fn who_has_not_agreed_goes_on_only_for_so_long() {
        let mut blocks = Blocks::default();
        assert_eq!(blocks.count(usize::MAX), Ok(()));
        read(&mut blocks, &[Field::Size(0), ADDS]).unwrap();
        assert_eq!(blocks.count(UNTOLD as usize), Ok(()));
        assert_eq!(blocks.kept(), UNTOLD);
        assert_eq!(blocks.count(1), Err(TableKept));
        blocks.agree();
        assert_eq!(blocks.count(usize::MAX), Ok(()));
        assert!(blocks.kept() > UNTOLD);
        read(&mut blocks, &[Field::Size(0)]).unwrap();
        assert_eq!(blocks.kept(), 0);
    }

    proptest! {
        /// However fields are written, padded, and cut into frames and pieces, those that add are found.
        #[test]
        fn fields_that_add_are_found(
            fields in vec(Field::any(), 0..20),
            padding in proptest::option::of(0u8..20),
            priority: bool,
            cuts in vec(1usize..300, 1..20),
        ) {
            let mut blocks = Blocks::default();
            blocks.agree();
            let gone = fields.iter().position(|field| matches!(field, Field::Size(_)));
            let adds = fields.iter().position(Field::adds);
            let expected = adds.is_some_and(|adds| gone.is_none_or(|gone| adds < gone));

            let bytes = block(&fields);
            let (first, rest) = bytes.split_at(cuts[0].min(bytes.len()));
            let mut payload = padding.map(|length| vec![length]).unwrap_or_default();
            payload.extend(std::iter::repeat_n(0x41, if priority { 5 } else { 0 }));
            payload.extend(first);
            payload.extend(std::iter::repeat_n(0x41, padding.unwrap_or(0).into()));
            let padded = padding.map_or(0, |_| PADDED);
            let flags = padded | if priority { PRIORITY } else { 0 };

            let mut pieces = cuts.iter().cycle();
            let mut read = |blocks: &mut Blocks, mut bytes: &[u8]| {
                while !bytes.is_empty() {
                    let (piece, rest) = bytes.split_at((*pieces.next().unwrap()).min(bytes.len()));
                    blocks.read(piece)?;
                    bytes = rest;
                }
                Ok(())
            };
            blocks.begin(flags, payload.len().try_into().unwrap());
            let read = read(&mut blocks, &payload).and_then(|()| {
                blocks.go_on(rest.len().try_into().unwrap());
                read(&mut blocks, rest)
            });
            prop_assert_eq!(read == Err(TableKept), expected);
        }
    }
}

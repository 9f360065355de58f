//! Messages of Protobuf, read without knowing what they should hold: what a field means stands with those
//! who ask for its number.

/// A message, as its fields.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(u64, Value)>);

#[derive(Debug)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Fields {
    pub(crate) fn read(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let value = match tag & 7 {
                0 => Value::Number(varint(&mut bytes)),
                1 => Value::Number(u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut bytes).try_into().unwrap();
                    Value::Bytes(take(&mut bytes, length).to_vec())
                }
                5 => {
                    let number = u32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap());
                    Value::Number(number.into())
                }
                other => panic!("wire type {other}"),
            };
            fields.push((tag >> 3, value));
        }
        Self(fields)
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |(at, _)| *at == number).map(|(_, value)| value)
    }

    /// A number; zero where it is left out.
    pub(crate) fn number(&self, number: u64) -> u64 {
        match self.all(number).next() {
            Some(Value::Number(value)) => *value,
            None => 0,
            other => panic!("{other:?}"),
        }
    }

    /// Whether the field is there.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.all(number).next().is_some()
    }

    /// Bytes; none where they are left out.
    pub(crate) fn bytes(&self, number: u64) -> &[u8] {
        match self.all(number).next() {
            Some(Value::Bytes(bytes)) => bytes,
            None => &[],
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn text(&self, number: u64) -> String {
        String::from_utf8(self.bytes(number).to_vec()).unwrap()
    }

    /// All messages of a field.
    pub(crate) fn messages(&self, number: u64) -> Vec<Self> {
        let messages = self.all(number).map(|value| match value {
            Value::Bytes(bytes) => Self::read(bytes),
            other @ Value::Number(_) => panic!("{other:?}"),
        });
        messages.collect()
    }

    /// The one message of a field.
    pub(crate) fn message(&self, number: u64) -> Self {
        let mut messages = self.messages(number);
        assert_eq!(messages.len(), 1, "{number} of {self:?}");
        messages.remove(0)
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for position in 0.. {
        let byte = take(bytes, 1)[0];
        number |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

//! Frames of HTTP/2, byte for byte (RFC 9113 §4.1).

use std::io::{self, Read};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// What a block begins with once it was agreed that there is no table of fields (RFC 7541 §6.3).
pub(crate) const NO_TABLE: &[u8] = &[0x20];

/// `GET / HTTP/2` of `a`, by the static table (RFC 7541 §A).
pub(crate) const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];
/// The same as a POST.
pub(crate) const POST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 1, b'a'];

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// What a connection begins with (RFC 9113 §3.4).
pub(crate) fn beginning() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat()
}

/// A field without any table or Huffman code (RFC 7541 §6.2.2).
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        bytes.push(u8::try_from(text.len()).unwrap());
        assert!(text.len() < 127, "{text}");
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// A frame that was read.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn read_frame(from: &mut (impl Read + ?Sized)) -> io::Result<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head)?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    from.read_exact(&mut payload)?;
    Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
}

/// A GET with a key.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &keyed(&GET[..2], path))
}

/// A POST with a key, whose body is still to come.
pub(crate) fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &keyed(&POST[..2], path))
}

/// Requests that are all open at once.
pub(crate) fn at_once(streams: &[u32]) -> Vec<u8> {
    let begun = streams.iter().flat_map(|stream| post(*stream, "/orders"));
    let ended = streams.iter().flat_map(|stream| frame(DATA, END_STREAM, *stream, b"x"));
    begun.chain(ended).collect()
}

fn keyed(method: &[u8], path: &str) -> Vec<u8> {
    let others = [(":path", path), (":authority", "a"), ("x-api-key", "demo")];
    let others = others.map(|(name, value)| literal(name, value)).concat();
    [method, &others].concat()
}

/// A request that adds a field to the table, with a long one that it does not add.
pub(crate) fn adding(length: usize) -> Vec<u8> {
    let mut fields = vec![0x82, 0x86, 0x84, 0x41, 1, b'a'];
    fields.extend(literal("x-api-key", "demo"));
    fields.extend([0, 1, b'x']);
    // An integer of seven bits and more (RFC 7541 §5.1).
    let mut rest = length.checked_sub(127);
    fields.push(rest.map_or(length as u8, |_| 127));
    while let Some(more) = rest {
        fields.push((more % 128) as u8 | if more < 128 { 0 } else { 128 });
        rest = (more >= 128).then_some(more / 128);
    }
    fields.extend(std::iter::repeat_n(b'x', length));
    fields
}

/// The odd numbers of streams.
pub(crate) fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

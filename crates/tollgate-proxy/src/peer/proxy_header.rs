//! The header of the PROXY protocol, versions 1 and 2: whom a proxy has accepted a connection from.
//!
//! Sections are those of "The PROXY protocol, Versions 1 & 2" of HAProxy.

mod checksum;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest header that is read: a header says in a few bytes what is asked of it here, and the
/// rest are fields that others add.
pub(crate) const LONGEST: usize = 4096;

/// The longest header of version 1, with its end (§2.1).
const LONGEST_V1: usize = 107;

/// What version 2 begins with (§2.2).
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
const FIXED: usize = 16;

/// Type and length of a field.
const FIELD: usize = 3;

/// The field that holds a checksum of the header (§2.2.5).
const CRC32C: u8 = 0x03;

/// Whom a connection comes from, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The proxy itself, as for a health check.
    Itself,
    /// A client at this address.
    Client(IpAddr),
    /// Somebody of whom the proxy knows no IP address.
    Unknown,
}

/// What came is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads the header that `bytes` begin with; `None` if they are the beginning of one, which all of them
/// belong to then. Else it comes with its length.
///
/// # Errors
/// [`Malformed`], as soon as no header begins so.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(usize, Announced)>, Malformed> {
    match bytes.first() {
        None => Ok(None),
        Some(b'P') => parse_v1(bytes),
        Some(_) => parse_v2(bytes),
    }
}

fn parse_v1(bytes: &[u8]) -> Result<Option<(usize, Announced)>, Malformed> {
    const BEGIN: &[u8] = b"PROXY ";
    if !bytes.iter().zip(BEGIN).all(|(byte, expected)| byte == expected) {
        return Err(Malformed);
    }
    let Some(end) = bytes.iter().take(LONGEST_V1).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LONGEST_V1 { Ok(None) } else { Err(Malformed) };
    };
    let line = bytes.get(BEGIN.len()..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = std::str::from_utf8(line.ok_or(Malformed)?).map_err(|_| Malformed)?;
    Ok(Some((end + 1, announced(line)?)))
}

/// What stands behind the first word of version 1.
fn announced(line: &str) -> Result<Announced, Malformed> {
    let mut words = line.split(' ');
    let family = words.next();
    if family == Some("UNKNOWN") {
        // Whatever follows has to be ignored.
        return Ok(Announced::Unknown);
    }
    let mut address = || -> Option<IpAddr> {
        let word = words.next()?;
        match family? {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (client, _) = address().zip(address()).ok_or(Malformed)?;
    let ports = [words.next(), words.next()];
    let fits = ports.iter().all(|port| port.is_some_and(is_port)) && words.next().is_none();
    if fits { Ok(Announced::Client(client)) } else { Err(Malformed) }
}

/// A port as version 1 writes it: decimal, without zeros in front.
fn is_port(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0')) && text.parse::<u16>().is_ok()
}

fn parse_v2(bytes: &[u8]) -> Result<Option<(usize, Announced)>, Malformed> {
    if !bytes.iter().zip(&SIGNATURE).all(|(byte, expected)| byte == expected) {
        return Err(Malformed);
    }
    let Some((&[.., command, family, high, low], rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let behind = usize::from(u16::from_be_bytes([high, low]));
    let length = FIXED + behind;
    if length > LONGEST || !matches!(command, 0x20 | 0x21) {
        return Err(Malformed);
    }
    let Some(behind) = rest.get(..behind) else { return Ok(None) };
    if command == 0x20 {
        // Everything behind has to be ignored, the family too (§2.2).
        return Ok(Some((length, Announced::Itself)));
    }
    let (announced, addresses) = match family {
        // Whatever follows has to be ignored.
        0x00 => return Ok(Some((length, Announced::Unknown))),
        0x11 => (Announced::Client(first::<4>(behind)?.into()), 12),
        0x21 => (Announced::Client(first::<16>(behind)?.into()), 36),
        // A Unix socket.
        0x31 => (Announced::Unknown, 216),
        _ => return Err(Malformed),
    };
    let fields = behind.get(addresses..).ok_or(Malformed)?;
    if let Some(expected) = checksum_of(fields)? {
        let whole = bytes.get(..length).ok_or(Malformed)?;
        let at = length - fields.len() + expected.at;
        if checksum::crc32c_without(whole, at) != expected.value {
            return Err(Malformed);
        }
    }
    Ok(Some((length, announced)))
}

/// The address that stands first.
fn first<const N: usize>(behind: &[u8]) -> Result<[u8; N], Malformed> {
    behind.first_chunk().copied().ok_or(Malformed)
}

/// A checksum that stands in a header.
struct Checksum {
    /// Where, from the first of the fields.
    at: usize,
    value: u32,
}

/// The checksum among the fields, which all have to be whole.
fn checksum_of(fields: &[u8]) -> Result<Option<Checksum>, Malformed> {
    let mut found = None;
    let mut rest = fields;
    while let Some(&kind) = rest.first() {
        let (&[_, high, low], behind) = rest.split_first_chunk::<FIELD>().ok_or(Malformed)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, next) = behind.split_at_checked(length).ok_or(Malformed)?;
        if kind == CRC32C {
            let at = fields.len() - behind.len();
            let value = u32::from_be_bytes(value.try_into().map_err(|_| Malformed)?);
            if found.replace(Checksum { at, value }).is_some() {
                return Err(Malformed);
            }
        }
        rest = next;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A header of version 2 with a command, a family and what stands behind.
fn v2(command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(behind.len()).unwrap().to_be_bytes());
    bytes.extend(behind);
    bytes
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    bytes
}

const V4: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x30, 0x39, 0, 80];
const CLIENT: Announced = Announced::Client(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));

/// A header over IPv4 with these fields.
fn with(fields: &[Vec<u8>]) -> Vec<u8> {
    v2(0x21, 0x11, &[V4.to_vec(), fields.concat()].concat())
}

/// The same with a checksum among them, which is right.
fn checked(fields: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = with(&[field(CRC32C, &[0; 4]), fields.concat()]);
    let at = FIXED + V4.len() + FIELD;
    let crc = checksum::crc32c_without(&bytes, at);
    bytes[at..at + 4].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[test]
fn version_1_is_read_as_it_is_meant_or_not_at_all() {
    let v6 = "2001:db8::7".parse().unwrap();
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 80\r\n", Ok(CLIENT)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 0 65535\r\n", Ok(CLIENT)),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", Ok(Announced::Client(v6))),
        ("PROXY UNKNOWN\r\n", Ok(Announced::Unknown)),
        ("PROXY UNKNOWN ffff::1 anything at all\r\n", Ok(Announced::Unknown)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 80\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 65536\r\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 080\r\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 +1 80\r\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345\r\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 12345 80 \r\n", Err(Malformed)),
        ("PROXY TCP4  192.0.2.7 192.0.2.1 12345 80\r\n", Err(Malformed)),
        ("PROXY TCP4 192.0.2.07 192.0.2.1 12345 80\r\n", Err(Malformed)),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Err(Malformed)),
        ("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n", Err(Malformed)),
        ("PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n", Err(Malformed)),
        ("PROXY \r\n", Err(Malformed)),
        ("PROXY\r\n", Err(Malformed)),
        ("proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n", Err(Malformed)),
        ("GET / HTTP/1.1\r\n\r\n", Err(Malformed)),
        ("POST / HTTP/1.1\r\n\r\n", Err(Malformed)),
    ] {
        let found = parse(format!("{line}GET / HTTP/1.1\r\n").as_bytes());
        assert_eq!(found, expected.map(|announced| Some((line.len(), announced))), "{line:?}");
    }
}

#[test]
fn version_1_ends_within_its_107_bytes() {
    let line =
        |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16)).into_bytes();
    assert_eq!(parse(&line(107)), Ok(Some((107, Announced::Unknown))));
    assert_eq!(parse(&line(108)), Err(Malformed));
    assert_eq!(parse(&line(107)[..106]), Ok(None));
}

#[test]
fn version_2_is_read_as_it_is_meant_or_not_at_all() {
    let mut v6 = [0; 36];
    v6[..16].copy_from_slice(&Ipv6Addr::LOCALHOST.octets());
    let address = Announced::Client(Ipv6Addr::LOCALHOST.into());
    for (bytes, expected) in [
        (v2(0x21, 0x11, &V4), Ok(CLIENT)),
        (v2(0x21, 0x21, &v6), Ok(address)),
        (v2(0x21, 0x31, &[b'x'; 216]), Ok(Announced::Unknown)),
        (v2(0x21, 0x00, &[]), Ok(Announced::Unknown)),
        (v2(0x21, 0x00, b"anything"), Ok(Announced::Unknown)),
        (v2(0x20, 0x00, &[]), Ok(Announced::Itself)),
        (v2(0x20, 0x11, &V4), Ok(Announced::Itself)),
        (v2(0x20, 0xff, b"anything"), Ok(Announced::Itself)),
        (v2(0x21, 0x11, &V4[..11]), Err(Malformed)),
        (v2(0x21, 0x21, &v6[..35]), Err(Malformed)),
        (v2(0x21, 0x31, &[0; 215]), Err(Malformed)),
        // Datagrams, families and commands that are none, another version.
        (v2(0x21, 0x12, &V4), Err(Malformed)),
        (v2(0x21, 0x10, &V4), Err(Malformed)),
        (v2(0x21, 0x41, &V4), Err(Malformed)),
        (v2(0x22, 0x11, &V4), Err(Malformed)),
        (v2(0x11, 0x11, &V4), Err(Malformed)),
        (v2(0x31, 0x11, &V4), Err(Malformed)),
        (v2(0x20, 0x00, &[0; LONGEST - FIXED + 1]), Err(Malformed)),
    ] {
        let mut followed = bytes.clone();
        followed.extend(b"GET / HTTP/1.1\r\n");
        let expected = expected.map(|announced| Some((bytes.len(), announced)));
        assert_eq!(parse(&followed), expected, "{bytes:?}");
    }
}

#[test]
fn fields_are_whole_and_a_checksum_is_right() {
    let name = field(0x02, b"api.example.com");
    for (bytes, expected) in [
        (with(&[name.clone(), field(0x04, &[0; 9]), field(0xe0, &[])]), Ok(CLIENT)),
        (checked(&[]), Ok(CLIENT)),
        (checked(std::slice::from_ref(&name)), Ok(CLIENT)),
        (with(&[field(CRC32C, &[0; 4])]), Err(Malformed)),
        (with(&[field(CRC32C, &[0; 3])]), Err(Malformed)),
        (checked(&[field(CRC32C, &[0; 4])]), Err(Malformed)),
        (with(&[name[..name.len() - 1].to_vec()]), Err(Malformed)),
        (with(&[vec![0x02, 0]]), Err(Malformed)),
    ] {
        let length = bytes.len();
        let expected = expected.map(|announced| Some((length, announced)));
        assert_eq!(parse(&bytes), expected, "{bytes:?}");
    }
    let right = checked(&[name]);
    // Another type makes it a field that is not looked at.
    let kind = FIXED + V4.len();
    for at in (FIXED..right.len()).filter(|at| *at != kind) {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        assert_ne!(parse(&wrong), Ok(Some((right.len(), CLIENT))), "byte {at}");
    }
}

proptest! {
    /// However it is cut, it is the same header, and nothing that follows is part of it.
    #[test]
    fn a_header_is_read_in_any_pieces(
        which in 0usize..4,
        name in vec(any::<u8>(), 0..300),
        cut in 0.0..1.0,
        follows in vec(any::<u8>(), 0..40),
    ) {
        let bytes = match which {
            0 => b"PROXY TCP4 192.0.2.7 192.0.2.1 12345 80\r\n".to_vec(),
            1 => with(&[field(0x02, &name)]),
            2 => checked(&[field(0x02, &name)]),
            _ => v2(0x21, 0x11, &V4),
        };
        let cut = (cut * bytes.len() as f64) as usize;
        prop_assert_eq!(parse(&bytes[..cut]), Ok(None));
        let length = bytes.len();
        let followed = [bytes, follows].concat();
        prop_assert_eq!(parse(&followed), Ok(Some((length, CLIENT))));
    }
}

use super::*;

const LIMITS: Limits = Limits { bytes: 1 << 16, fields: 100 };

type Read = (Request<()>, Head);

fn read(head: &str) -> Result<Option<Read>, Unread> {
    read_within(LIMITS, head)
}

fn read_within(limits: Limits, head: &str) -> Result<Option<Read>, Unread> {
    let mut input = Bytes::copy_from_slice(head.as_bytes());
    let mut request = Request::new(());
    let head = take(&mut input, &mut 0, limits, &mut request)?;
    Ok(head.map(|head| (request, head)))
}

/// A POST of this version with these fields.
fn post(version: &str, fields: &str) -> Result<Read, Unread> {
    read(&format!("POST / HTTP/{version}\r\n{fields}\r\n")).map(Option::unwrap)
}

#[test]
fn what_follows_a_head_is_what_only_one_reading_allows() {
    let follows = |fields: &str| {
        let (request, head) = post("1.1", fields)?;
        let lengths = request.headers().get_all(CONTENT_LENGTH).iter().count();
        Ok((format!("{:.6?}", head.coming).replace(' ', ""), lengths, head.keeps))
    };
    let framed = |coming: &str, lengths, keeps| Ok((coming.to_owned(), lengths, keeps));
    assert_eq!(follows(""), framed("Nothing", 0, true));
    assert_eq!(follows("Content-Length: 0\r\n"), framed("Nothing", 1, true));
    assert_eq!(follows("Content-Length: 7\r\n"), framed("Length(7)", 1, true));
    let twice = "Content-Length: 7\r\nContent-Length: 07\r\n";
    assert_eq!(follows(twice), framed("Length(7)", 1, true));
    for (fields, keeps) in [
        ("Transfer-Encoding: Chunked\r\n", true),
        ("Transfer-Encoding: gzip, chunked\r\n", true),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", true),
        ("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", false),
        ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", false),
        ("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", false),
    ] {
        let (coming, lengths, kept) = follows(fields).unwrap();
        assert!(coming.starts_with("Chunks"), "{fields}: {coming}");
        assert_eq!((lengths, kept), (0, keeps), "{fields}");
    }
    for doubtful in [
        "Content-Length: 7\r\nContent-Length: 8\r\n",
        "Content-Length: 7, 7\r\n",
        "Content-Length: +7\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
    ] {
        assert_eq!(follows(doubtful), Err(Unread::Malformed), "{doubtful}");
    }
    assert_eq!(follows("Content-Length: 18446744073709551615\r\n"), Err(Unread::TooLarge));
    let old = post("1.0", "Transfer-Encoding: chunked\r\n");
    assert_eq!(old.err(), Some(Unread::Malformed));
}

#[test]
fn a_head_says_what_becomes_of_its_connection() {
    for (version, fields, keeps) in [
        ("1.1", "", true),
        ("1.1", "Connection: x, Close\r\nConnection: keep-alive\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        assert_eq!(post(version, fields).unwrap().1.keeps, keeps, "{version} {fields}");
    }
    let expects = |version, fields| post(version, fields).unwrap().1.expects;
    assert!(expects("1.1", "Expect: 100-Continue\r\n"));
    assert!(!expects("1.0", "Expect: 100-continue\r\n"));
    assert!(!expects("1.1", "Expect: something\r\n"));
    let upgrades = |version, fields| !post(version, fields).unwrap().0.extensions().is_empty();
    assert!(upgrades("1.1", "Upgrade: websocket\r\n"));
    assert!(!upgrades("1.0", "Upgrade: websocket\r\n"));
    assert!(!upgrades("1.1", "Connection: upgrade\r\n"));
}

#[test]
fn what_is_no_head_is_told_from_what_is_not_all_of_one() {
    for none in [
        "GET / HTTP/2.0\r\n\r\n",
        "GET /\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
        "\0\0\0\0",
    ] {
        assert_eq!(read(none).err(), Some(Unread::Malformed), "{none:?}");
    }
    let whole = "\r\nPUT /a?b HTTP/1.1\r\nA: b\r\nA: c\r\nExpect: d\r\n\r\n";
    let (mut searched, mut request) = (0, Request::new(()));
    for end in 0..whole.len() {
        let mut input = Bytes::copy_from_slice(&whole.as_bytes()[..end]);
        let taken = take(&mut input, &mut searched, LIMITS, &mut request);
        assert!(taken.unwrap().is_none(), "{end}");
        assert!(request.headers().is_empty());
    }
    let mut input = Bytes::from(format!("{whole}rest"));
    take(&mut input, &mut searched, LIMITS, &mut request).unwrap().unwrap();
    assert_eq!((&input[..], searched, request.headers().len()), (&b"rest"[..], 0, 3));
    assert_eq!((request.method().as_str(), &*request.uri().to_string()), ("PUT", "/a?b"));
    assert_eq!(request.version(), Version::HTTP_11);
}

#[test]
fn a_head_is_as_large_as_it_may_be() {
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
    for most in [3, 100, 200] {
        let limits = Limits { fields: most, ..LIMITS };
        assert!(read_within(limits, &fields(most)).unwrap().is_some(), "{most}");
        assert_eq!(read_within(limits, &fields(most + 1)).err(), Some(Unread::TooLarge));
    }
    let head = fields(10);
    let within = |bytes, head: &str| {
        read_within(Limits { bytes, ..LIMITS }, head).map(|head| head.is_some())
    };
    assert_eq!(within(head.len(), &head), Ok(true));
    assert_eq!(within(head.len() - 1, &head), Err(Unread::TooLarge));
    assert_eq!(within(head.len() - 1, &head[..head.len() - 2]), Ok(false));
    assert_eq!(within(head.len() - 2, &head[..head.len() - 2]), Err(Unread::TooLarge));
    let mut searched = head.len() - 2;
    let mut input = Bytes::copy_from_slice(&head.as_bytes()[..head.len() - 1]);
    let limits = Limits { bytes: head.len() - 1, ..LIMITS };
    let slowly = take(&mut input, &mut searched, limits, &mut Request::new(()));
    assert_eq!(slowly.err(), Some(Unread::TooLarge));
    let target = |length: usize| read(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(length - 1)));
    let long = Limits { bytes: 1 << 20, ..LIMITS };
    assert!(target(LONGEST_TARGET - 100).is_ok());
    let longer = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LONGEST_TARGET));
    assert_eq!(read_within(long, &longer).err(), Some(Unread::TargetTooLong));
}

use http::HeaderName;

use super::*;

const GET: Asked = Asked { old: false, head_alone: false, keeps: true };

fn written(
    status: u16,
    fields: &[(&'static str, &'static str)],
    size: Size,
    asked: Asked,
) -> (String, Framing, bool) {
    let fields = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let mut out = Vec::new();
    let status = StatusCode::from_u16(status).unwrap();
    let (framing, keeps) = write(&mut out, status, &fields.collect(), size, asked, b"now");
    let text = String::from_utf8(out).unwrap();
    let (first, fields) = text.split_once("\r\n").unwrap();
    let fields = fields.strip_suffix("date: now\r\n\r\n").unwrap().replace("\r\n", "; ");
    (format!("{first}; {fields}"), framing, keeps)
}

fn head(status: u16, fields: &[(&'static str, &'static str)], size: Size, asked: Asked) -> String {
    written(status, fields, size, asked).0
}

#[test]
fn a_body_is_framed_as_its_client_can_read_it() {
    let old = Asked { old: true, keeps: false, ..GET };
    let head_alone = Asked { head_alone: true, ..GET };
    let length = [("content-length", "7")];
    for (status, size, asked, said, framing) in [
        (200, Size::Exact(5), GET, "content-length: 5; ", Framing::Length(5)),
        (200, Size::Unknown, GET, "transfer-encoding: chunked; ", Framing::Chunks),
        (200, Size::None, GET, "content-length: 0; ", Framing::Absent),
        (200, Size::Unknown, old, "", Framing::Close),
        (200, Size::Exact(5), old, "content-length: 5; ", Framing::Length(5)),
        (200, Size::None, head_alone, "content-length: 7; ", Framing::Absent),
        (200, Size::Exact(5), head_alone, "content-length: 7; ", Framing::Absent),
        (200, Size::Unknown, head_alone, "content-length: 7; ", Framing::Absent),
        (204, Size::None, GET, "", Framing::Absent),
        (204, Size::Exact(5), GET, "", Framing::Absent),
        (304, Size::Unknown, GET, "", Framing::Absent),
        (101, Size::None, GET, "", Framing::Absent),
    ] {
        let (text, framed, _) = written(status, &length, size, asked);
        assert!(text.ends_with(&format!("; {said}")), "{status} {size:?} {asked:?}: {text}");
        assert_eq!(framed, framing, "{status} {size:?} {asked:?}");
    }
    let refusal = head(401, &[], Size::Exact(5), head_alone);
    assert_eq!(refusal, "HTTP/1.1 401 Unauthorized; content-length: 5; ");
    assert_eq!(head(200, &[], Size::None, head_alone), "HTTP/1.1 200 OK; ");
}

#[test]
fn the_connection_is_what_both_sides_take_it_for() {
    let old = |keeps| Asked { old: true, keeps, ..GET };
    let last = Asked { keeps: false, ..GET };
    for (fields, asked, said, keeps) in [
        (&[][..], GET, "HTTP/1.1 204 No Content; ", true),
        (&[], last, "HTTP/1.1 204 No Content; connection: close; ", false),
        (&[], old(true), "HTTP/1.0 204 No Content; connection: keep-alive; ", true),
        (&[], old(false), "HTTP/1.0 204 No Content; ", false),
        (&[("connection", "close")], GET, "HTTP/1.1 204 No Content; connection: close; ", false),
        (&[("connection", "close")], last, "HTTP/1.1 204 No Content; connection: close; ", false),
    ] {
        let (text, _, kept) = written(204, fields, Size::None, asked);
        assert_eq!((&*text, kept), (said, keeps), "{fields:?} {asked:?}");
    }
    let (_, framing, keeps) = written(200, &[], Size::Unknown, old(true));
    assert_eq!((framing, keeps), (Framing::Close, false));
    let switching = written(101, &[("connection", "upgrade")], Size::None, GET).0;
    assert_eq!(switching, "HTTP/1.1 101 Switching Protocols; connection: upgrade; ");
}

#[test]
fn fields_go_on_but_for_those_that_frame_it() {
    let fields = [
        ("x-a", "1"),
        ("x-a", "2"),
        ("transfer-encoding", "gzip"),
        ("trailer", "x-sum"),
        ("content-length", "9"),
    ];
    let text = head(299, &fields, Size::Exact(5), GET);
    assert_eq!(text, "HTTP/1.1 299 <none>; x-a: 1; x-a: 2; content-length: 5; ");
    let mut out = Vec::new();
    let dated = [(DATE, HeaderValue::from_static("then"))].into_iter().collect();
    write(&mut out, StatusCode::OK, &dated, Size::Exact(1), GET, b"now");
    assert_eq!(out, b"HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 1\r\n\r\n");
}

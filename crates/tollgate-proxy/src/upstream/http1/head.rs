//! The head of a request, as it is written (RFC 9112 §3, §5).

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Request};

use crate::headers::length;
use crate::http1::write_field;

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Framing {
    /// By its length in bytes.
    Length(u64),
    /// In chunks.
    Chunks,
}

impl Framing {
    /// As the fields of a request say that has a body; in chunks if they do not say it clearly.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
        match (headers.contains_key(TRANSFER_ENCODING), lengths.next(), lengths.next()) {
            (false, Some(only), None) => length(only).map_or(Self::Chunks, Self::Length),
            _ => Self::Chunks,
        }
    }
}

/// Appends the head of a request whose target is a path. Its fields are those of the request but for the
/// framing, which is that of its body, and `more`; `None` = it has no body.
pub(super) fn write<'h, B>(
    out: &mut Vec<u8>,
    request: &Request<B>,
    more: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>,
    framing: Option<Framing>,
) {
    out.extend_from_slice(request.method().as_str().as_bytes());
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    out.extend_from_slice(if target.starts_with('?') { b" /" } else { b" " });
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        let goes = match *name {
            TRANSFER_ENCODING => false,
            CONTENT_LENGTH => match framing {
                Some(Framing::Length(_)) => true,
                Some(Framing::Chunks) => false,
                // Another one would have the server wait for what does not come.
                None => length(value) == Some(0),
            },
            _ => true,
        };
        if goes {
            write_field(out, name, value);
        }
    }
    more.for_each(|(name, value)| write_field(out, name, value));
    if framing == Some(Framing::Chunks) {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::header::VIA;

    use super::*;

    const VIA_US: HeaderValue = HeaderValue::from_static("us");

    fn written(request: &Request<()>, framing: Option<Framing>) -> String {
        let mut out = Vec::new();
        write(&mut out, request, [(&VIA, &VIA_US)].into_iter(), framing);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_says_what_the_request_says_and_how_its_body_is_framed() {
        let request = || {
            let request = Request::builder().method("POST").uri("/orders?a=%20b");
            let request = request.header("host", "api").header("te", "trailers");
            request.header("x-a", "1").header("x-a", "2").header(CONTENT_LENGTH, "5")
        };
        let begin =
            "POST /orders?a=%20b HTTP/1.1\r\nhost: api\r\nte: trailers\r\nx-a: 1\r\nx-a: 2\r\n";
        let cases = [
            (Some(Framing::Length(5)), "content-length: 5\r\nvia: us\r\n\r\n"),
            (Some(Framing::Chunks), "via: us\r\ntransfer-encoding: chunked\r\n\r\n"),
            (None, "via: us\r\n\r\n"),
        ];
        for (framing, end) in cases {
            let request = request().header(TRANSFER_ENCODING, "gzip").body(()).unwrap();
            assert_eq!(written(&request, framing), format!("{begin}{end}"));
        }
        let empty = Request::builder().uri("http://api?b").header(CONTENT_LENGTH, "0").body(());
        let empty = written(&empty.unwrap(), None);
        assert_eq!(empty, "GET /?b HTTP/1.1\r\ncontent-length: 0\r\nvia: us\r\n\r\n");
    }

    #[test]
    fn what_does_not_say_its_length_clearly_goes_in_chunks() {
        let framing = |fields: &[(&str, &str)]| {
            let mut request = Request::builder();
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            Framing::of(request.body(()).unwrap().headers())
        };
        assert_eq!(framing(&[("content-length", "12")]), Framing::Length(12));
        for unclear in [
            &[][..],
            &[("content-length", "1"), ("content-length", "1")],
            &[("content-length", "+1")],
            &[("content-length", "1"), ("transfer-encoding", "chunked")],
        ] {
            assert_eq!(framing(unclear), Framing::Chunks, "{unclear:?}");
        }
    }
}

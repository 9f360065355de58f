use super::*;

fn cleaned(fields: &[(&str, &str)]) -> Result<Vec<(String, String)>, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let key = [CredentialPlace::Header(HeaderName::from_static("x-api-key"))];
    clean_request(&mut headers, Version::HTTP_2, &key)?;
    let left = headers.iter();
    Ok(left.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect())
}

#[test]
fn what_concerned_one_connection_ends_there() {
    let left = cleaned(&[
        ("accept", "*/*"),
        ("connection", "keep-alive, X-Mine"),
        ("x-mine", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "gzip, trailers"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAM"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("expect", "100-continue"),
    ]);
    let expected = [("accept", "*/*"), ("te", "trailers")];
    assert_eq!(left.unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn no_spelling_of_an_asserted_field_passes() {
    for name in [
        "x-tollgate-key",
        "X-Tollgate-Plan",
        "x_tollgate_key",
        "x-tollgate_application",
        "x-forwarded-for",
        "X_Forwarded_Proto",
        "forwarded",
        "x-tollgate-anything",
    ] {
        assert_eq!(cleaned(&[(name, "1")]), Ok(Vec::new()), "{name}");
    }
    assert_eq!(cleaned(&[("x-tollgat", "1"), ("x-forward", "1")]).unwrap().len(), 2);
}

#[test]
fn nobody_has_us_remove_what_others_rely_on() {
    for name in [
        "Host",
        "content-length",
        "X-Forwarded-For",
        "x-tollgate-key",
        "x_tollgate_key",
        "X-Api-Key",
        "x-request-id",
    ] {
        assert_eq!(cleaned(&[("connection", name)]), Err(Refusal::BadRequest), "{name}");
    }
}

#[test]
fn no_other_spelling_of_framing_or_of_a_key_passes() {
    for name in [
        "transfer_encoding",
        "Transfer_Encoding",
        "content_length",
        "keep_alive",
        "proxy-authorization",
        "proxy_authorization",
        "x_api_key",
        "x-api_key",
    ] {
        assert_eq!(cleaned(&[(name, "1")]), Ok(Vec::new()), "{name}");
    }
    assert_eq!(cleaned(&[("x-api-key", "1"), ("x_api_keys", "1")]).unwrap().len(), 2);
}

#[test]
fn only_chunked_is_a_transfer_encoding() {
    let framed = |codings: &[&'static str]| {
        let codings = codings.iter().map(|coding| HeaderValue::from_static(coding));
        only_chunked(&codings.map(|coding| (TRANSFER_ENCODING, coding)).collect())
    };
    for coding in ["gzip, chunked", "identity", "chunked, chunked", "chunked;q=1", "xchunked", ""] {
        assert_eq!(framed(&[coding]), Err(Refusal::BadRequest), "{coding}");
    }
    assert_eq!(framed(&["chunked", "chunked"]), Err(Refusal::BadRequest));
    assert_eq!((framed(&["Chunked"]), framed(&[])), (Ok(()), Ok(())));
}

#[test]
fn a_response_has_one_end() {
    for (fields, expected) in [
        (&[("content-length", "5")][..], Ok(())),
        (&[("transfer-encoding", "Chunked")], Ok(())),
        (&[], Ok(())),
        (&[("content-length", "5"), ("transfer-encoding", "chunked")], Err(())),
        (&[("content-length", "5"), ("content-length", "5")], Err(())),
        (&[("content-length", "5, 5")], Err(())),
        (&[("content-length", "")], Err(())),
        (&[("transfer-encoding", "gzip, chunked")], Err(())),
        (&[("transfer-encoding", "identity")], Err(())),
    ] {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let cleaned = clean_response(&mut headers);
        assert_eq!(cleaned, expected.map_err(|()| Refusal::UpstreamBadResponse), "{fields:?}");
        assert!(!headers.contains_key(TRANSFER_ENCODING) || cleaned.is_err());
    }
}

#[test]
fn what_stands_behind_a_body_is_about_the_body() {
    let names =
        ["grpc-status", "x-sum", "content-length", "host", "x-tollgate-key", "te", "cookie"];
    let mut trailers: HeaderMap = names
        .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("1")))
        .into_iter()
        .collect();
    clean_trailers(&mut trailers);
    assert_eq!(trailers.keys().collect::<Vec<_>>(), ["grpc-status", "x-sum"]);
}

#[test]
fn cookies_of_http2_are_joined() {
    let left = cleaned(&[("cookie", "a=1"), ("cookie", "b=2")]).unwrap();
    assert_eq!(left, [("cookie".to_owned(), "a=1; b=2".to_owned())]);
}

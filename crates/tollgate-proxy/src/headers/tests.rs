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
fn only_chunked_is_a_transfer_encoding() {
    for coding in ["gzip, chunked", "identity", "chunked, chunked", "\tchunked;q=1", "xchunked"] {
        assert_eq!(cleaned(&[("transfer-encoding", coding)]), Err(Refusal::BadRequest), "{coding}");
    }
    let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
    assert_eq!(cleaned(&twice), Err(Refusal::BadRequest));
    assert_eq!(cleaned(&[("transfer-encoding", "Chunked")]), Ok(Vec::new()));
}

#[test]
fn cookies_of_http2_are_joined() {
    let left = cleaned(&[("cookie", "a=1"), ("cookie", "b=2")]).unwrap();
    assert_eq!(left, [("cookie".to_owned(), "a=1; b=2".to_owned())]);
}

#[test]
fn a_request_id_is_kept_only_if_it_is_plain() {
    for (id, kept) in [("abc-1.2:3", true), ("", false), ("a b", false), ("\"", false)] {
        assert_eq!(plain_request_id(&id.parse().unwrap()), kept, "{id}");
    }
}

//! Of a request's header goes on what is neither ours nor about the connection, and nothing else is
//! touched.
#![no_main]

use http::{HeaderMap, Version};
use libfuzzer_sys::fuzz_target;
use tollgate_core::Refusal;
use tollgate_fuzz::{fields, folded, listed, places};
use tollgate_proxy::fuzzing::{clean_request, plain_request_id};

/// What nobody may have removed: we, and the places of keys, rely on it.
const RELIED_ON: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "x-request-id",
    "x-api-key",
    "authorization",
    "cookie",
];

const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

const FRAMING: [&str; 2] = ["content-length", "expect"];

fn nominated(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("connection").iter();
    let tokens = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.map(|token| String::from_utf8_lossy(token.trim_ascii()).to_ascii_lowercase()).collect()
}

fn ends(name: &str, nominated: &[String]) -> bool {
    let folded = name.replace('_', "-");
    HOP_BY_HOP.contains(&name)
        || name == "expect"
        || (folded != name && FRAMING.contains(&folded.as_str()))
        || (folded != name && (folded == "x-api-key" || HOP_BY_HOP.contains(&folded.as_str())))
        || name == "forwarded"
        || folded.starts_with("x-tollgate-")
        || folded.starts_with("x-forwarded-")
        || (nominated.iter().any(|each| each == name) && name != "close")
}

fuzz_target!(|bytes: &[u8]| {
    let mut headers = fields(bytes.split(|byte| *byte == b'\n'));
    let before = headers.clone();
    let nominated = nominated(&before);
    let version = if bytes.len() % 2 == 0 { Version::HTTP_2 } else { Version::HTTP_11 };
    for value in before.get_all("x-request-id") {
        let printable = value.as_bytes().iter().all(u8::is_ascii_graphic);
        assert!(!plain_request_id(value) || printable);
    }
    if let Err(refusal) = clean_request(&mut headers, version, &places()) {
        assert_eq!(refusal, Refusal::BadRequest);
        assert!(before.contains_key("connection"));
        return;
    }
    for relied_on in RELIED_ON {
        assert!(!nominated.iter().any(|each| each == relied_on), "{relied_on}");
    }
    for name in headers.keys() {
        assert!(name == "te" || !ends(name.as_str(), &nominated), "{name}");
        assert!(!folded(name).starts_with("x-tollgate-"), "{name}");
    }
    assert!(headers.get_all("te").iter().all(|value| value == "trailers"));
    let kept = |headers: &HeaderMap| {
        let all = listed(headers).into_iter();
        all.filter(|(name, _)| !ends(name, &nominated) && name != "cookie").collect::<Vec<_>>()
    };
    assert_eq!(kept(&headers), kept(&before));
    let cookies = |headers: &HeaderMap| headers.get_all("cookie").iter().count();
    let joined = version == Version::HTTP_2 && cookies(&before) > 1;
    if !nominated.iter().any(|each| each == "cookie") {
        assert_eq!(cookies(&headers), if joined { 1 } else { cookies(&before) });
    }
    let clean = headers.clone();
    assert_eq!(clean_request(&mut headers, version, &places()), Ok(()));
    assert_eq!(listed(&headers), listed(&clean));
});

//! A server's response is the same however its bytes come, and nothing that follows it is taken for a part of it.
#![no_main]

use http::{Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::hear;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let method = if *first % 2 == 0 { Method::GET } else { Method::HEAD };
    let size = usize::from(*first / 2) + 1;
    let whole = hear(method.clone(), bytes, bytes.len().max(1));
    assert_eq!(whole, hear(method.clone(), bytes, size));
    let Some(heard) = whole else { return };
    assert!(!heard.status.is_informational() || heard.status == StatusCode::SWITCHING_PROTOCOLS);
    assert!(bytes.ends_with(&heard.rest));
    let lengths: Vec<_> = heard.fields.get_all("content-length").iter().collect();
    if method == Method::HEAD || matches!(heard.status.as_u16(), 101 | 204 | 304) {
        assert!(heard.whole && heard.body.is_empty());
    } else if let [length] = lengths[..] {
        let length: usize = length.to_str().unwrap().parse().unwrap();
        assert!(!heard.fields.contains_key("transfer-encoding"), "framed twice");
        assert_eq!(heard.whole, heard.body.len() == length);
    } else {
        assert!(lengths.is_empty(), "framed twice");
    }
});

//! Of a response's header goes on what is not about the connection to the upstream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::{fields, listed};
use tollgate_proxy::fuzzing::clean_response;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = fields(bytes.split(|byte| *byte == b'\n'));
    let before = headers.clone();
    clean_response(&mut headers);
    for ended in ["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"] {
        assert!(!headers.contains_key(ended), "{ended}");
    }
    let all = listed(&before);
    assert!(listed(&headers).iter().all(|field| all.contains(field)), "nothing is made up");
    let clean = headers.clone();
    clean_response(&mut headers);
    assert_eq!(listed(&headers), listed(&clean));
});

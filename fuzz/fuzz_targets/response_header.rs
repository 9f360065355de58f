//! Of a response's header goes on what is not about the connection to the upstream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::Refusal;
use tollgate_fuzz::{fields, listed};
use tollgate_proxy::fuzzing::clean_response;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = fields(bytes.split(|byte| *byte == b'\n'));
    let before = headers.clone();
    let framings = ["content-length", "transfer-encoding"];
    let framed: Vec<_> = framings.iter().flat_map(|name| before.get_all(*name)).collect();
    if let Err(refusal) = clean_response(&mut headers) {
        assert_eq!(refusal, Refusal::UpstreamBadResponse);
        assert!(!framed.is_empty());
        return;
    }
    assert!(framed.len() < 2, "two framings passed");
    for ended in ["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"] {
        assert!(!headers.contains_key(ended), "{ended}");
    }
    let all = listed(&before);
    assert!(listed(&headers).iter().all(|field| all.contains(field)), "nothing is made up");
    let clean = headers.clone();
    assert_eq!(clean_response(&mut headers), Ok(()));
    assert_eq!(listed(&headers), listed(&clean));
});

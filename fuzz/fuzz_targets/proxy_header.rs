//! A PROXY header is bounded, is the same in whatever pieces it comes, and nothing that follows belongs
//! to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::{LONGEST_PROXY_HEADER, ProxyHeader, proxy_header};

fuzz_target!(|bytes: &[u8]| {
    let whole = proxy_header(bytes);
    match whole {
        ProxyHeader::Whole(length, _) => {
            assert!((1..=LONGEST_PROXY_HEADER).contains(&length));
            assert_eq!(proxy_header(&bytes[..length]), whole);
            for cut in 0..length {
                assert_eq!(proxy_header(&bytes[..cut]), ProxyHeader::Begun, "{cut}");
            }
        }
        ProxyHeader::Begun => {
            assert!(bytes.len() < LONGEST_PROXY_HEADER);
            for cut in 0..bytes.len() {
                assert_eq!(proxy_header(&bytes[..cut]), ProxyHeader::Begun, "{cut}");
            }
        }
        // What is wrong does not become right by what follows.
        ProxyHeader::Malformed => {
            let followed = [bytes, b" \r\n\0"].concat();
            assert_eq!(proxy_header(&followed), ProxyHeader::Malformed);
        }
    }
});

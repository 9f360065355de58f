//! A client's requests are the same however its bytes come, and each is framed in one way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::hear_requests;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let whole = hear_requests(bytes, bytes.len().max(1));
    assert_eq!(whole, hear_requests(bytes, usize::from(*first) + 1));
    for request in &whole {
        let lengths: Vec<_> = request.fields.get_all("content-length").iter().collect();
        let coded = request.fields.contains_key("transfer-encoding");
        assert!(request.fields.len() <= 20);
        match lengths[..] {
            [] => assert!(coded || request.whole && request.body.is_empty()),
            [length] => {
                let length: usize = length.to_str().unwrap().parse().unwrap_or(usize::MAX);
                assert!(!coded, "framed twice");
                assert_eq!(request.whole, request.body.len() == length);
            }
            _ => panic!("framed twice"),
        }
    }
    let said: usize = whole.iter().map(|request| request.body.len()).sum();
    assert!(said <= bytes.len());
});

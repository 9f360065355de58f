//! A literal is read as it is shown, and what is said of another text repeats nothing of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_control::model::DigestLiteral;

fuzz_target!(|text: &str| {
    match DigestLiteral::parse(text) {
        Ok(literal) => {
            let shown = literal.to_string();
            assert!(shown.eq_ignore_ascii_case(text));
            assert_eq!(DigestLiteral::parse(&shown), Ok(literal));
        }
        Err(_) => {
            let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("hmac-sha256:"));
            let digits = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(!hex.is_some_and(digits));
        }
    }
});

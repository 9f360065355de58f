//! A wrapped secret is read as it is shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::Wrapped;

fuzz_target!(|text: &str| {
    match Wrapped::parse(text) {
        Ok(wrapped) => {
            assert_eq!(wrapped.to_string(), text.to_ascii_lowercase());
            assert_eq!(Wrapped::parse(&wrapped.to_string()), Ok(wrapped));
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
});

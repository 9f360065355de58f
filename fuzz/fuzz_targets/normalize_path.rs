//! A path has one form, and nothing in that form can be read in two ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::normalize_path;

fuzz_target!(|path: &str| {
    let Ok(form) = normalize_path(path) else { return };
    assert!(form.starts_with('/'));
    assert!(!form.contains("//"));
    assert!(!form.contains('\\'));
    assert!(form.split('/').all(|segment| segment != "." && segment != ".."));
    for encoding in form.split('%').skip(1) {
        let digits = &encoding.as_bytes()[..2];
        assert!(!digits.iter().any(u8::is_ascii_lowercase));
        assert!(!matches!(digits, b"2F" | b"5C" | b"00" | b"2E"));
    }
    assert_eq!(normalize_path(&form).as_deref(), Ok(&*form));
});

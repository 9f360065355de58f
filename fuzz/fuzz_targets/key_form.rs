//! Of whatever begins like a generated key, only what could have been generated is owned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::Brand;

fuzz_target!(|key: &[u8]| {
    let Some(brand) = Brand::new("acme") else { return };
    let owned = |key: &[u8]| key.starts_with(b"acme_") && !brand.disowns(key);
    if owned(key) {
        let text = std::str::from_utf8(key).unwrap_or_default();
        let (head, digits) = text.rsplit_once('_').unwrap_or_default();
        assert!(head.len() > "acme_".len() && digits.len() >= 36);
        assert!(digits.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(!owned(&[key, b"0"].concat()));
    }
    assert!(key.starts_with(b"acme_") || !brand.disowns(key));
});

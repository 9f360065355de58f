//! Looking for what must not be there.

/// A part of every key here. What a URL has to encode stands in it.
pub(super) const CANARY: &str = "Canary!9Qz/7hK";

/// A part of every pepper here.
pub(super) const PEPPER: &str = "pepper-Canary-5tR";

/// Fails if a secret stands in `said`, plainly or percent-encoded, once or twice.
pub(super) fn hold_no_secret(place: &str, said: &str) {
    let once = decoded(said);
    for said in [said, &once, &decoded(&once)] {
        for secret in [CANARY, PEPPER] {
            assert!(!said.contains(secret), "{place} tells a secret: {said}");
        }
    }
}

/// Every percent-encoding decoded; what is none stays.
fn decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let digits = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match digits {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                decoded.push('%');
                rest = after;
            }
        }
    }
    decoded + rest
}

/// `key` with all of its bytes encoded.
pub(super) fn encoded(key: &str) -> String {
    key.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let twice = encoded(&encoded(CANARY));
    for said in [CANARY, &encoded(CANARY), "?k=Canary%219Qz%2F7hK&", &twice, PEPPER] {
        let found = std::panic::catch_unwind(|| hold_no_secret("a test", said));
        assert!(found.is_err(), "{said}");
    }
    hold_no_secret("a test", "100% Canary 9Qz %zz %4");
}

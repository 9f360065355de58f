//! Looking for what must not be there.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// A part of every key here. What a URL has to encode stands in it.
pub(super) const CANARY: &str = "Canary!9Qz/7hK";

/// The same for keys that stand in paths, in which there is no slash.
pub(super) const PATH_CANARY: &str = "Canary!9Qz|7hK";

/// The same for keys that the admin API takes.
pub(super) const PLAIN_CANARY: &str = "Canary-9Qz.7hK";

/// A part of every pepper here.
pub(super) const PEPPER: &str = "pepper-Canary-5tR";

/// A part of every secret of a key here.
pub(super) const SECRET: &str = "secret-Canary!3wX";

/// Fails if a secret stands in `said`: plainly, percent-encoded once or twice, or in base64.
pub(super) fn hold_no_secret(place: &str, said: &str) {
    let once = decoded(said);
    for said in [said, &once, &decoded(&once)] {
        for secret in [CANARY, PATH_CANARY, PLAIN_CANARY, PEPPER, SECRET] {
            assert!(!said.contains(secret), "{place} tells a secret: {said}");
            for spelling in in_base64(secret) {
                assert!(!said.contains(&spelling), "{place} tells a secret in base64: {said}");
            }
        }
    }
}

/// What base64 makes of `secret` wherever it stands in a text, without the signs in which its
/// neighbours have a part.
fn in_base64(secret: &str) -> impl Iterator<Item = String> {
    (0..3).map(move |before| {
        let whole = STANDARD_NO_PAD.encode("x".repeat(before) + secret);
        let bits = 8 * (before + secret.len());
        whole[(8 * before).div_ceil(6)..bits / 6].to_owned()
    })
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
pub(crate) fn encoded(key: &str) -> String {
    key.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// `key` as the password of a Basic credential.
pub(super) fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD_NO_PAD.encode(format!("jo:{key}")))
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let twice = encoded(&encoded(CANARY));
    let inner = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{CANARY}:after"));
    let (zero, one, two) = (inner(""), inner("a"), inner("ab"));
    for said in [
        CANARY,
        &encoded(CANARY),
        "?k=Canary%219Qz%2F7hK&",
        &twice,
        PEPPER,
        SECRET,
        &zero,
        &one,
        &two,
    ] {
        let found = std::panic::catch_unwind(|| hold_no_secret("a test", said));
        assert!(found.is_err(), "{said}");
    }
    hold_no_secret("a test", "100% Canary 9Qz %zz %4");
}

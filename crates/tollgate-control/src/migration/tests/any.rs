//! Whatever is read, nothing panics, every row has a place of its own in words, and no key is
//! printed.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::Format;

/// Pieces that documents are made of, so that some get far.
const PIECES: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\n",
    "\n  - ",
    " ",
    "consumers",
    "consumers:",
    "list",
    "value",
    "username: ",
    "\"username\"",
    "\"key\"",
    "keyauth_credentials:",
    "{key: canary/key}",
    "\"canary/key\"",
    "plugins",
    "\"plugins\":{\"key-auth\":{\"key\":\"canary/key\"}}",
    "config",
    "Name,Key,Enabled,UsagePlanIds\n",
    "a,canary/key,true,'b,c'\n",
    "'",
    "\"data\":{",
    "key_hash",
    "\"rate\":1,\"per\":60",
    "\"apikey\":\"canary/key\"",
    "\"status\":\"active\"",
    "0",
    "-1",
    "1e99",
    "18446744073709551616",
    "null",
    "true",
    "&a",
    "*a",
    "\u{feff}",
    "#",
    "|",
    "ttl: 5",
    "{\"tollgate\":\"keys\",\"version\":1}\n{\"key\":\"canary/key\",\"state\":\"active\"}\n",
];

fn documents() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(select(&PIECES[..]), 0..30);
    prop_oneof![
        4 => pieces.prop_map(|pieces| pieces.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn anything_is_read_or_refused(format in select(&Format::ALL[..]), document in documents()) {
        match format.read(&document) {
            Ok(reading) => {
                let told = format!("{:?}{:?}", reading.problems, reading.remarks());
                prop_assert!(!told.contains("canary/key"));
                for row in &reading.rows {
                    prop_assert!(!row.place.to_string().is_empty());
                }
            }
            Err(malformed) => {
                prop_assert!(!malformed.message.is_empty());
                prop_assert!(!malformed.to_string().contains("canary/key"));
            }
        }
    }
}

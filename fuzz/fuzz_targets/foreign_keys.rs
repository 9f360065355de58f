//! Whatever claims to be keys of another gateway is read or refused with its place, and no key is
//! told. What is read can be written as lines of ours, and is the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_control::migration::{Format, write_head, write_row};

fuzz_target!(|document: &[u8]| {
    for format in Format::ALL {
        match format.read(document) {
            Ok(reading) => {
                for problem in &reading.problems {
                    assert!(!problem.message.is_empty(), "{problem}");
                }
                if format == Format::Tollgate {
                    let rows: String = reading.rows.iter().map(write_row).collect();
                    let again = format.read((write_head() + &rows).as_bytes());
                    let again = again.unwrap_or_else(|malformed| panic!("{malformed}"));
                    assert!(again.problems.is_empty(), "{:?}", again.problems);
                    assert_eq!(again.rows.len(), reading.rows.len());
                }
            }
            Err(malformed) => assert!(!malformed.message.is_empty()),
        }
    }
});

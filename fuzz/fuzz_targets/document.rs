//! Any text is read or refused with the place of each problem; what is read can be published, and
//! says the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_control::Published;
use tollgate_fuzz::{publish, publisher, read};

fuzz_target!(|text: &[u8]| {
    match read(text) {
        Ok(objects) => {
            let (mut publisher, _reader) = publisher();
            publish(&mut publisher, &objects);
            let again = read(text).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(publish(&mut publisher, &again), Published::Unchanged);
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
            for problem in problems.iter() {
                assert!((1..=lines).contains(&(problem.place.line as usize)), "{problem}");
                assert!(problem.place.column >= 1, "{problem}");
                assert!(!problem.message.is_empty(), "{problem}");
            }
        }
    }
});

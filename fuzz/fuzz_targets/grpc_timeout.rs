//! A `grpc-timeout` is at most eight digits and a unit, and means what they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::grpc_timeout;

fuzz_target!(|text: &str| {
    let read = grpc_timeout(text.as_bytes()).map(|timeout| timeout.as_nanos());
    let units = [
        ('H', 3_600_000_000_000),
        ('M', 60_000_000_000),
        ('S', 1_000_000_000),
        ('m', 1_000_000),
        ('u', 1_000),
        ('n', 1),
    ];
    let meant = units.into_iter().find_map(|(unit, nanoseconds)| {
        let digits = text.strip_suffix(unit)?;
        let plain = (1..=8).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        plain.then(|| digits.parse::<u128>().expect("digits") * nanoseconds)
    });
    assert_eq!(read, meant);
});

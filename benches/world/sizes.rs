//! How many keys.

/// The numbers among the arguments, or a thousand, a million and ten millions.
pub(crate) fn sizes() -> Vec<u32> {
    let asked: Vec<u32> = std::env::args().skip(1).filter_map(|each| each.parse().ok()).collect();
    if asked.is_empty() { vec![1_000, 1_000_000, 10_000_000] } else { asked }
}

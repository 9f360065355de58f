//! Memory of this process.

/// Bytes that are resident.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("what the kernel says of us");
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kib.expect("a size") * 1024
}

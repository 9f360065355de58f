//! The clock by which a lease goes on over a restart.

use tollgate_feed::folder::Contact;

use crate::clock::since_boot;

/// This instant, by the machine's clock that a restart of the process does not begin anew; `None` if
/// the system does not tell it.
pub(super) fn now(unix_ms: u64) -> Option<Contact> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let since_boot_ms = u64::try_from(since_boot().as_millis()).ok()?;
    Some(Contact { boot: boot.trim().to_owned(), since_boot_ms, unix_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_tells_how_long_it_has_been_up() {
        let (one, two) = (now(0).unwrap(), now(5).unwrap());
        assert!(one.until(&two).is_some_and(|passed| passed < 10_000));
    }
}

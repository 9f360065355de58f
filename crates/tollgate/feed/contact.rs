//! The clock by which a lease goes on over a restart.

use tollgate_feed::folder::Contact;

/// This instant, by the machine's clock that a restart of the process does not begin anew; `None` if
/// the system does not tell it.
pub(super) fn now(unix_ms: u64) -> Option<Contact> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let since_boot_ms = milliseconds(uptime.split(' ').next()?)?;
    Some(Contact { boot: boot.trim().to_owned(), since_boot_ms, unix_ms })
}

/// Of seconds with two digits behind the point.
fn milliseconds(seconds: &str) -> Option<u64> {
    let (whole, hundredths) = seconds.split_once('.')?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(1000)?;
    whole.checked_add(hundredths.get(..2)?.parse::<u64>().ok()? * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_tells_how_long_it_has_been_up() {
        assert_eq!(milliseconds("90061.07"), Some(90_061_070));
        assert_eq!(milliseconds("x.07"), None);
        let (one, two) = (now(0).unwrap(), now(5).unwrap());
        assert!(one.until(&two).is_some_and(|passed| passed < 10_000));
    }
}

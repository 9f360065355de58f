//! When the control plane was last heard of, so that a lease goes on over a restart.

use std::fs;
use std::io::{self, Write};

use super::{Folder, private};

/// When the lease was last renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Names the boot of the machine, whose monotonic clock tells the rest.
    pub boot: String,
    /// Milliseconds since that boot.
    pub since_boot_ms: u64,
    /// Milliseconds since 1970.
    pub unix_ms: u64,
}

const MAGIC: &str = "tollgate contact 1";

impl Contact {
    /// Milliseconds from it to `now`: by the monotonic clock within one boot, else by the wall clock.
    /// `None` if the wall clock is before it, so that nobody knows.
    #[must_use]
    pub fn until(&self, now: &Self) -> Option<u64> {
        if self.boot == now.boot {
            now.since_boot_ms.checked_sub(self.since_boot_ms)
        } else {
            now.unix_ms.checked_sub(self.unix_ms)
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (text, checksum) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(text.as_bytes()) {
            return None;
        }
        let mut lines = text.lines();
        let known = lines.next()? == MAGIC;
        let boot = lines.next()?.to_owned();
        let (since_boot_ms, unix_ms) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
        known.then_some(Self { boot, since_boot_ms, unix_ms })
    }

    fn text(&self) -> String {
        let Self { boot, since_boot_ms, unix_ms } = self;
        let text = format!("{MAGIC}\n{boot}\n{since_boot_ms}\n{unix_ms}");
        let checksum = crc32fast::hash(text.as_bytes());
        format!("{text}\n{checksum:08x}\n")
    }
}

impl Folder {
    /// The contact that was written down last, if one can be read.
    #[must_use]
    pub fn contact(&self) -> Option<Contact> {
        Contact::parse(&fs::read_to_string(self.path.join("contact")).ok()?)
    }

    /// Writes a contact down. It is on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn note_contact(&self, contact: &Contact) -> io::Result<()> {
        let new = self.path.join("contact.new");
        let mut file = private(&new)?;
        file.set_len(0)?;
        file.write_all(contact.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(new, self.path.join("contact"))?;
        self.sync_folder()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_read_as_it_was_written_and_not_otherwise() {
        let contact = Contact { boot: "7f3a".to_owned(), since_boot_ms: 5000, unix_ms: 90_000 };
        let text = contact.text();
        assert_eq!(Contact::parse(&text), Some(contact));
        for at in 0..text.len() {
            let mut turned = text.clone().into_bytes();
            turned[at] ^= 1;
            let turned = String::from_utf8(turned).unwrap();
            assert_eq!(Contact::parse(&turned), None, "byte {at}");
            assert_eq!(Contact::parse(&text[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_wall_clock_that_was_set_tells_nothing_within_a_boot() {
        let at = |boot: &str, since_boot_ms, unix_ms| Contact {
            boot: boot.to_owned(),
            since_boot_ms,
            unix_ms,
        };
        let was = at("a", 1000, 500_000);
        assert_eq!(was.until(&at("a", 4000, 1)), Some(3000));
        assert_eq!(was.until(&at("b", 10, 507_000)), Some(7000));
        assert_eq!(was.until(&at("b", 10, 499_999)), None);
    }
}

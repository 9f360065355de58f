//! The clock of all gates, which `tests/soak/clock.c` has them read and this process moves.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use crate::Failure;

pub(super) struct MovedClock {
    file: File,
    /// Seconds by which it is ahead of the system's.
    ahead: Cell<i64>,
    /// Seconds by which the wall clock is behind that.
    behind: Cell<i64>,
}

impl MovedClock {
    /// The one that a file moves.
    pub(super) fn of(file: &str) -> Result<Self, Failure> {
        let file = File::options().write(true).open(file)?;
        Ok(Self { file, ahead: Cell::default(), behind: Cell::default() })
    }

    /// Seconds since 1970, as a clock that nobody has set back tells them.
    pub(super) fn unix(&self) -> Result<i64, Failure> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        Ok(i64::try_from(since.as_secs())? + self.ahead.get())
    }

    /// Moves it on to a second since 1970; never back.
    pub(super) fn move_to(&self, unix: i64) -> Result<(), Failure> {
        let on = (unix - self.unix()?).max(0);
        self.ahead.set(self.ahead.get() + on);
        self.write()
    }

    /// Sets the wall clock back by so many seconds in all; 0 = it is right again.
    pub(super) fn set_back(&self, seconds: i64) -> Result<(), Failure> {
        self.behind.set(seconds);
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        let (ahead, behind) = (self.ahead.get(), self.behind.get());
        let numbers = [(ahead - behind).to_ne_bytes(), ahead.to_ne_bytes()].concat();
        Ok(self.file.write_all_at(&numbers, 0)?)
    }
}

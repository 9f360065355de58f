//! Where the lines go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Where an access log is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkPath {
    /// To the end of this file, which is made if it is not there.
    File(PathBuf),
    /// To standard output.
    StandardOutput,
}

impl SinkPath {
    fn open(&self) -> io::Result<File> {
        match self {
            // Who called what is not for everybody on the machine.
            Self::File(path) => OpenOptions::new().append(true).create(true).mode(0o640).open(path),
            // A descriptor of our own: no lock is held while a reader is slow.
            Self::StandardOutput => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
        }
    }
}

/// Where lines go, open.
#[derive(Debug)]
pub(super) struct Sink {
    path: SinkPath,
    file: File,
    /// The last line was not written to its end.
    torn: bool,
}

impl Sink {
    pub(super) fn open(path: SinkPath) -> io::Result<Self> {
        let file = path.open()?;
        Ok(Self { path, file, torn: false })
    }

    /// Opens the path once more: the file that stood there may have been renamed.
    ///
    /// # Errors
    /// If that fails; lines go where they went before.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.file = self.path.open()?;
        self.torn = false;
        Ok(())
    }

    /// Writes whole lines. Returns how many were written, with the error that kept back the rest.
    pub(super) fn write(&mut self, lines: &[u8]) -> (u64, io::Result<()>) {
        if self.torn {
            match self.file.write_all(b"\n") {
                Ok(()) => self.torn = false,
                Err(error) => return (0, Err(error)),
            }
        }
        let mut rest = lines;
        let result = loop {
            match self.file.write(rest) {
                _ if rest.is_empty() => break Ok(()),
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let written = lines.get(..lines.len() - rest.len()).unwrap_or_default();
        self.torn = !rest.is_empty() && written.last().is_some_and(|last| *last != b'\n');
        (written.iter().filter(|byte| **byte == b'\n').count() as u64, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_device_is_an_error_that_is_counted() {
        let mut sink = Sink::open(SinkPath::File("/dev/full".into())).unwrap();
        let (written, result) = sink.write(b"{}\n{}\n");
        assert_eq!(written, 0);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

//! Unix sockets to which only the process's own user can connect.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tollgate_proxy::{SocketFile, bind_unix};

/// The longest path of a Unix socket, in bytes (`sun_path` of Linux, less the final NUL).
pub(crate) const LONGEST_PATH: usize = 107;

/// A socket that was made; dropped, its file is removed.
pub(crate) struct PrivateSocket {
    pub(crate) listener: UnixListener,
    file: SocketFile,
}

impl PrivateSocket {
    /// Makes the socket, to which nobody else can connect. What a process that is gone has left is
    /// replaced.
    ///
    /// # Errors
    /// If something else stands there or answers, or if others could put something in its place.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let (listener, file) = bind_unix(path, 0o600)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, file })
    }

    /// A socket that another process has made at this path and has passed on.
    ///
    /// # Errors
    /// If it is none, or is not there any more.
    pub(crate) fn inherited(socket: OwnedFd, path: &Path) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        let file = SocketFile::at(path)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, file })
    }

    /// What another process can take it over by.
    pub(crate) fn handle(&self) -> io::Result<(PathBuf, OwnedFd)> {
        Ok((self.file.path().to_owned(), self.listener.as_fd().try_clone_to_owned()?))
    }

    /// Leaves its file to another process, whose it is from here on.
    pub(crate) fn leave(&self) {
        self.file.leave();
    }
}

impl AsFd for PrivateSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

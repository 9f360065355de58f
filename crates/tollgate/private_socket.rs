//! Unix sockets to which only the process's own user can connect.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::net::UnixListener;

/// The longest path of a Unix socket, in bytes (`sun_path` of Linux, less the final NUL).
pub(crate) const LONGEST_PATH: usize = 107;

/// A socket that was made; dropped, its file is removed.
pub(crate) struct PrivateSocket {
    pub(crate) listener: UnixListener,
    file: File,
}

/// A file of ours, told from one that has taken its place.
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// It is another process's.
    left: AtomicBool,
}

impl PrivateSocket {
    /// Makes the socket. It has mode 0600 before it has its name, so nobody else can ever connect.
    /// What a process that is gone has left is replaced.
    ///
    /// # Errors
    /// If something else stands there or answers, or if others could put something in its place.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        refuse_open(folder)?;
        refuse_taken(path)?;
        let cradle = folder.join(format!(".tollgate-socket-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&cradle)?;
        let bound = bind_within(&cradle, path);
        // Empty after the rename; if there was none, the socket of nobody goes with it.
        let _ = fs::remove_dir_all(&cradle);
        bound
    }

    /// A socket that another process has made at this path and has passed on.
    ///
    /// # Errors
    /// If it is none, or is not there any more.
    pub(crate) fn inherited(socket: OwnedFd, path: &Path) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        let file = File::at(path)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, file })
    }

    /// What another process can take it over by.
    pub(crate) fn handle(&self) -> io::Result<(PathBuf, OwnedFd)> {
        Ok((self.file.path.clone(), self.listener.as_fd().try_clone_to_owned()?))
    }

    /// Leaves its file to another process, whose it is from here on.
    pub(crate) fn leave(&self) {
        self.file.left.store(true, Relaxed);
    }
}

impl AsFd for PrivateSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl File {
    fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        let (device, inode) = (metadata.dev(), metadata.ino());
        Ok(Self { path: path.to_owned(), device, inode, left: AtomicBool::new(false) })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if ours && !self.left.load(Relaxed) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind_within(cradle: &Path, path: &Path) -> io::Result<PrivateSocket> {
    let unnamed = cradle.join("socket");
    let listener = UnixListener::bind(&unnamed)?;
    fs::set_permissions(&unnamed, Permissions::from_mode(0o600))?;
    fs::rename(&unnamed, path)?;
    Ok(PrivateSocket { listener, file: File::at(path)? })
}

/// Refuses a folder in which others can replace what is not theirs.
fn refuse_open(folder: &Path) -> io::Result<()> {
    let mode = fs::metadata(folder)?.permissions().mode();
    let (others_write, sticky) = (mode & 0o022 != 0, mode & 0o1000 != 0);
    if others_write && !sticky {
        return Err(io::Error::other("others can write to its folder, expected mode 0755 or less"));
    }
    Ok(())
}

/// Refuses a path at which something else stands, or a socket at which somebody answers.
fn refuse_taken(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other("something else than a socket stands there"));
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("another process answers there")),
    }
}

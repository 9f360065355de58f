//! Unix sockets: a file that has its mode before anybody can connect, and that goes with us.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use socket2::{Domain, SockAddr, Socket, Type};

use super::BACKLOG;

/// The file of a socket of ours; dropped, it is removed, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// It is another process's.
    left: AtomicBool,
}

/// Listens at `path`; who may connect is said by `mode`. What a process that is gone has left is
/// replaced. The socket does not block.
///
/// # Errors
/// If something else stands there or answers, or if others could put something in its place.
pub fn bind_unix(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    refuse_open(path)?;
    if is_left(path)? {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    // Nobody can connect to it before it listens.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Listens with a socket that another process has bound at `path` and passed on. Without a mode its file
/// stays as it is, and where it is.
///
/// # Errors
/// If there is no file any more.
pub(super) fn inherit(
    socket: UnixListener,
    path: &Path,
    mode: Option<u32>,
) -> io::Result<(UnixListener, SocketFile)> {
    let file = SocketFile::at(path)?;
    match mode {
        Some(mode) => fs::set_permissions(path, Permissions::from_mode(mode))?,
        None => file.leave(),
    }
    socket.set_nonblocking(true)?;
    Ok((socket, file))
}

impl SocketFile {
    /// The file of a socket that another process has made at `path`.
    ///
    /// # Errors
    /// If there is none.
    pub fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        let (device, inode) = (metadata.dev(), metadata.ino());
        Ok(Self { path: path.to_owned(), device, inode, left: AtomicBool::new(false) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is another process's.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Relaxed)
    }

    /// Leaves it to another process, whose it is from here on.
    pub fn leave(&self) {
        self.left.store(true, Relaxed);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if ours && !self.is_left() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Refuses a folder in which others can replace what is not theirs.
fn refuse_open(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mode = fs::metadata(folder)?.permissions().mode();
    let (others_write, sticky) = (mode & 0o022 != 0, mode & 0o1000 != 0);
    if others_write && !sticky {
        return Err(io::Error::other("others can write to its folder, expected mode 0755 or less"));
    }
    Ok(())
}

/// Whether a socket stands at `path` at which nobody answers any more.
///
/// # Errors
/// If something else stands there, or somebody answers.
fn is_left(path: &Path) -> io::Result<bool> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        metadata => metadata?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other("something else than a socket stands there"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::other("another process answers there")),
    }
}

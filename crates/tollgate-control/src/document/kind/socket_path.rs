//! Paths of Unix sockets.

use std::path::PathBuf;

use super::Misfit;

/// How long the path of a socket may be, for the end of it that Linux adds.
const LONGEST: usize = 107;

/// The path of a Unix socket, absolute, as it stands behind `unix:`.
///
/// # Errors
///
/// A misfit that says what is wrong with it.
pub fn socket_path(path: &str) -> Result<PathBuf, Misfit> {
    if !path.starts_with('/') {
        return Err(Misfit::because("whose path does not begin with /"));
    }
    if path.contains('\0') {
        return Err(Misfit::plain());
    }
    if path.len() > LONGEST {
        return Err(Misfit::because("whose path is longer than the 107 bytes that a socket has"));
    }
    Ok(PathBuf::from(path))
}

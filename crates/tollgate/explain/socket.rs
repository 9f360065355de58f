//! The Unix socket at which a process explains: only its own user can connect, and all that it can
//! do is read.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tollgate_proxy::explain::Explainer;

use super::{Question, Reply};

/// The longest question, in bytes.
pub(crate) const LONGEST_QUESTION: u64 = 64 << 10;

/// How long one conversation may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Conversations at a time. More of them wait.
const CONVERSATIONS: usize = 4;

/// A socket that was made; dropped, its file is removed.
pub(crate) struct Socket {
    listener: UnixListener,
    _file: File,
}

/// A file of ours, told from one that has taken its place.
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Socket {
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
        let cradle = folder.join(format!(".tollgate-explain-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&cradle)?;
        let bound = bind_within(&cradle, path);
        // Empty after the rename; if there was none, the socket of nobody goes with it.
        let _ = fs::remove_dir_all(&cradle);
        bound
    }

    /// Answers for ever.
    pub(crate) async fn serve(self, explainer: Arc<Explainer>) {
        let places = Arc::new(Semaphore::new(CONVERSATIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection to explain_socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let explainer = Arc::clone(&explainer);
            tokio::spawn(async move {
                // Whoever went away or was too slow has nothing to be told.
                let _ = timeout(PATIENCE, converse(stream, &explainer)).await;
                drop(place);
            });
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind_within(cradle: &Path, path: &Path) -> io::Result<Socket> {
    let unnamed = cradle.join("socket");
    let listener = UnixListener::bind(&unnamed)?;
    fs::set_permissions(&unnamed, Permissions::from_mode(0o600))?;
    let metadata = fs::symlink_metadata(&unnamed)?;
    fs::rename(&unnamed, path)?;
    let (device, inode) = (metadata.dev(), metadata.ino());
    Ok(Socket { listener, _file: File { path: path.to_owned(), device, inode } })
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

async fn converse(mut stream: UnixStream, explainer: &Explainer) -> io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut line = Vec::new();
    let mut reading = BufReader::new(reading.take(LONGEST_QUESTION));
    reading.read_until(b'\n', &mut line).await?;
    let mut reply = serde_json::to_vec(&answer(&line, explainer)).map_err(io::Error::other)?;
    reply.push(b'\n');
    writing.write_all(&reply).await?;
    writing.shutdown().await
}

/// The answer to a line. What is wrong with a line is told without repeating any of it.
fn answer(line: &[u8], explainer: &Explainer) -> Reply {
    let Some(line) = line.strip_suffix(b"\n") else {
        return Reply::Error(format!("expected a line of at most {LONGEST_QUESTION} bytes"));
    };
    let Ok(question) = serde_json::from_slice::<Question>(line) else {
        return Reply::Error("expected a question as `tollgate explain` asks it".to_owned());
    };
    match question.asked() {
        Err(unfit) => Reply::Error(unfit.to_string()),
        Ok(asked) => match explainer.explain(asked) {
            Ok(explanation) => Reply::Explanation(Box::new(explanation)),
            Err(why) => Reply::Error(why.to_string()),
        },
    }
}

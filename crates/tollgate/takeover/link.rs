//! Words and descriptors over a Unix socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Word;

/// Descriptors in one message; Linux takes 253 (`SCM_MAX_FD`).
const AT_ONCE: usize = 64;

/// The longest word, in bytes: counters of some ten million keys.
const LONGEST: u32 = 1 << 31;

/// The connection of two processes.
pub(super) struct Link {
    stream: UnixStream,
    patience: Duration,
}

impl Link {
    /// A connection on which nobody waits longer than `patience` for the other.
    ///
    /// # Errors
    /// If the other process is another user's.
    pub(super) fn new(stream: UnixStream, patience: Duration) -> io::Result<Self> {
        let (theirs, ours) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
        if theirs != ours {
            return Err(io::Error::other(format!("it is of the user {theirs}, expected {ours}")));
        }
        Ok(Self { stream, patience })
    }

    /// The process that answers at `path`; `None` = nobody does.
    ///
    /// # Errors
    /// What else keeps it from being reached.
    pub(super) async fn connect(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        match UnixStream::connect(path).await {
            Ok(stream) => Self::new(stream, patience).map(Some),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            },
        }
    }

    pub(super) async fn say(&mut self, word: &Word) -> io::Result<()> {
        let text = serde_json::to_vec(word).map_err(io::Error::other)?;
        let length = u32::try_from(text.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("there is too much to say"))?;
        let patience = self.patience;
        in_time(patience, async {
            self.stream.write_all(&length.to_be_bytes()).await?;
            self.stream.write_all(&text).await
        })
        .await
    }

    /// The next word.
    ///
    /// # Errors
    /// If none comes in time, or the other has ended, or it refuses.
    pub(super) async fn hear(&mut self) -> io::Result<Word> {
        let patience = self.patience;
        in_time(patience, self.hear_at_last()).await
    }

    /// The next word, whenever it comes.
    pub(super) async fn hear_at_last(&mut self) -> io::Result<Word> {
        let length = self.stream.read_u32().await.map_err(|error| match error.kind() {
            kind @ io::ErrorKind::UnexpectedEof => {
                io::Error::new(kind, "the other process has ended")
            }
            _ => error,
        })?;
        if length > LONGEST {
            return Err(io::Error::other("the other process says what cannot be understood"));
        }
        let mut text = Vec::new();
        (&mut self.stream).take(length.into()).read_to_end(&mut text).await?;
        match serde_json::from_slice(&text) {
            Ok(Word::Refuse(why)) => Err(io::Error::other(why)),
            Ok(word) => Ok(word),
            Err(_) => Err(io::Error::other("the other process says what cannot be understood")),
        }
    }

    /// Passes descriptors on.
    pub(super) async fn pass<F: AsFd>(&mut self, sockets: &[F]) -> io::Result<()> {
        for some in sockets.chunks(AT_ONCE) {
            let descriptors: Vec<_> = some.iter().map(AsFd::as_fd).collect();
            let stream = &self.stream;
            let pass = stream.async_io(Interest::WRITABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
                    return Err(io::Error::other("there are too many sockets"));
                }
                let byte = [IoSlice::new(&[0])];
                Ok(sendmsg(stream, &byte, &mut control, SendFlags::NOSIGNAL)?)
            });
            in_time(self.patience, pass).await?;
        }
        Ok(())
    }

    /// Takes so many descriptors.
    pub(super) async fn take(&mut self, count: usize) -> io::Result<Vec<OwnedFd>> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let stream = &self.stream;
            let take = stream.async_io(Interest::READABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
                let mut control = RecvAncillaryBuffer::new(&mut space);
                let (mut byte, flags) = ([0], RecvFlags::CMSG_CLOEXEC);
                let read = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
                let mut some = Vec::new();
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                        some.extend(descriptors);
                    }
                }
                if read.bytes == 0 || some.is_empty() {
                    return Err(io::Error::other(
                        "the other process has not passed its sockets on",
                    ));
                }
                Ok(some)
            });
            taken.extend(in_time(self.patience, take).await?);
        }
        Ok(taken)
    }
}

async fn in_time<T>(
    patience: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let late = |_| io::Error::other(format!("the other process was silent for {patience:?}"));
    timeout(patience, step).await.map_err(late)?
}

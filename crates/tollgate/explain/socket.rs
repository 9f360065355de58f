//! The Unix socket at which a process explains: only its own user can connect, and all that it can
//! do is read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate_proxy::explain::Explainer;

use super::{Question, Reply};
use crate::private_socket::PrivateSocket;

/// The longest question, in bytes.
pub(crate) const LONGEST_QUESTION: u64 = 64 << 10;

/// How long one conversation may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Conversations at a time. More of them wait.
const CONVERSATIONS: usize = 4;

/// A socket at which is explained.
pub(crate) struct Socket(PrivateSocket);

impl Socket {
    pub(crate) fn new(socket: PrivateSocket) -> Self {
        Self(socket)
    }

    /// Answers until what is returned is dropped.
    pub(crate) fn begin(self, explainer: Arc<Explainer>) -> Explaining {
        let socket = Arc::new(self.0);
        let answering = tokio::spawn(serve(Arc::clone(&socket), explainer));
        Explaining { answering, socket: Some(socket) }
    }
}

/// A socket at which is explained at present.
pub(crate) struct Explaining {
    answering: JoinHandle<()>,
    socket: Option<Arc<PrivateSocket>>,
}

impl Explaining {
    /// Leaves the socket to another process.
    pub(crate) fn leave(mut self) {
        if let Some(socket) = self.socket.take() {
            socket.leave();
        }
    }
}

impl Drop for Explaining {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// Answers for ever.
async fn serve(socket: Arc<PrivateSocket>, explainer: Arc<Explainer>) {
    let places = Arc::new(Semaphore::new(CONVERSATIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match socket.listener.accept().await {
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

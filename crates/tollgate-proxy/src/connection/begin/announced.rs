//! Reads a PROXY header off a connection, and nothing behind it.

use std::io;

use crate::peer::proxy_header::{Announced, LONGEST, Malformed, parse};
use crate::socket::Socket;

/// Whom the proxy at the other end speaks for; `None` if it goes away before it has said so.
///
/// # Errors
/// [`Malformed`].
pub(super) async fn announced(stream: &Socket) -> Result<Option<Announced>, Malformed> {
    let mut bytes = [0; LONGEST];
    let mut read = 0;
    loop {
        // What follows the header is not ours to take. Whatever does not end it belongs to it.
        let room = bytes.get_mut(read..).filter(|room| !room.is_empty()).ok_or(Malformed)?;
        let known = match stream.peek(room).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(more) => read + more,
        };
        let header = parse(bytes.get(..known).unwrap_or_default())?;
        let end = header.map_or(known, |(length, _)| length);
        if take(stream, bytes.get_mut(read..end).unwrap_or_default()).await.is_err() {
            return Ok(None);
        }
        if let Some((_, announced)) = header {
            return Ok(Some(announced));
        }
        read = end;
    }
}

/// Takes off what was looked at before.
async fn take(stream: &Socket, mut seen: &mut [u8]) -> io::Result<()> {
    while !seen.is_empty() {
        stream.readable().await?;
        match stream.try_read(seen) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => seen = seen.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

//! Requests of HTTP/1.1, as the gate writes them.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;

use crate::faults::case::Case;

/// How a request's body comes.
#[derive(Clone, Copy)]
pub(super) enum Upload {
    Length(usize),
    Chunked,
}

/// The next one, unless the connection has ended.
pub(super) async fn read_head(
    reader: &mut BufReader<TcpStream>,
) -> io::Result<Option<(Case, Upload)>> {
    let first = read_line(reader).await?;
    if first.is_empty() {
        return Ok(None);
    }
    let case = first.split(' ').nth(1).and_then(Case::of).ok_or(ErrorKind::InvalidData)?;
    let mut upload = Upload::Length(0);
    loop {
        let line = read_line(reader).await?;
        let Some((name, value)) = line.split_once(':') else {
            return if line == "\r\n" { Ok(Some((case, upload))) } else { Err(wrong()) };
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                upload = Upload::Length(value.trim().parse().map_err(|_| wrong())?);
            }
            "transfer-encoding" => upload = Upload::Chunked,
            _ => {}
        }
    }
}

pub(super) async fn read_body(
    reader: &mut BufReader<TcpStream>,
    upload: Upload,
) -> io::Result<Vec<u8>> {
    let Upload::Length(length) = upload else {
        let mut body = Vec::new();
        loop {
            let line = read_line(reader).await?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| wrong())?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).await?;
            if size == 0 {
                return Ok(body);
            }
            body.extend(&chunk[..size]);
        }
    };
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(body)
}

async fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    Ok(line)
}

fn wrong() -> io::Error {
    ErrorKind::InvalidData.into()
}

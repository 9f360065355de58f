//! A client that says the bytes of a row, and takes the answers apart without any leniency.

use std::{
    io::{BufReader, ErrorKind, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use super::{
    Outcome, PROBE,
    row::{Row, unescape},
};
use crate::support::Message;

/// What comes next on a connection.
enum Next {
    /// A response; whether all of it came.
    Response(Message, bool),
    End,
    /// Nothing, for as long as there should be something.
    Silence,
}

/// Says what a row says, and then asks what nobody else asks for, where the connection goes on.
pub(super) fn exchange(gate: SocketAddr, row: &Row) -> Outcome {
    let said = unescape(row.send.as_deref().unwrap_or_default());
    let mut reader = BufReader::new(super::connect(gate));
    // The other side may answer and go before it has read everything.
    reader.get_mut().write_all(&said).ok();
    if row.half_close {
        reader.get_mut().shutdown(Shutdown::Write).ok();
    }
    let mut outcome = Outcome::default();
    let to_head = said.starts_with(b"HEAD ");
    let mut asked = false;
    loop {
        if outcome.is_complete(row) && !asked && !row.half_close {
            asked = true;
            reader.get_mut().write_all(question().as_bytes()).ok();
        }
        match next(&mut reader, to_head && !asked) {
            Next::End => return outcome,
            Next::Silence => {
                outcome.came.push("silence".to_owned());
                return outcome;
            }
            Next::Response(response, true) if asked && is_answer(&response) => {
                outcome.open = true;
                return outcome;
            }
            Next::Response(response, whole) => {
                let whole = if whole { "" } else { "!" };
                outcome.came.push(format!("{}{whole}", response.target()));
                outcome.last = text(&response);
            }
        }
    }
}

/// Asks, over a connection of its own, what nobody else asks for.
///
/// # Errors
/// What else was answered.
pub(super) fn probe(gate: SocketAddr) -> Result<(), String> {
    let mut reader = BufReader::new(super::connect(gate));
    reader.get_mut().write_all(question().as_bytes()).unwrap();
    match next(&mut reader, false) {
        Next::Response(response, true) if is_answer(&response) => Ok(()),
        Next::Response(response, _) => Err(text(&response)),
        Next::End | Next::Silence => Err("nothing".to_owned()),
    }
}

fn question() -> String {
    format!("GET {PROBE} HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n\r\n")
}

fn is_answer(response: &Message) -> bool {
    response.target() == "200" && response.body == format!("GET {PROBE}").as_bytes()
}

fn next(from: &mut BufReader<TcpStream>, to_head: bool) -> Next {
    let mut response = match Message::read_head(from) {
        Ok(Some(response)) => response,
        Ok(None) => return Next::End,
        Err(error) => match error.kind() {
            ErrorKind::ConnectionReset => return Next::End,
            ErrorKind::WouldBlock => return Next::Silence,
            _ => panic!("no head of a response: {error}"),
        },
    };
    match response.read_response(from, to_head) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Next::Silence,
        whole => Next::Response(response, whole.is_ok()),
    }
}

fn text(response: &Message) -> String {
    let fields = response.fields.iter().map(|(name, value)| format!("{name}: {value}\n"));
    let fields: String = fields.collect();
    format!("{}\n{fields}\n{}", response.start, String::from_utf8_lossy(&response.body))
}

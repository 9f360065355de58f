//! What is the same in the heads of requests and of responses, as they are read.

use crate::headers::members;

/// Fields of a head, or behind a body, at most, where nothing else is said.
pub(crate) const MOST_FIELDS: usize = 100;

/// Bytes that no reader can be sure about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Whether a line ends behind the first `searched` bytes, or shortly before, and an empty one follows.
pub(crate) fn holds_end(input: &[u8], searched: usize) -> bool {
    let rest = input.get(searched.saturating_sub(3)..).unwrap_or_default();
    let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.any(|(at, _)| {
        let behind = rest.get(at + 1..).unwrap_or_default();
        behind.starts_with(b"\n") || behind.starts_with(b"\r\n")
    })
}

/// What `Connection` says about the connection itself, in all of its lines.
#[derive(Default)]
pub(crate) struct Connection {
    close: bool,
    keep_alive: bool,
}

impl Connection {
    /// Reads a line of it; whether that says nothing else.
    pub(crate) fn read(&mut self, value: &[u8]) -> bool {
        // As most say it.
        match value {
            b"keep-alive" => {
                self.keep_alive = true;
                return true;
            }
            b"close" => {
                self.close = true;
                return true;
            }
            _ => {}
        }
        let mut nothing_else = true;
        for token in members(value) {
            let close = token.eq_ignore_ascii_case(b"close");
            let keep_alive = token.eq_ignore_ascii_case(b"keep-alive");
            self.close |= close;
            self.keep_alive |= keep_alive;
            nothing_else &= close || keep_alive;
        }
        nothing_else
    }

    /// Whether it stays open behind a message, of version 1.1 or an earlier one.
    pub(crate) fn keeps(&self, later: bool) -> bool {
        !self.close && (later || self.keep_alive)
    }
}

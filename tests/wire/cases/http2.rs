//! A client that writes the frames of HTTP/2 by hand, and its fields as they are.

use std::{io::Write, net::SocketAddr};

use super::{
    Outcome, PROBE,
    row::{Row, unescape},
};
use crate::support::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, read_frame,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Says what a row says on stream 1, and then asks on stream 3 what nobody else asks for.
pub(super) fn exchange(gate: SocketAddr, row: &Row) -> Outcome {
    let mut stream = super::connect(gate);
    let mut said = PREFACE.to_vec();
    // As much as is answered may come at once.
    frame(SETTINGS, 0, 0, &[0, 4, 0, 127, 255, 255], &mut said);
    frame(WINDOW_UPDATE, 0, 0, &[0, 127, 255, 255], &mut said);
    row.frames.iter().for_each(|text| raw(text, &mut said));
    if !row.h2.is_empty() {
        request(row, &mut said);
    }
    stream.write_all(&said).ok();
    let mut outcome = Outcome::default();
    let mut asked = false;
    let mut answer: Vec<u8> = Vec::new();
    let mut body: Vec<u8> = Vec::new();
    while let Ok(frame) = read_frame(&mut stream) {
        match (frame.kind, frame.stream) {
            (SETTINGS | PING, _) if frame.flags & ACK == 0 => {
                let mut acknowledged = Vec::new();
                let payload = if frame.kind == PING { &frame.payload[..] } else { &[] };
                self::frame(frame.kind, ACK, 0, payload, &mut acknowledged);
                stream.write_all(&acknowledged).ok();
            }
            (HEADERS, 1) if outcome.came.last().is_none_or(|came| came.starts_with('1')) => {
                outcome.came.push(status(&frame.payload));
            }
            (DATA, 1) => body.extend(&frame.payload),
            (RST_STREAM, 1) => {
                match outcome.came.last_mut().filter(|came| !came.starts_with('1')) {
                    None => outcome.came.push("reset".to_owned()),
                    // NO_ERROR: all of it has come, and nobody wants more of the request.
                    Some(_) if frame.payload == [0; 4] => {}
                    Some(last) => last.push('!'),
                }
            }
            (HEADERS, 3) if status(&frame.payload) != "200" => break,
            (DATA, 3) => answer.extend(&frame.payload),
            (GOAWAY, _) => break,
            _ => {}
        }
        let ends = matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
        let ended = frame.stream == 1 && (ends || frame.kind == RST_STREAM);
        if ended && !asked {
            asked = true;
            let mut question = Vec::new();
            let fields = block(&[format!("GET {PROBE}")]);
            self::frame(HEADERS, END_HEADERS | END_STREAM, 3, &fields, &mut question);
            stream.write_all(&question).ok();
        }
        if frame.stream == 3 && ends {
            outcome.open = answer == format!("GET {PROBE}").as_bytes();
            break;
        }
    }
    outcome.last = String::from_utf8_lossy(&body).into_owned();
    outcome
}

/// HEADERS, DATA and trailers of a row.
fn request(row: &Row, to: &mut Vec<u8>) {
    let ends = |last: bool| if last && !row.unended { END_STREAM } else { 0 };
    let alone = row.data.is_empty() && row.trailers.is_empty();
    frame(HEADERS, END_HEADERS | ends(alone), 1, &block(&row.h2), to);
    for (index, data) in row.data.iter().enumerate() {
        let last = index + 1 == row.data.len() && row.trailers.is_empty();
        frame(DATA, ends(last), 1, &unescape(data), to);
    }
    if !row.trailers.is_empty() {
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&row.trailers), to);
    }
}

/// A field block of literals (RFC 7541 §6.2.2). `METHOD target` stands for what such a request has.
fn block(fields: &[String]) -> Vec<u8> {
    let mut block = Vec::new();
    for field in fields {
        match field.split_once(": ") {
            Some((name, value)) => literal(&unescape(name), &unescape(value), &mut block),
            None => {
                let (method, target) = field.split_once(' ').expect("a method and a target");
                for (name, value) in [
                    (":method", method),
                    (":scheme", "http"),
                    (":authority", "a"),
                    (":path", target),
                    ("x-api-key", "demo"),
                ] {
                    literal(name.as_bytes(), &unescape(value), &mut block);
                }
            }
        }
    }
    block
}

fn literal(name: &[u8], value: &[u8], to: &mut Vec<u8>) {
    to.push(0);
    for text in [name, value] {
        // An integer with a prefix of seven bits (RFC 7541 §5.1).
        match text.len().checked_sub(127) {
            None => to.push(text.len() as u8),
            Some(mut rest) => {
                to.push(127);
                while rest >= 128 {
                    to.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                to.push(rest as u8);
            }
        }
        to.extend(text);
    }
}

/// A frame (RFC 9113 §4.1); a field block that is too long for one goes on in CONTINUATION.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8], to: &mut Vec<u8>) {
    let (first, rest) = payload.split_at(payload.len().min(16_384));
    let flags = if rest.is_empty() { flags } else { flags & !END_HEADERS };
    to.extend(&(first.len() as u32).to_be_bytes()[1..]);
    to.extend([kind, flags]);
    to.extend(stream.to_be_bytes());
    to.extend(first);
    if !rest.is_empty() {
        frame(CONTINUATION, END_HEADERS, stream, rest, to);
    }
}

/// A frame out of `type flags stream payload`.
fn raw(text: &str, to: &mut Vec<u8>) {
    let mut parts = text.splitn(4, ' ');
    let mut number = || parts.next().unwrap().parse::<u32>().expect("a number");
    let (kind, flags, stream) = (number() as u8, number() as u8, number());
    frame(kind, flags, stream, &unescape(parts.next().unwrap_or_default()), to);
}

/// `:status`, which is the first field of a response (RFC 7541 §6.1, §6.2, appendices A and B).
fn status(block: &[u8]) -> String {
    const INDEXED: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
    // What the encoder has to say first about its table.
    let block = &block[block.iter().take_while(|byte| **byte & 0xe0 == 0x20).count()..];
    let first = block[0];
    if (0x88..=0x8e).contains(&first) {
        return INDEXED[usize::from(first - 0x88)].to_owned();
    }
    assert!(matches!(first, 0x48 | 0x08 | 0x18), "no :status: {block:x?}");
    let length = usize::from(block[1] & 127);
    let value = &block[2..2 + length];
    if block[1] & 128 == 0 {
        return String::from_utf8_lossy(value).into_owned();
    }
    let bits: String = value.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut rest = &bits[..];
    let mut digits = String::new();
    while digits.len() < 3 {
        // 0 to 2 have five bits, 3 to 9 six, from 011001 on.
        let five = u8::from_str_radix(&rest[..5], 2).unwrap();
        let (digit, length) = match five {
            0..=2 => (five, 5),
            _ => (u8::from_str_radix(&rest[..6], 2).unwrap() - 0b01_1001 + 3, 6),
        };
        digits.push(char::from(b'0' + digit));
        rest = &rest[length..];
    }
    digits
}

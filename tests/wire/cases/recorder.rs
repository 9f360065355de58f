//! An upstream that keeps every request as it came, and takes nothing that could be read twice.

use std::{
    fmt,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::PROBE;
use crate::support::wait_for;

pub(super) struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What is answered to everything but a probe.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) closes: bool,
}

#[derive(Default)]
struct Shared {
    reply: Mutex<Option<Reply>>,
    heard: Mutex<Vec<Heard>>,
    /// Connections on which half a request has come.
    halves: Mutex<usize>,
}

/// A request.
pub(super) struct Heard {
    pub(super) start: String,
    head: Vec<u8>,
    pub(super) body: Vec<u8>,
    trailers: Vec<u8>,
    pub(super) whole: bool,
    /// What makes it none.
    malformed: Option<String>,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let state = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, stream) = (Arc::clone(&state), stream.unwrap());
                std::thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, shared }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn reply(&self, reply: Option<Reply>) {
        *self.shared.reply.lock().unwrap() = reply;
    }

    /// What has come since it was last asked, without probes. Waits for the ends of what has begun.
    pub(super) fn take(&self) -> Vec<Heard> {
        wait_for("the ends of requests", || {
            (*self.shared.halves.lock().unwrap() == 0).then_some(())
        });
        let probe = format!("GET {PROBE} HTTP/1.1");
        let mut heard = std::mem::take(&mut *self.shared.heard.lock().unwrap());
        heard.retain(|heard| heard.start != probe);
        heard
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let mut came = Vec::new();
        let mut piece = [0; 65536];
        let mut half = false;
        loop {
            while let Some((heard, length)) = Heard::parse(&came) {
                came.drain(..length);
                let answered = self.answer(&heard, &mut stream);
                let goes_on = heard.malformed.is_none() && answered;
                if !goes_on {
                    return;
                }
            }
            self.count(&mut half, !came.is_empty());
            match stream.read(&mut piece) {
                Ok(read @ 1..) => came.extend(&piece[..read]),
                _ => break,
            }
        }
        if half {
            self.heard.lock().unwrap().push(Heard::broken_off(&came));
        }
        self.count(&mut half, false);
    }

    fn count(&self, before: &mut bool, now: bool) {
        let mut halves = self.halves.lock().unwrap();
        *halves = *halves + usize::from(now) - usize::from(*before);
        *before = now;
    }

    /// Keeps a request and answers it; whether the connection goes on.
    fn answer(&self, heard: &Heard, stream: &mut TcpStream) -> bool {
        self.heard.lock().unwrap().push(heard.copy());
        let target = heard.start.split(' ').nth(1).unwrap_or_default();
        if let Some(reply) = self.reply.lock().unwrap().as_ref().filter(|_| target != PROBE) {
            return stream.write_all(&reply.bytes).is_ok() && !reply.closes;
        }
        let told = heard.start.trim_end_matches(" HTTP/1.1");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", told.len());
        let body = if told.starts_with("HEAD ") { "" } else { told };
        stream.write_all((head + body).as_bytes()).is_ok()
    }
}

impl Heard {
    /// The request at the beginning of these bytes and its length, once all of it is there.
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let head = position(bytes, b"\r\n\r\n")? + 2;
        let mut heard = Self::of(&bytes[..head]);
        let at = head + 2;
        let parsed =
            match (heard.all("transfer-encoding")[..].first(), heard.all("content-length").first())
            {
                (None, None) => Ok(Some((Vec::new(), at))),
                (None, Some(length)) => {
                    match std::str::from_utf8(length).unwrap_or_default().parse::<usize>() {
                        Ok(length) => {
                            Ok(bytes.get(at..at + length).map(|body| (body.to_vec(), at + length)))
                        }
                        Err(error) => Err(error.to_string()),
                    }
                }
                (Some(_), _) => heard.chunks(bytes, at),
            };
        match parsed {
            Ok(parsed) => {
                let (body, length) = parsed?;
                heard.body = body;
                heard.whole = true;
                Some((heard, length))
            }
            Err(problem) => {
                heard.malformed = Some(problem);
                Some((heard, bytes.len()))
            }
        }
    }

    /// A body in chunks, from `at` on, and where it ends (RFC 9112 §7.1, without any leniency).
    fn chunks(&mut self, bytes: &[u8], mut at: usize) -> Result<Option<(Vec<u8>, usize)>, String> {
        let mut body = Vec::new();
        loop {
            let Some(end) = position(&bytes[at..], b"\r\n") else { return Ok(None) };
            let size = String::from_utf8_lossy(&bytes[at..at + end]).into_owned();
            at += end + 2;
            let plain = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
            let length = usize::from_str_radix(&size, 16).ok().filter(|_| plain);
            let length = length.ok_or_else(|| format!("chunk size {size:?}"))?;
            if length == 0 {
                let Some(end) = position(&bytes[at - 2..], b"\r\n\r\n") else { return Ok(None) };
                self.trailers = bytes[at..at + end].to_vec();
                return Ok(Some((body, at + end + 2)));
            }
            let Some(chunk) = bytes.get(at..at + length + 2) else { return Ok(None) };
            let data = chunk.strip_suffix(b"\r\n").ok_or("what ends a chunk")?;
            body.extend(data);
            at += length + 2;
        }
    }

    fn broken_off(bytes: &[u8]) -> Self {
        Self::of(&bytes[..position(bytes, b"\r\n\r\n").map_or(bytes.len(), |head| head + 2)])
    }

    fn of(head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        Self {
            start: String::from_utf8_lossy(line).into_owned(),
            head: head.to_vec(),
            body: Vec::new(),
            trailers: Vec::new(),
            whole: false,
            malformed: None,
        }
    }

    fn copy(&self) -> Self {
        Self {
            start: self.start.clone(),
            head: self.head.clone(),
            body: self.body.clone(),
            trailers: self.trailers.clone(),
            whole: self.whole,
            malformed: self.malformed.clone(),
        }
    }

    /// The values of a field.
    pub(super) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let lines = self.head.split(|byte| *byte == b'\n').skip(1);
        let fields = lines.filter_map(|line| {
            let colon = position(line, b":")?;
            let same = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            same.then(|| line[colon + 1..].trim_ascii().to_vec())
        });
        fields.collect()
    }

    /// Whether any server would read the same request here, and no key in it.
    pub(super) fn is_beyond_doubt(&self) -> Result<(), String> {
        if let Some(problem) = &self.malformed {
            return Err(problem.clone());
        }
        let mut lines = self.head.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        let strict = |line: &[u8]| {
            line.strip_suffix(b"\r")
                .is_some_and(|line| !line.is_empty() && !line.iter().any(control))
        };
        let coding = self.all("transfer-encoding");
        let framed_once = coding.len() + self.all("content-length").len() <= 1;
        for (holds, what) in [
            (lines.all(strict), "a line of the head"),
            (
                self.start.ends_with(" HTTP/1.1") && self.start.matches(' ').count() == 2,
                "its start",
            ),
            (self.all("host").len() == 1, "Host"),
            (framed_once && coding.iter().all(|coding| coding == b"chunked"), "framing"),
            (self.all("x-forwarded-for").len() == 1, "who calls"),
            (self.all("x-tollgate-application") == [b"acme"], "the application"),
            (position(&self.head, b"demo").is_none(), "the key"),
            (self.trailers.is_empty(), "fields behind the body"),
        ] {
            if !holds {
                return Err(format!("{what} is in doubt"));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let (head, body) = (text(&self.head), text(&self.body));
        write!(to, "{head} | {body} (whole: {}, {:?})", self.whole, self.malformed)
    }
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

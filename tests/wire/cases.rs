//! The table of raw bytes: what a client or an upstream says, what is answered, and what the other
//! side may see of it. The rows stand in cases/*.toml, whose first lines say how to read them.

mod http1;
mod http2;
mod recorder;
mod row;

use std::{
    collections::HashSet,
    fs,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::support::{Config, Tollgate, tcp};
use recorder::{Heard, Recorder};
use row::{Row, Table};

/// Where the table stands, in files by what they are about.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/cases");

/// What a target is called that nothing but a probe asks for.
const PROBE: &str = "/orders/probe";

/// How an exchange went: statuses in the order in which they came, and how it ended.
#[derive(Debug, Default)]
struct Outcome {
    /// Such as `100`, `200`, `200!` for a response that broke off, `reset` for a stream that was.
    came: Vec<String>,
    /// Whether the connection serves on.
    open: bool,
    /// The last response, as text: its fields, an empty line, its body.
    last: String,
}

impl Outcome {
    fn text(&self) -> String {
        let end = if self.open { "open" } else { "close" };
        self.came.iter().map(|came| format!("{came} ")).collect::<String>() + end
    }

    /// Whether one of the accepted answers has come, as far as it is to be read before its end shows.
    fn is_complete(&self, row: &Row) -> bool {
        let came = self.came.join(" ");
        row.answers.iter().any(|answer| answer.rsplit_once(' ').is_some_and(|(all, _)| all == came))
    }
}

/// How long an answer may take. Nothing here waits for a deadline of the gate.
const ANSWERED: Duration = Duration::from_secs(5);

fn connect(gate: SocketAddr) -> TcpStream {
    let stream = tcp(gate).unwrap();
    stream.set_read_timeout(Some(ANSWERED)).unwrap();
    stream
}

struct Run {
    recorder: Recorder,
    gate: Tollgate,
    /// Requests that may show without their ends, also later than their own row.
    stragglers: HashSet<String>,
    /// Whole ones.
    late: HashSet<String>,
}

impl Run {
    fn start() -> Self {
        let recorder = Recorder::start();
        let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                       credentials = [ { header = \"X-Api-Key\" }, { query = \"api_key\" } ]";
        let config = Config::to(recorder.address())
            .section("process", "workers = 1")
            .section("listeners.public", "address = \"127.0.0.1:0\"\nmax_body_bytes = 32768")
            .service(service);
        Self {
            gate: Tollgate::start(&config),
            recorder,
            stragglers: HashSet::new(),
            late: HashSet::new(),
        }
    }

    /// What is wrong with a row, if anything.
    fn check(&mut self, row: &Row) -> Result<(), String> {
        self.recorder.reply(row.reply());
        let outcome = match &row.send {
            Some(_) => http1::exchange(self.gate.data(), row),
            None => http2::exchange(self.gate.data(), row),
        };
        self.recorder.reply(None);
        let bystander = http1::probe(self.gate.data());
        let heard = self.recorder.take();
        let text = outcome.text();
        if !row.answers.contains(&text) {
            return Err(format!("answered {text:?}, not {:?}: {:.200}", row.answers, outcome.last));
        }
        row.holds_answer(&outcome.last)?;
        bystander.map_err(|answered| format!("the next client got {answered:?}"))?;
        self.holds_heard(row, heard)
    }

    fn holds_heard(&mut self, row: &Row, heard: Vec<Heard>) -> Result<(), String> {
        let (broken, whole): (Vec<_>, Vec<_>) = heard.into_iter().partition(|heard| !heard.whole);
        for heard in whole.iter().chain(&broken) {
            heard.is_beyond_doubt().map_err(|doubt| format!("{doubt}: {heard:?}"))?;
        }
        let aborted = row.upstream.iter().filter(|seen| seen.aborted);
        self.stragglers.extend(aborted.map(|seen| seen.start.clone()));
        if let Some(straggler) = broken.iter().find(|heard| !self.stragglers.contains(&heard.start))
        {
            return Err(format!("the upstream saw half of {straggler:?}"));
        }
        let late = row.upstream.iter().filter(|seen| seen.late);
        self.late.extend(late.map(|seen| seen.start.clone()));
        let expected = row.upstream.iter().filter(|seen| !seen.aborted && !seen.late);
        let mut expected = expected.peekable();
        for heard in whole.iter().filter(|heard| !self.late.contains(&heard.start)) {
            while expected.next_if(|seen| seen.may && seen.start != heard.start).is_some() {}
            let seen = expected.next().ok_or_else(|| format!("the upstream saw {whole:?}"))?;
            seen.is(heard)?;
        }
        match expected.find(|seen| !seen.may) {
            None => Ok(()),
            Some(missing) => Err(format!("the upstream did not see {}", missing.start)),
        }
    }
}

#[test]
fn every_row_is_answered_and_passed_on_as_it_says() {
    let mut wrong = Vec::new();
    let mut names = HashSet::new();
    for file in fs::read_dir(TABLE).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(topic) = file.file_name().unwrap().to_str().unwrap().strip_suffix(".toml") else {
            continue;
        };
        let table = Table::read(topic, &fs::read_to_string(&file).unwrap());
        let mut run = Run::start();
        for row in &table.case {
            assert!(names.insert(row.name.clone()), "{topic}: {} stands twice", row.name);
            if let Err(problem) = run.check(row) {
                wrong.push(format!("{topic}: {} (RFC {}): {problem}", row.name, row.rfc));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    assert!(names.len() >= 150, "only {} rows were found", names.len());
}

//! A request through the binary, as a stranger can time it: over loopback, one after the other.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::house::{KEYS, STATES, key};
use crate::order::Order;

const ROUNDS: usize = 20_000;

struct Gate {
    process: Child,
    /// Open as long as the process may write to it.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gate {
    fn start(config: &Path) -> (Self, SocketAddr) {
        let built = env!("CARGO_BIN_EXE_tollgate").to_owned();
        let mut process = Command::new(std::env::var("TOLLGATE").unwrap_or(built))
            .args(["run", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("a line").expect("text");
        let address = line.split(&['/', ' '][..]).find_map(|word| word.parse().ok());
        (Self { process, _output: lines }, address.expect("an address"))
    }
}

/// The nanoseconds of a request of each state, by round.
pub(crate) fn measure(config: &Path) -> Vec<[f64; STATES.len()]> {
    let (_gate, address) = Gate::start(config);
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut order = Order::default();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS + ROUNDS / 10 {
        let mut took = [0.0; STATES.len()];
        for state in order.shuffled() {
            let key = key(state, order.below(KEYS));
            let request = format!("GET /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: {key}\r\n\r\n");
            let began = Instant::now();
            stream.write_all(request.as_bytes()).expect("a request");
            let answer = read(&mut stream);
            took[state] = began.elapsed().as_nanos() as f64;
            assert!(answer.starts_with(b"HTTP/1.1 401 ") && answer.ends_with(b"}\n"));
        }
        rounds.push(took);
    }
    rounds.split_off(ROUNDS / 10)
}

/// One answer, which comes in one piece.
fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).expect("an answer");
    answer.truncate(length);
    answer
}

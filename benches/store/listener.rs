//! A process with the store, and a client of its admin API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::house::{House, SUSPENDED, id};
use super::quantiles;

const CHANGES: usize = 1000;

pub(crate) struct Gate {
    process: Child,
    admin: BufReader<TcpStream>,
    token: String,
}

impl Gate {
    /// Starts a process and waits until it is ready to decide.
    pub(crate) fn start(house: &House) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(["run", "--config"]).arg(house.configuration()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut place = |what: &str| -> SocketAddr {
            loop {
                let line = lines.next().expect("a start").expect("a line");
                let (_, rest) = line.split_once("://").expect("an address");
                if let Some(address) = rest.strip_suffix(what) {
                    return address.parse().expect("an address");
                }
            }
        };
        let (ops, admin) = (place(" (ops)"), place(" (admin)"));
        std::thread::spawn(move || lines.for_each(drop));
        loop {
            let mut ready = connect(ops);
            if exchange(&mut ready, "GET", "/readyz", "", "").0 == 200 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let first = house.folder().join("first-administrator.toml");
        let first = std::fs::read_to_string(first).expect("an administrator");
        let first: toml::Table = first.parse().expect("an administrator");
        let text = |name: &str| first[name].as_str().expect("a text").to_owned();
        let client = STANDARD.encode(format!("{}:{}", text("client"), text("client_secret")));
        let form = format!(
            "grant_type=password&username={}&password={}",
            text("username"),
            text("password")
        );
        let fields = format!(
            "Authorization: Basic {client}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        );
        let mut admin = connect(admin);
        let (status, _, body) = exchange(&mut admin, "POST", "/v3/token", &fields, &form);
        assert_eq!(status, 200, "no token");
        let tokens: Json = serde_json::from_str(&body).expect("tokens");
        let token = tokens["access_token"].as_str().expect("a token").to_owned();
        Self { process, admin, token }
    }

    /// Asks for a list. Returns how many there are in all.
    pub(crate) fn list(&mut self, target: &str) -> u64 {
        let (status, total, body) = self.ask("GET", target, "");
        assert_eq!(status, 200, "{target}: {body}");
        total.expect("a total")
    }

    /// Disables and enables one key after another. Each is answered once it is enforced.
    pub(crate) fn change(&mut self) {
        let mut took = Vec::with_capacity(CHANGES);
        for number in 0..CHANGES {
            let target = format!("/packageKeys/{}?fields=id", id(1 + number / 2 * SUSPENDED));
            let status = if number % 2 == 0 { "disabled" } else { "active" };
            let began = Instant::now();
            let body = format!("{{\"status\":\"{status}\"}}");
            let (status, _, body) = self.ask("PUT", &target, &body);
            took.push(began.elapsed());
            assert_eq!(status, 200, "{body}");
        }
        println!("{:<34} {:>9}        {}", "PUT of a status, enforced", "", quantiles(took));
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> (u16, Option<u64>, String) {
        let token = format!("Authorization: Bearer {}\r\n", self.token);
        exchange(&mut self.admin, method, &format!("/v3/rest{target}"), &token, body)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    BufReader::new(stream)
}

/// Sends a request and returns status, `X-Total-Count` and body of the answer.
fn exchange(
    connection: &mut BufReader<TcpStream>,
    method: &str,
    target: &str,
    fields: &str,
    body: &str,
) -> (u16, Option<u64>, String) {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: bench\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.get_mut().write_all(request.as_bytes()).expect("a request");
    let mut line = String::new();
    connection.read_line(&mut line).expect("an answer");
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let (mut length, mut total) = (0, None);
    loop {
        line.clear();
        connection.read_line(&mut line).expect("an answer");
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a length"),
            "x-total-count" => total = value.trim().parse().ok(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("a body");
    (status, total, String::from_utf8(body).expect("text"))
}

//! The memory of a process: a base, 24 KiB for each connection, and 128 KiB for each open body.

use std::any::Any;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use h2::SendStream;
use h2::client::ResponseFuture;
use hyper::Request;
use hyper::body::Bytes;
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::support::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, GET, HEADERS, NO_TABLE, POST, SETTINGS, WINDOW_UPDATE,
    adding, beginning, frame, literal, streams,
};
use crate::support::{Authority, Config, Origin, PATIENCE, TlsClient, Tollgate, tcp, wait_for};

const CONNECTION: u64 = 24 << 10;
const BODY: u64 = 128 << 10;
/// What an allocator keeps between the blocks of others.
const SCATTERED: u64 = 2 << 20;

/// A connection, of whatever kind.
trait Line: Read + Write {}

impl<T: Read + Write> Line for T {}

/// Fails if the memory that the gate has got since `before` is more than this.
fn assert_within(what: &str, gate: &Tollgate, before: u64, bound: u64) {
    let grown = gate.memory().saturating_sub(before);
    assert!(grown <= bound, "{what}: {} KiB, at most {} KiB", grown >> 10, bound >> 10);
}

fn with_tls(config: Config, authority: &Authority) -> Tollgate {
    let folder = TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(folder.path(), "main");
    let certificate = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let config = config.section("listeners.public.tls.certificates.main", certificate);
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    Tollgate::start_in(folder, "tollgate.toml")
}

/// A request of HTTP/2; its response ends with an END_STREAM.
fn get(stream: u32) -> Vec<u8> {
    let fields = [
        GET[..2].to_vec(),
        literal(":path", "/orders"),
        literal(":authority", "a"),
        literal("x-api-key", "demo"),
    ];
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields.concat())
}

/// Reads frames until one ends a stream.
fn read_response(line: &mut dyn Line) {
    loop {
        let mut head = [0; 9];
        line.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        line.read_exact(&mut vec![0; length as usize]).unwrap();
        if matches!(head[3], DATA | HEADERS) && head[4] & END_STREAM != 0 {
            return;
        }
    }
}

/// Sends one request and reads its response, so that the connection is idle.
fn use_once(line: &mut dyn Line, http2: bool) {
    if http2 {
        line.write_all(&[beginning(), get(1)].concat()).unwrap();
        return read_response(line);
    }
    let head = "GET /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n\r\n";
    line.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let mut bytes = [0; 512];
        let read = line.read(&mut bytes).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend(&bytes[..read]);
    }
}

fn idle(what: &str, gate: &Tollgate, http2: bool, connect: impl Fn() -> Box<dyn Line>) {
    let open = || {
        let mut line = connect();
        use_once(&mut *line, http2);
        line
    };
    // What is there once, however many there are.
    let mut held: Vec<_> = (0..50).map(|_| open()).collect();
    let before = gate.memory();
    held.extend((0..1000).map(|_| open()));
    assert_within(what, gate, before, 1000 * CONNECTION);
}

#[test]
fn idle_connections_cost_little() {
    let origin = Origin::start();
    for http2 in [false, true] {
        let gate = Tollgate::start(&Config::new(&origin));
        let what = if http2 { "idle HTTP/2" } else { "idle HTTP/1.1" };
        idle(what, &gate, http2, || Box::new(tcp(gate.data()).unwrap()));
    }
}

/// Long heads of many requests, whose answers differ.
fn use_often(line: &mut dyn Line) {
    line.write_all(&[beginning(), frame(SETTINGS, ACK, 0, &[])].concat()).unwrap();
    for stream in streams().take(60) {
        let fields = [NO_TABLE, &adding(3000)].concat();
        line.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)).unwrap();
        read_response(line);
    }
}

#[test]
fn connections_that_were_used_often_cost_no_more() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let open = || {
        let mut line = tcp(gate.data()).unwrap();
        use_often(&mut line);
        line
    };
    let mut held: Vec<_> = (0..50).map(|_| open()).collect();
    let before = gate.memory();
    held.extend((0..300).map(|_| open()));
    assert_within("idle HTTP/2, often used", &gate, before, 300 * CONNECTION + (SCATTERED >> 2));
}

#[test]
fn idle_tls_connections_cost_little() {
    let origin = Origin::start();
    let authority = Authority::new();
    for (protocol, http2) in [("http/1.1", false), ("h2", true)] {
        let gate = with_tls(Config::new(&origin), &authority);
        let client = TlsClient::new(&authority).offering(&[protocol]);
        let what = format!("idle {protocol} over TLS");
        idle(&what, &gate, http2, || Box::new(client.connect(gate.data(), "localhost")));
    }
}

/// Has a connection carry as much as one can: long heads and fields for a table, a hundred streams at once, and
/// bodies that nobody wants.
fn use_hard(line: &mut dyn Line) {
    let send = |line: &mut dyn Line, bytes: &[u8]| line.write_all(bytes).unwrap();
    send(line, &[beginning(), frame(SETTINGS, ACK, 0, &[])].concat());
    let mut numbers = streams();
    for _ in 0..30 {
        let fields = [NO_TABLE, &adding(12_000)].concat();
        let stream = numbers.next().unwrap();
        send(line, &frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields));
        read_response(line);
    }
    for _ in 0..10 {
        let stream = numbers.next().unwrap();
        send(line, &frame(HEADERS, END_HEADERS, stream, POST));
        send(line, &frame(DATA, END_STREAM, stream, &[b'x'; 16 << 10]));
        read_response(line);
    }
    send(line, &frame(WINDOW_UPDATE, 0, 0, &100_000_u32.to_be_bytes()));
    let many: Vec<u8> = numbers.by_ref().take(100).flat_map(get).collect();
    send(line, &many);
    (0..100).for_each(|_| read_response(line));
}

#[test]
fn idle_connections_cost_little_whatever_they_have_carried() {
    const HELD: u64 = 200;
    const ROOM: u64 = 2 << 20;
    let origin = Origin::start();
    let authority = Authority::new();
    let process = format!("workers = 2\nidle_room_bytes = {ROOM}");
    let gate = with_tls(Config::new(&origin).section("process", &process), &authority);
    let client = TlsClient::new(&authority).offering(&["h2"]);
    let open = |_| {
        let mut line = client.connect(gate.data(), "localhost");
        use_hard(&mut line);
        line
    };
    let count = || gate.metrics().sum("tollgate_connections", &[("listener", "public")]) as u64;
    // What there is once, however many there are. What they have left behind goes back to the system later.
    let fresh = gate.memory();
    drop((0..HELD).map(open).collect::<Vec<_>>());
    wait_for("no connection", || (count() == 0).then_some(()));
    wait_for("freed memory", || (gate.memory() < fresh + (12 << 20)).then_some(()));
    let before = gate.memory();
    let held: Vec<_> = (0..HELD).map(open).collect();
    wait_for("less memory", || {
        let bound = before + count() * CONNECTION + ROOM + 2 * SCATTERED;
        (gate.memory() <= bound).then_some(())
    });
    let left = count();
    let gone = gate.metrics().sum("tollgate_connections_refused_total", &[("reason", "idle_room")]);
    assert!(left > 0, "all have gone");
    assert!(gone as u64 >= HELD - left, "{gone} were asked to go, {left} are left");
    drop(held);
}

/// An upstream that never stops sending, or that never begins to read a body.
fn endless_upstream(sends: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            if sends {
                thread::spawn(move || send_for_ever(stream));
            } else {
                held.push(stream);
            }
        }
    });
    address
}

fn send_for_ever(mut stream: TcpStream) {
    let mut head = [0; 4096];
    if stream.read(&mut head).is_ok() {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n").ok();
        while stream.write_all(&[b'x'; 16 << 10]).is_ok() {}
    }
}

/// Bodies of a client that reads nothing of them, or sends more than anybody reads.
fn stalled(what: &str, sends: bool, http2: bool) {
    const BODIES: u64 = 200;
    // Nobody is given up before we have looked, however long it takes to begin.
    let upstream = format!(
        "url = \"http://{}\"\nfirst_byte_timeout = \"10m\"\nidle_timeout = \"10m\"",
        endless_upstream(!sends)
    );
    let address = "address = \"127.0.0.1:0\"\nwrite_timeout = \"10m\"";
    let config = Config::to(([127, 0, 0, 1], 0).into())
        .section("upstreams.demo", &upstream)
        .section("listeners.public", address);
    let gate = Tollgate::start(&config);
    let before = gate.memory();
    // Over HTTP/2 as many streams as a connection may have.
    let lines: Vec<Box<dyn Any>> = match (http2, sends) {
        (false, _) => (0..BODIES).map(|_| Box::new(one_body(gate.data(), sends)) as _).collect(),
        (true, false) => (0..2).map(|_| Box::new(many_streams(gate.data())) as _).collect(),
        (true, true) => (0..2).map(|_| Box::new(many_uploads(gate.data())) as _).collect(),
    };
    gate.wait_for("all bodies", |metrics| metrics.sum("tollgate_streams", &[]) == BODIES as f64);
    settle(&gate);
    // The upstream has a connection for each.
    let connections = lines.len() as u64 + BODIES;
    assert_within(what, &gate, before, connections * CONNECTION + BODIES * BODY);
}

/// Waits until the memory of the gate does not change.
fn settle(gate: &Tollgate) {
    let mut last = 0;
    wait_for("memory that does not change", || {
        thread::sleep(std::time::Duration::from_millis(300));
        let now = gate.memory();
        (std::mem::replace(&mut last, now) == now).then_some(())
    });
}

/// A client of HTTP/1.1 that sends as much of a body as is taken, or reads nothing.
fn one_body(address: SocketAddr, sends: bool) -> TcpStream {
    let mut stream = tcp(address).unwrap();
    let (method, length) = if sends { ("POST", 1_000_000_000u64) } else { ("GET", 0) };
    let head = format!(
        "{method} /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    if sends {
        fill(&stream, std::iter::repeat(vec![b'x'; 64 << 10]));
    }
    stream
}

/// A client of HTTP/2 that reads nothing of a hundred responses.
fn many_streams(address: SocketAddr) -> TcpStream {
    let mut stream = tcp(address).unwrap();
    stream.write_all(&beginning()).unwrap();
    for number in streams().take(100) {
        stream.write_all(&get(number)).unwrap();
    }
    stream
}

/// A client of HTTP/2 that sends as much of a hundred bodies as is taken, until what is returned is dropped.
fn many_uploads(address: SocketAddr) -> oneshot::Sender<()> {
    let (held, dropped) = oneshot::channel();
    let upload = async move {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        for _ in 0..100 {
            let request = Request::post("http://a/orders").header("x-api-key", "demo");
            sender = sender.ready().await.unwrap();
            tokio::spawn(send_on(sender.send_request(request.body(()).unwrap(), false).unwrap()));
        }
        dropped.await.unwrap_or(());
    };
    // Not on the thread that all other clients share.
    thread::spawn(|| {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(upload);
    });
    held
}

/// Sends zeros wherever there is room for them.
async fn send_on((response, mut body): (ResponseFuture, SendStream<Bytes>)) {
    const PIECE: usize = 16 << 10;
    body.reserve_capacity(PIECE);
    while let Some(Ok(length)) = poll_fn(|cx| body.poll_capacity(cx)).await {
        body.send_data(vec![0; length].into(), false).unwrap();
        body.reserve_capacity(PIECE);
    }
    drop(response);
}

/// Sends as much as is taken.
fn fill(mut stream: &TcpStream, pieces: impl Iterator<Item = Vec<u8>>) {
    stream.set_write_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
}

#[test]
fn bodies_that_nobody_reads_are_held_in_small_pieces() {
    stalled("responses of HTTP/1.1", false, false);
    stalled("responses of HTTP/2", false, true);
    stalled("requests of HTTP/1.1", true, false);
    stalled("requests of HTTP/2", true, true);
}

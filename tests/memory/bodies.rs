//! What bodies that nobody reads are held in.

use std::any::Any;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use h2::SendStream;
use h2::client::ResponseFuture;
use hyper::Request;
use hyper::body::Bytes;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{BODY, CONNECTION, assert_within, settle};
use crate::support::frames::{beginning, get, streams};
use crate::support::{Config, PATIENCE, Tollgate, tcp};

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
        stream.write_all(&get(number, "/orders")).unwrap();
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

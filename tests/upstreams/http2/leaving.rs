//! Servers of HTTP/2 that answer and leave, and read nothing more.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::faults::{data, leave, ok};
use crate::support::frames::{
    END_STREAM, Frame, HEADERS, SETTINGS, WINDOW_UPDATE, frame, read_frame,
};
use crate::support::{Config, Origin, Tollgate};

/// A window as large as it may be (RFC 9113 §6.5.2, §6.9).
const WIDE: u32 = (1 << 31) - 1;
const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

/// Answers the first request without a body, and leaves. What another one still uploads is not read, so that the
/// kernel resets the connection behind the answer.
fn answer_and_leave(mut stream: TcpStream) -> std::io::Result<()> {
    let wide = [&INITIAL_WINDOW_SIZE[..], &WIDE.to_be_bytes()].concat();
    let wider = frame(WINDOW_UPDATE, 0, 0, &(WIDE - 65_535).to_be_bytes());
    stream.write_all(&[frame(SETTINGS, 0, 0, &wide), wider].concat())?;
    stream.read_exact(&mut [0; 24])?;
    loop {
        let Frame { kind, flags, stream: number, .. } = read_frame(&mut stream)?;
        if kind == HEADERS && flags & END_STREAM != 0 {
            let answer = [ok(number, &[]), data(number, END_STREAM, "enough"), leave(number, 0)];
            return stream.write_all(&answer.concat());
        }
    }
}

/// Uploads until that fails.
fn upload(mut client: TcpStream) {
    let head =
        "POST /orders HTTP/1.1\r\nhost: a\r\nx-api-key: demo\r\ntransfer-encoding: chunked\r\n\r\n";
    let piece = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let mut sent = client.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = client.write_all(piece.as_bytes());
    }
}

fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer_and_leave(stream).ok());
        }
    });
    address
}

#[test]
fn an_answer_is_read_though_the_server_takes_nothing_any_more() {
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"", server());
    // One, so that both requests share a connection.
    let config = Config::new(&Origin::start()).section("process", "workers = 1");
    let gate = Tollgate::start(&config.section("upstreams.demo", &upstream));
    for round in 0..20 {
        let uploading = TcpStream::connect(gate.data()).unwrap();
        let client = uploading.try_clone().unwrap();
        let upload = std::thread::spawn(|| upload(client));
        gate.wait_for("the upload", |metrics| metrics.sum("tollgate_streams", &[]) == 1.0);
        let response = gate.request("POST", "/orders").key("demo").send();
        assert_eq!((response.status, response.text()), (200, "enough"), "{round}");
        uploading.shutdown(Shutdown::Both).ok();
        upload.join().unwrap();
        gate.wait_for("its end", |metrics| metrics.sum("tollgate_streams", &[]) == 0.0);
    }
}

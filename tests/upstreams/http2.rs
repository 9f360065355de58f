//! Upstreams that speak HTTP/2.

mod faults;
mod leaving;
mod server;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};

use hyper::Version;
use tempfile::TempDir;

use self::server::{Act, Server};
use super::{gate, gate_in};
use crate::support::frames::{GOAWAY, HEADERS, SETTINGS, frame, read_frame};
use crate::support::{Answer, Authority, Config, Http2, Origin, Tollgate, wait_for};

fn gate_to(address: SocketAddr) -> Tollgate {
    gate(&Origin::start(), &format!("url = \"http://{address}\"\nhttp = \"2\""))
}

#[test]
fn a_request_goes_as_http2_has_it() {
    let server = Server::start(|_| Act::Echo);
    let gate = gate_to(server.address);
    let request =
        gate.request("POST", "/orders/1?a=%20b").key("demo").host("api.example").body("made");
    let request = request.header("te", "trailers").header("cookie", "a=1").header("cookie", "b=2");
    let response = request.over(&mut Http2::connect(gate.data())).admitted();
    assert_eq!((response.text(), response.trailers.get("x-sum")), ("made", Some("7")));
    let seen = &server.requests()[0];
    assert_eq!(seen.version(), Version::HTTP_2);
    assert_eq!(seen.uri(), "http://api.example/orders/1?a=%20b");
    let fields = seen.headers();
    assert_eq!(
        (&fields["te"], &fields["cookie"], &fields["x-tollgate-key"]),
        (&"trailers".parse().unwrap(), &"a=1; b=2".parse().unwrap(), &"acme-1".parse().unwrap(),)
    );
    for gone in ["host", "connection", "transfer-encoding", "x-api-key"] {
        assert!(!fields.contains_key(gone), "{gone}: {fields:?}");
    }
}

#[test]
fn keys_behind_a_body_go_nowhere() {
    let server = Server::start(|_| Act::Echo);
    let gate = gate_to(server.address);
    let mut client = TcpStream::connect(gate.data()).unwrap();
    let head = "POST /orders HTTP/1.1\r\nhost: api.example\r\nx-api-key: demo\r\n\
                transfer-encoding: chunked\r\ntrailer: x-sum, x-api-key\r\n\r\n";
    let behind = "x-sum: 7\r\nX-Api-Key: demo\r\nX_Api_Key: demo\r\nauthorization: Bearer demo";
    write!(client, "{head}4\r\nmade\r\n0\r\n{behind}\r\n\r\n").unwrap();
    let seen = wait_for("the request", || server.trailers().pop());
    assert_eq!(
        seen.iter().collect::<Vec<_>>(),
        [(&"x-sum".parse().unwrap(), &"7".parse().unwrap())]
    );
}

#[test]
fn requests_of_http1_go_over_one_connection_a_worker_too() {
    let server = Server::shut(100);
    let gate = gate_to(server.address);
    let request = gate.request("POST", "/orders").key("demo").body("made");
    let mut clients: Vec<_> = (0..40).map(|_| request.start()).collect();
    wait_for("all streams", || (server.waiting() == 40).then_some(()));
    server.open();
    for client in &mut clients {
        assert_eq!(client.read().admitted().text(), "made");
    }
    assert!(server.connections() <= 2, "{}", server.connections());
}

#[test]
fn no_connection_carries_more_streams_than_the_server_takes() {
    let server = Server::shut(3);
    let gate = gate_to(server.address);
    let request = gate.request("POST", "/orders").key("demo").body("made");
    // A worker learns how many a server takes as it connects, and asks one only until then.
    let mut clients: Vec<_> = (0..12).map(|_| request.start()).collect();
    wait_for("full connections", || (server.waiting() >= 3).then_some(()));
    assert!(server.connections() <= 6, "{}", server.connections());
    server.open();
    for client in &mut clients {
        assert_eq!(client.read().admitted().text(), "made");
    }
    // Then it makes more of them, and beyond that streams wait for their turn.
    server.close();
    let mut clients: Vec<_> = (0..60).map(|_| request.start()).collect();
    wait_for("more connections", || (server.waiting() >= 9).then_some(()));
    server.open();
    for client in &mut clients {
        assert_eq!(client.read().admitted().text(), "made");
    }
    assert_eq!(server.most(), 3);
    assert!(server.connections() <= 16, "{}", server.connections());
}

#[test]
fn streams_that_a_server_does_not_take_wait_and_are_bounded() {
    let server = Server::shut(2);
    let more = "max_connections = 1\nmax_pending = 2\npending_timeout = \"20s\"";
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"\n{more}", server.address);
    let config = Config::to(server.address)
        .section("process", "workers = 1")
        .section("upstreams.demo", &upstream);
    let gate = Tollgate::start(&config);
    let begin = |waiting: usize, pending: f64| {
        let client = gate.get("/orders").key("demo").start();
        wait_for("the request", || {
            let metrics = gate.metrics();
            let queued = metrics.sum("tollgate_upstream_pending", &[]);
            (server.waiting() == waiting && queued == pending).then_some(())
        });
        client
    };
    let mut clients = [begin(1, 0.0), begin(2, 0.0), begin(2, 1.0), begin(2, 2.0)];
    gate.get("/orders").key("demo").send().refused(503, "upstream_overloaded");
    server.open();
    clients.iter_mut().for_each(|client| drop(client.read().admitted()));
    assert_eq!((server.connections(), server.most()), (1, 2));
}

#[test]
fn a_stream_that_the_server_refused_goes_once_more_and_no_third_time() {
    let server = Server::start(|stream| if stream == 0 { Act::Refuse } else { Act::Echo });
    let gate = gate_to(server.address);
    gate.request("POST", "/orders").key("demo").send().admitted();
    assert_eq!(server.streams(), 2);
    let server = Server::start(|_| Act::Refuse);
    let gate = gate_to(server.address);
    gate.get("/orders").key("demo").send().refused(502, "upstream_bad_response");
    assert_eq!(server.streams(), 2);
    // Of a body that is still arriving nothing can be sent again.
    gate.request("POST", "/orders")
        .key("demo")
        .body("x")
        .send()
        .refused(502, "upstream_bad_response");
    assert_eq!(server.streams(), 3);
}

/// Goes away on its first connections as soon as a request comes, having done nothing with it.
fn leaving(times: usize, to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let left = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&left);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let leaves = counted.load(SeqCst) < times;
            let counted = Arc::clone(&counted);
            std::thread::spawn(
                move || if leaves { leave(stream, &counted) } else { pass(&stream, to) },
            );
        }
    });
    (address, left)
}

/// SETTINGS, then GOAWAY of stream 0 after the first HEADERS (RFC 9113 §6.8).
fn leave(mut stream: TcpStream, left: &AtomicUsize) {
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream.read_exact(&mut [0; 24]).unwrap();
    while let Ok(read) = read_frame(&mut stream) {
        if read.kind == HEADERS {
            left.fetch_add(1, SeqCst);
            stream.write_all(&frame(GOAWAY, 0, 0, &[0; 8])).unwrap();
        }
    }
}

fn pass(from: &TcpStream, to: SocketAddr) {
    let other = TcpStream::connect(to).unwrap();
    let (mut one, mut two) = (from.try_clone().unwrap(), other.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut one, &mut two));
    std::io::copy(&mut &other, &mut &*from).ok();
}

#[test]
fn a_request_that_a_leaving_server_did_not_take_goes_to_a_new_connection() {
    let server = Server::start(|_| Act::Echo);
    let (address, left) = leaving(1, server.address);
    let gate = gate_to(address);
    gate.request("POST", "/orders").key("demo").send().admitted();
    assert_eq!((left.load(SeqCst), server.streams()), (1, 1));
}

/// Goes away on its first connection once it is told, with one stream under way.
fn leaving_when_told(to: SocketAddr) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut first = listener.accept().unwrap().0;
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || pass(&stream, to));
            }
        });
        told.recv().unwrap();
        // SETTINGS of one stream at once, so that nothing else begins, then GOAWAY of stream 1.
        let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
        let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
        first.write_all(&[settings, goaway].concat()).unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        std::io::copy(&mut first, &mut std::io::sink()).ok();
    });
    (address, tell)
}

#[test]
fn a_body_that_waits_for_its_turn_goes_to_a_new_connection() {
    let server = Server::start(|_| Act::Echo);
    let (address, leave) = leaving_when_told(server.address);
    let upstream = format!("url = \"http://{address}\"\nhttp = \"2\"");
    let sections = [("upstreams.demo", &*upstream), ("process", "workers = 1")];
    let gate = gate_in(TempDir::new().unwrap(), &Origin::start(), &sections);
    let get = gate.get("/orders").key("demo");
    let post = gate.request("POST", "/orders").key("demo").body("made");
    // Until the server has said how many streams it takes, one goes and others wait.
    let mut clients = Vec::new();
    for request in [&get, &get, &get, &post] {
        clients.push(request.start());
        let open = clients.len() as f64;
        gate.wait_for("the request", |metrics| metrics.sum("tollgate_streams", &[]) == open);
    }
    leave.send(()).unwrap();
    assert_eq!(clients[3].read().admitted().text(), "made");
}

#[test]
fn tls_lets_the_two_agree_on_a_version() {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"]);
    let two = Server::over_tls(issued.server(None));
    let one = Origin::over_tls(issued.server(None), |_| Answer::ok("one"));
    let gate = |port: u16, http: &str| {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let url = format!("url = \"https://localhost:{port}\"\nhttp = \"{http}\"");
        let tls = "ca_file = \"ca.pem\"";
        gate_in(folder, &one, &[("upstreams.demo", &url), ("upstreams.demo.tls", tls)])
    };
    for http in ["2", "auto"] {
        let gate = gate(two.address.port(), http);
        gate.get("/orders").key("demo").send().admitted();
        let seen = two.requests();
        assert_eq!(seen.last().unwrap().version(), Version::HTTP_2);
        assert_eq!(seen.last().unwrap().uri().scheme_str(), Some("https"));
    }
    let auto = gate(one.address().port(), "auto");
    for _ in 0..3 {
        assert_eq!(auto.get("/orders").key("demo").send().admitted().text(), "one");
    }
    let gate = gate(one.address().port(), "2");
    gate.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
}

#[test]
fn a_target_is_checked_over_http2() {
    let well = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&well);
    let server = Server::start(move |_| if says.load(SeqCst) { Act::Echo } else { Act::Refuse });
    let url = format!("url = \"http://{}\"\nhttp = \"2\"", server.address);
    let check = "path = \"/healthz\"\ninterval = \"100ms\"\nunhealthy_after = 2";
    let sections = [("upstreams.demo", &*url), ("upstreams.demo.health_check", check)];
    let gate = gate_in(TempDir::new().unwrap(), &Origin::start(), &sections);
    let count = |name: &str, what: (&str, &str)| gate.metrics().sum(name, &[what]);
    let left = |state: &str| count("tollgate_upstream_targets", ("state", state)) == 1.0;
    let checks = |outcome: &str| count("tollgate_upstream_checks_total", ("outcome", outcome));
    wait_for("checks", || (checks("passed") >= 3.0 && left("used")).then_some(()));
    let seen = &server.requests()[0];
    assert_eq!((seen.version(), seen.method().as_str()), (Version::HTTP_2, "GET"));
    assert_eq!(seen.uri().path(), "/healthz");
    assert_eq!(seen.headers()["user-agent"], "tollgate-health-check");
    assert!(server.connections() >= 3, "each over a connection of its own");
    well.store(false, SeqCst);
    wait_for("it to be left out", || left("unhealthy").then_some(()));
    well.store(true, SeqCst);
    wait_for("it to be back", || left("used").then_some(()));
    gate.get("/orders").key("demo").send().admitted();
}

//! How tunnels end before their time.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{config, opening};
use crate::support::{Echo, Tollgate, WebSocket, wait_for};

const SUSPENDED: &str = "status = \"suspended\"";

fn greeted(mut socket: WebSocket) -> WebSocket {
    socket.echoes(&Message::text("hello"));
    socket
}

#[test]
fn the_websocket_of_a_key_that_dies_is_closed_with_a_word() {
    for state in [SUSPENDED, "status = \"revoked\""] {
        let echo = Echo::start();
        let both = config(&echo).key("acme-2", "other", "");
        let gate = Tollgate::start(&both);
        let mut dying = greeted(WebSocket::open(&opening(&gate)));
        let mut other = greeted(WebSocket::open(&gate.get("/orders/socket").key("other")));
        gate.apply(&both.key("acme-1", "demo", state));
        assert_eq!(dying.closed(), 1008);
        assert_eq!(echo.ends(1), [Some(1008)], "the server is told, too");
        other.echoes(&Message::text("still there"));
        assert_eq!(gate.metrics().sum("tollgate_streams_cut_total", &[]), 1.0);
        assert_eq!(WebSocket::try_open(&opening(&gate)).err(), Some(401));
    }
}

#[test]
fn a_websocket_is_closed_when_its_key_expires() {
    let echo = Echo::start();
    let expires = Timestamp::from_second(Timestamp::now().as_second() + 3600).unwrap();
    let ending = config(&echo).key("acme-2", "ending", &format!("expires = {expires}"));
    let gate = Tollgate::start_by_clock(&ending);
    let mut socket = greeted(WebSocket::open(&gate.get("/orders/socket").key("ending")));
    gate.move_clock(3600);
    assert_eq!(socket.closed(), 1008);
}

#[test]
fn it_may_go_on_where_the_operator_says_so() {
    let echo = Echo::start();
    let finishing = config(&echo).section("process", "workers = 2\non_key_dead = \"finish\"");
    let gate = Tollgate::start(&finishing);
    let mut socket = greeted(WebSocket::open(&opening(&gate)));
    gate.apply(&finishing.key("acme-1", "demo", SUSPENDED));
    socket.echoes(&Message::text("still there"));
}

#[test]
fn an_idle_tunnel_is_closed_and_a_busy_one_is_not() {
    const IDLE: Duration = Duration::from_secs(2);
    let echo = Echo::start();
    // Neither of the others closes it: they are over before.
    let url = format!(
        "url = \"http://{}\"\ntunnel_idle_timeout = \"2s\"\nidle_timeout = \"500ms\"\n\
         request_timeout = \"1s\"",
        echo.address()
    );
    let gate = Tollgate::start(&config(&echo).section("upstreams.demo", &url));
    let mut busy = greeted(WebSocket::open(&opening(&gate)));
    let began = Instant::now();
    let mut idle = greeted(WebSocket::open(&opening(&gate)));
    let idle = std::thread::spawn(move || (idle.closed(), began.elapsed()));
    while began.elapsed() < IDLE + IDLE / 4 {
        busy.echoes(&Message::text("tick"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, took) = idle.join().unwrap();
    assert!(code == 1001 && took > IDLE - Duration::from_millis(100), "{code} after {took:?}");
    busy.echoes(&Message::text("still there"));
    assert_eq!(busy.closed(), 1001);
}

#[test]
fn a_tunnel_counts_among_the_open_requests_of_its_key_until_it_ends() {
    let echo = Echo::start();
    let two = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 2";
    let gate = Tollgate::start(&config(&echo).plan(two));
    let one = greeted(WebSocket::open(&opening(&gate)));
    let _other = greeted(WebSocket::open(&opening(&gate)));
    assert_eq!(WebSocket::try_open(&opening(&gate)).err(), Some(429));
    drop(one);
    wait_for("the place to be free", || WebSocket::try_open(&opening(&gate)).ok());
}

#[test]
fn the_end_of_the_process_closes_them_one_after_the_other() {
    let echo = Echo::start();
    let drain = |patience: &str| format!("workers = 1\ndrain_timeout = \"{patience}\"");
    let mut gate = Tollgate::start(&config(&echo).section("process", &drain("3s")));
    let sockets: Vec<_> = (0..6).map(|_| greeted(WebSocket::open(&opening(&gate)))).collect();
    let began = Instant::now();
    gate.signal(Signal::TERM);
    let closing = sockets.into_iter().map(|mut socket| {
        std::thread::spawn(move || {
            assert_eq!(socket.closed(), 1001);
            began.elapsed().as_millis()
        })
    });
    let closing: Vec<_> = closing.collect();
    let mut closed: Vec<_> = closing.into_iter().map(|closed| closed.join().unwrap()).collect();
    closed.sort_unstable();
    assert_eq!(gate.exit_code(), 0, "none had to be cut");
    // 2.7 s for six: one each 450 ms.
    assert!(closed[0] < 450 && closed[5] < 3000, "{closed:?}");
    assert!(closed.windows(2).all(|pair| pair[1] - pair[0] > 150), "{closed:?}");
}

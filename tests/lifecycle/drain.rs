use rustix::process::Signal;

use crate::support::{
    Answer, Authority, Config, Connection, Door, Http1, Http2, Origin, TlsClient, Tollgate,
    wait_for,
};

/// Whether a new connection gets no request through any more.
fn refuses_new(gate: &Tollgate) -> bool {
    let Ok(mut connection) = Http1::try_connect(gate.data()) else { return true };
    connection.write(&gate.get("/orders").key("demo"));
    !matches!(connection.try_read(), Ok(Some(response)) if response.status == 200)
}

fn slow_origin(door: &Door) -> Origin {
    let door = door.clone();
    Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::status(200).wait(&door).then("slow"),
        _ => Answer::ok("fast"),
    })
}

#[test]
fn running_requests_finish_and_new_ones_are_refused() {
    for signal in [Signal::TERM, Signal::INT] {
        let door = Door::shut();
        let origin = slow_origin(&door);
        let mut gate = Tollgate::start(&Config::new(&origin));
        let slow = gate.get("/orders/slow").key("demo");
        let two = Http2::connect(gate.data());
        let (mut running, stream) = (slow.start(), two.start(&slow));
        origin.wait_for_requests(2);
        gate.signal(signal);
        wait_for("new requests to be refused", || refuses_new(&gate).then_some(()));
        door.open();
        assert_eq!(running.read().admitted().text(), "slow");
        assert!(running.ends());
        assert_eq!(stream.read().unwrap().admitted().text(), "slow");
        assert_eq!(gate.exit_code(), 0);
    }
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&Config::new(&origin));
    let mut one = Http1::connect(gate.data());
    one.send(&gate.get("/orders").key("demo")).admitted();
    let mut two = Http2::connect(gate.data());
    two.send(&gate.get("/orders").key("demo")).admitted();
    let mut silent = Http1::connect(gate.data());
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    assert!(one.ends() && silent.ends());
    wait_for("the connection to end", || (!two.is_open()).then_some(()));
}

#[test]
fn what_is_left_at_the_deadline_is_cut() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let hasty = "workers = 2\ndrain_timeout = \"200ms\"";
    let mut gate = Tollgate::start(&Config::new(&origin).section("process", hasty));
    let mut running = gate.get("/orders/slow").key("demo").start();
    origin.wait_for_requests(1);
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 3);
    let answered = running.try_read().ok().flatten();
    assert!(answered.is_none_or(|response| response.status != 200));
    door.open();
}

#[test]
fn it_is_not_ready_while_it_drains() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let mut gate = Tollgate::start(&Config::new(&origin));
    let mut running = gate.get("/orders/slow").key("demo").start();
    origin.wait_for_requests(1);
    gate.signal(Signal::TERM);
    wait_for("not to be ready", || (gate.ops_get("/readyz").send().status == 503).then_some(()));
    assert_eq!(gate.ops_get("/livez").send().status, 200);
    door.open();
    running.read().admitted();
    assert_eq!(gate.exit_code(), 0);
}

#[test]
fn a_connection_that_is_kept_gets_one_more_answer_and_is_told() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let mut gate = Tollgate::start(&Config::new(&origin));
    let mut kept = Http1::connect(gate.data());
    let fast = gate.get("/orders").key("demo");
    kept.send(&fast).admitted();
    let mut running = gate.get("/orders/slow").key("demo").start();
    origin.wait_for_requests(2);
    gate.signal(Signal::TERM);
    wait_for("not to be ready", || (gate.ops_get("/readyz").send().status == 503).then_some(()));
    // Its worker hears of the end a moment later.
    wait_for("the last answer", || {
        let closes = kept.send(&fast).admitted().header("connection") == Some("close");
        closes.then_some(())
    });
    assert!(kept.ends());
    door.open();
    running.read().admitted();
    assert_eq!(gate.exit_code(), 0);
}

#[test]
fn events_that_a_server_sends_go_on_until_the_deadline() {
    let door = Door::shut();
    let shut = door.clone();
    let origin = Origin::answering(move |_| {
        let events = Answer::status(200).header("Content-Type", "text/event-stream").chunked();
        events.then("data: 1\n\n").wait(&shut).then("data: 2\n\n")
    });
    let mut gate = Tollgate::start(&Config::new(&origin));
    let mut events = gate.get("/orders").key("demo").start();
    events.reads_until("data: 1\n\n");
    gate.signal(Signal::TERM);
    wait_for("new requests to be refused", || refuses_new(&gate).then_some(()));
    door.open();
    events.reads_until("data: 2\n\n");
    assert_eq!(gate.exit_code(), 0);
}

#[test]
fn connections_over_tls_end_likewise() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let authority = Authority::new();
    let folder = tempfile::TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(folder.path(), "gate");
    let config = Config::new(&origin).section(
        "listeners.public.tls.certificates.main",
        "certificate_file = \"gate.pem\"\nkey_file = \"gate.key\"",
    );
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let mut gate = Tollgate::start_in(folder, "tollgate.toml");
    let client = TlsClient::new(&authority).offering(&["h2"]);
    let slow = gate.get("/orders/slow").key("demo");
    let two = Http2::connect_tls(gate.data(), &client, "localhost");
    let stream = two.start(&slow);
    origin.wait_for_requests(1);
    gate.signal(Signal::TERM);
    wait_for("not to be ready", || (gate.ops_get("/readyz").send().status == 503).then_some(()));
    door.open();
    assert_eq!(stream.read().unwrap().admitted().text(), "slow");
    wait_for("the connection to end", || (!two.is_open()).then_some(()));
    assert_eq!(gate.exit_code(), 0);
}

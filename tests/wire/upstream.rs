use super::gate;
use crate::support::{Answer, Config, Connection, Door, Http1, Http2, Origin, Tollgate};

#[test]
fn a_response_goes_through_as_it_came() {
    let origin = Origin::answering(|_| {
        Answer::status(201).header("X-One", "1").header("X-One", "2").then("made").chunked()
    });
    let gate = gate(&origin);
    let request = gate.request("POST", "/orders").key("demo").body("make");
    for response in [request.send(), request.over(&mut Http2::connect(gate.data()))] {
        assert_eq!((response.status, response.text()), (201, "made"));
        assert_eq!(response.fields.all("x-one"), ["1", "2"]);
    }
}

#[test]
fn trailers_come_through() {
    let origin = Origin::answering(|_| Answer::ok("ok").trailer("x-sum", "7"));
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo").header("te", "trailers");
    let response = request.over(&mut Http2::connect(gate.data())).admitted();
    assert_eq!((response.text(), response.trailers.get("x-sum")), ("ok", Some("7")));
}

#[test]
fn pieces_of_a_body_are_not_held_back() {
    let door = Door::shut();
    let behind = door.clone();
    let origin =
        Origin::answering(move |_| Answer::ok("first").wait(&behind).then("second").chunked());
    let gate = gate(&origin);
    let mut connection = gate.get("/orders").key("demo").start();
    connection.reads_until("first");
    door.open();
    connection.reads_until("second");
}

#[test]
fn an_upstream_that_is_not_there_is_a_502() {
    let origin = Origin::start();
    let gate = gate(&origin);
    drop(origin);
    gate.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
}

#[test]
fn a_refusal_says_what_becomes_of_its_connection() {
    let origin = Origin::start();
    let gate = gate(&origin);
    drop(origin);
    let request = gate.request("POST", "/orders").key("demo").body("made");
    let mut connection = Http1::connect(gate.data());
    // The body is here, and nobody has read it.
    for _ in 0..2 {
        let response = request.over(&mut connection);
        assert_eq!(response.status, 502);
        assert_eq!(response.fields.get("connection"), None);
    }
    // It is on its way, and nobody will.
    let bytes = request.bytes();
    connection.write_bytes(&bytes[..bytes.len() - 1]);
    let response = connection.read();
    assert_eq!((response.status, response.fields.get("connection")), (502, Some("close")));
    assert!(connection.ends());
}

#[test]
fn what_is_no_response_is_a_502() {
    let origin = Origin::answering(|request| match request.target() {
        "/orders/closes" => Answer::raw(""),
        "/orders/babbles" => Answer::raw("no http at all\r\n\r\n"),
        _ => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    });
    let gate = gate(&origin);
    for target in ["/orders/closes", "/orders/babbles", "/orders/lies"] {
        let (status, code) = gate.get(target).key("demo").send().refusal();
        assert_eq!(status, 502, "{target}");
        assert!(code.starts_with("upstream_"), "{target}: {code}");
    }
}

#[test]
fn a_response_that_breaks_off_is_not_taken_for_whole() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::ok("half").wait(&behind).chunked().hang_up());
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo");
    let two = Http2::connect(gate.data());
    let (mut one, stream) = (request.start(), two.start(&request));
    one.reads_until("half");
    origin.wait_for_requests(2);
    door.open();
    assert_eq!(one.rest(), "\r\n", "only what ends the chunk that came");
    assert!(stream.read().is_err());
    assert!(two.is_open(), "other streams of the connection go on");
}

#[test]
fn a_response_that_is_shorter_than_its_length_is_not_taken_for_whole() {
    let origin =
        Origin::answering(|_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo");
    let answered = request.start().try_read();
    assert!(!matches!(&answered, Ok(Some(response)) if response.status == 200), "{answered:?}");
    let answered = Http2::connect(gate.data()).start(&request).read();
    assert!(!matches!(&answered, Ok(response) if response.status == 200), "{answered:?}");
}

#[test]
fn an_upstream_that_is_silent_is_a_504() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).wait(&behind).then("late"));
    let upstream = format!("url = \"http://{}\"\nfirst_byte_timeout = \"100ms\"", origin.address());
    let gate = Tollgate::start(&Config::new(&origin).section("upstreams.demo", &upstream));
    gate.get("/orders").key("demo").send().refused(504, "upstream_timeout");
    door.open();
}

#[test]
fn connections_to_the_upstream_are_used_again() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    for _ in 0..20 {
        connection.send(&gate.get("/orders").key("demo")).admitted();
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_connection_that_the_upstream_has_closed_costs_no_request() {
    let origin = Origin::answering(|_| Answer::ok("ok").hang_up());
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    for _ in 0..20 {
        connection.send(&gate.get("/orders").key("demo")).admitted();
    }
}

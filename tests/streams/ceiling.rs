//! The ceiling on what a key has open holds over streams of every kind together.

use tokio_tungstenite::tungstenite::protocol::Message;
use tonic::Code;
use tonic::metadata::MetadataValue;

use super::{config, opening};
use crate::support::{
    Answer, Config, Door, Echo, Http2, NUMBERS, NumberServer, Numbers, Origin, Tollgate, VERSION,
    WebSocket, wait_for,
};

const EVENT: &str = "data: one\n\n";

/// A gate in front of a WebSocket server, a server of events and one of gRPC, all in one plan.
fn gate(echo: &Echo, origin: &Origin, server: &NumberServer) -> Tollgate {
    let service = |config: Config, name: &str, path: &str, upstream: &str| {
        config
            .section(&format!("upstreams.{name}"), upstream)
            .section(
                &format!("services.{name}"),
                &format!("path = \"{path}\"\nupstream = \"{name}\""),
            )
            .section(&format!("services.{name}.endpoints.all"), "")
            .section(&format!("packages.basic.plans.free.services.{name}"), "")
    };
    let plan = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 4";
    let events = format!("url = \"http://{}\"", origin.address());
    let numbers = format!("url = \"http://{}\"\nhttp = \"2\"", server.address());
    let config = service(config(echo).plan(plan), "events", "/events", &events);
    Tollgate::start(&service(config, "numbers", NUMBERS, &numbers))
}

#[test]
fn streams_of_every_kind_share_one_ceiling_and_each_end_frees_a_place() {
    let (ending, never) = (Door::shut(), Door::shut());
    let (doors, echo, server) = ((ending.clone(), never), Echo::start(), NumberServer::start());
    let origin = Origin::answering(move |request| {
        let door = if request.target() == "/events/ending" { &doors.0 } else { &doors.1 };
        let answer = Answer::ok(EVENT).header("Content-Type", "text/event-stream");
        answer.chunked().wait(door).then("data: two\n\n")
    });
    let gate = gate(&echo, &origin, &server);
    let numbers = Numbers::at(gate.data()).key("demo");
    let streams = Http2::connect(gate.data());
    let events = gate.get("/events").key("demo");

    let mut first = gate.get("/events/ending").key("demo").start();
    first.reads_until(EVENT);
    let mut second = streams.pieces(&events);
    second.reads_until(EVENT);
    let socket = WebSocket::open(&opening(&gate));
    let mut talk = numbers.talk().unwrap();
    talk.goes_on(1);

    let one_too_many = || {
        assert_eq!(WebSocket::try_open(&opening(&gate)).err(), Some(429));
        let opened = streams.connect_to("websocket", &opening(&gate).header(VERSION, "13"));
        assert_eq!(opened.status, 429);
        events.send().refused(429, "over_concurrency");
        streams.start(&events).read().unwrap().refused(429, "over_concurrency");
        assert_eq!(numbers.talk().err().unwrap().code(), Code::ResourceExhausted);
    };
    // Takes the place that has become free, and finds no other.
    let socket_again = |what: &str| {
        let socket = wait_for(what, || WebSocket::try_open(&opening(&gate)).ok());
        one_too_many();
        socket
    };
    one_too_many();
    drop(socket);
    let mut socket = socket_again("the place of a WebSocket whose client has left");
    socket.send(Message::text("close 4001"));
    assert_eq!(socket.closed(), 4001);
    let _one = socket_again("the place of a WebSocket that its server has closed");
    ending.open();
    first.reads_until("0\r\n\r\n");
    let _two = socket_again("the place of events that their server has ended");
    drop(second);
    let _three = socket_again("the place of events whose client has left");
    drop(talk);
    let ends = |words: &'static str, value: &'static str| {
        wait_for("the place of a call", || {
            let talk = numbers.talk_with(|request| {
                request.metadata_mut().insert(words, MetadataValue::from_static(value));
            });
            talk.ok()
        })
    };
    let mut reset = ends("x-reset", "1");
    reset.goes_on(1);
    reset.say(2);
    reset.hear().unwrap_err();
    let mut late = ends("grpc-timeout", "1S");
    late.goes_on(1);
    one_too_many();
    assert_eq!(late.hear().unwrap_err().code(), Code::DeadlineExceeded);
    let last = socket_again("the place of a call whose deadline has passed");
    drop(last);
    gate.wait_for("three that are open", |metrics| metrics.sum("tollgate_streams", &[]) == 3.0);
}

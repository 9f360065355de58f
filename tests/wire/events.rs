//! Responses that say something now and then, as Server-Sent Events do: each piece goes on at once.

use super::gate;
use crate::support::{Answer, Door, Http2, Origin};

const ONE: &str = "data: one\n\n";
const TWO: &str = "data: two\n\n";

/// Sends the second event only once the test lets it.
fn origin(door: &Door) -> Origin {
    let answer = Answer::ok(ONE).header("Content-Type", "text/event-stream").chunked();
    let answer = answer.wait(door).then(TWO);
    Origin::answering(move |_| answer.clone())
}

#[test]
fn an_event_arrives_before_the_next_is_sent() {
    let door = Door::shut();
    let origin = origin(&door);
    let gate = gate(&origin);
    let mut client = gate.get("/orders").key("demo").start();
    client.reads_until(ONE);
    door.open();
    client.reads_until(TWO);
    client.reads_until("0\r\n\r\n");
}

#[test]
fn an_event_arrives_over_http2_before_the_next_is_sent() {
    let door = Door::shut();
    let origin = origin(&door);
    let gate = gate(&origin);
    let connection = Http2::connect(gate.data());
    let mut events = connection.pieces(&gate.get("/orders").key("demo"));
    events.reads_until(ONE);
    door.open();
    events.reads_until(TWO);
    assert!(events.ends());
}

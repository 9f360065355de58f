//! Bodies that come to no end.

use std::io::Write;

use super::gate;
use crate::support::frames::{
    DATA, END_HEADERS, HEADERS, POST, RST_STREAM, beginning, frame, literal,
};
use crate::support::{Origin, tcp};

#[test]
fn a_stream_that_is_reset_leaves_nothing_whole_upstream_whatever_the_code() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let fields = [
        POST[..2].to_vec(),
        literal(":path", "/orders"),
        literal(":authority", "a"),
        literal("x-api-key", "demo"),
    ];
    let upload =
        [beginning(), frame(HEADERS, END_HEADERS, 1, &fields.concat()), frame(DATA, 0, 1, b"hel")];
    let open = |count: f64| {
        gate.wait_for("streams", |metrics| metrics.sum("tollgate_streams", &[]) == count);
    };
    // NO_ERROR, INTERNAL_ERROR, CANCEL (RFC 9113 §7).
    for code in [0u32, 2, 8] {
        let mut client = tcp(gate.data()).unwrap();
        client.write_all(&upload.concat()).unwrap();
        open(1.0);
        client.write_all(&frame(RST_STREAM, 0, 1, &code.to_be_bytes())).unwrap();
        open(0.0);
    }
    gate.get("/orders").key("demo").send().admitted();
    let seen: Vec<_> = origin.requests().iter().map(|seen| seen.method().to_owned()).collect();
    assert_eq!(seen, ["GET"]);
}

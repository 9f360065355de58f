use super::{ask, gate};
use crate::support::{Http1, Origin};

const SMUGGLED: &str = "GET /orders/smuggled HTTP/1.1\nHost: a\nX-Api-Key: demo\n\n";

#[test]
fn a_transfer_coding_other_than_chunked_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for coding in [
        "gzip, chunked",
        "identity",
        "chunked, chunked",
        "xchunked",
        "chunked, identity",
        "\"chunked\"",
        "chunked\nTransfer-Encoding: chunked",
        "chunked\nTransfer-Encoding: identity",
    ] {
        let head = format!(
            "POST /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nTransfer-Encoding: {coding}\n\n0\n\n"
        );
        let response = ask(&gate, &head);
        assert_eq!(response.status, 400, "{coding}: {response:?}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn what_is_framed_twice_hides_no_request() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for framing in [
        "Content-Length: 6\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\nContent-Length: 6",
        "Transfer-Encoding: chunked\nContent-Length: 6\nContent-Length: 6",
    ] {
        let head = format!("POST /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\n{framing}\n\n0\n\n");
        let mut connection = Http1::connect(gate.data());
        let response = connection.ask((head + SMUGGLED).replace('\n', "\r\n"));
        assert!([200, 400].contains(&response.status), "{framing}: {response:?}");
        assert!(connection.ends(), "{framing}");
    }
    for request in origin.requests() {
        assert_eq!(request.target(), "/orders");
        assert!(request.fields.has("transfer-encoding") != request.fields.has("content-length"));
    }
}

#[test]
fn a_length_that_is_none_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for length in [
        "5\nContent-Length: 6",
        "5, 6",
        "-1",
        "+5",
        "0x5",
        "5 5",
        "five",
        "99999999999999999999999",
    ] {
        let head = format!(
            "POST /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nContent-Length: {length}\n\nhello"
        );
        let mut connection = Http1::connect(gate.data());
        assert_eq!(connection.ask(head.replace('\n', "\r\n")).status, 400, "{length}");
        assert!(connection.ends(), "{length}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_broken_chunk_ends_the_request() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for chunks in ["zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n"]
    {
        let head = "POST /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        let mut connection = Http1::connect(gate.data());
        connection.write_bytes(head.to_owned() + chunks);
        let answered = connection.try_read().ok().flatten();
        assert!(answered.is_none_or(|response| response.status >= 400), "{chunks}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_malformed_head_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for head in [
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key : demo\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\n X-Fold: 1\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\n: nameless\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nA B: 1\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nA: \0\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nA: x\ry\n\n",
        "GET /orders\tHTTP/1.1\nHost: a\nX-Api-Key: demo\n\n",
        "GET /orders HTTP/1.1 x\nHost: a\nX-Api-Key: demo\n\n",
        "GET /orders HTTP/9.9\nHost: a\nX-Api-Key: demo\n\n",
        "G(T /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\n\n",
    ] {
        let mut connection = Http1::connect(gate.data());
        let response = connection.ask(head.replace('\n', "\r\n"));
        assert_eq!(response.status, 400, "{head}");
        assert!(connection.ends(), "{head}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn bodies_go_through_as_they_came() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.request("POST", "/orders").key("demo").body("hello").send().admitted();
    let chunked = "POST /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\n\
                   Transfer-Encoding: chunked\n\n3\nhel\n2\nlo\n0\n\n";
    ask(&gate, chunked).admitted();
    let requests = origin.requests();
    assert_eq!(requests[0].header("content-length"), Some("5"));
    assert_eq!(requests[1].header("transfer-encoding"), Some("chunked"));
    assert!(requests.iter().all(|request| request.body == b"hello"), "{requests:?}");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::answering(|request| crate::support::Answer::ok(request.target()));
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    let piped: Vec<u8> =
        (0..5).flat_map(|id| gate.get(&format!("/orders/{id}")).key("demo").bytes()).collect();
    connection.write_bytes(piped);
    for id in 0..5 {
        assert_eq!(connection.read().text(), format!("/orders/{id}"));
    }
}

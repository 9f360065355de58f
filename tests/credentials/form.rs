//! Keys in forms: the body is read before the decision, and goes on without the key.

use std::time::{Duration, Instant};

use super::{gate_with, holds_in_both};
use crate::support::{Config, Http1, Message, Origin, Request, Tollgate};

const FORM: &str = "{ form = \"api_key\" }";

/// The head of a form in HTTP/1.1, but for its framing.
const HEAD: &str = "POST /orders HTTP/1.1\r\nHost: a\r\n\
                    Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";

fn form(gate: &Tollgate, body: &str) -> Request {
    let request = gate.request("POST", "/orders").body(body);
    request.header("Content-Type", "application/x-www-form-urlencoded")
}

fn last(origin: &Origin) -> Message {
    origin.requests().pop().unwrap()
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.body).unwrap()
}

#[test]
fn a_key_is_taken_out_of_a_form_and_the_rest_goes_on_byte_for_byte() {
    let origin = Origin::start();
    let gate = gate_with(&origin, FORM);
    for (came, goes) in [
        ("api_key=demo", ""),
        ("api_key=demo&a=1", "a=1"),
        ("a=%7e+b&api_key=demo&&=&c\r\n", "a=%7e+b&&=&c\r\n"),
        ("a=1&%61pi%5Fkey=%64emo&a=1&api_key=demo", "a=1&a=1"),
        ("my_api_key=a&api_key=demo&API_KEY=b", "my_api_key=a&API_KEY=b"),
    ] {
        let before = origin.requests().len();
        holds_in_both(&gate, |send| assert_eq!(send(&form(&gate, came)), 200, "{came}"));
        for request in &origin.requests()[before..] {
            assert_eq!(text(request), goes);
            assert_eq!(request.header("content-length"), Some(&*goes.len().to_string()));
            assert!(!request.fields.has("transfer-encoding"));
        }
    }
}

#[test]
fn a_form_in_chunks_goes_on_whole() {
    let origin = Origin::start();
    let gate = gate_with(&origin, FORM);
    let mut client = Http1::connect(gate.data());
    for (chunks, goes) in
        [("5\r\na=1&a\r\nb\r\npi_key=demo\r\n", "a=1"), ("c\r\napi_key=demo\r\n", "")]
    {
        let framing = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
        let trailers = "0\r\nX-Sum: api_key=demo\r\n\r\n";
        client.ask(format!("{HEAD}{framing}{chunks}{trailers}")).admitted();
        let request = last(&origin);
        assert_eq!(text(&request), goes);
        assert_eq!(request.header("content-length"), Some(&*goes.len().to_string()));
        assert!(!request.fields.has("transfer-encoding"));
        assert_eq!(request.trailers.iter().count(), 0);
    }
}

#[test]
fn a_client_that_waits_for_100_is_told_to_go_on() {
    let origin = Origin::start();
    let gate = gate_with(&origin, FORM);
    let mut client = Http1::connect(gate.data());
    client.write_bytes(format!("{HEAD}Expect: 100-continue\r\nContent-Length: 16\r\n\r\n"));
    assert_eq!(client.try_read().unwrap().unwrap().status, 100);
    client.write_bytes("api_key=demo&a=1");
    client.read().admitted();
    assert_eq!(text(&last(&origin)), "a=1");
    // A form that is too large is not even asked for.
    client.write_bytes(format!("{HEAD}Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"));
    assert_eq!(client.try_read().unwrap().unwrap().status, 413);
}

#[test]
fn bodies_that_are_no_forms_are_not_read() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ form = \"api_key\" }, { header = \"X-Api-Key\" }");
    let body = "api_key=other";
    for content_type in ["application/json", "multipart/form-data; boundary=a", "text/plain"] {
        let request = gate.request("POST", "/orders").body(body);
        let request = request.header("Content-Type", content_type);
        request.send().refused(401, "key_missing");
        request.key("demo").send().admitted();
        assert_eq!(text(&last(&origin)), body);
    }
    gate.request("POST", "/orders").body(body).send().refused(401, "key_missing");
    let empty = gate.request("POST", "/orders").key("demo");
    empty.header("Content-Type", "application/x-www-form-urlencoded").send().admitted();
}

#[test]
fn a_form_without_the_key_goes_on_as_it_came() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ form = \"api_key\" }, { header = \"X-Api-Key\" }");
    let digest = "sha-256=:AAAA=:";
    holds_in_both(&gate, |send| {
        let request = form(&gate, "a=%zz&&b").key("demo").header("Content-Digest", digest);
        assert_eq!(send(&request), 200);
        assert_eq!(text(&last(&origin)), "a=%zz&&b");
        assert_eq!(last(&origin).header("content-digest"), Some(digest));
        // A digest of what has changed would be wrong, and tell of the key.
        let request = form(&gate, "a=1&api_key=demo").header("Content-Digest", digest);
        assert_eq!(send(&request), 200);
        assert!(!last(&origin).fields.has("content-digest"));
    });
}

#[test]
fn forms_are_refused_that_hold_no_key_or_two() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ form = \"api_key\" }, { query = \"api_key\" }");
    form(&gate, "a=1").send().refused(401, "key_missing");
    form(&gate, "api_key=wrong").send().refused(401, "key_rejected");
    for malformed in ["api_key", "api_key=", "api_key=de%20mo", "api_key=%zz", "api_key=d\u{e9}"] {
        form(&gate, malformed).send().refused(401, "key_malformed");
    }
    form(&gate, "api_key=demo&api_key=other").send().refused(400, "key_ambiguous");
    let mut both = form(&gate, "api_key=demo&a=1");
    both.target = "/orders?api_key=other&b=2".to_owned();
    both.send().refused(400, "key_ambiguous");
    // In what is compressed nobody could tell.
    let coded = form(&gate, "api_key=demo").header("Content-Encoding", "gzip");
    coded.send().refused(401, "key_malformed");
    assert!(origin.requests().is_empty());
    both.target = "/orders?api_key=demo&b=2".to_owned();
    both.send().admitted();
    assert_eq!((origin.request().target(), text(&origin.request())), ("/orders?b=2", "a=1"));
}

fn limited(origin: &Origin, more: &str) -> Config {
    let places = format!("credentials = [{FORM}]");
    Config::new(origin)
        .service(&format!("path = \"/orders\"\nupstream = \"demo\"\n{places}\n{more}"))
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&limited(&origin, "form_body_limit = 20"));
    holds_in_both(&gate, |send| {
        assert_eq!(send(&form(&gate, "api_key=demo&a=12345")), 200);
        assert_eq!(send(&form(&gate, "api_key=demo&a=123456")), 413);
    });
    // Without a length it is counted as it comes.
    let mut client = Http1::connect(gate.data());
    let chunks = "Transfer-Encoding: chunked\r\n\r\nc\r\napi_key=demo\r\n9\r\n&a=123456\r\n";
    client.ask(format!("{HEAD}{chunks}0\r\n\r\n")).refused(413, "body_too_large");
    // Other bodies are not held to it.
    gate.request("POST", "/orders").body(&"x".repeat(100)).send().refused(401, "key_missing");
}

#[test]
fn a_form_that_does_not_come_is_given_up() {
    let origin = Origin::start();
    let upstream = format!("url = \"http://{}\"\nidle_timeout = \"200ms\"", origin.address());
    let gate = Tollgate::start(&limited(&origin, "").section("upstreams.demo", &upstream));
    let mut client = Http1::connect(gate.data());
    let began = Instant::now();
    client.write_bytes(format!("{HEAD}Content-Length: 20\r\n\r\napi_key=demo"));
    client.read().refused(408, "request_timeout");
    assert!(began.elapsed() >= Duration::from_millis(150));
    gate.wait_for("the form to be forgotten", |m| m.sum("tollgate_streams", &[]) == 0.0);
    assert!(origin.requests().is_empty());
}

/// A form is decided by the snapshot of the moment in which it is whole.
#[test]
fn a_key_that_dies_while_its_form_arrives_is_refused() {
    let origin = Origin::start();
    let config = limited(&origin, "").key("acme-2", "other", "");
    let gate = Tollgate::start(&config);
    let mut client = Http1::connect(gate.data());
    client.write_bytes(format!("{HEAD}Content-Length: 13\r\n\r\napi_key=othe"));
    gate.wait_for("the form to be read", |m| m.sum("tollgate_streams", &[]) > 0.0);
    gate.apply(&config.key("acme-2", "other", "status = \"revoked\""));
    client.write_bytes("r");
    client.read().refused(401, "key_rejected");
    assert!(origin.requests().is_empty());
}

#[test]
fn a_form_that_is_being_read_is_cut_at_the_end_of_a_drain() {
    let origin = Origin::start();
    let config = limited(&origin, "").section("process", "workers = 1\ndrain_timeout = \"100ms\"");
    let mut gate = Tollgate::start(&config);
    let mut client = Http1::connect(gate.data());
    client.write_bytes(format!("{HEAD}Content-Length: 20\r\n\r\napi_key=demo"));
    gate.wait_for("the form to be read", |m| m.sum("tollgate_streams", &[]) > 0.0);
    gate.signal(rustix::process::Signal::TERM);
    client.read().refused(503, "draining");
    assert_eq!(gate.exit_code(), 3);
}

#[test]
fn a_caller_is_told_of_the_form() {
    let origin = Origin::start();
    let refused = gate_with(&origin, FORM).get("/orders").send();
    let challenge = "ApiKey realm=\"orders\", form=\"api_key\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}

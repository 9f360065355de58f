//! What a line says.

use serde_json::{Value, json};

use super::{config, file, line, wait_for_lines};
use crate::support::{Answer, Connection, Door, Http1, Http2, Origin, Tollgate};

/// Fails unless the line says all of this.
fn says(line: &Value, expected: &Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field} of {line}");
    }
}

fn milliseconds(line: &Value, field: &str) -> f64 {
    line[field].as_f64().unwrap_or_else(|| panic!("{field} of {line}"))
}

#[test]
fn an_admitted_request_is_a_line_with_every_field() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let before = jiff::Timestamp::now();
    gate.request("POST", "/orders/7?api_key=demo&b=1")
        .host("api.example.com:80")
        .key("demo")
        .header("X-Request-Id", "trace-1")
        .header("Authorization", "Bearer something")
        .body("hello")
        .send()
        .admitted();
    let line = line(&gate);
    says(
        &line,
        &json!({
            "request_id": "trace-1", "trace_id": null, "span_id": null, "parent_span_id": null, "client": "127.0.0.1", "listener": "public",
            "tls_version": null, "http_version": "1.1", "http_method": "POST",
            "host": "api.example.com", "path": "/orders/7", "status": 200, "refusal": null,
            "shadow": null, "key": "acme-1", "application": "acme", "package": "basic",
            "plan": "free", "service": "orders", "endpoint": "all", "method": "write",
            "revision": 1, "request_bytes": 5, "response_bytes": 2, "complete": true, "attempts": 1,
        }),
    );
    let time = line["time"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    let elapsed = time.parse::<jiff::Timestamp>().unwrap().duration_since(before);
    assert!(elapsed.as_secs().abs() < 20, "{time}");
    assert!(milliseconds(&line, "upstream_ms") > 0.0, "{line}");
    assert!(milliseconds(&line, "total_ms") >= milliseconds(&line, "upstream_ms"), "{line}");
    assert!(line["epoch"].is_u64(), "{line}");
    assert_eq!(line.as_object().unwrap().len(), 30, "{line}");
}

#[test]
fn a_request_without_an_id_is_logged_under_the_one_that_the_upstream_sees() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let mut two = Http2::connect(gate.data());
    two.send(&gate.get("/orders").key("demo")).admitted();
    let line = line(&gate);
    let seen = origin.request();
    assert_eq!(line["request_id"].as_str(), seen.fields.get("x-request-id"));
    says(&line, &json!({ "http_version": "2", "http_method": "GET", "method": "read" }));
}

#[test]
fn a_refused_request_says_as_much_as_is_known() {
    let origin = Origin::start();
    let config = config(&origin).key("asleep", "asleep", "status = \"suspended\"");
    let gate = Tollgate::start(&config);
    let orders = gate.get("/orders/1?k=v").header("X-Request-Id", "mine");
    let nowhere = gate.get("/nowhere?k=v").header("X-Request-Id", "mine").send();
    let nowhere = nowhere.refused(404, "route_not_found");
    orders.send().refused(401, "key_missing");
    orders.clone().key("nobodys").send().refused(401, "key_rejected");
    orders.clone().key("asleep").send().refused(401, "key_rejected");
    let lines = wait_for_lines(&file(&gate), 4);
    let by = |code: &str| lines.iter().find(|line| line["refusal"] == code).unwrap();
    says(
        by("route_not_found"),
        &json!({
            "status": 404, "path": "/nowhere", "host": "127.0.0.1", "service": null,
            "endpoint": null, "method": null, "key": null, "application": null, "plan": null,
            "revision": 1, "upstream_ms": null, "complete": true, "trace_id": null,
            "attempts": 0, "request_id": nowhere.header("x-request-id"),
        }),
    );
    for code in ["key_missing", "key_unknown"] {
        says(
            by(code),
            &json!({
                "status": 401, "path": "/orders/1", "service": "orders", "endpoint": "all",
                "method": "read", "key": null, "application": null, "request_id": "mine",
            }),
        );
    }
    says(
        by("key_suspended"),
        &json!({
            "status": 401, "key": "asleep", "application": "acme", "package": "basic",
            "plan": "free", "upstream_ms": null,
        }),
    );
}

#[test]
fn a_broken_upstream_is_told_from_a_whole_answer() {
    let origin = Origin::answering(|request| match request.target() {
        "/orders/garbled" => Answer::raw("this is not HTTP\r\n\r\n"),
        _ => Answer::status(200).chunked().then("part").hang_up(),
    });
    let gate = Tollgate::start(&config(&origin));
    gate.get("/orders/garbled").key("demo").send().refused(502, "upstream_bad_response");
    let mut torn = gate.get("/orders/torn").key("demo").start();
    torn.rest();
    let lines = wait_for_lines(&file(&gate), 2);
    let by = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap();
    let bad = "upstream_bad_response";
    let garbled = json!({ "status": 502, "refusal": bad, "complete": true, "key": "acme-1" });
    says(by("/orders/garbled"), &garbled);
    assert!(milliseconds(by("/orders/garbled"), "upstream_ms") > 0.0);
    let torn = json!({ "status": 200, "refusal": bad, "complete": false, "response_bytes": 4 });
    says(by("/orders/torn"), &torn);
}

#[test]
fn a_client_that_went_away_has_its_line() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).wait(&behind).then("late"));
    let gate = Tollgate::start(&config(&origin));
    let waiting = gate.get("/orders").key("demo").start();
    gate.wait_for("the request", |metrics| metrics.sum("tollgate_streams", &[]) > 0.0);
    drop(waiting);
    let gone = json!({
        "status": null, "refusal": null, "complete": false, "key": "acme-1", "upstream_ms": null,
    });
    says(&line(&gate), &gone);
    door.open();
}

#[test]
fn the_answer_to_head_is_whole_without_a_body() {
    let origin = Origin::start();
    let every_method = "services.orders.endpoints.all";
    let config = config(&origin).without(every_method).section(every_method, "");
    let gate = Tollgate::start(&config);
    gate.request("HEAD", "/orders").key("demo").send().admitted();
    gate.request("HEAD", "/nowhere").send();
    for line in wait_for_lines(&file(&gate), 2) {
        says(&line, &json!({ "complete": true, "response_bytes": 0, "http_method": "HEAD" }));
    }
}

#[test]
fn whatever_a_client_sends_a_line_is_one_line_of_json() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let path = "/orders/\"\\\u{e9}{}'";
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n").into_bytes();
    request.extend(b"X-Request-Id: \"}\\\xff\r\n\r\n");
    let status = Http1::connect(gate.data()).ask(request).status;
    let line = line(&gate);
    says(&line, &json!({ "path": path, "status": status }));
    assert_ne!(line["request_id"], "\"}\\\u{fffd}");
}

#[test]
fn an_id_in_the_place_of_the_key_is_not_logged() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                   credentials = [{ header = \"X-Request-Id\" }]";
    let gate = Tollgate::start(&config(&origin).service(service));
    gate.get("/orders").header("X-Request-Id", "demo").send().admitted();
    gate.get("/orders").header("X-Request-Id", "nobodys").send().refused(401, "key_rejected");
    let lines = wait_for_lines(&file(&gate), 2);
    for line in &lines {
        assert!(!line.to_string().contains("\"demo\"") && !line.to_string().contains("nobodys"));
    }
}

#[test]
fn a_preflight_is_a_line_without_a_key() {
    let origin = Origin::start();
    let policy = "allowed_origins = [\"https://shop.example.com\"]";
    let gate = Tollgate::start(&config(&origin).section("services.orders.cors", policy));
    let asked = gate
        .request("OPTIONS", "/orders/7")
        .header("Origin", "https://shop.example.com")
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(asked.send().status, 204);
    says(
        &line(&gate),
        &json!({
            "http_method": "OPTIONS", "status": 204, "refusal": null, "key": null,
            "service": "orders", "endpoint": "all", "method": "write", "response_bytes": 0,
            "complete": true,
        }),
    );
}

//! `X-Request-Id`.

use super::{PROXY, house, lines};
use crate::support::{
    Answer, Config, Connection, Http1, Http2, Origin, Request, Response, Tollgate,
};

fn named(gate: &Tollgate) -> Request {
    gate.get("/orders").key("demo").header("X-Request-Id", "mine")
}

fn id(response: &Response) -> &str {
    let ids = response.fields.all("x-request-id");
    assert_eq!(ids.len(), 1, "{response:?}");
    ids[0]
}

/// The id that the upstream saw last.
fn seen(origin: &Origin) -> String {
    let request = origin.requests().pop().unwrap();
    let ids = request.fields.all("x-request-id");
    assert_eq!(ids.len(), 1, "{request:?}");
    ids[0].to_owned()
}

#[test]
fn an_id_is_taken_from_whom_it_is_trusted() {
    let origin = Origin::start();
    let stranger = [127, 0, 0, 1];
    for (trust, kept) in
        [("all", &[PROXY, stranger][..]), ("trusted_proxies", &[PROXY]), ("none", &[])]
    {
        let gate = Tollgate::start(&house(&origin, &format!("trust_request_id = \"{trust}\"")));
        for source in [PROXY, stranger] {
            let mut client = Http1::connect_from(source, gate.data());
            client.send(&named(&gate)).admitted();
            assert_eq!(seen(&origin) == "mine", kept.contains(&source), "{trust} {source:?}");
            let refused = client.send(&named(&gate).key("another"));
            assert_eq!(id(&refused) == "mine", kept.contains(&source), "{trust} {source:?}");
        }
        let logged = lines(&gate, 4);
        let mine = logged.iter().filter(|line| line["request_id"] == "mine").count();
        assert_eq!(mine, 2 * kept.len(), "{trust}: {logged:?}");
    }
}

#[test]
fn several_ids_are_none() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, ""));
    named(&gate).header("x-request-id", "yours").send().admitted();
    assert_eq!(seen(&origin).len(), 32);
    let mut two = Http2::connect(gate.data());
    two.send(&named(&gate).header("x-request-id", "mine")).admitted();
    assert_eq!(seen(&origin).len(), 32);
}

#[test]
fn refusals_carry_the_id_that_is_logged() {
    let origin = Origin::start();
    let mashery = "path = \"/old\"\nupstream = \"demo\"\nerror_dialect = \"mashery\"";
    let config = house(&origin, "")
        .section("services.old", mashery)
        .section("services.old.endpoints.all", "")
        .key("acme-2", "busy", "qps_limit_ceiling = 0");
    let gate = Tollgate::start(&config);
    let mut ids = Vec::new();
    for request in [
        gate.get("/nowhere"),
        gate.get("/orders"),
        gate.get("/old"),
        gate.get("/orders").key("unknown"),
        gate.get("/orders").key("busy"),
        gate.get("/orders").key("demo").header("Connection", "Host"),
        gate.request("POST", "/orders").header("Content-Type", "application/grpc"),
    ] {
        let response = request.send();
        assert!(response.status >= 400 || response.fields.has("grpc-status"), "{response:?}");
        ids.push(id(&response).to_owned());
    }
    let mut logged: Vec<_> = lines(&gate, ids.len())
        .iter()
        .map(|line| line["request_id"].as_str().unwrap().to_owned())
        .collect();
    logged.sort();
    ids.sort();
    assert_eq!(logged, ids);
    ids.dedup();
    assert_eq!(ids.len(), logged.len());
    // Admitted ones do not, unless they are to.
    assert!(!gate.get("/orders").key("demo").send().admitted().fields.has("x-request-id"));
}

#[test]
fn a_late_refusal_carries_the_id_that_the_upstream_has_seen() {
    let origin = Origin::answering(|_| Answer::raw("this is not HTTP\r\n\r\n"));
    let gate = Tollgate::start(&house(&origin, ""));
    for request in [gate.get("/orders").key("demo"), named(&gate)] {
        let refused = request.send().refused(502, "upstream_bad_response");
        assert_eq!(id(&refused), seen(&origin));
    }
    assert_eq!(seen(&origin), "mine");
}

#[test]
fn a_setting_says_which_responses_carry_an_id() {
    let origin =
        Origin::answering(|_| Answer::status(200).header("X-Request-Id", "its").then("ok"));
    let gate = Tollgate::start(&house(&origin, "request_id_in_responses = \"all\""));
    assert_eq!(id(&named(&gate).send().admitted()), "mine");
    assert_eq!(id(&gate.get("/orders").key("demo").send().admitted()), seen(&origin));
    gate.get("/orders").send().refused(401, "key_missing").header("x-request-id").unwrap();
    let gate = Tollgate::start(&house(&origin, "request_id_in_responses = \"none\""));
    assert_eq!(id(&named(&gate).send().admitted()), "its");
    let refused = gate.get("/orders").send().refused(401, "key_missing");
    assert!(!refused.fields.has("x-request-id"));
}

#[test]
fn an_id_in_the_place_of_the_key_is_told_to_nobody() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                   credentials = [{ header = \"X-Request-Id\" }]";
    let gate = Tollgate::start(&Config::new(&origin).service(service));
    gate.get("/orders").header("X-Request-Id", "demo").send().admitted();
    assert_eq!(seen(&origin).len(), 32);
    let refused = gate.get("/orders").header("X-Request-Id", "nobodys").send();
    assert_eq!(id(&refused.refused(401, "key_rejected")).len(), 32);
}

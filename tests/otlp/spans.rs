//! What spans say.

use crate::collector::{CLIENT, SERVER, Span, house, requests, resource, wait_for_spans};
use crate::support::{Answer, Config, Connection, Door, Http1, Http2, Message, Origin, Tollgate};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn sampled() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// The span that an upstream was told.
fn told(seen: &Message) -> (&str, &str) {
    let parts: Vec<_> = seen.header("traceparent").unwrap().split('-').collect();
    (parts[1], parts[2])
}

#[test]
fn an_admitted_request_is_a_span_and_its_attempt_another() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let config = Config::new(&origin)
        .root("environment = \"staging\"")
        .section("services.orders.endpoints.all.methods.write", "http_methods = [\"POST\"]");
    let config = house(config, &collector, "service_name = \"edge\"");
    let gate = Tollgate::start(&config);
    gate.request("POST", "/orders/7?token=hidden")
        .host("api.example.com:8443")
        .key("demo")
        .header("X-Request-Id", "mine")
        .header("traceparent", &sampled())
        .body("hello")
        .send()
        .admitted();
    let spans = wait_for_spans(&collector, 2);
    let [server, client] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((server.kind, client.kind), (SERVER, CLIENT));
    assert_eq!((&*server.trace, &*client.trace), (TRACE, TRACE));
    assert_eq!((&*server.parent, &client.parent), (PARENT, &server.id));
    assert_eq!(told(&origin.request()), (TRACE, &*client.id));
    assert_eq!((server.flags, client.flags), (0x301, 0x101));
    assert_eq!((&*server.name, &*client.name), ("POST orders/all", "POST"));
    assert!(!server.failed && !client.failed);
    assert!(server.begin <= client.begin && client.begin < client.end && client.end <= server.end);
    server.says(&[
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("http.request.body.size", "5"),
        ("http.response.body.size", "2"),
        ("url.scheme", "http"),
        ("url.path", "/orders/7"),
        ("server.address", "api.example.com"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("tollgate.request_id", "mine"),
        ("tollgate.service", "orders"),
        ("tollgate.endpoint", "all"),
        ("tollgate.method", "write"),
        ("tollgate.package", "basic"),
        ("tollgate.plan", "free"),
        ("tollgate.application", "acme"),
        ("tollgate.key", "acme-1"),
    ]);
    let port = origin.address().port().to_string();
    client.says(&[
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("url.full", &format!("http://{}/orders/7", origin.address())),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("tollgate.upstream", "demo"),
    ]);
    for span in &spans {
        assert!(span.get("error.type").is_none() && span.get("tollgate.refusal").is_none());
        assert!(!format!("{span:?}").contains("hidden"), "{span:?}");
    }
    let resource = resource(&collector.requests()[0]);
    assert_eq!(resource["service.name"], "edge");
    assert_eq!(resource["deployment.environment.name"], "staging");
    assert_eq!(resource["service.instance.id"].len(), 16);
}

#[test]
fn a_trace_that_begins_here_has_no_parent() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    Http2::connect(gate.data()).send(&gate.get("/orders").key("demo")).admitted();
    let spans = wait_for_spans(&collector, 2);
    assert_eq!((&*spans[0].parent, &*spans[1].parent), ("", &*spans[0].id));
    assert_eq!((spans[0].flags, spans[1].flags), (0x103, 0x103));
    assert_eq!(told(&origin.request()), (&*spans[0].trace, &*spans[1].id));
    spans[0].says(&[("network.protocol.version", "2")]);
}

#[test]
fn refusals_are_spans_without_attempts() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let garbled = Origin::answering(|_| Answer::raw("this is not HTTP\r\n\r\n"));
    let config = Config::new(&origin)
        .section("upstreams.garbled", &format!("url = \"http://{}\"", garbled.address()))
        .section("services.garbled", "path = \"/garbled\"\nupstream = \"garbled\"")
        .section("services.garbled.endpoints.all", "")
        .section("packages.basic.plans.free.services.garbled", "")
        .key("asleep", "asleep", "status = \"suspended\"");
    let gate = Tollgate::start(&house(config, &collector, ""));
    gate.get("/nowhere").send().refused(404, "route_not_found");
    gate.get("/orders").key("asleep").send().refused(401, "key_rejected");
    gate.get("/garbled").key("demo").send().refused(502, "upstream_bad_response");
    gate.request("BREW", "/orders").key("asleep").send();
    let spans = wait_for_spans(&collector, 5);
    let by = |refusal: &str| -> Vec<&Span> {
        spans.iter().filter(|span| span.get("tollgate.refusal") == Some(refusal)).collect()
    };
    let nowhere = by("route_not_found")[0];
    assert_eq!((&*nowhere.name, nowhere.failed), ("GET", false));
    nowhere.says(&[("http.response.status_code", "404"), ("url.path", "/nowhere")]);
    // Workers are asked one after the other, whoever was first.
    let mut suspended = by("key_suspended");
    suspended.sort_by(|one, other| one.name.cmp(&other.name));
    let [asleep, brewed] = suspended[..] else { panic!("{spans:?}") };
    assert!(!asleep.failed && asleep.get("error.type").is_none());
    asleep.says(&[("tollgate.key", "asleep"), ("tollgate.plan", "free")]);
    assert_eq!(brewed.name, "HTTP orders/all");
    brewed.says(&[("http.request.method", "_OTHER"), ("http.request.method_original", "BREW")]);
    let [server, client] = by("upstream_bad_response")[..] else { panic!("{spans:?}") };
    assert!(server.failed && client.failed && client.kind == CLIENT, "{spans:?}");
    server.says(&[("error.type", "upstream_bad_response")]);
    client.says(&[("error.type", "upstream_bad_response")]);
    assert!(client.get("http.response.status_code").is_none());
}

#[test]
fn every_attempt_is_a_span_of_its_own_that_its_server_is_told() {
    let failing = Origin::answering(|_| Answer::raw(""));
    let (good, collector) = (Origin::start(), Origin::start());
    let upstream = format!(
        "targets = [{{ url = \"http://{}\" }}, {{ url = \"http://{}\" }}]\nejection_failures = 0\n\
         retry_budget = 100\nmin_retries_per_second = 100",
        failing.address(),
        good.address()
    );
    let config = Config::new(&good).section("upstreams.demo", &upstream);
    let gate = Tollgate::start(&house(config, &collector, "").section("process", "workers = 1"));
    let mut client = Http1::connect(gate.data());
    // Whose turn is first is not said: one of two goes to the server that fails.
    for _ in 0..2 {
        client.send(&gate.get("/orders").key("demo")).admitted();
    }
    let spans = wait_for_spans(&collector, 5);
    let retried = requests(&spans)
        .into_iter()
        .map(|request| spans.iter().filter(|span| span.parent == request.id).collect::<Vec<_>>())
        .find(|attempts| attempts.len() == 2)
        .unwrap();
    let [first, second] = retried[..] else { panic!("{spans:?}") };
    assert!(first.failed && !second.failed && first.end <= second.begin);
    assert!(first.get("http.request.resend_count").is_none());
    second.says(&[("http.request.resend_count", "1"), ("http.response.status_code", "200")]);
    assert!(good.requests().iter().any(|seen| told(seen) == (&*second.trace, &*second.id)));
    assert!(failing.requests().iter().any(|seen| told(seen) == (&*first.trace, &*first.id)));
}

#[test]
fn what_is_not_sampled_is_not_recorded() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let config = house(Config::new(&origin), &collector, "")
        .section("tracing", "enabled = true\ntrust_parent = \"all\"\nsample_one_in = 0");
    let gate = Tollgate::start(&config);
    gate.get("/orders").key("demo").send().admitted();
    let unsampled = sampled().replace("-01", "-00");
    gate.get("/orders").key("demo").header("traceparent", &unsampled).send().admitted();
    assert!(told(&origin.requests()[1]).0 == TRACE);
    gate.get("/orders").key("demo").header("traceparent", &sampled()).send().admitted();
    let spans = wait_for_spans(&collector, 2);
    assert_eq!(spans[0].parent, PARENT);
}

#[test]
fn an_upstream_that_is_not_to_know_of_traces_does_not() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                   drop_request_headers = [\"traceparent\"]";
    let config = Config::new(&origin).service(service);
    let gate = Tollgate::start(&house(config, &collector, ""));
    gate.get("/orders").key("demo").send().admitted();
    wait_for_spans(&collector, 2);
    assert!(!origin.request().fields.has("traceparent"));
}

#[test]
fn a_client_that_goes_away_leaves_whole_spans() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).wait(&behind).then("late"));
    let collector = Origin::start();
    let gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    let waiting = gate.get("/orders").key("demo").start();
    gate.wait_for("the request", |metrics| metrics.sum("tollgate_streams", &[]) > 0.0);
    drop(waiting);
    let spans = wait_for_spans(&collector, 2);
    assert!(spans[0].get("http.response.status_code").is_none() && !spans[0].failed);
    spans[1].says(&[("error.type", "cancelled")]);
    assert_eq!(spans[0].end, spans[1].end);
    door.open();
}

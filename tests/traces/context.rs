//! `traceparent` and `tracestate`.

use super::{PROXY, house, lines};
use crate::support::{Config, Connection, Http1, Http2, Message, Origin, Request, Tollgate};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const STATE: &str = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";

const ALL: &str = "enabled = true\ntrust_parent = \"all\"";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

fn traced(gate: &Tollgate, parent: &str) -> Request {
    gate.get("/orders").key("demo").header("traceparent", parent).header("tracestate", STATE)
}

/// Trace, span and flags that an upstream was told.
fn told(seen: &Message) -> [String; 3] {
    let all = seen.fields.all("traceparent");
    assert_eq!(all.len(), 1, "{seen:?}");
    let parts: Vec<_> = all[0].split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("{seen:?}") };
    assert_eq!((version, trace.len(), span.len()), ("00", 32, 16), "{seen:?}");
    [trace, span, flags].map(str::to_owned)
}

fn last(origin: &Origin) -> Message {
    origin.requests().pop().unwrap()
}

#[test]
fn what_clients_say_of_traces_goes_on_untouched_where_nothing_is_traced() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    for parent in [&*parent("01"), "whatever 00-it is"] {
        traced(&gate, parent).header("TraceParent", "another").send().admitted();
        let seen = last(&origin);
        assert_eq!(seen.fields.all("traceparent"), [parent, "another"]);
        assert_eq!(seen.fields.all("tracestate"), [STATE]);
    }
    gate.get("/orders").key("demo").send().admitted();
    let seen = last(&origin);
    assert!(!seen.fields.has("traceparent") && !seen.fields.has("tracestate"), "{seen:?}");
}

#[test]
fn a_trace_of_a_trusted_proxy_goes_on_with_a_span_of_ours() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "enabled = true\nsample_one_in = 0"));
    let request = traced(&gate, &parent("01"));
    Http1::connect_from(PROXY, gate.data()).send(&request).admitted();
    Http2::connect_from(PROXY, gate.data()).send(&request).admitted();
    let (seen, lines) = (origin.requests(), lines(&gate, 2));
    for seen in &seen {
        let [trace, span, flags] = told(seen);
        // Two workers may have served them, and write one after the other.
        let line = lines.iter().find(|line| line["span_id"] == span).unwrap();
        assert_eq!((&*trace, &*flags), (TRACE, "01"));
        assert_ne!(span, SPAN);
        assert_eq!(seen.header("tracestate"), Some(STATE));
        assert_eq!(line["trace_id"], trace);
        assert_eq!(line["parent_span_id"], SPAN);
    }
    assert_ne!(told(&seen[0])[1], told(&seen[1])[1]);
}

#[test]
fn a_trace_of_whoever_is_not_trusted_ends_here() {
    let origin = Origin::start();
    for (tracing, source) in [
        ("enabled = true", [127, 0, 0, 1]),
        ("enabled = true\ntrust_parent = \"none\"", PROXY),
        ("enabled = true\ntrust_parent = \"none\"", [127, 0, 0, 1]),
    ] {
        let gate = Tollgate::start(&house(&origin, tracing));
        Http1::connect_from(source, gate.data()).send(&traced(&gate, &parent("00"))).admitted();
        let [trace, span, flags] = told(&last(&origin));
        assert!(trace != TRACE && span != SPAN, "{tracing}");
        assert_eq!(flags, "03", "{tracing}");
        assert!(!last(&origin).fields.has("tracestate"), "{tracing}");
        let line = &lines(&gate, 1)[0];
        assert_eq!((&line["trace_id"], &line["parent_span_id"]), (&trace.into(), &().into()));
    }
    let gate = Tollgate::start(&house(&origin, ALL));
    traced(&gate, &parent("01")).send().admitted();
    assert_eq!(told(&last(&origin))[0], TRACE);
}

#[test]
fn what_is_no_parent_begins_a_new_trace() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, &format!("{ALL}\nsample_one_in = 0")));
    let mut two = Http2::connect(gate.data());
    for wrong in [
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        String::new(),
    ] {
        for response in [traced(&gate, &wrong).send(), two.send(&traced(&gate, &wrong))] {
            response.admitted();
            let seen = last(&origin);
            let [trace, _, flags] = told(&seen);
            assert!(trace != TRACE && flags == "02", "{wrong}: {seen:?}");
            assert!(!seen.fields.has("tracestate"), "{wrong}");
        }
    }
    traced(&gate, &parent("01")).header("traceparent", &parent("01")).send().admitted();
    assert_ne!(told(&last(&origin))[0], TRACE);
    // Notes that cannot be read are all that is lost.
    traced(&gate, &parent("01")).header("tracestate", "Congo").send().admitted();
    assert_eq!(told(&last(&origin))[0], TRACE);
    assert!(!last(&origin).fields.has("tracestate"));
}

#[test]
fn refusals_are_of_their_traces() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, ALL));
    let parent = parent("01");
    for target in ["/orders", "/nowhere"] {
        let request = gate.get(target).header("traceparent", &parent);
        assert!(request.send().status >= 400);
    }
    for line in lines(&gate, 2) {
        assert_eq!((&line["trace_id"], &line["parent_span_id"]), (&TRACE.into(), &SPAN.into()));
    }
}

#[test]
fn an_upstream_that_is_not_to_know_of_traces_does_not() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                   drop_request_headers = [\"traceparent\", \"tracestate\"]";
    let gate = Tollgate::start(&house(&origin, ALL).service(service));
    traced(&gate, &parent("01")).send().admitted();
    let seen = last(&origin);
    assert!(!seen.fields.has("traceparent") && !seen.fields.has("tracestate"), "{seen:?}");
    assert_eq!(lines(&gate, 1)[0]["trace_id"], TRACE);
}

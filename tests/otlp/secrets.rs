//! No key and no secret of a key stands in a span, in no spelling.

use crate::collector::{house as exporting, spans};
use crate::house::{KEYS, PLACES, Upstreams, form, house, key, path_key};
use crate::sinks::{CANARY, SECRET, basic, encoded, hold_no_secret};
use crate::support::{Origin, Tollgate, wait_for};

#[test]
fn no_span_tells_a_key_wherever_it_stood() {
    assert!(PLACES.contains("form"));
    let upstreams = Upstreams::start();
    let collector = Origin::start();
    let gate = Tollgate::start(&exporting(house(&upstreams, "text"), &collector, ""));
    let mut requests = Vec::new();
    let codes = KEYS.iter().map(|(code, _)| *code);
    for code in codes.chain(["good", "owner_inactive", "plan_inactive", "unheard-of"]) {
        let key = key(code);
        let orders = gate.get("/orders");
        requests.extend([
            orders.clone().key(&key),
            orders.clone().header("Authorization", &format!("bearer  {key}")),
            orders.clone().header("Authorization", &basic(&key)),
            orders.clone().header("Cookie", &format!("a=1; key={key}; b=2")),
            gate.get(&format!("/orders?a=1&api_key={key}")),
            gate.get(&format!("/orders?api%5fkey={}", encoded(&key))),
            form(&orders, &format!("a=1&api%5Fkey={}", encoded(&key))),
            gate.get(&format!("/segment/{}/orders", path_key(code))),
            gate.get(&format!("/segment/{}", encoded(&path_key(code)))),
        ]);
    }
    for service in ["unreachable", "garbled", "closed", "busy", "maintained", "referred", "sealed"]
    {
        requests.push(gate.get(&format!("/{service}?api_key={}", key("good"))));
    }
    requests.extend([
        gate.get("/proven").key(&key("proven")).header("X-Api-Secret", SECRET),
        gate.get(&format!("/proven?secret={SECRET}&api_key={}", key("proven"))),
        gate.get("/proven")
            .key(&key("proven"))
            .header("Authorization", &format!("Secret {SECRET}x")),
        gate.get(&format!("/segment/{}/..", path_key("good"))),
        gate.get(&format!("/%73egment%2F{}", path_key("good"))),
        // A key where no service looks for one.
        gate.get("/orders").header("X-Key", CANARY).header("tracestate", &format!("a={CANARY}")),
        gate.get("/nowhere").header("X-Request-Id", "Canary-9Qz.7hK"),
    ]);
    for request in &requests {
        request.send();
    }
    let told = wait_for("a span for each request", || {
        let spans = spans(&collector);
        let requests_told = spans.iter().filter(|span| span.kind == crate::collector::SERVER);
        (requests_told.count() >= requests.len()).then_some(spans)
    });
    assert!(told.iter().any(|span| span.get("tollgate.key") == Some("good")));
    assert!(told.iter().any(|span| span.get("tollgate.refusal") == Some("key_unknown")));
    for message in collector.requests() {
        // A text stands in a message as it is.
        hold_no_secret("a message", &String::from_utf8_lossy(&message.body));
        hold_no_secret("its head", &format!("{:?}", message.fields));
    }
    hold_no_secret("the log", &gate.log());
    hold_no_secret("metrics", gate.metrics().text());
    upstreams.door.open();
}

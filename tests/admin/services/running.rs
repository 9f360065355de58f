//! A service changes while it is called.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use serde_json::json;

use super::{HOST, Market};
use crate::support::{Connection as _, Http1, Http2, Request, done};

#[test]
fn no_call_is_lost_while_services_come_change_and_go() {
    let market = Market::open(&json!({}));
    market.change(
        &market.plan(),
        &json!({ "rateLimitExempt": false, "rateLimitCeiling": 1_000_000 }),
    );
    let request = market.request("GET", "/items/7");
    let (done_changing, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let revisions = || market.house.gate.metrics().revision();
    let before = revisions();
    thread::scope(|scope| {
        let call = |send: &mut dyn FnMut(&Request)| {
            while !done_changing.load(SeqCst) {
                send(&request);
                sent.fetch_add(1, SeqCst);
            }
        };
        let data = market.house.gate.data();
        for _ in 0..2 {
            scope.spawn(move || {
                let mut one = Http1::connect(data);
                call(&mut |request| drop(one.send(request).admitted()));
            });
            scope.spawn(move || {
                let mut two = Http2::connect(data);
                call(&mut |request| drop(two.send(request).admitted()));
            });
        }
        let _changing = Finally(&done_changing);
        for round in 0..10 {
            let alias = format!("/other-{round}");
            let other = json!({ "name": "others", "requestPathAlias": alias,
                                "publicDomains": [{ "address": HOST }], "upstream": "demo" });
            let service = json!({ "name": "more", "endpoints": [other] });
            let made = market.house.admin.make("/services", &service);
            let by_query = format!("{alias}?api_key={}", market.value());
            market.bare("GET", &by_query).send().refused(403, "not_entitled");
            let target = format!("/v{round}");
            let change = json!({ "outboundRequestTargetPath": target });
            market.change(&market.endpoint(), &change);
            market.change(&market.service(), &json!({ "description": alias }));
            let service = format!("/services/{}", made["id"].as_str().unwrap());
            done(&market.house.admin.delete(&service));
            market.bare("GET", &by_query).send().refused(404, "route_not_found");
        }
    });
    assert_eq!(revisions() - before, 40.0, "each change is one revision");
    let sent = sent.load(SeqCst);
    assert!(sent > 100, "{sent}");
    assert_eq!(market.house.origin.targets().len(), sent, "all went upstream");
    // And every one of them was counted.
    market.change(&market.plan(), &json!({ "rateLimitCeiling": sent }));
    market.get("/items").refused(429, "over_quota");
    market.change(&market.plan(), &json!({ "rateLimitCeiling": sent + 1 }));
    market.get("/items").admitted();
}

/// Ends the calls, also where a change has failed.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

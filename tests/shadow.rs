//! Shadow enforcement: what is not enforced passes, is counted, and is told to all but the client.

use serde_json::{Value, json};

use crate::support::{Config, Http1, Origin, Tollgate, wait_for};

const LIMITED: &str = "qps_limit_ceiling = 1\nqps_limit_burst = 2\nrate_limit_ceiling = 3\n\
                       rate_limit_period = \"month\"\n";

/// One endpoint that the plan opens, one that it does not, and an access log.
fn house(origin: &Origin) -> Config {
    Config::new(origin)
        .section("access_log", "path = \"access.log\"")
        .section("services.orders.endpoints.all", "path = \"/open/**\"")
        .section("services.orders.endpoints.shut", "path = \"/shut/**\"")
        .section("packages.basic.plans.free.services.orders.endpoints.all", "")
}

fn shadow(gate: &Tollgate, code: &str) -> f64 {
    gate.metrics().sum("tollgate_shadow_refusals_total", &[("code", code)])
}

/// What the upstream was told of each request.
fn told(origin: &Origin) -> Vec<Option<String>> {
    let requests = origin.requests();
    let told = requests.iter().map(|request| request.header("x-tollgate-shadow"));
    told.map(|codes| codes.map(str::to_owned)).collect()
}

#[test]
fn a_plan_that_is_not_enforced_lets_pass_what_it_would_refuse() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin).plan(&format!("{LIMITED}enforce = false")));
    // One worker, so that the log is in order.
    let mut connection = Http1::connect(gate.data());
    for target in ["/orders/open", "/orders/open", "/orders/shut", "/orders/open"] {
        let request = gate.get(target).key("demo").header("X_Tollgate-Shadow", "forged");
        let response = request.over(&mut connection).admitted();
        assert_eq!(response.header("x-tollgate-shadow"), None);
    }
    let codes = |codes: &str| Some(codes.to_owned());
    assert_eq!(
        told(&origin),
        [None, None, codes("not_entitled, over_qps"), codes("over_qps, over_quota")]
    );
    for (code, count) in [("not_entitled", 1.0), ("over_qps", 2.0), ("over_quota", 1.0)] {
        assert_eq!((code, shadow(&gate, code)), (code, count));
        assert_eq!(gate.metrics().refusals(code), 0.0);
    }
    let lines = wait_for("the log", || {
        let text = std::fs::read_to_string(gate.folder().join("access.log")).unwrap();
        Some(text).filter(|text| text.lines().count() == 4)
    });
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(
        lines.map(|line| line["shadow"].clone()).collect::<Vec<_>>(),
        [
            json!(null),
            json!(null),
            json!(["not_entitled", "over_qps"]),
            json!(["over_qps", "over_quota"])
        ]
    );
}

#[test]
fn enforcement_goes_on_from_what_the_shadow_has_counted() {
    let origin = Origin::start();
    let config = house(&origin);
    let limits = "qps_limit_exempt = true\nrate_limit_ceiling = 3\nrate_limit_period = \"month\"\n";
    let gate =
        Tollgate::start(&config.clone().plan(&format!("{limits}rate_limit_enforce = false")));
    let request = gate.get("/orders/open").key("demo");
    (0..2).for_each(|_| drop(request.send().admitted()));
    gate.apply(&config.clone().plan(limits));
    request.send().admitted();
    request.send().refused(429, "over_quota");
    gate.apply(&config.plan(&format!("{limits}rate_limit_enforce = false")));
    let response = request.send().admitted();
    let fields = response.header("ratelimit").unwrap();
    assert!(fields.contains("r=0"), "{fields}");
    assert_eq!(shadow(&gate, "over_quota"), 1.0);
}

#[test]
fn a_key_differs_from_its_plan_either_way() {
    let origin = Origin::start();
    let config = house(&origin).plan(&format!("{LIMITED}enforce = false"));
    let gate = Tollgate::start(
        &config
            .key("acme-2", "strict", "enforce = true\nrate_limit_enforce = false")
            .section("packages.basic.plans.hard", LIMITED)
            .section("packages.basic.plans.hard.services.orders.endpoints.all", "")
            .section(
                "keys.acme-3",
                &Config::key_body("lenient", "enforce = false").replace("\"free\"", "\"hard\""),
            ),
    );
    gate.get("/orders/shut").key("demo").send().admitted();
    gate.get("/orders/shut").key("lenient").send().admitted();
    gate.get("/orders/shut").key("strict").send().refused(403, "not_entitled");
    (0..2).for_each(|_| drop(gate.get("/orders/open").key("strict").send().admitted()));
    gate.get("/orders/open").key("strict").send().refused(429, "over_qps");
}

#[test]
fn what_is_known_of_a_key_is_enforced_whatever_its_plan_says() {
    let origin = Origin::start();
    let config = house(&origin)
        .plan(&format!("{LIMITED}enforce = false"))
        .key("acme-2", "suspended", "status = \"suspended\"\nenforce = false")
        .key("acme-3", "expired", "expires = 2020-01-01\nenforce = false");
    let gate = Tollgate::start(&config);
    for key in ["suspended", "expired", "nobodys"] {
        gate.get("/orders/open").key(key).send().refused(401, "key_rejected");
    }
    assert!(told(&origin).is_empty());
}

#[test]
fn limits_of_a_service_and_a_method_have_shadows_of_their_own() {
    let origin = Origin::start();
    let method = "packages.basic.plans.free.services.orders.endpoints.all.methods.read";
    let config = Config::new(&origin)
        .service(
            "path = \"/orders\"\nupstream = \"demo\"\nqps_limit_overall = 0\n\
             qps_limit_overall_enforce = false",
        )
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
        .section(method, "qps_limit_ceiling = 0\nqps_limit_enforce = false");
    let gate = Tollgate::start(&config);
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(told(&origin), [Some("service_over_qps, over_qps".to_owned())]);
    // The plan's own limits are not those of the method.
    gate.apply(&config.section(method, "qps_limit_ceiling = 0"));
    gate.get("/orders").key("demo").send().refused(429, "over_qps");
}

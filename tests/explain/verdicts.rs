//! Whatever would become of a request, file and process say so before, and the process does it.

use serde_json::{Value, json};

use super::{ADMITTED, REFUSED, ask, document, house};
use crate::support::{Config, Origin, Request, Response, Tollgate};

const PLAN: &str =
    "qps_limit_exempt = true\nrate_limit_exempt = true\nrate_limit_period = \"day\"\n";

const METHOD: &str = "packages.basic.plans.free.services.orders.endpoints.items.methods";

/// A request, and what becomes of it: a code, or nothing if it is admitted.
struct Case {
    http_method: &'static str,
    target: &'static str,
    key: &'static str,
    fields: &'static [(&'static str, &'static str)],
    code: &'static str,
}

const fn case(target: &'static str, key: &'static str, code: &'static str) -> Case {
    Case { http_method: "GET", target, key, fields: &[], code }
}

/// Three more of each kind of limit: over by the key's own ceiling, by the method's, by the plan's.
const CASES: &[Case] = &[
    case("/orders/items", "good", ""),
    case("/orders/items/7?a=%7e", "good", ""),
    Case { http_method: "PUT", ..case("/orders/items", "good", "") },
    Case { fields: &[("Authorization", "Bearer {key}")], ..case("/orders/items", "good", "") },
    case("/orders/items?api_key={key}&b=1", "good", ""),
    case("/nowhere", "good", "route_not_found"),
    case("/orders/nothing", "good", "route_not_found"),
    case("/orders/items/..%2f", "good", "route_not_found"),
    Case { http_method: "POST", ..case("/orders/items", "good", "method_not_allowed") },
    Case { http_method: "TRACE", ..case("/orders/items", "good", "method_not_allowed") },
    Case { fields: &[("Host", "a b")], ..case("/orders/items", "good", "bad_request") },
    Case { fields: &[("Connection", "x-api-key")], ..case("/orders/items", "good", "bad_request") },
    case("/orders/items", "", "key_missing"),
    case("/orders/items", "two words", "key_malformed"),
    Case {
        fields: &[("X-Api-Key", "{key}"), ("Authorization", "Bearer another")],
        ..case("/orders/items", "good", "key_ambiguous")
    },
    case("/orders/items", "nobodys", "key_unknown"),
    case("/orders/items", "pending", "key_pending"),
    case("/orders/items", "early", "key_not_yet_valid"),
    case("/orders/items", "suspended", "key_suspended"),
    case("/orders/items", "revoked", "key_revoked"),
    case("/orders/items", "expired", "key_expired"),
    case("/orders/items", "asleep", "owner_inactive"),
    case("/orders/items", "left", "owner_inactive"),
    case("/orders/items", "old", "plan_inactive"),
    case("/closed/items", "good", "not_entitled"),
    case("/orders/returns", "good", "not_entitled"),
    Case { http_method: "DELETE", ..case("/orders/items", "good", "not_entitled") },
    case("/busy", "good", "service_over_qps"),
    case("/orders/items", "fast", "over_qps"),
    case("/orders/items/slow", "good", "over_qps"),
    case("/orders/items", "used", "over_quota"),
    case("/orders/items/spent", "good", "over_quota"),
    case("/orders/items", "wide", "over_concurrency"),
    // The vendor's dialect, and one that tells the state of keys.
    case("/vendor", "revoked", "key_revoked"),
    case("/vendor", "", "key_missing"),
    case("/open", "suspended", "key_suspended"),
    // Switches of services.
    case("/away", "good", "maintenance"),
    case("/pages", "good", "referer_not_allowed"),
    Case { fields: &[("Referer", "https://shop.example.com/a")], ..case("/pages", "good", "") },
    case("/short", "good", "key_malformed"),
    case("/charged", "", ""),
    case("/orders/items", "inside", "source_not_allowed"),
    // Shadows.
    case("/closed/items", "lenient", ""),
    case("/orders/items/slow", "lenient", ""),
];

const KEYS: &[(&str, &str)] = &[
    ("good", ""),
    ("pending", "status = \"waiting\""),
    ("early", "not_before = 9000-01-01"),
    ("suspended", "status = \"suspended\""),
    ("revoked", "status = \"revoked\""),
    ("expired", "expires = 2020-01-01"),
    ("fast", "qps_limit_ceiling = 0"),
    ("used", "rate_limit_ceiling = 0"),
    ("wide", "concurrency_ceiling = 0"),
    ("lenient", "enforce = false"),
    ("inside", "allowed_sources = [\"10.0.0.0/8\"]"),
];

fn config(origin: &Origin) -> Config {
    let places = "credentials = [{ header = \"X-Api-Key\" }, { authorization = \"Bearer\" }, \
                  { query = \"api_key\" }]";
    let methods = "services.orders.endpoints.items.methods";
    let mut config = house(origin)
        .service(&format!("path = \"/orders\"\nupstream = \"demo\"\n{places}"))
        .without("services.orders.endpoints.all")
        .section("services.orders.endpoints.returns", "path = \"/returns\"")
        .section("services.orders.endpoints.items", "path = \"/items\"")
        .section(&format!("{methods}.read"), "http_methods = [\"GET\"]")
        .section(&format!("{methods}.one"), "http_methods = [\"GET\"]\npath = \"/{item}\"")
        .section(&format!("{methods}.slow"), "http_methods = [\"GET\"]\npath = \"/slow\"")
        .section(&format!("{methods}.spent"), "http_methods = [\"GET\"]\npath = \"/spent\"")
        .section(&format!("{methods}.write"), "http_methods = [\"PUT\"]")
        .section(&format!("{methods}.remove"), "http_methods = [\"DELETE\"]")
        .plan(PLAN)
        .without("packages.basic.plans.free.services.orders")
        .section(&format!("{METHOD}.read"), "")
        .section(&format!("{METHOD}.one"), "")
        .section(&format!("{METHOD}.write"), "")
        .section(&format!("{METHOD}.slow"), "qps_limit_ceiling = 0")
        .section(&format!("{METHOD}.spent"), "rate_limit_ceiling = 0")
        .section("packages.basic.plans.old", &format!("status = \"inactive\"\n{PLAN}"))
        .section("packages.basic.plans.old.services.orders", "")
        .section("members.gone", "status = \"disabled\"")
        .section("applications.asleep", "owner = \"jo\"\nstatus = \"suspended\"")
        .section("applications.left", "owner = \"gone\"");
    for (service, more) in [
        ("closed", ""),
        ("busy", "qps_limit_overall = 0"),
        ("vendor", "error_dialect = \"mashery\""),
        ("open", "disclose_key_state = true"),
        ("away", "maintenance = true\nmaintenance_retry_after = \"30m\""),
        ("pages", "allowed_referers = [\"https://shop.example.com\"]"),
        ("short", "max_key_length = 3"),
        ("charged", "keyless_key = \"good\""),
    ] {
        let body = format!("path = \"/{service}\"\nupstream = \"demo\"\n{more}");
        config = config
            .section(&format!("services.{service}"), &body)
            .section(&format!("services.{service}.endpoints.all"), "");
        if service != "closed" {
            config = config.section(&format!("packages.basic.plans.free.services.{service}"), "");
        }
    }
    for (key, more) in KEYS {
        config = config.key(key, key, more);
    }
    for (key, from, to) in [
        ("asleep", "\"acme\"", "\"asleep\""),
        ("left", "\"acme\"", "\"left\""),
        ("old", "\"free\"", "\"old\""),
    ] {
        let body = Config::key_body(key, "").replace(from, to);
        config = config.section(&format!("keys.{key}"), &body);
    }
    config
}

impl Case {
    /// The request as a client sends it.
    fn request(&self, gate: &Tollgate) -> Request {
        let mut request = gate.request(self.http_method, &self.target.replace("{key}", self.key));
        for (name, value) in self.fields {
            let value = value.replace("{key}", self.key);
            request =
                if *name == "Host" { request.host(&value) } else { request.header(name, &value) };
        }
        let says_where = self.target.contains("{key}")
            || self.fields.iter().any(|(_, value)| value.contains("{key}"));
        if says_where || self.key.is_empty() { request } else { request.key(self.key) }
    }

    /// What the command says of it.
    fn explained(&self, gate: &Tollgate, more: &[&str]) -> Value {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut arguments = vec!["--json"];
        arguments.extend(more);
        fields.iter().for_each(|field| arguments.extend(["-H", field]));
        let finished = ask(gate, &arguments, self.http_method, self.target, self.key);
        let expected = if self.code.is_empty() { ADMITTED } else { REFUSED };
        assert_eq!(finished.code, Some(expected), "{self}: {finished:?}");
        document(&finished)
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} {} with {:?}", self.http_method, self.target, self.key)
    }
}

/// Holds what was said of a request against the response that it then had.
fn agrees(case: &Case, said: &Value, response: &Response) {
    let admitted = case.code.is_empty();
    let code = if admitted { json!(null) } else { json!(case.code) };
    assert_eq!((&said["verdict"]["code"], &said["verdict"]["admitted"]), (&code, &json!(admitted)));
    if admitted {
        assert_eq!(response.status, 200, "{case}: {response:?}");
        return;
    }
    let answer = &said["answer"];
    assert_eq!(answer["status"], response.status, "{case}");
    assert_eq!(answer["body"], response.text(), "{case}");
    for field in answer["headers"].as_array().unwrap() {
        let (name, value) = (field[0].as_str().unwrap(), field[1].as_str().unwrap());
        assert!(
            response.fields.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value),
            "{case}: {name}: {value} is not in {response:?}"
        );
    }
}

#[test]
fn what_is_said_of_a_request_is_what_becomes_of_it() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let refused = CASES.iter().filter(|case| !case.code.is_empty());
    assert!(refused.clone().count() >= 20, "{}", refused.count());
    for case in CASES {
        let afresh = case.explained(&gate, &[]);
        let running = case.explained(&gate, &["--running"]);
        let before = gate.metrics().refusals(case.code);
        let response = case.request(&gate).send();
        agrees(case, &afresh, &response);
        agrees(case, &running, &response);
        if !case.code.is_empty() {
            assert_eq!(gate.metrics().refusals(case.code), before + 1.0, "{case}");
        }
    }
}

#[test]
fn an_explanation_tells_each_thing_that_decides() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let said = super::running(&gate, "GET", "/orders/items/slow", "lenient");
    assert_eq!(said["against"], "process");
    assert_eq!(said["revision"]["number"], 1);
    let slow = json!({ "service": "orders", "endpoint": "items", "method": "slow" });
    assert_eq!(said["route"], slow);
    assert_eq!(
        said["credential"],
        json!({
            "places": ["header x-api-key", "Authorization Bearer", "query api_key"],
            "in_request": false, "key": "given", "proof_places": [],
        })
    );
    assert_eq!(
        said["key"],
        json!({
            "id": "lenient", "found_by_previous_scheme": false, "status": "active",
            "not_before": null, "expires": null, "application": "acme", "owner_active": true,
        })
    );
    assert_eq!(
        said["terms"],
        json!({
            "package": "basic", "plan": "free", "active": true, "enforced": false, "opens": true,
            "exempt": ["qps", "quota", "concurrency"],
        })
    );
    assert_eq!(
        said["limits"],
        json!([{
            "limit": "qps", "of": "method", "ceiling": 0, "burst": null, "window_seconds": null,
            "used": 0, "remaining": 0, "reset_seconds": null, "enforced": false, "admits": false,
        }])
    );
    assert_eq!(
        said["steps"],
        json!(["route", "credential", "key", "state", "entitlement", "limits"])
    );
    assert_eq!(said["verdict"]["shadow"], json!(["over_qps"]));
    // What is known of a key that does not work is told too.
    let said = super::running(&gate, "GET", "/orders/items", "expired");
    assert_eq!(said["key"]["expires"], "2020-01-02T00:00:00Z");
    assert_eq!(said["terms"]["opens"], true);
    assert_eq!(said["steps"], json!(["route", "credential", "key"]));
}

#[test]
fn a_source_can_be_told() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    for (from, code) in [("10.1.2.3", json!(null)), ("192.0.2.7", json!("source_not_allowed"))] {
        let more = ["--running", "--json", "--from", from];
        let said = document(&ask(&gate, &more, "GET", "/orders/items", "inside"));
        assert_eq!((&said["verdict"]["code"], &said["source"]), (&code, &json!(from)));
    }
}

#[test]
fn people_are_told_in_lines() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let finished = ask(&gate, &["--running"], "GET", "/orders/items", "suspended");
    assert_eq!(finished.code, Some(REFUSED));
    for line in [
        "route      service orders, endpoint items, method read\n",
        "credential taken to stand in header x-api-key; looked for in header x-api-key, \
         Authorization Bearer, query api_key\n",
        "key        suspended, suspended\n",
        "owner      application acme, active\n",
        "terms      package basic, plan free, active; opens this call\n",
        "verdict    REFUSED: key_suspended (The key is suspended)\n",
        "the caller sees 401\n",
    ] {
        assert!(finished.stdout.contains(line), "{line} is not in {}", finished.stdout);
    }
}

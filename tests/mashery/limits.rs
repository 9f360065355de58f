use jiff::Timestamp;

use super::{Expected, SERVICE, house};
use crate::support::{Config, Origin, Response, Tollgate};

const PLAN: &str =
    "qps_limit_ceiling = 10\nrate_limit_ceiling = 1000\nrate_limit_period = \"month\"";
const ALLOWED: &str =
    "qps_limit_key_override_allowed = true\nrate_limit_key_override_allowed = true";

const OVER_QPS: Expected = Expected {
    status: 403,
    id: "ERR_403_DEVELOPER_OVER_QPS",
    detail: Some("Account Over Queries Per Second Limit"),
    body: "<h1>Developer Over Qps</h1>",
};

/// The fields about limits, in the order of their names.
fn told(response: &Response) -> Vec<(String, String)> {
    let of_limits = |name: &str| {
        let prefixes = ["x-plan", "x-packagekey", "x-method", "x-ratelimit", "ratelimit"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    let all = response.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into()));
    let mut told: Vec<_> = all.filter(|(name, _)| of_limits(name)).collect();
    told.sort();
    told
}

/// Holds the fields about limits to be these and no others. The end of a month is not told here.
fn tells(response: &Response, expected: &[(&str, &str)]) {
    let mut told = told(response);
    for (name, value) in &mut told {
        if name.ends_with("quota-reset") {
            is_end_of_month(value);
            *value = "month".to_owned();
        }
    }
    let expected: Vec<_> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(told, expected);
}

/// `Tuesday, August 1, 2017 12:00:00 AM GMT`, not further away than a month.
fn is_end_of_month(value: &str) {
    let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let next = now.first_of_month().unwrap().start_of_day().unwrap();
    let next = next.checked_add(jiff::Span::new().months(1)).unwrap();
    assert_eq!(value, next.strftime("%A, %B %-d, %Y %I:%M:%S %p GMT").to_string());
}

fn gate(origin: &Origin, plan: &str, key: &str) -> Tollgate {
    Tollgate::start(&house(origin).plan(plan).key("acme-1", "demo", key))
}

fn admitted(gate: &Tollgate) -> Response {
    gate.get("/orders").key("demo").send().admitted()
}

#[test]
fn the_limits_of_a_plan() {
    let origin = Origin::start();
    tells(
        &admitted(&gate(&origin, PLAN, "")),
        &[
            ("x-plan-qps-allotted", "10"),
            ("x-plan-qps-current", "1"),
            ("x-plan-quota-allotted", "1000"),
            ("x-plan-quota-current", "1"),
            ("x-plan-quota-reset", "month"),
        ],
    );
}

#[test]
fn the_limits_of_a_key() {
    let origin = Origin::start();
    let own = "qps_limit_ceiling = 20\nrate_limit_ceiling = 2000";
    tells(
        &admitted(&gate(&origin, &format!("{PLAN}\n{ALLOWED}"), own)),
        &[
            ("x-packagekey-qps-allotted", "20"),
            ("x-packagekey-qps-current", "1"),
            ("x-packagekey-quota-allotted", "2000"),
            ("x-packagekey-quota-current", "1"),
            ("x-packagekey-quota-reset", "month"),
        ],
    );
}

#[test]
fn whose_a_limit_is_is_said_of_each() {
    let origin = Origin::start();
    // The plan allows no override: only what is lower is in force.
    let own = "qps_limit_ceiling = 5\n";
    tells(
        &admitted(&gate(&origin, PLAN, own)),
        &[
            ("x-packagekey-qps-allotted", "5"),
            ("x-packagekey-qps-current", "1"),
            ("x-plan-quota-allotted", "1000"),
            ("x-plan-quota-current", "1"),
            ("x-plan-quota-reset", "month"),
        ],
    );
}

#[test]
fn what_is_exempt_is_absent() {
    let origin = Origin::start();
    let exempt = "qps_limit_exempt = true\nrate_limit_exempt = true";
    tells(&admitted(&gate(&origin, exempt, "")), &[]);
    let key = "rate_limit_exempt = true";
    let only_qps = [("x-plan-qps-allotted", "10"), ("x-plan-qps-current", "1")];
    tells(&admitted(&gate(&origin, &format!("{PLAN}\n{ALLOWED}"), key)), &only_qps);
}

#[test]
fn the_limits_of_a_method() {
    const GRANT: &str = "packages.basic.plans.free.services.orders.endpoints.all.methods.read";
    let origin = Origin::start();
    let ceiling = "qps_limit_ceiling = 4\nrate_limit_ceiling = 9\nrate_limit_period = \"month\"";
    let config = house(&origin)
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
        .section(GRANT, ceiling);
    tells(
        &admitted(&Tollgate::start(&config)),
        &[
            ("x-method-quota-reset", "month"),
            ("x-planmethod-qps-allotted", "4"),
            ("x-planmethod-qps-current", "1"),
            ("x-planmethod-quota-allotted", "9"),
            ("x-planmethod-quota-current", "1"),
        ],
    );
}

#[test]
fn over_quota_is_over_rate_until_the_window_ends() {
    let origin = Origin::start();
    let plan = "qps_limit_exempt = true\nrate_limit_ceiling = 2\nrate_limit_period = \"month\"";
    let gate = gate(&origin, plan, "");
    admitted(&gate);
    admitted(&gate);
    let refused = gate.get("/orders").key("demo").send();
    let over_rate = Expected {
        status: 403,
        id: "ERR_403_DEVELOPER_OVER_RATE",
        detail: Some("Account Over Rate Limit"),
        body: "<h1>Developer Over Rate</h1>",
    };
    over_rate.of(&refused);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait), "{wait}");
    tells(
        &refused,
        &[
            ("x-plan-quota-allotted", "2"),
            ("x-plan-quota-current", "2"),
            ("x-plan-quota-reset", "month"),
        ],
    );
}

#[test]
fn over_qps_says_to_come_again_in_a_second() {
    let origin = Origin::start();
    let plan = "qps_limit_ceiling = 1\nrate_limit_exempt = true";
    let gate = gate(&origin, plan, "");
    let request = gate.get("/orders").key("demo");
    let refused = (0..100).map(|_| request.send()).find(|response| response.status != 200).unwrap();
    OVER_QPS.of(&refused);
    assert_eq!(refused.header("retry-after"), Some("1"));
    tells(&refused, &[("x-plan-qps-allotted", "1"), ("x-plan-qps-current", "1")]);
}

#[test]
fn too_many_open_requests_are_over_qps_without_a_time_to_come_again() {
    let origin = Origin::start();
    let plan = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 0";
    let refused = gate(&origin, plan, "").get("/orders").key("demo").send();
    OVER_QPS.of(&refused);
    assert_eq!(refused.header("retry-after"), None);
    tells(&refused, &[]);
}

#[test]
fn a_busy_service_tells_nobody_how_busy() {
    let origin = Origin::start();
    let service = format!("{SERVICE}\nqps_limit_overall = 1");
    let gate = Tollgate::start(&house(&origin).service(&service));
    let request = gate.get("/orders").key("demo");
    let refused = (0..100).map(|_| request.send()).find(|response| response.status != 200).unwrap();
    let over_qps = Expected {
        status: 403,
        id: "ERR_403_SERVICE_OVER_QPS",
        detail: Some("Rate Limit Exceeded"),
        body: "<h1>Service Over Qps</h1>",
    };
    over_qps.of(&refused);
    tells(&refused, &[]);
}

#[test]
fn the_older_fields_tell_of_the_nearest_limit() {
    let origin = Origin::start();
    let older = "path = \"/orders\"\nupstream = \"demo\"\nrate_limit_headers = \"x-ratelimit\"";
    let plan = "qps_limit_ceiling = 10\nrate_limit_ceiling = 3\nrate_limit_period = \"month\"";
    let gate = Tollgate::start(&Config::new(&origin).service(older).plan(plan));
    for left in ["2", "1", "0"] {
        is_older(&admitted(&gate), left);
    }
    is_older(&gate.get("/orders").key("demo").send().refused(429, "over_quota"), "0");
}

fn is_older(response: &Response, left: &str) {
    let names: Vec<_> = told(response).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]);
    assert_eq!(response.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(response.header("x-ratelimit-remaining"), Some(left));
    let reset: u64 = response.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((1..=31 * 86_400).contains(&reset), "{reset}");
}

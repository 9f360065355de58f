use super::{Burst, holds_quota, violated};
use crate::support::{Config, Origin, Tollgate};

/// An endpoint with a method that the plan limits, and one that it does not.
fn gate(origin: &Origin, ceiling: &str) -> Tollgate {
    const GRANT: &str = "packages.basic.plans.free.services.orders.endpoints.all.methods";
    Tollgate::start(
        &Config::new(origin)
            .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
            .section("services.orders.endpoints.all.methods.change", "http_methods = [\"PUT\"]")
            .section(&format!("{GRANT}.read"), ceiling)
            .section(&format!("{GRANT}.change"), ""),
    )
}

#[test]
fn a_method_has_a_quota_of_its_own() {
    let origin = Origin::start();
    let gate = gate(&origin, "rate_limit_ceiling = 2\nrate_limit_period = \"month\"");
    holds_quota(&gate.get("/orders").key("demo"), 2);
    let refused = gate.get("/orders").key("demo").send();
    assert_eq!(violated(&refused), ["method-quota"]);
    gate.request("PUT", "/orders").key("demo").send().admitted();
}

#[test]
fn a_method_has_calls_per_second_of_its_own() {
    let origin = Origin::start();
    let gate = gate(&origin, "qps_limit_ceiling = 1\nqps_limit_burst = 2");
    let burst = Burst::of(&gate.get("/orders").key("demo"));
    burst.holds(2, 1.0);
    assert_eq!(violated(&burst.refused), ["method-qps"]);
    gate.request("PUT", "/orders").key("demo").send().admitted();
}

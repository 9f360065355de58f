//! Ceilings, held against the real clock: a bound is never passed, however long a test takes.

mod concurrency;
mod fields;
mod method;
mod overrides;
mod qps;
mod quota;

use std::time::{Duration, Instant};

use crate::support::{Config, Http1, Origin, Request, Response, Tollgate};

fn gate(origin: &Origin, plan: &str) -> Tollgate {
    Tollgate::start(&Config::new(origin).plan(plan))
}

/// What came of sending a request again and again until it was refused.
struct Burst {
    admitted: u32,
    refused: Response,
    lasted: Duration,
}

impl Burst {
    fn of(request: &Request) -> Self {
        let mut connection = Http1::connect(request.address);
        let start = Instant::now();
        let mut admitted = 0;
        loop {
            let response = request.over(&mut connection);
            if response.status != 200 {
                return Self { admitted, refused: response, lasted: start.elapsed() };
            }
            admitted += 1;
            assert!(admitted < 10_000, "nothing limits it");
        }
    }

    /// Holds it to a burst, and what a ceiling lets in while it lasts.
    fn holds(&self, burst: u32, ceiling: f64) {
        let most = f64::from(burst) + ceiling * self.lasted.as_secs_f64();
        assert!(self.admitted >= burst, "{} of {burst} admitted", self.admitted);
        assert!(f64::from(self.admitted) <= most, "{} of {most} admitted", self.admitted);
    }
}

/// Holds a quota to let in just so many.
fn holds_quota(request: &Request, left: u32) {
    let burst = Burst::of(request);
    assert_eq!(burst.admitted, left);
    burst.refused.refused(429, "over_quota");
}

fn violated(response: &Response) -> Vec<String> {
    let policies = response.problem()["violated-policies"].clone();
    serde_json::from_value(policies).unwrap()
}

/// `r` of a policy in `RateLimit`.
fn remaining(response: &Response, policy: &str) -> u64 {
    parameter(response.header("ratelimit").unwrap(), policy, "r")
}

/// A parameter of an item such as `"qps";r=9;t=1`.
fn parameter(list: &str, policy: &str, name: &str) -> u64 {
    let items = list.split(',').map(str::trim);
    let mut item = items.filter_map(|item| item.strip_prefix(&format!("\"{policy}\";")));
    let parameters = item.next().unwrap_or_else(|| panic!("no {policy} in {list}")).split(';');
    let mut value = parameters.filter_map(|each| each.strip_prefix(&format!("{name}=")));
    value.next().unwrap_or_else(|| panic!("no {name} of {policy} in {list}")).parse().unwrap()
}

//! Two control planes on one database.

use std::time::{Duration, Instant};

use serde_json::json;

use super::server;
use crate::support::{Admin, Config, Origin, Tollgate};

/// How long the proxy of one may go on with what the other has changed.
const SECOND: Duration = Duration::from_secs(1);

pub(super) struct Pair {
    pub(super) gates: [Tollgate; 2],
    pub(super) configs: [Config; 2],
    pub(super) admins: [Admin; 2],
    _origin: Origin,
}

impl Pair {
    pub(super) fn start() -> Self {
        let origin = Origin::start();
        let store = server::Server::shared().database();
        let url = url(&store);
        let control = |more: &str| {
            let control = format!("address = \"127.0.0.1:0\"\nstore = \"{url}\"\n{more}");
            Config::new(&origin).section("control", &control)
        };
        let first = control("");
        let one = Tollgate::start(&first);
        let admin = Admin::first(&one);
        // What seals keys and what they are digested under is the same for both.
        let of_one = |file: &str| one.folder().join(file).display().to_string();
        let second = control(&format!(
            "sealing_key_file = \"{}\"\npepper_file = \"{}\"",
            of_one("sealing.key"),
            of_one("pepper")
        ));
        let other = Tollgate::start(&second);
        let mut elsewhere = admin.clone();
        elsewhere.move_to(other.admin());
        let (gates, configs) = ([one, other], [first, second]);
        Self { gates, configs, admins: [admin, elsewhere], _origin: origin }
    }

    /// Waits until a gate answers a key so. Returns how long that took.
    pub(super) fn until(&self, gate: usize, key: &str, status: u16) -> Duration {
        let began = Instant::now();
        loop {
            let request = self.gates[gate].get("/orders/1").header("X-Api-Key", key);
            if request.is_answered(status) {
                return began.elapsed();
            }
            assert!(began.elapsed() < SECOND * 10, "{key} is never answered {status} at {gate}");
        }
    }
}

/// A `host=… user=… dbname=…` as a URL.
pub(super) fn url(address: &str) -> String {
    let part = |name: &str| {
        let found = address.split(' ').find_map(|part| part.strip_prefix(name));
        found.unwrap().replace('/', "%2F")
    };
    format!("postgresql://{}@{}/{}", part("user="), part("host="), part("dbname="))
}

#[test]
fn what_is_changed_at_one_control_plane_the_proxy_of_the_other_enforces() {
    let pair = Pair::start();
    let body = |key: &str| {
        json!({
            "package": { "id": "basic" }, "plan": { "id": "free" }, "apikey": key,
            "status": "active",
        })
    };
    for (from, to) in [(0, 1), (1, 0)] {
        let key = format!("made-at-{from}");
        let made = pair.admins[from].make("/applications/acme/packageKeys", &body(&key));
        assert!(pair.until(to, &key, 200) < SECOND);
        let target = format!("/packageKeys/{}", made["id"].as_str().unwrap());
        assert_eq!(pair.admins[to].read(&target)["apikey"], key);
        let disabled = pair.admins[to].put(&target, &json!({ "status": "disabled" }));
        assert_eq!(disabled.status, 200, "{disabled:?}");
        assert!(pair.until(from, &key, 401) < SECOND);
        assert!(pair.until(to, &key, 401) < SECOND);
    }
}

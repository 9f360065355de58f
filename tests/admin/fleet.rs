//! A fleet: a control plane, and proxies that are processes of their own and follow its feed.

mod counters;
mod tail;
mod tls;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::House;
use super::access_keys::in_both;
use super::native::id;
use super::proxies::{disable, outcome, seconds_to};
use crate::support::{Config, Request, Tollgate, done, wait_for};

impl House {
    /// A proxy that is fed by this control plane, in front of the same origin.
    fn proxy(&self, access_key: &Json, name: &str, more: &str) -> Tollgate {
        let folder = self.folder_of(access_key);
        let url = format!("http://{}/feed/v1/{}", self.gate.admin(), id(access_key));
        let feed =
            format!("url = \"{url}\"\naccess_key_file = \"access.key\"\nname = \"{name}\"\n{more}");
        let config = self.config_of(&feed);
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        Tollgate::start_in(folder, "tollgate.toml")
    }

    /// A folder with the secret of an access key, if it has one, and the pepper of this control plane.
    fn folder_of(&self, access_key: &Json) -> TempDir {
        let folder = TempDir::new().unwrap();
        if let Some(secret) = access_key["secret"].as_str() {
            let file = folder.path().join("access.key");
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        }
        fs::copy(self.gate.folder().join("pepper"), folder.path().join("pepper")).unwrap();
        folder
    }

    /// What a proxy's file says that follows a feed by these lines.
    fn config_of(&self, feed: &str) -> Config {
        Config::default()
            .section("process", "workers = 2")
            .section("ops", "address = \"127.0.0.1:0\"")
            .section("listeners.public", "address = \"127.0.0.1:0\"")
            .section("upstreams.demo", &format!("url = \"http://{}\"", self.origin.address()))
            .section("digest", "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"")
            .section("feed", feed)
    }

    /// A key, once every proxy admits it.
    fn key_everywhere(&self) -> Json {
        self.key_everywhere_of("acme")
    }

    fn key_everywhere_of(&self, application: &str) -> Json {
        let body = json!({
            "package": { "id": "basic" }, "plan": { "id": "free" }, "status": "active",
        });
        let target = format!("/applications/{application}/packageKeys?wait=applied&timeout=20s");
        let answer = done(&self.admin.post(&target, &body));
        assert_eq!(answer["applied"], true, "{answer}");
        answer["result"].clone()
    }
}

/// Waits until a start would go on with a lease: without one it decides nothing.
fn wait_for_lease(proxy: &Tollgate) {
    wait_for("the first lease", || proxy.folder().join("feed/contact").exists().then_some(()));
}

fn status(proxy: &Tollgate, key: &Json) -> u16 {
    call(proxy, key).send().status
}

fn call(proxy: &Tollgate, key: &Json) -> Request {
    proxy.get("/orders").key(key["apikey"].as_str().unwrap())
}

#[test]
fn a_key_that_is_answered_as_disabled_is_refused_by_every_proxy_of_the_fleet() {
    in_both(|house| {
        let access_key = house.feeder("edge");
        let names = ["edge-0", "edge-1", "edge-2"];
        let fleet = names.map(|name| house.proxy(&access_key, name, ""));
        for _ in 0..10 {
            let key = house.key_everywhere();
            for proxy in &fleet {
                assert_eq!(status(proxy, &key), 200);
            }
            let answer = disable(house, &key, "20s");
            // From here on nobody admits it.
            let refused = fleet.each_ref().map(|proxy| status(proxy, &key));
            assert_eq!((answer.status, refused), (200, [401; 3]));
            for name in names {
                assert!(outcome(&answer.json(), name)["enforced"].is_u64(), "{answer:?}");
            }
        }
        // And it admits again what is enabled.
        let key = house.key_everywhere();
        disable(house, &key, "20s");
        let target = format!("/packageKeys/{}?wait=applied&timeout=20s", id(&key));
        done(&house.admin.put(&target, &json!({ "status": "active" })));
        assert_eq!(fleet.each_ref().map(|proxy| status(proxy, &key)), [200; 3]);
    });
}

#[test]
fn the_first_key_of_an_application_reaches_a_proxy_that_came_before_it() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let member = &house.admin.read("/applications/acme")["username"];
    let target = format!("/members/{}/applications", member.as_str().unwrap());
    let quiet = house.admin.make(&target, &json!({ "name": "quiet" }));
    let proxy = house.proxy(&house.feeder("edge"), "edge", "");
    let key = house.key_everywhere_of(id(&quiet));
    assert_eq!(status(&proxy, &key), 200);
    assert_eq!(disable(&house, &key, "20s").status, 200);
    assert_eq!(status(&proxy, &key), 401);
}

#[test]
fn a_proxy_that_stands_still_is_named_and_makes_up_for_what_it_missed() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let access_key = house.feeder("edge");
    let still = house.proxy(&access_key, "still", "serve_for = \"10m\"");
    let other = house.proxy(&access_key, "other", "");
    let key = house.key_everywhere();
    still.signal(Signal::STOP);
    let answer = disable(&house, &key, "2s");
    assert_eq!(answer.status, 202, "{answer:?}");
    let answer = answer.json();
    assert!(outcome(&answer, "other")["enforced"].is_u64(), "{answer}");
    let closes = seconds_to(&outcome(&answer, "still")["closesBy"]);
    assert!((500..=670).contains(&closes), "{closes} s: {answer}");
    assert_eq!(status(&other, &key), 401);
    still.signal(Signal::CONT);
    wait_for("the one that stood still", || call(&still, &key).is_answered(401).then_some(()));
}

#[test]
fn without_its_control_plane_a_proxy_decides_as_before_until_its_lease_ends() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let access_key = house.feeder("edge");
    let brief = house.proxy(&access_key, "brief", "serve_for = \"15s\"");
    let long = house.proxy(&access_key, "long", "");
    let key = house.key_everywhere();
    let gone = house.key_everywhere();
    assert_eq!(disable(&house, &gone, "20s").status, 200);
    wait_for_lease(&long);
    let House { gate, origin: _origin, .. } = house;
    drop(gate);
    let left = Instant::now();
    // Also after a restart, from the disk.
    let long = long.restart();
    assert_eq!((status(&long, &key), status(&long, &gone)), (200, 401));
    assert_eq!((status(&brief, &key), status(&brief, &gone)), (200, 401));
    let stale = || {
        let answer = brief.get("/orders").key(key["apikey"].as_str().unwrap()).send();
        (answer.status == 503).then_some(answer)
    };
    let answer = wait_for("the end of the lease", stale);
    assert_eq!(answer.refusal(), (503, "snapshot_stale".to_owned()));
    assert!(left.elapsed().as_secs() <= 16, "{:?}", left.elapsed());
    assert_eq!(status(&long, &key), 200);
}

//! Registered proxies, and changes that wait until each enforces them.

use serde_json::{Value as Json, json};
use tollgate_feed::wire::{GoodbyeReason, Hello};

use super::access_keys::{in_both, revoke};
use super::backup::{back_up, run};
use super::native::id;
use super::peers::Pair;
use super::{House, violations};
use crate::support::{Follower, Response, done, hello, wait_for, with_pepper};

/// Disables a key, and waits for that.
pub(super) fn disable(house: &House, key: &Json, timeout: &str) -> Response {
    let target = format!("/packageKeys/{}?wait=applied&timeout={timeout}", id(key));
    house.admin.put(&target, &json!({ "status": "disabled" }))
}

pub(super) fn outcome(answer: &Json, name: &str) -> Json {
    let proxies = answer["proxies"].as_array().unwrap();
    proxies.iter().find(|proxy| proxy["name"] == name).unwrap().clone()
}

/// Seconds from now to an instant.
pub(super) fn seconds_to(instant: &Json) -> i64 {
    let instant: jiff::Timestamp = instant.as_str().unwrap().parse().unwrap();
    instant.as_second() - jiff::Timestamp::now().as_second()
}

#[test]
fn a_change_is_answered_when_every_proxy_enforces_it() {
    in_both(|house| {
        let access_key = house.feeder("edge");
        let key = house.change();
        let alone = disable(house, &key, "10s");
        assert_eq!((alone.status, alone.json()["proxies"].clone()), (200, json!([])));
        let key = house.change();
        let proxies: Vec<Follower> =
            (0..3).map(|n| house.follower(&access_key, hello(&format!("edge-{n}")))).collect();
        proxies.iter().for_each(|proxy| drop(proxy.offer()));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| disable(house, &key, "20s"));
            for proxy in &proxies {
                let batch = proxy.batch();
                assert!(!waiting.is_finished(), "one enforces nothing yet");
                proxy.applies(batch.revision);
            }
            let answer = waiting.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            let answer = answer.json();
            assert_eq!(
                (&answer["applied"], &answer["result"]["status"]),
                (&json!(true), &json!("disabled"))
            );
            assert!(answer["here"]["enforced"].is_u64(), "{answer}");
            for name in ["edge-0", "edge-1", "edge-2"] {
                assert!(outcome(&answer, name)["enforced"].is_u64(), "{answer}");
            }
        });
    });
}

#[test]
fn who_does_not_enforce_a_change_is_named_with_the_instant_at_which_it_stops() {
    in_both(|house| {
        let access_key = house.feeder("edge");
        let key = house.change();
        let bounded = Hello { serve_for: Some(600), ..hello("bounded") };
        let bounded = house.follower(&access_key, bounded);
        let forever = Hello { serve_for: None, ..hello("forever") };
        let forever = house.follower(&access_key, forever);
        let enforcing = house.follower(&access_key, hello("enforcing"));
        let enforced = [&bounded, &forever, &enforcing].map(|proxy| {
            let revision = proxy.offer().revision;
            proxy.beats(Some(revision));
            revision
        });
        let answer = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| disable(house, &key, "1s"));
            enforcing.applies(enforcing.batch().revision);
            waiting.join().unwrap()
        });
        assert_eq!(answer.status, 202, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["applied"], false);
        assert!(outcome(&answer, "enforcing")["enforced"].is_u64(), "{answer}");
        assert_eq!(outcome(&answer, "forever"), json!({ "name": "forever", "unbounded": true }));
        let closes = seconds_to(&outcome(&answer, "bounded")["closesBy"]);
        assert!((590..=670).contains(&closes), "{closes} s: {answer}");
        // It is committed all the same.
        assert_eq!(house.admin.read(&format!("/packageKeys/{}", id(&key)))["status"], "disabled");
        let lagging = house.admin.look("/proxies/bounded");
        assert_eq!((&lagging["lag"], &lagging["state"]), (&json!(1), &json!("connected")));
        assert_eq!(lagging["enforced"]["number"], enforced[0].number);
        // While it does not enforce it, no answer renews its lease.
        bounded.batch();
        bounded.beats(Some(enforced[0]));
    });
}

#[test]
fn the_roll_survives_a_restart_of_the_control_plane() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let access_key = house.feeder("edge");
    let proxy = house.follower(&access_key, hello("edge"));
    let revision = proxy.offer().revision;
    proxy.beats(Some(revision));
    let key = house.change();
    let House { gate, mut admin, origin } = house;
    let gate = gate.restart();
    admin.move_to(gate.admin());
    let house = House { gate, admin, origin };
    let answer = disable(&house, &key, "0s");
    assert_eq!(answer.status, 202, "{answer:?}");
    let closes = seconds_to(&outcome(&answer.json(), "edge")["closesBy"]);
    assert!((50..=125).contains(&closes), "{closes} s");
    // Numbers are other ones after it, so it is given a snapshot; then everything is applied.
    let held = proxy.held(revision);
    let proxy = house.follower(&access_key, Hello { held, ..hello("edge") });
    proxy.applies(proxy.offer().revision);
    wait_for("the proxy to be heard", || {
        (house.admin.look("/proxies/edge")["lag"] == 0).then_some(())
    });
    assert_eq!(disable(&house, &key, "0s").json()["result"]["status"], "disabled");
}

#[test]
fn what_waits_is_every_change_of_both_apis_and_nothing_else() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let made = house.admin.ask("POST", "/organizations?wait=applied", &json!({ "name": "north" }));
    assert_eq!(made.status, 200, "{made:?}");
    let made = made.json();
    assert_eq!((&made["applied"], &made["result"]["name"]), (&json!(true), &json!("north")));
    let target = format!("/organizations/{}", id(&made["result"]));
    let gone = house.admin.native("DELETE", &format!("{target}?wait=applied&timeout=1s")).send();
    assert_eq!((gone.status, gone.json()["result"].clone()), (200, json!([""])));
    for (query, property) in [("wait=forever", "wait"), ("wait=applied&timeout=1h", "timeout")] {
        let target = format!("/organizations?{query}");
        let refused = house.admin.ask("POST", &target, &json!({ "name": "x" }));
        assert_eq!(violations(&refused), [property]);
    }
    // A refusal does not wait, and nothing waits for a look.
    let refused = house.admin.ask("POST", "/organizations?wait=applied", &json!({}));
    assert_eq!(violations(&refused), ["name"]);
    let looked = house.admin.native("GET", "/audit?wait=applied").send();
    assert_eq!(violations(&looked), ["wait"]);
    let key = || {
        let body = json!({ "id": "edge", "capability": "enforce" }).to_string();
        let request = house.admin.native("POST", "/access-keys?wait=applied");
        request.body(&body).header("Idempotency-Key", "once").send().json()
    };
    assert!(key()["result"]["secret"].is_string());
    assert!(key()["result"].get("secret").is_none(), "it is shown once");
}

#[test]
fn two_control_planes_of_one_store_wait_for_each_others_proxies_and_cut_them_off() {
    let pair = Pair::start();
    let [here, there] = &pair.admins;
    let body = json!({ "id": "edge", "capability": "enforce" });
    let access_key = done(&here.ask("POST", "/access-keys", &body));
    let pepper = std::fs::read_to_string(pair.gates[0].folder().join("pepper")).unwrap();
    let follow = |gate: usize, name: &str| {
        let hello = with_pepper(&pepper, hello(name));
        Follower::follow(pair.gates[gate].admin(), &access_key, hello)
    };
    let proxies = [follow(0, "of-one"), follow(1, "of-other")];
    let enforced = proxies.each_ref().map(|proxy| proxy.offer().revision);
    proxies.iter().zip(enforced).for_each(|(proxy, revision)| proxy.beats(Some(revision)));
    let body = json!({
        "package": { "id": "basic" }, "plan": { "id": "free" }, "status": "active",
    });
    let target = "/applications/acme/packageKeys";
    let late = there.post(&format!("{target}?wait=applied&timeout=300ms"), &body);
    assert_eq!(late.status, 202, "{late:?}");
    for name in ["of-one", "of-other"] {
        assert!(seconds_to(&outcome(&late.json(), name)["closesBy"]) > 50, "{late:?}");
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| there.post(&format!("{target}?wait=applied"), &body));
        for proxy in &proxies {
            proxy.applies(proxy.batch().revision);
            proxy.applies(proxy.batch().revision);
        }
        let applied = waiting.join().unwrap();
        assert_eq!(applied.status, 200, "{applied:?}");
        assert_eq!(applied.json()["proxies"].as_array().unwrap().len(), 2);
    });
    let listed = there.look("/proxies?fields=id,state,lag");
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(listed, ["connected", "connected"]);
    revoke(here, &["edge"]);
    for proxy in &proxies {
        assert_eq!(proxy.goes(), GoodbyeReason::AccessRevoked);
    }
}

#[test]
fn a_control_plane_without_a_listener_of_its_own_feeds_proxies() {
    let house = House::with(|config| {
        // Where its upstreams are is the proxies' to know.
        config.control().without("listeners").section("upstreams.demo", "")
    });
    let body = json!({ "id": "edge", "capability": "enforce" });
    let access_key = done(&house.admin.ask("POST", "/access-keys", &body));
    let proxy = house.follower(&access_key, hello("edge"));
    proxy.applies(proxy.offer().revision);
    let key = house.change();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| disable(&house, &key, "10s"));
        proxy.applies(proxy.batch().revision);
        proxy.applies(proxy.batch().revision);
        assert_eq!(waiting.join().unwrap().status, 200);
    });
    let measured = house.gate.metrics();
    assert_eq!(measured.sum("tollgate_feed_proxies", &[]), 1.0);
    assert_eq!(measured.sum("tollgate_feed_propagation_seconds_count", &[]), 2.0);
}

#[test]
fn a_restored_backup_revives_no_access_key_and_forgets_no_proxy() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let keys = ["stays", "was-revoked"].map(|id| house.feeder(id));
    let backup = back_up(&house.gate);
    let proxy = house.follower(&keys[0], hello("edge"));
    proxy.offer();
    revoke(&house.admin, &["was-revoked"]);
    let House { gate, mut admin, origin } = house;
    let gate = gate.restart_after(|config| {
        let restored = run(&["restore", backup.to_str().unwrap(), "--yes"], config, "");
        assert_eq!(restored.code, Some(0), "{restored:?}");
    });
    admin.move_to(gate.admin());
    let states = admin.look("/access-keys?fields=id,status&sort=id");
    let state = |id, status| json!({ "id": id, "status": status });
    assert_eq!(states, json!([state("stays", "active"), state("was-revoked", "revoked")]));
    assert_eq!(admin.look("/proxies/edge")["accessKey"], "stays");
    let house = House { gate, admin, origin };
    assert_eq!(Follower::unheard(house.gate.admin(), &keys[1]).status, 401);
    // What it holds is of another epoch.
    house.follower(&keys[0], hello("edge")).offer();
}

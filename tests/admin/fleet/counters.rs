//! Counters of proxies that are fed go on, whoever is away meanwhile.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use super::super::House;
use super::super::native::id;
use super::super::proxies::{disable, outcome};
use super::{status, wait_for_lease};
use crate::support::{Claimant, Origin, Tollgate, done};

const PROCESS: &str =
    "workers = 2\ncheckpoint_file = \"quotas\"\ntakeover_socket = \"takeover.sock\"";

impl House {
    /// One whose keys have a quota of so many calls a month.
    fn of_quota(ceiling: u32) -> Self {
        Self::with(|config| {
            config.section("control", "address = \"127.0.0.1:0\"\nregion = \"eu-1\"").plan(
                &format!(
                    "qps_limit_exempt = true\nrate_limit_ceiling = {ceiling}\n\
                     rate_limit_period = \"month\""
                ),
            )
        })
    }

    /// A proxy that keeps quotas on disk and can be replaced.
    fn keeping_proxy(&self) -> Tollgate {
        let access_key = self.feeder("edge");
        let folder = self.folder_of(&access_key);
        let url = format!("http://{}/feed/v1/{}", self.gate.admin(), id(&access_key));
        let feed = format!("url = \"{url}\"\naccess_key_file = \"access.key\"\nname = \"edge\"");
        let config = self.config_of(&feed).section("process", PROCESS);
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        Tollgate::start_in(folder, "tollgate.toml")
    }
}

/// A proxy that keeps its counters, whose control plane is gone, and a key of this quota. Its upstream goes with
/// the first.
fn left_alone(quota: u32) -> (Origin, Tollgate, Json) {
    let house = House::of_quota(quota);
    let proxy = house.keeping_proxy();
    let key = house.key_everywhere();
    wait_for_lease(&proxy);
    let House { gate, origin, .. } = house;
    drop(gate);
    (origin, proxy, key)
}

/// How many of so many calls are admitted. Others are over the quota.
fn admitted(proxy: &Tollgate, key: &Json, calls: u32) -> u32 {
    let statuses = (0..calls).map(|_| status(proxy, key));
    let admitted = statuses.filter(|status| {
        assert!([200, 429].contains(status), "{status}");
        *status == 200
    });
    admitted.count().try_into().unwrap()
}

#[test]
fn a_fed_proxy_that_is_killed_loses_a_chunk_of_a_quota_at_most_and_fills_none_up() {
    let (_origin, mut proxy, key) = left_alone(100);
    let mut all = 0;
    for _ in 0..3 {
        assert_eq!(admitted(&proxy, &key, 15), 15);
        all += 15;
        proxy = proxy.restart();
    }
    all += admitted(&proxy, &key, 100);
    // Each death costs a chunk at most, which is a tenth here.
    assert!((70..=100).contains(&all), "{all}");
}

#[test]
fn an_end_in_good_order_and_a_takeover_of_a_fed_proxy_lose_nothing() {
    let (_origin, mut proxy, key) = left_alone(100);
    assert_eq!(admitted(&proxy, &key, 15), 15);
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.exit_code(), 0);
    let mut proxy = proxy.restart();
    assert_eq!(admitted(&proxy, &key, 15), 15);
    let new = proxy.taken_over();
    assert_eq!(proxy.exit_code(), 0);
    assert_eq!((new.data(), new.ops()), (proxy.data(), proxy.ops()));
    assert_eq!(admitted(&new, &key, 15), 15);
    new.signal(Signal::KILL);
    let left = admitted(&new.restart(), &key, 100);
    assert!((45..=55).contains(&left), "{left}");
}

#[test]
fn a_fed_proxy_that_took_over_is_told_of_changes_and_the_one_before_is_not_waited_for() {
    let house = House::of_quota(10);
    let mut old = house.keeping_proxy();
    let key = house.key_everywhere();
    assert_eq!(admitted(&old, &key, 4), 4);
    let new = old.taken_over();
    assert_eq!(old.exit_code(), 0);
    assert_eq!(admitted(&new, &key, 10), 6, "no more and no less");
    let other = house.key_everywhere();
    assert_eq!(status(&new, &other), 200);
    let answer = disable(&house, &other, "20s");
    assert_eq!((answer.status, status(&new, &other)), (200, 401));
    assert!(outcome(&answer.json(), "edge")["enforced"].is_u64(), "{answer:?}");
}

#[test]
fn a_fed_proxy_goes_on_wherever_the_one_that_takes_over_dies() {
    let house = House::of_quota(4);
    let proxy = house.keeping_proxy();
    let key = house.key_everywhere();
    let words = [json!("Prepared"), json!("Ready")];
    for died_after in 0..=words.len() {
        let mut claimant = Claimant::of(&proxy).claim(1, "production");
        claimant.take();
        for word in &words[..died_after] {
            claimant.say(word);
            let answer = claimant.hear();
            assert!(answer == "Quiet" || answer["Meters"].is_object(), "{answer}");
        }
        drop(claimant);
        assert_eq!(admitted(&proxy, &key, 1), 1);
        let other = house.key_everywhere();
        assert_eq!(disable(&house, &other, "20s").status, 200);
        assert_eq!(status(&proxy, &other), 401);
    }
    assert_eq!(admitted(&proxy, &key, 4), 1);
    let listed = done(&house.admin.native("GET", "/proxies/edge").send());
    assert_eq!(listed["state"], "connected", "{listed}");
}

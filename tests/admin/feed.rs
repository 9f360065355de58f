//! The key feed, as remote proxies follow it.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tollgate_core::Revision;
use tollgate_feed::wire::{GoodbyeReason, Hello, SnapshotOffer};

use super::House;
use super::access_keys::{in_both, make, revoke};
use crate::support::{Connection as _, Follower, Http2, Request, done, hello, with_pepper};

impl House {
    /// An access key to follow the feed by.
    pub(super) fn feeder(&self, id: &str) -> Json {
        make(&self.admin, "enforce", id, "eu-1")
    }

    pub(super) fn follower(&self, access_key: &Json, hello: Hello) -> Follower {
        Follower::follow(self.gate.admin(), access_key, self.digesting(hello))
    }

    /// What a proxy says first that has the pepper.
    pub(super) fn digesting(&self, hello: Hello) -> Hello {
        let pepper = std::fs::read_to_string(self.gate.folder().join("pepper")).unwrap();
        with_pepper(&pepper, hello)
    }

    /// Makes a change that proxies are told of.
    pub(super) fn change(&self) -> Json {
        let body = json!({
            "package": { "id": "basic" }, "plan": { "id": "free" }, "status": "active",
        });
        self.admin.make("/applications/acme/packageKeys", &body)
    }
}

fn fetch(house: &House, access_key: &Json, offer: &SnapshotOffer, range: Option<&str>) -> Vec<u8> {
    let target =
        format!("/feed/v1/{}/snapshots/{}", access_key["id"].as_str().unwrap(), offer.etag);
    let secret = access_key["secret"].as_str().unwrap();
    let request = Request::new(house.gate.admin(), "GET", &target)
        .header("Authorization", &format!("Bearer {secret}"));
    let request = match range {
        Some(range) => request.header("Range", range),
        None => request,
    };
    let answer = Http2::connect(house.gate.admin()).send(&request);
    assert_eq!(answer.status, if range.is_some() { 206 } else { 200 }, "{answer:?}");
    assert_eq!(answer.header("etag"), Some(&*format!("\"{}\"", offer.etag)));
    answer.body
}

#[test]
fn a_proxy_is_given_a_snapshot_and_every_revision_that_follows() {
    in_both(|house| {
        let key = house.feeder("edge");
        let proxy = house.follower(&key, hello("edge"));
        let offer = proxy.offer();
        let file = fetch(house, &key, &offer, None);
        assert_eq!(file.len() as u64, offer.bytes);
        assert!(file.starts_with(tollgate_feed::file::MAGIC), "{:?}", &file[..20]);
        assert_eq!(offer.keys, 1);
        assert_eq!(fetch(house, &key, &offer, Some("bytes=10-")), file[10..]);
        let mut last = offer.revision;
        for _ in 0..3 {
            house.change();
            let batch = proxy.batch();
            assert_eq!((batch.previous, batch.keys.len()), (last, 1));
            last = batch.revision;
        }
        // One that comes again is told what it has missed, and no more.
        let held = proxy.held(last);
        drop(proxy);
        house.change();
        let again = house.follower(&key, Hello { held, ..hello("edge") });
        assert_eq!(again.batch().previous, last);
        assert!(again.is_told_nothing(Duration::from_millis(100)));
        // Of another history nothing follows.
        let other = Revision { epoch: last.epoch - 1, ..last };
        let held = again.held(other);
        let other = house.follower(&key, Hello { held, ..hello("edge") });
        assert_eq!(other.offer(), offer, "what follows on it is at hand");
        assert_eq!(other.batch().previous, offer.revision);
        assert_eq!(again.goes(), GoodbyeReason::Superseded);
        // One that holds a later revision than the snapshot at hand, by numbers that nobody here gives,
        // would refuse that.
        let held = Some(other.held(last).unwrap().under_no_numbering());
        let ahead = house.follower(&key, Hello { held, ..hello("ahead") });
        assert!(ahead.offer().revision >= last, "nothing older is offered");
    });
}

#[test]
fn all_proxies_fetch_one_snapshot() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let key = house.feeder("edge");
    let first = house.follower(&key, hello("edge-0")).offer();
    house.change();
    for number in 1..10 {
        let proxy = house.follower(&key, hello(&format!("edge-{number}")));
        assert_eq!(proxy.offer(), first, "what follows is at hand");
        assert_eq!(proxy.batch().previous, first.revision);
    }
}

#[test]
fn s1_2_a_proxy_follows_the_feed_of_its_region_only() {
    let house = House::on_sqlite("region = \"eu-1\"\nregions = [\"eu-1\", \"us-1\"]");
    let there = make(&house.admin, "enforce", "there", "us-1");
    assert_eq!(Follower::unheard(house.gate.admin(), &there).status, 401);
    let here = house.feeder("here");
    let of = |region: &str| Hello { region: Some(region.to_owned()), ..hello("edge") };
    let refused = |hello| Follower::refused(house.gate.admin(), &here, house.digesting(hello));
    assert_eq!(refused(of("us-1")), GoodbyeReason::WrongPlace);
    house.follower(&here, of("eu-1"));
    let sandbox = Hello { environment: "sandbox".to_owned(), ..hello("edge") };
    assert_eq!(refused(sandbox), GoodbyeReason::WrongPlace);
    let old = Hello { version: 0, ..hello("edge") };
    assert_eq!(refused(old), GoodbyeReason::Version);
    let unnamed = hello("no name");
    assert_eq!(refused(unnamed), GoodbyeReason::WrongPlace);
    // Under another pepper all of its keys would be unknown.
    let other = Follower::refused(house.gate.admin(), &here, hello("edge"));
    assert_eq!(other, GoodbyeReason::WrongPlace);
}

#[test]
fn nobody_follows_the_feed_without_an_access_key_for_it() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let mut key = house.feeder("edge");
    let observer = make(&house.admin, "observe", "watcher", "eu-1");
    assert_eq!(Follower::unheard(house.gate.admin(), &observer).status, 401);
    let plain = Request::new(house.gate.admin(), "POST", "/feed/v1/edge/stream")
        .header("Authorization", &format!("Bearer {}", key["secret"].as_str().unwrap()))
        .send();
    assert_eq!(plain.refusal(), (400, "invalid".to_owned()), "HTTP/1.1 has no two directions");
    key["secret"] = json!("guessed");
    assert_eq!(Follower::unheard(house.gate.admin(), &key).status, 401);
    let nobody = Request::new(house.gate.admin(), "GET", "/feed/v1/edge/snapshots/x").send();
    assert_eq!(nobody.refusal(), (401, "bad_token".to_owned()));
}

#[test]
fn s1_8_what_is_connected_by_a_revoked_access_key_is_cut_off_at_once() {
    in_both(|house| {
        let (key, other) = (house.feeder("edge"), house.feeder("other"));
        let proxies = ["edge-1", "edge-2"].map(|name| house.follower(&key, hello(name)));
        let stays = house.follower(&other, hello("other"));
        let offer = stays.offer();
        revoke(&house.admin, &["edge"]);
        for proxy in &proxies {
            assert_eq!(proxy.goes(), GoodbyeReason::AccessRevoked);
        }
        assert_eq!(Follower::unheard(house.gate.admin(), &key).status, 401);
        house.change();
        // The revocation is a revision of its own.
        let batches = [stays.batch(), stays.batch()];
        assert_eq!((batches[0].previous, batches[1].keys.len()), (offer.revision, 1));
    });
}

#[test]
fn s1_9_a_proxy_stays_registered_until_it_is_forgotten() {
    in_both(|house| {
        let (key, other) = (house.feeder("edge"), house.feeder("other"));
        let first = house.follower(&key, hello("edge-1"));
        first.offer();
        // The name is the access key's as long as that is good.
        let taken = Follower::refused(house.gate.admin(), &other, house.digesting(hello("edge-1")));
        assert_eq!(taken, GoodbyeReason::WrongPlace);
        revoke(&house.admin, &["edge"]);
        first.goes();
        let seen = house.admin.look("/proxies/edge-1");
        assert_eq!((&seen["accessKey"], &seen["id"]), (&json!("edge"), &json!("edge-1")));
        done(&house.admin.native("DELETE", "/access-keys/edge").send());
        assert_eq!(house.admin.look("/proxies").as_array().unwrap().len(), 1);
        let next = house.follower(&other, hello("edge-1"));
        next.offer();
        assert_eq!(house.admin.look("/proxies/edge-1")["accessKey"], "other");
        done(&house.admin.native("DELETE", "/proxies/edge-1").send());
        assert_eq!(next.goes(), GoodbyeReason::Forgotten);
        assert_eq!(house.admin.look("/proxies"), json!([]));
        let entries = house.admin.look("/audit?kind=proxy");
        let actions: Vec<_> =
            entries.as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
        let (register, delete) = ("proxy.register", "proxy.delete");
        let expected = [delete, register, register, register];
        assert_eq!(actions, expected, "the second was refused");
    });
}

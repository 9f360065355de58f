//! Proxy access keys (S1), on both engines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::native::id;
use super::{House, violations};
use crate::support::{Admin, Response, done};

const REGIONS: &str = "region = \"eu-1\"\nregions = [\"eu-1\", \"us-1\"]";

/// Does this in houses of two regions, one for each engine.
pub(super) fn in_both(test: impl Fn(&House)) {
    test(&House::on_sqlite(REGIONS));
    test(&House::on_postgres(REGIONS));
}

fn ask(admin: &Admin, capability: &str, id: &str) -> Response {
    admin.ask("POST", "/access-keys", &json!({ "id": id, "capability": capability }))
}

/// An access key of this region.
pub(super) fn make(admin: &Admin, capability: &str, id: &str, region: &str) -> Json {
    let body = json!({ "id": id, "capability": capability, "region": region });
    done(&admin.ask("POST", "/access-keys", &body))
}

pub(super) fn revoke(admin: &Admin, ids: &[&str]) -> Vec<Json> {
    let body = json!({ "confirm": true, "ids": ids });
    done(&admin.ask("POST", "/access-keys/revoke", &body)).as_array().unwrap().clone()
}

/// A request below `/api` by an access key.
fn by(house: &House, key: &Json, target: &str) -> Response {
    let (id, secret) = (id(key), key["secret"].as_str().unwrap());
    let basic = STANDARD.encode(format!("{id}:{secret}"));
    crate::support::Request::new(house.gate.admin(), "GET", &format!("/api{target}"))
        .header("Authorization", &format!("Basic {basic}"))
        .send()
}

#[test]
fn s1_1_an_owner_and_a_team_administrator_generate_access_keys_and_nobody_else() {
    in_both(|house| {
        let organization = house.admin.ask("POST", "/organizations", &json!({ "name": "north" }));
        let organization = done(&organization);
        let of = |role: &str| json!([{ "name": role, "organization": id(&organization) }]);
        for (number, role) in ["Owner", "Team Administrator"].into_iter().enumerate() {
            let member = house.member(&format!("may{number}"), &of(role));
            let key = done(&ask(&member, "enforce", &format!("edge-{number}")));
            assert_eq!(key["organization"], organization["id"], "it is their organization's");
        }
        for (number, role) in ["Group Admin", "Contributor", "Consumer", "Guest"].iter().enumerate()
        {
            let member = house.member(&format!("not{number}"), &of(role));
            let refused = ask(&member, "enforce", "other");
            assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{role}");
            let listed = member.native("GET", "/access-keys").send();
            assert_eq!(listed.refusal(), (403, "forbidden".to_owned()), "{role}");
        }
        // One of another organization neither sees nor revokes them.
        let other = json!([{ "name": "Team Administrator", "organization": "elsewhere" }]);
        let other = house.member("other", &other);
        assert_eq!(other.look("/access-keys"), json!([]));
        assert_eq!(revoke(&other, &["edge-0"])[0]["outcome"], "forbidden");
        let nobodys = other.native("DELETE", "/access-keys/edge-0").send();
        assert_eq!(nobodys.refusal(), (403, "forbidden".to_owned()));
    });
}

#[test]
fn s1_2_an_access_key_works_in_its_region_only() {
    in_both(|house| {
        let here = make(&house.admin, "automate", "here", "eu-1");
        let there = make(&house.admin, "automate", "there", "us-1");
        assert_eq!(by(house, &here, "/organizations").status, 200);
        assert_eq!(by(house, &there, "/organizations").refusal().0, 401);
        let nowhere = json!({ "id": "x", "capability": "enforce", "region": "mars" });
        assert_eq!(violations(&house.admin.ask("POST", "/access-keys", &nowhere)), ["region"]);
        assert_eq!(ask(&house.admin, "enforce", "own").json()["region"], "eu-1");
    });
}

#[test]
fn s1_3_a_region_has_five_hundred_access_keys_at_most() {
    in_both(|house| {
        let made = std::thread::scope(|scope| {
            let some = |thread: u32| {
                let answers = (0..127)
                    .map(move |n| ask(&house.admin, "enforce", &format!("edge-{thread}-{n}")));
                let refused = |answer: &Response| match answer.status {
                    200 => false,
                    _ => {
                        assert_eq!(answer.refusal(), (409, "conflict".to_owned()));
                        true
                    }
                };
                answers.filter(|answer| !refused(answer)).count()
            };
            let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || some(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(made, 500, "of 508 that were asked for at once");
        make(&house.admin, "enforce", "elsewhere", "us-1");
        let first = house.admin.look("/access-keys?filter=region:eu-1&limit=1");
        assert_eq!(revoke(&house.admin, &[id(&first[0])])[0]["outcome"], "done");
        done(&ask(&house.admin, "enforce", "in-its-place"));
        assert_eq!(ask(&house.admin, "enforce", "one-more").refusal().0, 409);
    });
}

#[test]
fn s1_4_an_access_key_takes_an_id_of_fifty_characters_and_a_capability_of_the_list() {
    in_both(|house| {
        for capability in ["enforce", "observe", "automate"] {
            let key = done(&ask(&house.admin, capability, &format!("a-{capability}")));
            assert_eq!(key["capability"], capability);
            let connects = key.get("connectUrl").is_some();
            assert_eq!(connects, capability == "enforce", "{key}");
        }
        done(&ask(&house.admin, "enforce", &"x".repeat(50)));
        for id in [&*"x".repeat(51), "", "a/b", "a b", "a:b", "ä", "revoke", ".."] {
            assert_eq!(violations(&ask(&house.admin, "enforce", id)), ["id"], "{id}");
        }
        assert_eq!(violations(&ask(&house.admin, "rule", "a")), ["capability"]);
        let neither = house.admin.ask("POST", "/access-keys", &json!({}));
        assert_eq!(violations(&neither), ["id", "capability"]);
        assert_eq!(violations(&ask(&house.admin, "enforce", "a-observe")), ["id"]);
    });
}

#[test]
fn s1_5_the_secret_is_shown_once_when_the_key_is_generated() {
    in_both(|house| {
        let request = || {
            let body = json!({ "id": "edge", "capability": "enforce" }).to_string();
            let request = house.admin.native("POST", "/access-keys").body(&body);
            done(&request.header("Idempotency-Key", "once").send())
        };
        let made = request();
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.len() >= 32, "{secret}");
        let again = request();
        assert_eq!((again.get("secret"), &again["id"]), (None, &made["id"]));
        for target in [
            "/access-keys",
            "/access-keys/edge",
            "/access-keys?fields=id,secret",
            "/access-keys/edge?fields=*,secret",
            "/audit?kind=access_key",
        ] {
            let shown = house.admin.look(target).to_string();
            assert!(!shown.contains("\"secret\"") && !shown.contains(secret), "{target}: {shown}");
        }
        assert!(!house.gate.log().contains(secret));
        for entry in std::fs::read_dir(house.gate.folder()).unwrap() {
            let path = entry.unwrap().path();
            let held = std::fs::read(&path).unwrap_or_default();
            let found = held.windows(secret.len()).any(|held| held == secret.as_bytes());
            assert!(!found, "it stands in {}", path.display());
        }
    });
}

#[test]
fn s1_7_several_access_keys_are_revoked_in_one_operation() {
    in_both(|house| {
        let admin = &house.admin;
        for id in ["a", "b", "c"] {
            done(&ask(admin, "enforce", id));
        }
        let unconfirmed = json!({ "confirm": false, "ids": ["a"] });
        let unconfirmed = admin.ask("POST", "/access-keys/revoke", &unconfirmed);
        assert_eq!(violations(&unconfirmed), ["confirm"]);
        let revoked = revoke(admin, &["a", "nobody", "b", "a"]);
        let outcomes: Vec<_> = revoked.iter().map(|one| one["outcome"].clone()).collect();
        assert_eq!(outcomes, ["done", "not_found", "done", "not_in_this_state"]);
        let states = admin.look("/access-keys?fields=id,status&sort=id");
        let state = |id, status| json!({ "id": id, "status": status });
        let expected = [state("a", "revoked"), state("b", "revoked"), state("c", "active")];
        assert_eq!(states, json!(expected));
        let entries = admin.look("/audit?action=access_key.revoke&outcome=done");
        assert_eq!(entries.as_array().unwrap().len(), 2, "{entries}");
        // What was revoked can be taken out of the list, and its id is free again.
        let delete = |id| admin.native("DELETE", &format!("/access-keys/{id}")).send();
        assert_eq!(delete("c").refusal(), (409, "conflict".to_owned()));
        assert_eq!(violations(&ask(admin, "enforce", "a")), ["id"]);
        assert_eq!(delete("a").status, 200);
        done(&ask(admin, "enforce", "a"));
    });
}

#[test]
fn s1_8_a_revoked_access_key_has_no_connect_url_and_opens_nothing() {
    in_both(|house| {
        let feeding = make(&house.admin, "enforce", "feeding", "eu-1");
        let url = feeding["connectUrl"].as_str().unwrap();
        assert!(url.ends_with("/feed/v1/feeding"), "{url}");
        let key = make(&house.admin, "automate", "script", "eu-1");
        assert_eq!(by(house, &key, "/organizations").status, 200);
        revoke(&house.admin, &["feeding", "script"]);
        let seen = house.admin.look("/access-keys/feeding");
        assert_eq!((seen.get("connectUrl"), &seen["status"]), (None, &json!("revoked")));
        assert_eq!(by(house, &key, "/organizations").refusal().0, 401);
    });
}

#[test]
fn an_access_key_may_what_its_capability_says_and_its_maker_may() {
    in_both(|house| {
        let lee = house.member("lee", &json!([{ "name": "Organization Admin" }]));
        let key = |capability: &str| make(&lee, capability, capability, "eu-1");
        let (enforce, observe, automate) = (key("enforce"), key("observe"), key("automate"));
        assert_eq!(by(house, &enforce, "/organizations").refusal().0, 401);
        assert_eq!(by(house, &observe, "/organizations").refusal().0, 403);
        assert_eq!(by(house, &automate, "/organizations").status, 200);
        // Neither credentials for others nor what its maker may not do.
        for target in ["/access-keys", "/tokens", "/clients"] {
            assert_eq!(by(house, &automate, target).refusal().0, 403, "{target}");
        }
        let mut wrong = automate.clone();
        wrong["secret"] = json!("guessed");
        assert_eq!(by(house, &wrong, "/organizations").refusal().0, 401);
        let member = house.admin.read("/members?filter=username:lee");
        let target = format!("/members/{}", id(&member[0]));
        done(&house.admin.put(&target, &json!({ "areaStatus": "disabled" })));
        assert_eq!(by(house, &automate, "/organizations").refusal().0, 401);
    });
}

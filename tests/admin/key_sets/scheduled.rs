//! What happens to key sets by itself, by a clock that is moved on.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::Sets;
use crate::support::wait_for;

const DAY: i64 = 86_400;

impl Sets {
    /// Moves the clock to so many seconds after an instant of an answer.
    pub(super) fn move_to(&mut self, instant: &Json, behind: i64) {
        let instant: Timestamp = instant.as_str().unwrap().parse().unwrap();
        let there = instant.as_second() + behind;
        self.house.move_clock(there - self.now.as_second());
        self.now = Timestamp::from_second(there).unwrap();
    }

    /// Moves the clock to where LATEST has just been replaced.
    pub(super) fn move_past_rotation(&mut self, set: &str) {
        let details = self.look(set);
        self.move_to(&details["rotation"], 1);
        self.with_keys(set, details["keys"].as_array().unwrap().len() + 1);
    }

    /// Waits until a key set has so many keys, and answers with it.
    pub(super) fn with_keys(&self, set: &str, count: usize) -> Json {
        wait_for("another key", || {
            let details = self.look(set);
            (details["keys"].as_array().unwrap().len() == count).then_some(details)
        })
    }

    pub(super) fn value_of_latest(&self, set: &str) -> String {
        let credentials = self.admin().look(&format!("/key-sets/{set}/credentials"));
        assert_eq!(credentials[0]["latest"], true, "{credentials}");
        credentials[0]["apikey"].as_str().unwrap().to_owned()
    }

    /// A milestone of a key.
    fn milestone(&self, set: &str, number: u64, kind: &str) -> Json {
        let timeline = self.admin().look(&format!("/key-sets/{set}/timeline"));
        let milestones = timeline["milestones"].as_array().unwrap();
        let found = milestones.iter().find(|each| each["number"] == number && each["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} of {number}: {timeline}")).clone()
    }
}

#[test]
fn s4_21_a_new_key_replaces_the_old_one_at_the_scheduled_date_by_itself() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "rotationMonths": 1 }));
    let (set, old) = sets.active();
    let planned = sets.look(&set)["rotation"].clone();
    sets.move_to(&planned, -DAY);
    assert_eq!(sets.look(&set)["keys"].as_array().unwrap().len(), 1);
    sets.call(&old).admitted();
    sets.move_to(&planned, 1);
    sets.with_keys(&set, 2);
    let new = sets.value_of_latest(&set);
    wait_for("the old key to end", || (sets.call(&old).status == 401).then_some(()));
    sets.call(&new).admitted();
}

#[test]
fn s4_22_the_timeline_shows_both_dates_and_the_new_key_is_as_the_old_one_was() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "rotationMonths": 1 }));
    let (set, _) = sets.active();
    sets.does(&set, "suspend", &json!({}));
    let planned = sets.look(&set)["rotation"].clone();
    sets.move_to(&planned, 3600);
    let details = sets.with_keys(&set, 2);
    assert_eq!(
        (&details["status"], &details["keys"][0]["status"]),
        (&json!("suspended"), &json!("suspended"))
    );
    let rotation = sets.milestone(&set, 1, "rotation");
    assert_eq!(rotation["planned"], planned);
    assert!(rotation["actual"].is_string(), "{rotation}");
    let delay = rotation["delaySeconds"].as_i64().unwrap();
    assert!((3600..3700).contains(&delay), "{rotation}");
    assert!(sets.milestone(&set, 2, "rotation").get("actual").is_none());
    let new = sets.value_of_latest(&set);
    sets.refuses(&new);
    sets.does(&set, "reactivate", &json!({}));
    sets.call(&new).admitted();
}

#[test]
fn s4_23_on_one_day_there_is_the_rotation_and_not_the_expiration() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "rotationMonths": 1, "expirationMonths": 1 }));
    let (set, old) = sets.active();
    let planned = sets.look(&set)["expiration"].clone();
    sets.move_to(&planned, 1);
    let details = sets.with_keys(&set, 2);
    assert_eq!(details["status"], "active");
    assert_eq!(details["keys"][1]["status"], "revoked");
    assert_eq!(sets.milestone(&set, 1, "expiration")["cancelled"], true);
    assert!(sets.milestone(&set, 1, "rotation")["actual"].is_string());
    let new = sets.value_of_latest(&set);
    sets.call(&new).admitted();
    wait_for("the old key to end", || (sets.call(&old).status == 401).then_some(()));
}

#[test]
fn s4_24_a_key_expires_at_its_time_and_is_refused() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "expirationMonths": 1 }));
    let (set, key) = sets.active();
    let planned = sets.look(&set)["expiration"].clone();
    sets.move_to(&planned, -60);
    sets.call(&key).admitted();
    sets.move_to(&planned, 1);
    // By the gate's own clock, whether or not the scheduler has come.
    sets.refuses(&key);
    wait_for("the expiry", || (sets.look(&set)["status"] == "expired").then_some(()));
    let expiration = sets.milestone(&set, 1, "expiration");
    assert_eq!(expiration["planned"], planned);
    assert!(
        expiration["actual"].is_string() && expiration["delaySeconds"].is_i64(),
        "{expiration}"
    );
    sets.refuses(&key);
    for (verb, body) in [
        ("activate", json!({})),
        ("suspend", json!({})),
        ("reactivate", json!({})),
        ("regenerate", json!({})),
        ("revoke", json!({ "confirm": true })),
    ] {
        super::conflict(&sets.act(&set, verb, &body));
    }
    assert_eq!(sets.subscribe()["reused"], false, "what has expired is not revived");
}

#[test]
fn an_overlap_ends_by_itself() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "manualRegeneration": true, "overlapSeconds": 3600 }));
    let (set, old) = sets.active();
    let new = sets.does(&set, "regenerate", &json!({}))["issued"]["apikey"].clone();
    let until = sets.look(&set)["keys"][1]["supersededUntil"].clone();
    sets.move_to(&until, -60);
    sets.call(&old).admitted();
    sets.move_to(&until, 1);
    sets.refuses(&old);
    sets.call(new.as_str().unwrap()).admitted();
    let revoked = || sets.look(&set)["keys"][1]["status"] == "revoked";
    wait_for("the end of the overlap", || revoked().then_some(()));
}

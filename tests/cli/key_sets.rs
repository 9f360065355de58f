//! Key sets by the command line.

use serde_json::{Value as Json, json};

use super::{Desk, text};
use crate::support::done;

/// A desk with a key set that is pending, the id of that, and its key.
struct Sets {
    desk: Desk,
    set: String,
    key: String,
}

impl Sets {
    fn open() -> Self {
        let desk = Desk::logged_in();
        let policy = json!({
            "name": "template", "services": ["orders"], "manualRegeneration": true,
        });
        done(&desk.admin.ask("POST", "/policies", &policy));
        let shop = desk.admin.make("/members/jo/applications", &json!({ "name": "Shop" }));
        let body = json!({
            "application": shop["id"], "service": "orders", "package": "basic", "plan": "free",
        });
        let subscribed = done(&desk.admin.ask("POST", "/subscriptions", &body));
        let set = text(&subscribed[0]["keySet"], "id").to_owned();
        let key = text(&subscribed[0]["issued"], "apikey").to_owned();
        Self { desk, set, key }
    }

    fn run(&self, verb: &str, more: &[&str]) -> crate::support::Finished {
        self.desk.run(&[&["key", verb, &self.set], more].concat())
    }

    fn status(&self, key: &str) -> u16 {
        self.desk.gate.get("/orders").key(key).send().status
    }
}

#[test]
fn a_key_set_is_activated_suspended_and_revoked_like_any_key() {
    let sets = Sets::open();
    let set = &sets.set;
    assert_eq!(sets.status(&sets.key), 401);
    assert_eq!(sets.run("activate", &[]).done(), format!("{set}: active (was pending)\n"));
    assert_eq!(sets.status(&sets.key), 200);
    assert_eq!(sets.run("suspend", &[]).done(), format!("{set}: suspended (was active)\n"));
    assert_eq!(sets.status(&sets.key), 401);
    let again = sets.run("suspend", &[]);
    assert!(again.failed(9).contains(set.as_str()), "{again:?}");
    assert_eq!(sets.run("activate", &["--json"]).json()["status"], "active");
    assert_eq!(sets.status(&sets.key), 200);
    assert!(sets.run("revoke", &[]).failed(2).contains("--yes"));
    assert_eq!(sets.run("revoke", &["--yes"]).done(), format!("{set}: revoked\n"));
    assert_eq!(sets.status(&sets.key), 401);
    assert!(sets.run("activate", &[]).failed(9).contains("revoked"));
}

#[test]
fn the_key_of_a_key_set_is_replaced() {
    let sets = Sets::open();
    sets.run("activate", &[]).done();
    assert!(sets.run("regenerate", &[]).failed(2).contains("--yes"));
    let regenerated = sets.run("regenerate", &["--yes"]);
    let key = regenerated.done().lines().find_map(|line| line.strip_prefix("key          "));
    let second = key.unwrap().to_owned();
    assert_eq!((sets.status(&sets.key), sets.status(&second)), (401, 200));
    let rotated = sets.run("rotate", &["--overlap", "3600", "--yes", "--json"]).json();
    let third = text(&rotated["issued"], "apikey").to_owned();
    assert_eq!((sets.status(&second), sets.status(&third)), (200, 200));
    let ended = sets.run("end-overlap", &[]);
    assert_eq!(ended.done(), format!("{}: its old key is refused\n", sets.set));
    assert_eq!((sets.status(&second), sets.status(&third)), (401, 200));
    assert!(sets.run("end-overlap", &[]).failed(9).contains(&sets.set));
    let refused = sets.desk.run(&["key", "regenerate", "--yes", "acme-1"]);
    assert!(refused.failed(9).contains("a package key has no successors"), "{refused:?}");
}

#[test]
fn key_sets_are_listed_and_shown_as_people_read_them() {
    let sets = Sets::open();
    sets.run("activate", &[]).done();
    let listed = sets.desk.run(&["key", "list", "--key-sets"]);
    let id = format!("{:<36}", "id 1");
    assert_eq!(
        listed.done().replace(&sets.set, &id),
        "ID                                    STATUS  NAME          TYPE     APPLICATION  ROTATION  EXPIRES\n\
         id 1                                  active  api_key Shop  api_key  Shop         -         -\n"
    );
    let shown = sets.run("show", &[]);
    for line in ["status       active\n", "type         api_key\n", "api          orders\n"] {
        assert!(shown.done().contains(line), "{shown:?}");
    }
    assert!(shown.done().contains(" LATEST"), "{shown:?}");
    assert!(!shown.done().contains(&sets.key), "{shown:?}");
    let seen = sets.run("show", &["--value"]);
    assert!(seen.done().contains(&format!("key          {}\n", sets.key)), "{seen:?}");
    let seen: Json = sets.run("show", &["--value", "--json"]).json();
    assert_eq!(seen["credentials"][0]["apikey"], sets.key);
}

#[test]
fn key_sets_are_listed_by_every_filter() {
    let sets = Sets::open();
    let found = |filters: &[&str]| {
        let listed = sets.desk.run(&[&["key", "list", "--key-sets", "--json"], filters].concat());
        listed.done().lines().count()
    };
    for (filters, count) in [
        (&[][..], 1),
        (&["--status", "pending"], 1),
        (&["--status", "revoked"], 0),
        (&["--application", "Shop"], 1),
        (&["--application", "acme"], 0),
        (&["--auth-type", "api_key"], 1),
        (&["--auth-type", "other"], 0),
        (&["--api", "orders"], 1),
        (&["--text", "sho"], 1),
        (&["--created", "2020-01-01"], 0),
        (&["--within", "created=2020-01-01.."], 1),
        (&["--within", "created=..2020-01-01"], 0),
        (&["--within", "expiration=2020-01-01..2099-01-01"], 0),
    ] {
        assert_eq!(found(filters), count, "{filters:?}");
    }
    let list = |more: &[&str]| sets.desk.run(&[&["key", "list"], more].concat());
    assert!(list(&["--status", "pending"]).failed(2).contains("no package keys are pending"));
    let wrong = list(&["--key-sets", "--status", "waiting"]);
    assert!(wrong.failed(2).contains("no key sets are waiting"), "{wrong:?}");
    let wrong = list(&["--key-sets", "--within", "made=2020-01-01.."]);
    assert!(wrong.failed(2).contains("expected DATE=FROM..TO"), "{wrong:?}");
}

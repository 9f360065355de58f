//! Imports beside which others go on changing things.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::package_keys::Shop;
use crate::support::{Admin, Connection as _, Http1, Response, Tollgate, done, wait_for};

/// So many keys take some seconds.
const KEYS: usize = 6_000;

/// Five transactions write.
const FEWER: usize = 4_500;

/// What the log says when all of a document is found to be good.
const DRAFTED: &str = "an import was drafted";

/// What it says when what the import needs was changed after that.
const ANEW: &str = "an import is drafted anew";

/// A document of keys whose values begin with `name`, with a member and an application for ten each.
fn document(name: &str) -> String {
    document_of(name, KEYS)
}

fn document_of(name: &str, keys: usize) -> String {
    let mut document = json!({ "tollgate": "keys", "version": 1 }).to_string();
    for number in 0..keys {
        let key = json!({
            "key": format!("{name}-{number:024}"), "secret": "secret1234", "state": "active",
            "owner": format!("{name}-{}", number / 10),
        });
        write!(document, "\n{key}").unwrap();
    }
    document
}

impl Shop {
    /// Imports a document under its first plan.
    fn import(&self, document: &str) -> Response {
        let destination =
            json!({ "plan": { "package": self.package, "plan": self.plans[0] } }).to_string();
        let destination = destination.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        let target = format!("/keys/import?format=tollgate&destination={destination}");
        let stream = TcpStream::connect(self.house.gate.admin()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        Http1::over(stream).send(&self.house.admin.native("POST", &target).body(document))
    }

    /// Imports a document, and does something once all of it was found to be good.
    fn overtake<T>(&self, document: &str, meanwhile: impl FnOnce() -> T) -> (Response, T) {
        let drafts = self.house.gate.log().matches(DRAFTED).count();
        thread::scope(|scope| {
            let import = scope.spawn(|| self.import(document));
            while !import.is_finished() && self.house.gate.log().matches(DRAFTED).count() == drafts
            {
                thread::sleep(Duration::from_millis(1));
            }
            let done = meanwhile();
            (import.join().unwrap(), done)
        })
    }

    fn is_drafted_anew(&self) -> bool {
        self.house.gate.log().contains(ANEW)
    }
}

/// The number of the newest entry of the audit log whose action ends so.
fn newest(shop: &Shop, action: &str) -> Option<u64> {
    let entries = shop.house.admin.look("/audit?limit=1000");
    let entries = entries.as_array().unwrap().iter();
    let entries = entries.filter(|entry| entry["action"].as_str().unwrap().ends_with(action));
    entries.map(|entry| entry["number"].as_u64().unwrap()).max()
}

#[test]
fn other_changes_are_made_between_the_draft_of_an_import_and_its_rows() {
    let shop = Shop::open();
    for round in 0.. {
        let make = || shop.house.admin.post(&shop.keys(), &shop.body(&json!({})));
        let (imported, made) = shop.overtake(&document(&format!("others{round}")), make);
        assert_eq!(done(&imported)["keys"], KEYS);
        assert_eq!(made.status, 200, "{made:?}");
        assert!(!shop.is_drafted_anew(), "keys of others make no difference to it");
        let last = format!("others{round}-{:024}", KEYS - 1);
        let keys = shop.house.admin.read(&format!("/packageKeys?filter=apikey:{last}&fields=id"));
        assert_eq!(keys.as_array().unwrap().len(), 1);
        if newest(&shop, ".create") < newest(&shop, ".import") {
            return;
        }
        assert!(round < 20, "no change was made between draft and import");
    }
}

#[test]
fn a_key_that_is_made_meanwhile_refuses_the_import() {
    let shop = Shop::open();
    // Whoever comes first has it; sooner or later that is who makes it while the import is drafted.
    for round in 0.. {
        let (name, last) = (format!("round{round}"), KEYS - 1);
        let key = format!("{name}-{last:024}");
        let make = || {
            let body = shop.body(&json!({ "apikey": key, "status": "active" }));
            shop.house.admin.post(&shop.keys(), &body)
        };
        let (imported, made) = shop.overtake(&document(&name), make);
        if made.status == 200 {
            let errors = imported.problem()["errors"].clone();
            let place = format!("line {}: key", KEYS + 1);
            assert_eq!(errors[0]["property"], place, "{errors}");
            assert_eq!(errors.as_array().unwrap().len(), 1);
            assert_eq!(
                shop.house.admin.read(&format!("/members?filter=username:{name}-0")),
                json!([])
            );
        } else {
            assert_eq!((imported.status, made.status), (200, 400), "{made:?}");
        }
        if shop.is_drafted_anew() {
            return;
        }
        assert!(round < 20, "no key was made between draft and import");
    }
}

/// How many chains the store holds, whoever sees them, and how many imports are under way in it.
fn kept(gate: &Tollgate) -> (i64, i64) {
    let store = rusqlite::Connection::open(gate.folder().join("tollgate.db")).unwrap();
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    let count = "SELECT (SELECT count(*) FROM chains), (SELECT count(*) FROM ahead)";
    store.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn an_import_that_a_crash_ends_leaves_nothing_and_nobody_has_seen_any_of_it() {
    let mut shop = Shop::that_sells();
    let document = document_of("crash", FEWER);
    let call =
        |shop: &Shop| shop.house.gate.get("/orders").key(&format!("crash-{:024}", 0)).send().status;
    let listed = |shop: &Shop| {
        let keys = shop.house.admin.get("/packageKeys?limit=1");
        keys.header("x-total-count").unwrap().to_owned()
    };
    let before = listed(&shop);
    thread::scope(|scope| {
        let import = scope.spawn(|| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shop.import(&document)))
        });
        while kept(&shop.house.gate).0 == 0 {
            assert!(!import.is_finished(), "it has begun to write");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!((call(&shop), listed(&shop)), (401, before.clone()));
        let member = shop.house.admin.read("/members?filter=username:crash-0");
        assert_eq!(member, json!([]));
        // Others change things meanwhile.
        done(&shop.house.admin.post(&shop.keys(), &shop.body(&json!({}))));
        shop.house.gate.signal(Signal::KILL);
        assert!(import.join().unwrap().is_err(), "it was answered");
    });
    let (all, ahead) = kept(&shop.house.gate);
    assert!(all > 1 && ahead == 1, "{all} rows, {ahead}");
    shop.house.gate = shop.house.gate.restart();
    shop.house.admin = Admin::first(&shop.house.gate);
    assert_eq!((call(&shop), listed(&shop)), (401, "2".to_owned()));
    wait_for("the end of what is left", || (kept(&shop.house.gate) == (1, 0)).then_some(()));
    assert_eq!(done(&shop.import(&document))["keys"], FEWER);
    // Of so many keys it may take longer than an answer waits until all are enforced.
    wait_for("the first key", || (call(&shop) == 200).then_some(()));
    assert_eq!(listed(&shop), (FEWER + 2).to_string());
    assert_eq!(kept(&shop.house.gate), (i64::try_from(FEWER).unwrap() + 1, 0));
}

#[test]
fn a_plan_that_goes_meanwhile_refuses_the_import() {
    for round in 0.. {
        let shop = Shop::open();
        let plan = format!("/packages/{}/plans/{}", shop.package, shop.plans[0]);
        let delete = || shop.house.admin.delete(&plan);
        let (imported, deleted) = shop.overtake(&document("plan"), delete);
        if deleted.status == 200 {
            let errors = imported.problem()["errors"].clone();
            assert_eq!(errors.as_array().unwrap().len(), KEYS);
            assert_eq!(errors[0]["property"], "line 2: plan", "{}", errors[0]);
        } else {
            // Keys have it then.
            assert_eq!((imported.status, deleted.status), (200, 409), "{deleted:?}");
        }
        if shop.is_drafted_anew() {
            return;
        }
        assert!(round < 20, "no plan went between draft and import");
    }
}

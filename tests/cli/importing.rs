//! Importing keys of other gateways, and exporting them again.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value as Json, json};

use super::{Desk, text};
use crate::sources;
use crate::support::{Request, done, finish};

/// A desk whose file has the plans that the samples name.
fn desk() -> Desk {
    let desk = Desk::with(|config| {
        let open = "qps_limit_exempt = true\nrate_limit_exempt = true\nrate_limit_period = \"day\"";
        config
            .plan("qps_limit_ceiling = 100\nrate_limit_ceiling = 1000\nrate_limit_period = \"day\"")
            .section("packages.basic.plans.open", open)
            .section("packages.basic.plans.open.services.orders", "")
    });
    desk.log_in().done();
    desk
}

fn sample(name: &str) -> String {
    sources::path("tests/migration").join(name).to_str().unwrap().to_owned()
}

/// How many keys are listed.
fn keys(desk: &Desk) -> usize {
    desk.run(&["key", "list", "--json"]).done().lines().count()
}

#[test]
fn documents_of_every_gateway_are_imported() {
    for (file, more, told, key) in [
        (
            "kong.yaml",
            &["--plan", "basic/free"][..],
            "3 keys (kong), with 1 member and 2 applications that are new",
            "kong-jo-0001-synthetic",
        ),
        (
            "apisix.json",
            &["--plan", "basic/free"],
            "2 keys (apisix), with 1 member and 2 applications that are new",
            "apisix-jo-0001-synthetic",
        ),
        (
            "aws.csv",
            &["--plan", "basic/free", "--map", "c7y23b=basic/open", "--owner", "jo"],
            "3 keys (aws), with 0 members and 3 applications that are new",
            "awskey0001synthetic00001",
        ),
        (
            "tyk.json",
            &["--plan", "basic/free"],
            "2 keys (tyk), with 2 members and 2 applications that are new",
            "5e9d9544a1dcd60001d0ed20synthetic0000000000000000000001",
        ),
        (
            "v3.json",
            &["--plan", "basic/free", "--owner", "jo", "--application", "acme"],
            "3 keys (v3), with 0 members and 1 application that are new",
            "v3key00000000000000000001",
        ),
        (
            "tollgate.jsonl",
            &[],
            "2 keys (tollgate), with 1 member and 2 applications that are new",
            "tollgate-0001-synthetic",
        ),
    ] {
        let desk = desk();
        let document = sample(file);
        let import = [&["key", "import", &document], more].concat();
        let dry = desk.run(&[&import[..], &["--dry-run"]].concat());
        let mut lines = dry.done().lines();
        assert_eq!(lines.next(), Some(&*format!("would import {told}")), "{file}");
        let remarks = lines.collect::<Vec<_>>();
        assert_eq!(keys(&desk), 1, "{file}: a dry run changes nothing");
        let done = desk.run(&import);
        let mut lines = done.done().lines();
        assert_eq!(lines.next(), Some(&*format!("imported {told}")), "{file}");
        assert_eq!(lines.collect::<Vec<_>>(), remarks, "{file}");
        assert!(!remarks.is_empty(), "{file}");
        let count: usize = told.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(keys(&desk), 1 + count, "{file}");
        // One of ours has a quota of 0.
        let status = if file == "tollgate.jsonl" { 429 } else { 200 };
        assert_eq!(desk.gate.get("/orders").key(key).send().status, status, "{file}");
        let again = desk.run(&[&import[..], &["--json"]].concat());
        let told = again.failed(2);
        assert_eq!(told.lines().count(), count + 1, "{told}");
        assert!(told.ends_with("tollgate: nothing was imported\n"), "{told}");
    }
}

#[test]
fn what_is_not_carried_over_is_told_with_its_places() {
    let desk = desk();
    let document = sample("kong.yaml");
    let import = ["key", "import", &document, "--plan", "basic/free", "--dry-run"];
    let told = desk.run(&import);
    let told = told.done();
    assert!(told.contains("\n\nnot carried over, or not as it was:\n  "), "{told}");
    for remark in ["  config.year: ", "  services: "] {
        assert!(told.contains(remark), "{told}");
    }
    assert!(told.contains("(consumers[0].plugins[0])\n"), "{told}");
    let json = desk.run(&[&import[..], &["--json"]].concat()).json();
    assert_eq!((&json["format"], &json["dryRun"]), (&json!("kong"), &json!(true)));
    let remarks = json["remarks"].as_array().unwrap();
    let year = remarks.iter().find(|remark| remark["field"] == "config.year").unwrap();
    assert_eq!(year["places"], json!(["consumers[0].plugins[0]"]));
}

#[test]
fn one_bad_row_keeps_all_out_and_each_is_told() {
    let desk = desk();
    let refused = desk.run(&["key", "import", &sample("tyk-hashed.json"), "--plan", "basic/free"]);
    let told: Vec<_> = refused.failed(2).lines().collect();
    assert!(told[0].starts_with("tollgate: [0]: key: it has the form of a hash"), "{told:?}");
    assert!(told[1].starts_with("tollgate: [1]: key: "), "{told:?}");
    assert_eq!(told[2..], ["tollgate: nothing was imported"]);
    assert_eq!(keys(&desk), 1);
    let unmapped = desk.run(&["key", "import", &sample("kong.yaml")]);
    assert!(unmapped.failed(2).contains("no plan of ours is named"), "{unmapped:?}");
    let unknown = desk.run(&["key", "import", &sample("kong.yaml"), "--plan", "basic/none"]);
    assert!(unknown.failed(2).contains("has no plan \"none\""), "{unknown:?}");
    let document = |text: &str, more: &[&str]| {
        desk.give(&[&["key", "import", "-", "--plan", "basic/free"], more].concat(), text)
    };
    let unclear = document("{}", &[]);
    assert!(unclear.failed(2).contains("format: cannot be told"), "{unclear:?}");
    let malformed = document("[{\n", &["--format", "v3"]);
    assert!(malformed.failed(2).contains("document: line 2"), "{malformed:?}");
    let missing = desk.run(&["key", "import", "/nowhere"]);
    assert!(missing.failed(2).contains("cannot be read"), "{missing:?}");
}

#[test]
fn a_file_says_where_keys_go() {
    let desk = desk();
    let file = desk.home.path().join("destination.json");
    let open = json!({ "package": "basic", "plan": "open" });
    let destination = json!({ "groups": { "c7y23b": open }, "plan": open, "owner": "jo" });
    fs::write(&file, destination.to_string()).unwrap();
    let file = file.to_str().unwrap();
    desk.run(&["key", "import", &sample("aws.csv"), "--destination", file]).done();
    let listed = desk.run(&["key", "list"]);
    assert_eq!(listed.done().matches("basic/open").count(), 3, "{listed:?}");
    let wrong =
        desk.run(&["key", "import", &sample("aws.csv"), "--destination", &sample("aws.csv")]);
    assert!(wrong.failed(2).contains("expected groups, plan"), "{wrong:?}");
}

#[test]
fn an_export_is_what_imports_it_again() {
    let desk = desk();
    desk.run(&["key", "import", &sample("v3.json"), "--plan", "basic/free", "--owner", "jo"])
        .done();
    desk.create(&["--qps", "7", "--expires", "2099-01-31"]);
    let exported = desk.run(&["key", "export"]);
    let lines = exported.done();
    assert_eq!(lines.lines().count(), 5, "{lines}");
    let file = desk.home.path().join("keys.jsonl");
    let into_file = ["key", "export", "--output", file.to_str().unwrap()];
    let written = desk.run(&into_file);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    assert!(written.stderr.starts_with("4 keys in "), "{written:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), lines);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(desk.run(&into_file).failed(2).contains("is there already"));

    let other = self::desk();
    other.run(&["key", "import", file.to_str().unwrap()]).done();
    assert_eq!(other.run(&["key", "export"]).done(), lines);
    let told = |desk: &Desk, action: &str| {
        let config = desk.gate.config().to_str().unwrap();
        let log = desk.run(&["audit", "list", "--config", config, "--json"]);
        log.done().matches(action).count()
    };
    assert_eq!((told(&desk, "\"key.export\""), told(&other, "\"key.import\"")), (2, 1));
}

#[test]
fn keys_that_are_shown_once_are_not_exported() {
    let desk = Desk::with(|config| {
        config.section("control", "address = \"127.0.0.1:0\"\nkey_retrieval = \"once\"")
    });
    desk.log_in().done();
    assert!(desk.run(&["key", "export"]).failed(9).contains("shown once"));
}

#[test]
fn importing_and_exporting_take_roles_everywhere() {
    let desk = desk();
    let organization = done(&desk.admin.ask("POST", "/organizations", &json!({ "name": "Acme" })));
    let password = "correct horse battery";
    let roles =
        json!([{ "name": "Organization Admin", "organization": text(&organization, "id") }]);
    let kim = json!({ "username": "kim", "email": "", "passwdNew": password, "roles": roles });
    desk.admin.make("/members", &kim);
    let kim = desk.admin.as_member("kim", &password.replace(' ', "+"));
    let token = kim.tokens["access_token"].as_str().unwrap();
    let run = |arguments: &[&str]| {
        let command = desk.command(arguments);
        finish(command.env("TOLLGATE_SERVER", desk.server()).env("TOLLGATE_TOKEN", token), "")
    };
    let import = run(&["key", "import", &sample("kong.yaml"), "--plan", "basic/free"]);
    assert!(import.failed(7).contains("key_write"), "{import:?}");
    let export = run(&["key", "export"]);
    assert!(export.failed(7).contains("key_re"), "{export:?}");
}

#[test]
fn a_document_that_is_too_long_is_refused_before_it_is_sent() {
    let desk = Desk::with(|config| {
        config.section("control", "address = \"127.0.0.1:0\"\nimport_body_limit = \"1MiB\"")
    });
    desk.log_in().done();
    let file = desk.home.path().join("long.csv");
    fs::write(&file, format!("name,key\n{}", "a,b\n".repeat(500_000))).unwrap();
    let refused = desk.run(&["key", "import", file.to_str().unwrap(), "--plan", "basic/free"]);
    assert!(refused.failed(2).contains("too large"), "{refused:?}");
}

#[test]
fn a_document_that_comes_slowly_keeps_nobody_waiting() {
    let desk = desk();
    let token = desk.admin.tokens["access_token"].as_str().unwrap();
    let mut slow = TcpStream::connect(desk.gate.admin()).unwrap();
    let document = format!(
        "{}\n{}\n",
        json!({ "tollgate": "keys", "version": 1 }),
        json!({ "key": "slow-0001-synthetic", "state": "active", "owner": "jo" })
    );
    let destination = "%7B%22plan%22:%7B%22package%22:%22basic%22,%22plan%22:%22free%22%7D%7D";
    write!(
        slow,
        "POST /api/keys/import?destination={destination} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        document.len()
    )
    .unwrap();
    let (first, rest) = document.split_at(20);
    slow.write_all(first.as_bytes()).unwrap();
    let made = desk.create(&["--status", "active"]);
    desk.gate.get("/orders").key(text(&made, "apikey")).send().admitted();
    slow.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    desk.gate.get("/orders").key("slow-0001-synthetic").send().admitted();
}

#[test]
fn nobody_keeps_an_export_on_its_way() {
    let desk = desk();
    let token = desk.admin.tokens["access_token"].as_str().unwrap();
    let answer = Request::new(desk.gate.admin(), "GET", "/api/keys/export")
        .header("Authorization", &format!("Bearer {token}"))
        .send();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.header("content-type"), Some("application/jsonl"));
}

#[test]
fn lists_longer_than_a_page_come_whole() {
    let desk = desk();
    let mut document = "{\"tollgate\":\"keys\",\"version\":1}\n".to_owned();
    for number in 0..2_001 {
        let key = json!({
            "key": format!("many-{number:06}-synthetic"), "state": "pending", "owner": "jo",
            "package": "basic", "plan": "free",
        });
        document += &format!("{key}\n");
    }
    let imported = desk.give(&["key", "import", "-"], &document);
    assert!(imported.done().starts_with("imported 2001 keys"), "{imported:?}");
    let listed = desk.run(&["key", "list", "--json"]);
    let ids: std::collections::BTreeSet<String> = listed
        .done()
        .lines()
        .map(|line| text(&serde_json::from_str::<Json>(line).unwrap(), "id").to_owned())
        .collect();
    assert_eq!((ids.len(), listed.stdout.lines().count()), (2_002, 2_002));
    assert_eq!(desk.run(&["key", "export"]).done().lines().count(), 2_002);
}

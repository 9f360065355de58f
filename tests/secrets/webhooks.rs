//! What webhooks are told.

use serde_json::json;

use super::sinks::{PLAIN_CANARY, SECRET, hold_no_secret};
use crate::support::{Admin, Config, Origin, Request, Tollgate, done};

#[test]
fn no_webhook_is_told_a_key_or_its_secret() {
    let ear = Origin::start();
    let origin = Origin::start();
    let config = Config::new(&origin).control().section("log", "level = \"debug\"");
    let gate = Tollgate::start(&config.section("control.webhooks", "allow_private = true"));
    let admin = Admin::first(&gate);
    let token = admin.tokens["access_token"].as_str().unwrap();
    // The address of a webhook can be secret too, to all but its owner and who is there.
    let url = format!("http://{}/hook?token={PLAIN_CANARY}", ear.address());
    let webhook = Request::new(admin.address, "POST", "/api/webhooks")
        .header("Authorization", &format!("Bearer {token}"))
        .body(&json!({ "url": url }).to_string())
        .send();
    assert_eq!(webhook.status, 200, "{webhook:?}");
    let webhook = webhook.json()["secret"].as_str().unwrap().to_owned();
    let member = admin.make("/members", &json!({ "username": "kim", "email": "" }));
    let applications = format!("/members/{}/applications", member["id"].as_str().unwrap());
    let application = admin.make(&applications, &json!({ "name": "shop" }));
    let keys = format!("/applications/{}/packageKeys", application["id"].as_str().unwrap());
    let key = json!({
        "package": { "id": "basic" }, "plan": { "id": "free" }, "status": "active",
        "apikey": format!("{PLAIN_CANARY}-key"), "secret": format!("{SECRET}-of-it"),
    });
    let key = admin.make(&keys, &key);
    let key = format!("{keys}/{}", key["id"].as_str().unwrap());
    admin.read(&key);
    done(&admin.put(&key, &json!({ "secret": format!("{SECRET}-of-it-too") })));
    done(&admin.put(&key, &json!({ "status": "disabled" })));
    ear.wait_for_requests(2);
    for request in ear.requests() {
        let fields: Vec<_> = request.fields.iter().collect();
        hold_no_secret("a webhook's body", std::str::from_utf8(&request.body).unwrap());
        hold_no_secret("a webhook's header", &format!("{fields:?}"));
    }
    let log = gate.log();
    hold_no_secret("the log", &log);
    assert!(!log.contains(&webhook) && !log.contains(&webhook[6..]), "{log}");
}

//! Webhooks: made, told and tried again, with a server that listens.

mod tls;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::House;
use super::audit::entries;
use super::native::{ask, id, make};
use super::package_keys::Shop;
use crate::support::{Answer, Config, Message, Origin, done, wait_for};

impl House {
    /// One that may tell servers on this machine.
    pub(super) fn that_tells() -> Self {
        Self::with(|config: Config| config.section("control.webhooks", "allow_private = true"))
    }

    /// Has a server be told; returns the webhook, with its secret.
    pub(super) fn tell(&self, ear: &Origin, more: &Json) -> Json {
        let mut body = json!({ "url": format!("http://{}/hook?token=t", ear.address()) });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        make(&self.admin, "/webhooks", &body)
    }

    fn deliveries(&self, webhook: &Json) -> Vec<Json> {
        let list = ask(&self.admin, "GET", &format!("/webhooks/{}/deliveries", id(webhook)), None);
        assert_eq!(list.status, 200, "{list:?}");
        list.json().as_array().unwrap().clone()
    }

    fn wait_for_delivery(&self, webhook: &Json, state: &str) -> Json {
        wait_for(&format!("a delivery that is {state}"), || {
            self.deliveries(webhook).into_iter().find(|delivery| delivery["state"] == state)
        })
    }
}

/// The event in a request, which has to be signed.
pub(super) fn event(request: &Message, webhook: &Json) -> Json {
    let field = |name: &str| request.header(name).unwrap().to_owned();
    let secret = webhook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
    let (id, timestamp) = (field("webhook-id"), field("webhook-timestamp"));
    hmac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes()));
    assert_eq!(field("webhook-signature"), expected);
    assert_eq!(field("content-type"), "application/json");
    assert_eq!(request.method(), "POST");
    serde_json::from_str(&body).unwrap()
}

/// The kinds of what a server was told, in whatever order it came.
fn kinds(ear: &Origin, webhook: &Json) -> Vec<String> {
    let told = ear.requests();
    let kind = |request| event(request, webhook)["type"].as_str().unwrap().to_owned();
    let mut kinds: Vec<_> = told.iter().map(kind).collect();
    kinds.sort();
    kinds
}

#[test]
fn what_happens_to_a_key_is_told_signed_and_without_the_key() {
    let shop = Shop::in_house(House::that_tells(), &json!({ "name": "gold" }));
    let ear = Origin::start();
    let webhook = shop.house.tell(&ear, &json!({}));
    let key = shop.make(&json!({ "status": "active", "expires": "2099-12-31" }));
    let target = shop.key(&key);
    done(&shop.house.admin.put(&target, &json!({ "status": "disabled" })));
    shop.house.admin.read(&target);
    done(&shop.house.admin.delete(&target));
    ear.wait_for_requests(3);
    let expected = ["credentials.retrieved", "key.revoked", "key.suspended"];
    assert_eq!(kinds(&ear, &webhook), expected);
    for request in ear.requests() {
        let said = format!("{request:?}");
        for secret in ["apikey", "secret"] {
            assert!(!said.contains(key[secret].as_str().unwrap()), "{said}");
        }
        assert_eq!(request.target(), "/hook?token=t");
    }
    let suspended = ear.requests().into_iter().map(|request| event(&request, &webhook));
    let suspended = suspended.filter(|event| event["type"] == "key.suspended");
    let data = suspended.map(|event| event["data"].clone()).next().unwrap();
    assert_eq!(data["keySet"]["id"], key["id"]);
    assert_eq!(data["application"]["name"], "shop");
    let delivery = shop.house.wait_for_delivery(&webhook, "delivered");
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!(200), &json!(1)));
}

#[test]
fn a_webhook_shows_its_secret_once_and_is_gone_with_all_that_is_its() {
    let house = House::that_tells();
    let ear = Origin::start();
    let webhook = house.tell(&ear, &json!({ "kinds": ["key.revoked"] }));
    assert!(webhook["secret"].as_str().unwrap().starts_with("whsec_"));
    let target = format!("/webhooks/{}", id(&webhook));
    let seen = ask(&house.admin, "GET", &target, None);
    assert!(seen.json().get("secret").is_none(), "{seen:?}");
    let changed = json!({ "enabled": false, "description": "portal" });
    let changed = ask(&house.admin, "PUT", &target, Some(&changed));
    assert_eq!((changed.status, &changed.json()["enabled"]), (200, &json!(false)));
    assert_eq!(ask(&house.admin, "DELETE", &target, None).status, 200);
    let gone = ask(&house.admin, "GET", &format!("{target}/deliveries"), None);
    assert_eq!(gone.refusal(), (404, "not_found".to_owned()));
}

#[test]
fn the_audit_log_says_where_a_webhook_is_without_what_opens_it() {
    let house = House::that_tells();
    let ear = Origin::start();
    let webhook = house.tell(&ear, &json!({}));
    let target = format!("/webhooks/{}", id(&webhook));
    let url = format!("http://{}/other?token=u", ear.address());
    assert_eq!(ask(&house.admin, "PUT", &target, Some(&json!({ "url": url }))).status, 200);
    let told = |action: &str| entries(&house.gate, &["--action", action])[0]["details"].clone();
    let [first, second] =
        ["hook", "other"].map(|path| format!("http://{}/{path}?…", ear.address()));
    assert_eq!(told("webhook.create")["url"], json!([null, first]));
    assert_eq!(told("webhook.update")["url"], json!([first, second]));
    let seen = ask(&house.admin, "GET", &target, None);
    assert_eq!(seen.json()["url"], url.as_str());
}

#[test]
fn a_webhook_is_tried_when_its_owner_wants_to() {
    let house = House::that_tells();
    let ear = Origin::start();
    let webhook = house.tell(&ear, &json!({ "kinds": ["key.revoked"] }));
    let made = make(&house.admin, &format!("/webhooks/{}/deliveries", id(&webhook)), &json!({}));
    ear.wait_for_requests(1);
    assert_eq!(kinds(&ear, &webhook), ["webhook.test"]);
    let delivery = house.wait_for_delivery(&webhook, "delivered");
    assert_eq!(delivery["id"], made["id"]);
    let one = format!("/webhooks/{}/deliveries/{}?fields=body", id(&webhook), id(&made));
    let body = ask(&house.admin, "GET", &one, None).json()["body"].as_str().unwrap().to_owned();
    assert_eq!(body.as_bytes(), ear.request().body);
}

#[test]
fn a_webhook_is_somewhere_that_may_be_told() {
    let house = House::start();
    let refused = |url: &str| {
        let made = ask(&house.admin, "POST", "/webhooks", Some(&json!({ "url": url })));
        assert_eq!(made.refusal(), (400, "invalid".to_owned()), "{url}");
        assert_eq!(made.problem()["errors"][0]["property"], "url");
        assert!(!made.text().contains("opens-it"), "{made:?}");
    };
    for url in [
        "http://example.com/opens-it",
        "https://10.0.0.1/opens-it",
        "https://[::1]/opens-it",
        "http://127.0.0.1:8082/opens-it",
        "https://jo:opens-it@example.com/",
        "ftp://example.com/opens-it",
        "opens-it",
    ] {
        refused(url);
    }
    let unknown = json!({ "url": "https://example.com/", "kinds": ["key.lost"] });
    let unknown = ask(&house.admin, "POST", "/webhooks", Some(&unknown));
    assert_eq!(unknown.problem()["errors"][0]["property"], "kinds");
    let kim = house.member("kim", &json!([{ "name": "Contributor" }]));
    let body = json!({ "url": "https://example.com/" });
    let denied = ask(&kim, "POST", "/webhooks", Some(&body));
    assert_eq!(denied.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(ask(&kim, "GET", "/webhooks", None).refusal(), (403, "forbidden".to_owned()));
}

#[test]
fn a_name_that_leads_into_the_own_network_leads_nowhere() {
    let shop = Shop::open();
    let ear = Origin::start();
    let url = format!("https://localhost:{}/hook", ear.address().port());
    let webhook = make(&shop.house.admin, "/webhooks", &json!({ "url": url }));
    let key = shop.make(&json!({ "status": "active" }));
    done(&shop.house.admin.put(&shop.key(&key), &json!({ "status": "disabled" })));
    let delivery = wait_for("a delivery that was tried", || {
        shop.house
            .deliveries(&webhook)
            .into_iter()
            .find(|delivery| delivery["attempts"] == 1 && !delivery["failure"].is_null())
    });
    assert_eq!(delivery["state"], "waiting");
    let failure = delivery["failure"].as_str().unwrap();
    assert!(failure.contains("private network"), "{failure}");
    assert_eq!(ear.connections(), 0);
}

#[test]
fn a_delivery_is_tried_again_until_it_has_arrived_and_follows_nobody() {
    let shop = Shop::in_house(House::that_tells(), &json!({ "name": "gold" }));
    let elsewhere = Origin::start();
    let location = format!("http://{}/", elsewhere.address());
    let first = std::sync::atomic::AtomicBool::new(true);
    let ear = Origin::answering(move |_| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Answer::status(307).header("location", &location);
        }
        Answer::ok("")
    });
    let webhook = shop.house.tell(&ear, &json!({ "kinds": ["key.suspended"] }));
    let key = shop.make(&json!({ "status": "active" }));
    done(&shop.house.admin.put(&shop.key(&key), &json!({ "status": "disabled" })));
    let delivery = shop.house.wait_for_delivery(&webhook, "delivered");
    assert_eq!(delivery["attempts"], 2);
    let told = ear.requests();
    assert_eq!(told.len(), 2);
    assert_eq!(event(&told[0], &webhook), event(&told[1], &webhook));
    let id = |request: &Message| request.header("webhook-id").unwrap().to_owned();
    assert_eq!(id(&told[0]), id(&told[1]));
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_key_of_the_file_tells_those_who_are_told_of_all() {
    let house = House::with(|config| {
        let package = "near_quota_threshold = 50\nnotify_developer_near_quota = true\n\
                       notify_admin_over_quota = true\nnotify_admin_over_throttle = true";
        config
            .section("control.webhooks", "allow_private = true")
            .section("packages.basic", package)
            .plan("qps_limit_exempt = true\nrate_limit_ceiling = 4\nrate_limit_period = \"month\"")
            .key("acme-2", "slow", "qps_limit_ceiling = 0")
    });
    let north = make(&house.admin, "/organizations", &json!({ "name": "north" }));
    let (ear, other) = (Origin::start(), Origin::start());
    let webhook = house.tell(&ear, &json!({}));
    let of_north = house.tell(&other, &json!({ "organization": id(&north) }));
    let call = |key: &str| house.gate.get("/orders").key(key).send();
    (0..4).for_each(|_| drop(call("demo").admitted()));
    (0..3).for_each(|_| drop(call("demo").refused(429, "over_quota")));
    call("slow").refused(429, "over_qps");
    ear.wait_for_requests(3);
    assert_eq!(kinds(&ear, &webhook), ["key.near_quota", "key.over_quota", "key.over_throttle"]);
    for request in ear.requests() {
        let event = event(&request, &webhook);
        let data = &event["data"];
        let throttled = event["type"] == "key.over_throttle";
        let (key, limit) = if throttled { ("acme-2", "qps") } else { ("acme-1", "quota") };
        assert_eq!(
            (&data["key"]["id"], &data["package"]),
            (&json!(key), &json!("basic")),
            "{event}"
        );
        assert_eq!(data["application"], json!({ "id": "acme", "name": "acme" }));
        assert!(data[limit]["ceiling"].is_number(), "{event}");
        let audience = if event["type"] == "key.near_quota" { "developer" } else { "admin" };
        assert_eq!(data["audience"], audience);
        assert!(!format!("{request:?}").contains("demo"), "{request:?}");
    }
    assert_eq!(house.deliveries(&webhook).len(), 3);
    assert!(house.deliveries(&of_north).is_empty(), "it is of no organization");
    let shown = house.admin.read("/packages/basic");
    assert_eq!(shown["nearQuotaThreshold"], 50);
    assert_eq!(shown["notifyAdminOverQuota"], true);
    assert_eq!(shown["notifyDeveloperPeriod"], "day");
}

#[test]
fn a_quota_that_ends_is_told_of_once_to_those_who_want_to_know() {
    let package = json!({
        "name": "gold", "nearQuotaThreshold": 50, "notifyDeveloperPeriod": "month",
        "notifyDeveloperNearQuota": true, "notifyDeveloperOverQuota": true,
        "notifyAdminNearQuota": true, "notifyAdminPeriod": "month",
    });
    let shop = Shop::sells(Shop::in_house(House::that_tells(), &package));
    let ear = Origin::start();
    let webhook = shop.house.tell(&ear, &json!({}));
    let key = shop.make(&json!({ "status": "active", "rateLimitCeiling": 4 }));
    shop.call(&key).admitted();
    (0..3).for_each(|_| drop(shop.call(&key).admitted()));
    (0..3).for_each(|_| drop(shop.call(&key).refused(429, "over_quota")));
    ear.wait_for_requests(3);
    assert_eq!(kinds(&ear, &webhook), ["key.near_quota", "key.near_quota", "key.over_quota"]);
    let events =
        ear.requests().into_iter().map(|request| event(&request, &webhook)["data"].clone());
    let events: Vec<_> = events.collect();
    let audience = |who: &str| events.iter().filter(|data| data["audience"] == who).count();
    assert_eq!((audience("developer"), audience("admin")), (2, 1));
    assert!(
        events.iter().all(|data| data["quota"]["ceiling"] == 4 && data["key"]["id"] == key["id"])
    );
    // A key of its own that nobody asked about tells nothing.
    let other = shop.make(&json!({ "status": "active", "qpsLimitCeiling": 0 }));
    shop.call(&other).refused(429, "over_qps");
    let deliveries = shop.house.deliveries(&webhook);
    assert_eq!(deliveries.len(), 3, "{deliveries:?}");
}

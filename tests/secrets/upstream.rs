//! What an upstream gets to see of a key: its name.

use crate::support::{Config, Origin, Tollgate};

use super::house::{PLACES, PROOF, form, key, path_key, secret_digest};
use super::sinks::{SECRET, basic, encoded, hold_no_secret};

#[test]
fn no_upstream_sees_a_key_wherever_it_stood() {
    let origin = Origin::start();
    let key = key("good");
    let config = Config::new(&origin)
        .service(&format!("path = \"/orders\"\nupstream = \"demo\"\n{PLACES}"))
        .section(
            "services.segment",
            "path = \"/segment\"\nupstream = \"demo\"\n\
                                      credentials = [{ path_segment = 1 }, { query = \"k\" }]",
        )
        .section("services.segment.endpoints.all", "")
        .section("packages.basic.plans.free.services.segment", "")
        .key("good", &key, "")
        .key("good-path", &path_key("good"), "");
    let gate = Tollgate::start(&config);
    let orders = gate.get("/orders");
    let bearer = format!("Bearer {key}");
    let requests = [
        orders.clone().key(&key),
        orders.clone().key(&key).key(&key),
        orders.clone().header("x-API-key", &key).header("Authorization", &bearer),
        orders.clone().header("Authorization", &bearer).header("Authorization", "Digest a=1"),
        orders.clone().header("Authorization", &basic(&key)).header("Authorization", "Digest a=1"),
        orders.clone().header("Cookie", &format!("a=1; key={key}; b=2; key=\"{key}\"")),
        orders.clone().header("Cookie", &format!("key={key}")).header("Cookie", "a=1").key(&key),
        gate.get(&format!("/orders?api_key={key}")),
        gate.get(&format!("/orders?api_key={}&b=2", encoded(&key))),
        gate.get(&format!("/orders?a=%20&%61%70i%5Fkey={key}&api_key={}", encoded(&key))),
        gate.get(&format!("http://api.example.com/orders?api_key={key}")).host("api.example.com"),
        form(&orders, &format!("api_key={key}&a=1")).key(&key),
        form(&orders, &format!("a=%20&%61%70i%5Fkey={0}&api_key={0}", encoded(&key))),
        gate.get(&format!("/segment/{}/orders", path_key("good"))),
        gate.get(&format!("/segment/{0}?k={0}", encoded(&path_key("good")))),
        gate.request("POST", &format!("/orders?api_key={key}")).key(&key).body("a=1"),
    ];
    for request in &requests {
        request.send().admitted();
    }
    let seen = origin.requests();
    assert_eq!(seen.len(), requests.len());
    for message in seen {
        assert!(message.header("x-tollgate-key").unwrap().starts_with("good"));
        hold_no_secret("the upstream's record", &format!("{message:?}"));
    }
}

#[test]
fn no_upstream_sees_a_secret_wherever_it_stood() {
    let origin = Origin::start();
    let key = key("good");
    let config = Config::new(&origin)
        .service(&format!("path = \"/orders\"\nupstream = \"demo\"\n{PLACES}"))
        .section("services.orders.proof", PROOF)
        .without("keys.acme-1")
        .key("good", &key, &secret_digest());
    let gate = Tollgate::start(&config);
    let orders = gate.get("/orders").key(&key);
    let secret = format!("secret {SECRET}");
    let requests = [
        orders.clone().header("X-Api-Secret", SECRET),
        orders.clone().header("x-api-SECRET", SECRET).header("X-Api-Secret", SECRET),
        orders.clone().header("Authorization", &secret).header("Authorization", "Digest a=1"),
        gate.get(&format!("/orders?secret={SECRET}&api_key={key}")),
        gate.get(&format!("/orders?a=1&%73ecret={}&b=2", encoded(SECRET))).key(&key),
        orders.header("X-Api-Secret", SECRET).header("Authorization", &secret),
    ];
    for request in &requests {
        request.send().admitted();
    }
    let seen = origin.requests();
    assert_eq!(seen.len(), requests.len());
    for message in seen {
        assert_eq!(message.header("x-tollgate-key"), Some("good"));
        hold_no_secret("the upstream's record", &format!("{message:?}"));
    }
}

//! What callers prove beside their key.

use serde_json::{Value as Json, json};

use super::Market;
use crate::proofs::{hmac_sha256, md5, sha256, unix};
use crate::support::{Request, Response};

/// A call that is signed as the vendor's clients sign.
fn signed(market: &Market, sign: fn(&str, &str, u64) -> String, key: &Json) -> Request {
    let text = |name: &str| key[name].as_str().unwrap();
    let signature = sign(text("apikey"), text("secret"), unix());
    market.bare("GET", &format!("/items?api_key={}&sig={signature}", text("apikey")))
}

#[test]
fn an_endpoint_asks_for_the_signature_that_its_type_names() {
    let market = Market::open(&json!({}));
    // From here on proxies need the secrets of keys that were made before, too.
    let signed_now = json!({ "requestAuthenticationType": "apiKeyAndSecret_SHA256" });
    market.change(&market.endpoint(), &signed_now);
    let other = market.make_key(&json!({}));
    let forged = crate::admin::services::with(market.key.clone(), &json!({ "secret": "guess" }));
    market.in_both(|send: &mut dyn FnMut(&Request) -> Response| {
        send(&signed(&market, sha256, &market.key)).admitted();
        send(&signed(&market, sha256, &other)).admitted();
        send(&signed(&market, md5, &market.key)).refused(401, "proof_invalid");
        send(&signed(&market, sha256, &forged)).refused(401, "proof_invalid");
        send(&market.request("GET", "/items")).refused(401, "proof_missing");
    });
    market
        .change(&market.endpoint(), &json!({ "requestAuthenticationType": "apiKeyAndSecret_MD5" }));
    signed(&market, md5, &market.key).send().admitted();
    signed(&market, sha256, &market.key).send().refused(401, "proof_invalid");
    market.change(&market.endpoint(), &json!({ "requestAuthenticationType": "secureHash_SHA256" }));
    let (value, secret) = (market.value(), market.key["secret"].as_str().unwrap());
    let time = unix().to_string();
    let hashed = market
        .request("GET", "/items")
        .header("X-Timestamp", &time)
        .header("X-Signature", &hmac_sha256(value, secret, &time));
    hashed.send().admitted();
    hashed.send().refused(401, "proof_invalid");
    market.change(&market.endpoint(), &json!({ "requestAuthenticationType": "apiKey" }));
    market.get("/items").admitted();
}

#[test]
fn endpoints_of_one_service_are_each_authenticated_in_their_own_way() {
    let market = Market::open(&json!({}));
    let signed_too = market.make_endpoint(&json!({
        "name": "orders", "requestPathAlias": "/orders",
        "requestAuthenticationType": "apiKeyAndSecret_SHA256",
        "publicDomains": [{ "address": "orders.example.com" }],
    }));
    market.open_endpoint(&signed_too);
    market.get("/items").admitted();
    let order = market.request("GET", "/orders").host("orders.example.com");
    order.send().refused(401, "proof_missing");
    let (value, secret) = (market.value(), market.key["secret"].as_str().unwrap());
    order.header("X-Signature", &sha256(value, secret, unix())).send().admitted();
}

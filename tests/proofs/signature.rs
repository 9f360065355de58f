//! Mashery's signatures: the hash of key, secret and the present second.

use sha2::{Digest, Sha256};

use super::{KEY, SECRET, failures, hex, hold_unseen, house, in_both, unix, wrapped};
use crate::support::{Config, Origin, Tollgate};

fn md5(second: u64) -> String {
    super::md5(KEY, SECRET, second)
}

fn sha256(second: u64) -> String {
    super::sha256(KEY, SECRET, second)
}

fn gate(origin: &Origin, proof: &str) -> Tollgate {
    Tollgate::start(&house(origin, proof, &wrapped(KEY, SECRET)))
}

#[test]
fn a_signature_stands_where_the_key_stands_and_goes_no_further() {
    let origin = Origin::start();
    for (kind, sign) in [("signature-md5", md5 as fn(u64) -> String), ("signature-sha256", sha256)]
    {
        let gate = gate(&origin, &format!("kind = \"{kind}\""));
        let signature = sign(unix());
        in_both(&gate, |send| {
            let upper = signature.to_ascii_uppercase();
            send(&gate.get("/orders/7").key(KEY).header("X-Signature", &signature)).admitted();
            send(&gate.get("/orders/7").key(KEY).header("x-signature", &upper)).admitted();
            let target = format!("/orders/7?b=%7e&sig={signature}&api_key={KEY}&&c");
            send(&gate.get(&target)).admitted();
            assert_eq!(origin.targets().last().unwrap(), "/orders/7?b=%7e&&c");
        });
        hold_unseen(&origin, &[KEY, SECRET, &signature, "signature"]);
    }
}

#[test]
fn what_is_signed_otherwise_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin, "kind = \"signature-sha256\"\ntolerance = \"100s\"");
    let now = unix();
    in_both(&gate, |send| {
        let with = |signature: &str| gate.get("/orders").key(KEY).header("X-Signature", signature);
        send(&gate.get("/orders").key(KEY)).refused(401, "proof_missing");
        let others_key = super::sha256("other", SECRET, now);
        let others_secret = super::sha256(KEY, "other", now);
        let bare = hex(&Sha256::digest(KEY));
        for wrong in [SECRET, &md5(now), &others_key, &others_secret, &bare, &"0".repeat(64)] {
            send(&with(wrong)).refused(401, "proof_invalid");
        }
        for second in [now - 110, now + 110] {
            send(&with(&sha256(second))).refused(401, "proof_invalid");
        }
        for second in [now - 95, now + 95] {
            send(&with(&sha256(second))).admitted();
        }
    });
    assert_eq!(failures(&gate, "malformed"), 4.0);
    assert_eq!(failures(&gate, "wrong"), 12.0);
}

#[test]
fn a_flood_of_wrong_signatures_leaves_the_right_one_of_now() {
    let origin = Origin::start();
    let gate = gate(&origin, "kind = \"signature-md5\"");
    let with = |signature: &str| gate.get("/orders").key(KEY).header("X-Signature", signature);
    let wrong = "0".repeat(32);
    in_both(&gate, |send| {
        for _ in 0..60 {
            send(&with(&wrong)).refused(401, "proof_invalid");
        }
        // The budget is the key's, through whatever worker and revision.
        send(&with(&md5(unix() - 60))).refused(401, "proof_invalid");
        send(&with(&md5(unix()))).admitted();
        send(&with(&md5(unix() + 3))).admitted();
        let more = house(&origin, "kind = \"signature-md5\"", &wrapped(KEY, SECRET));
        gate.apply(&more);
        send(&with(&md5(unix() - 60))).refused(401, "proof_invalid");
    });
    assert!(failures(&gate, "over_budget") >= 80.0, "{}", gate.metrics().text());
}

#[test]
fn a_reload_changes_the_secret_and_a_wrong_wrap_opens_nothing() {
    let origin = Origin::start();
    let proof = "kind = \"signature-sha256\"";
    let gate = gate(&origin, proof);
    let with = |signature: &str| gate.get("/orders").key(KEY).header("X-Signature", signature);
    let next = |second: u64| super::sha256(KEY, "next-secret", second);
    gate.apply(&house(&origin, proof, &wrapped(KEY, "next-secret")));
    with(&sha256(unix())).send().refused(401, "proof_invalid");
    with(&next(unix())).send().admitted();
    gate.apply(&house(&origin, proof, &wrapped("another-key", SECRET)));
    with(&sha256(unix())).send().refused(401, "proof_invalid");
    with(&next(unix())).send().refused(401, "proof_invalid");
    assert_eq!(failures(&gate, "sealed"), 2.0);
}

#[test]
fn a_rotated_key_signs_with_the_secret_that_was_wrapped_under_it() {
    let origin = Origin::start();
    let proof = "kind = \"signature-sha256\"";
    let gate = gate(&origin, proof);
    let rotated = Config::key_body("next-key", &wrapped("next-key", SECRET));
    gate.apply(&house(&origin, proof, "").section("keys.acme-1", &rotated));
    let signature = super::sha256("next-key", SECRET, unix());
    gate.get("/orders").key("next-key").header("X-Signature", &signature).send().admitted();
    let old = gate.get("/orders").key(KEY).header("X-Signature", &sha256(unix()));
    old.send().refused(401, "key_rejected");
}

#[test]
fn a_key_serves_services_of_both_kinds() {
    let origin = Origin::start();
    let secrets =
        format!("secret_digest = \"{}\"\n{}", crate::support::digest(SECRET), wrapped(KEY, SECRET));
    let config = house(&origin, "kind = \"secret\"", &secrets)
        .section("services.signed", "path = \"/signed\"\nupstream = \"demo\"")
        .section("services.signed.proof", "kind = \"signature-md5\"")
        .section("services.signed.endpoints.all", "")
        .section("services.bare", "path = \"/bare\"\nupstream = \"demo\"")
        .section("services.bare.endpoints.all", "")
        .section("packages.basic.plans.free.services.signed", "")
        .section("packages.basic.plans.free.services.bare", "");
    let gate = Tollgate::start(&config);
    gate.get("/orders").key(KEY).header("X-Api-Secret", SECRET).send().admitted();
    gate.get("/signed").key(KEY).header("X-Signature", &md5(unix())).send().admitted();
    gate.get("/signed")
        .key(KEY)
        .header("X-Api-Secret", SECRET)
        .send()
        .refused(401, "proof_missing");
    gate.get("/bare").key(KEY).send().admitted();
    gate.refuses(&config.key("acme-2", "other", secrets.split_once('\n').unwrap().0));
    gate.wait_for_log("keys.acme-2.wrapped_secret: required");
}

#[test]
fn a_signature_stands_in_the_form_where_keys_do() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\ncredentials = [{ form = \"api_key\" }]";
    let config = house(&origin, "kind = \"signature-md5\"", &wrapped(KEY, SECRET)).service(service);
    let gate = Tollgate::start(&config);
    let post = |body: &str| {
        let form = "application/x-www-form-urlencoded";
        gate.request("POST", "/orders").header("Content-Type", form).body(body).send()
    };
    let signature = md5(unix());
    post(&format!("b=%7e&sig={signature}&api_key={KEY}&c")).admitted();
    assert_eq!(origin.request().body, b"b=%7e&c");
    post(&format!("api_key={KEY}")).refused(401, "proof_missing");
    post(&format!("api_key={KEY}&sig={}", md5(unix() - 400))).refused(401, "proof_invalid");
    hold_unseen(&origin, &[KEY, SECRET, &signature]);
}

//! Proof by secret: the caller sends the secret of its key too.

use super::{KEY, SECRET, failures, hold_unseen, house, in_both};
use crate::support::{Config, Origin, Tollgate, digest};

const PROOF: &str =
    "kind = \"secret\"\nplaces = [{ header = \"X-Api-Secret\" }, { query = \"secret\" }]";

fn secret_digest(secret: &str) -> String {
    format!("secret_digest = \"{}\"\n", digest(secret))
}

fn gate(origin: &Origin) -> Tollgate {
    Tollgate::start(&house(origin, PROOF, &secret_digest(SECRET)))
}

#[test]
fn the_secret_of_the_key_lets_it_through_and_goes_no_further() {
    let origin = Origin::start();
    let gate = gate(&origin);
    in_both(&gate, |send| {
        let request = gate.get("/orders/7").key(KEY);
        send(&request.clone().header("X-Api-Secret", SECRET)).admitted();
        send(&gate.get(&format!("/orders/7?a=%7e&%73ecret={SECRET}&b")).key(KEY)).admitted();
        let target = format!("/orders/7?secret={SECRET}&api_key={KEY}");
        send(&gate.get(&target).header("X-Api-Secret", SECRET)).admitted();
    });
    let expected = ["/orders/7", "/orders/7?a=%7e&b", "/orders/7"];
    assert_eq!(origin.targets(), [expected, expected].concat());
    hold_unseen(&origin, &[KEY, SECRET, "secret"]);
}

#[test]
fn without_it_nothing_gets_through() {
    let origin = Origin::start();
    let gate = gate(&origin);
    in_both(&gate, |send| {
        let request = || gate.get("/orders/7").key(KEY);
        let missing = send(&request()).refused(401, "proof_missing");
        let expected = [
            "ApiKeyProof realm=\"orders\", header=\"x-api-secret\"",
            "ApiKeyProof realm=\"orders\", query=\"secret\"",
        ];
        assert_eq!(missing.fields.all("www-authenticate"), expected);
        let long = "s".repeat(300);
        for wrong in ["qvxkmw57pec", "qvxkmw57pec77", "QVXKMW57PEC7", KEY, "", "a b", &long] {
            send(&request().header("X-Api-Secret", wrong)).refused(401, "proof_invalid");
        }
        let two = request().header("X-Api-Secret", SECRET).header("X-Api-Secret", "other");
        send(&two).refused(401, "proof_invalid");
        let two = gate.get("/orders/7?secret=other").key(KEY).header("X-Api-Secret", SECRET);
        send(&two).refused(401, "proof_invalid");
        // In a place where it is not looked for.
        send(&request().header("X-Secret", SECRET)).refused(401, "proof_missing");
    });
    assert!(origin.requests().is_empty());
    assert_eq!(failures(&gate, "missing"), 4.0);
    assert_eq!(failures(&gate, "wrong"), 8.0);
    assert_eq!(failures(&gate, "malformed"), 10.0);
}

#[test]
fn the_state_of_the_key_comes_before_its_proof_and_entitlement_after() {
    let origin = Origin::start();
    let config = house(&origin, PROOF, &secret_digest(SECRET))
        .key("asleep", "asleep", &format!("{}status = \"suspended\"\n", secret_digest(SECRET)))
        .section("services.orders.endpoints.all", "path = \"/open\"")
        .section("services.orders.endpoints.more", "path = \"/closed\"")
        .section("packages.basic.plans.free.services.orders.endpoints.all", "");
    let gate = Tollgate::start(&config);
    for key in ["asleep", "unheard-of"] {
        gate.get("/orders/open").key(key).send().refused(401, "key_rejected");
    }
    let closed = gate.get("/orders/closed").key(KEY);
    closed.send().refused(401, "proof_missing");
    closed.header("X-Api-Secret", SECRET).send().refused(403, "not_entitled");
}

#[test]
fn what_fails_to_prove_anything_spends_nothing() {
    let origin = Origin::start();
    let plan = "qps_limit_exempt = true\nrate_limit_ceiling = 2\nrate_limit_period = \"month\"";
    let config = house(&origin, PROOF, &secret_digest(SECRET)).plan(plan);
    let gate = Tollgate::start(&config);
    let request = gate.get("/orders").key(KEY);
    for _ in 0..9 {
        request.send().refused(401, "proof_missing");
        request.clone().header("X-Api-Secret", "other").send().refused(401, "proof_invalid");
    }
    let request = request.header("X-Api-Secret", SECRET);
    request.send().admitted();
    request.send().admitted();
    request.send().refused(429, "over_quota");
}

#[test]
fn a_reload_changes_the_secret_and_the_proof() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let with = |secret: &str| gate.get("/orders").key(KEY).header("X-Api-Secret", secret);
    gate.apply(&house(&origin, PROOF, &secret_digest("next-secret")));
    with(SECRET).send().refused(401, "proof_invalid");
    with("next-secret").send().admitted();
    // A rotated key goes on with the secret that its section says.
    let rotated = Config::key_body("next-key", &secret_digest("next-secret"));
    gate.apply(&house(&origin, PROOF, "").section("keys.acme-1", &rotated));
    with("next-secret").send().refused(401, "key_rejected");
    with("next-secret").key("next-key").send().refused(400, "key_ambiguous");
    let next = gate.get("/orders").key("next-key");
    next.clone().header("X-Api-Secret", "next-secret").send().admitted();
    next.send().refused(401, "proof_missing");
    // Without the proof the secret is a field like any other.
    gate.apply(&house(&origin, "kind = \"none\"", ""));
    with("anything").send().admitted();
    assert_eq!(origin.requests().last().unwrap().header("x-api-secret"), Some("anything"));
}

#[test]
fn a_key_without_a_secret_is_a_problem_where_one_is_asked_for() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.refuses(&house(&origin, PROOF, ""));
    gate.wait_for_log("keys.acme-1.secret_digest: required");
    gate.get("/orders").key(KEY).header("X-Api-Secret", SECRET).send().admitted();
}

#[test]
fn a_digest_of_the_scheme_before_serves_while_keys_move() {
    let origin = Origin::start();
    let config = house(&origin, PROOF, &secret_digest(SECRET))
        .section("digest", "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"")
        .section("digest.previous", "");
    let folder = tempfile::tempdir().unwrap();
    let pepper = folder.path().join("pepper");
    std::fs::write(&pepper, "a-pepper-of-20-bytes").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&pepper, mode).unwrap();
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let request = gate.get("/orders").key(KEY);
    request.clone().header("X-Api-Secret", SECRET).send().admitted();
    request.header("X-Api-Secret", "other").send().refused(401, "proof_invalid");
}

#[test]
fn the_mashery_dialect_calls_it_not_authorized() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\nerror_dialect = \"mashery\"";
    let config = house(&origin, PROOF, &secret_digest(SECRET)).service(service);
    let gate = Tollgate::start(&config);
    let request = gate.get("/orders").key(KEY);
    for request in [request.clone(), request.header("X-Api-Secret", "other")] {
        let refused = request.send();
        assert_eq!(refused.status, 403);
        assert_eq!(refused.header("x-mashery-error-code"), Some("ERR_403_NOT_AUTHORIZED"));
    }
}

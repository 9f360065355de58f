//! Keys in HTTP Basic (RFC 7617), as user name or as password.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{gate_with, holds_in_both};
use crate::support::{Origin, Tollgate};

pub(crate) fn basic(credential: &str) -> String {
    format!("Basic {}", STANDARD.encode(credential))
}

fn refused(gate: &Tollgate, credential: &str) -> (u16, String) {
    gate.get("/orders").header("Authorization", credential).send().refusal()
}

#[test]
fn a_key_is_the_user_name() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ basic = \"user\" }");
    holds_in_both(&gate, |send| {
        for credential in [basic("demo:"), basic("demo:any:word"), basic("demo:\u{e9}")] {
            assert_eq!(send(&gate.get("/orders").header("Authorization", &credential)), 200);
        }
        let lower = basic("demo:").replace("Basic ", "basic   ");
        assert_eq!(send(&gate.get("/orders").header("Authorization", &lower)), 200);
        let unpadded = basic("demo:").replace('=', "");
        assert_eq!(send(&gate.get("/orders").header("Authorization", &unpadded)), 200);
    });
    assert!(origin.requests().iter().all(|request| !request.fields.has("authorization")));
    assert_eq!(refused(&gate, &basic("any:demo")), (401, "key_rejected".to_owned()));
}

#[test]
fn a_key_is_the_password() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ basic = \"password\" }");
    holds_in_both(&gate, |send| {
        for credential in [basic(":demo"), basic("jo@example.com:demo")] {
            assert_eq!(send(&gate.get("/orders").header("Authorization", &credential)), 200);
        }
    });
    assert!(origin.requests().iter().all(|request| !request.fields.has("authorization")));
    assert_eq!(refused(&gate, &basic("demo:any")), (401, "key_rejected".to_owned()));
}

#[test]
fn what_is_no_basic_credential_is_refused() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ basic = \"user\" }");
    for malformed in [
        "Basic",
        "Basic ",
        "Basic %%%%",
        "Basic ZGVtbw",
        "Basic ZGVtb",
        "Basic ZGVtbzo==",
        "Basic ZGVt bzo=",
        &basic("demo"),
        &basic(":"),
        &basic("d\u{e9}mo:"),
        &basic("de mo:"),
        &basic(&format!("{}:", "k".repeat(256))),
        &basic(&format!("demo:{}", "p".repeat(2000))),
    ] {
        assert_eq!(refused(&gate, malformed), (401, "key_malformed".to_owned()), "{malformed}");
    }
    assert_eq!(refused(&gate, "Bearer demo"), (401, "key_missing".to_owned()));
    assert!(origin.requests().is_empty());
}

#[test]
fn basic_stands_beside_other_schemes() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ basic = \"user\" }, { authorization = \"Bearer\" }");
    let orders = gate.get("/orders");
    let both = orders.clone().header("Authorization", &basic("demo:"));
    both.clone().header("Authorization", "Bearer demo").send().admitted();
    let digest = "Digest username=\"jo\"";
    both.clone().header("Authorization", digest).send().admitted();
    both.header("Authorization", "Bearer other").send().refused(400, "key_ambiguous");
    let seen: Vec<_> = origin.requests();
    assert!(!seen[0].fields.has("authorization"));
    assert_eq!(seen[1].header("authorization"), Some(digest));
}

#[test]
fn a_caller_is_told_to_use_basic() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ basic = \"user\" }");
    let refused = gate.get("/orders").send().refused(401, "key_missing");
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"orders\""));
}

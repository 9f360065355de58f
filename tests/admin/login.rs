//! Passwords, clients and tokens.

use serde_json::json;

use super::{House, refused};
use crate::support::{Admin, Request, Response};

/// The error of a token endpoint.
fn error(response: &Response) -> (u16, String) {
    (response.status, response.json()["error"].as_str().unwrap().to_owned())
}

fn with_token(house: &House, authorization: &[&str]) -> Response {
    let request = Request::new(house.gate.admin(), "GET", "/v3/rest/members");
    let with = |request: Request, value: &&str| request.header("Authorization", value);
    authorization.iter().fold(request, with).send()
}

#[test]
fn a_password_becomes_tokens_as_the_vendor_writes_them() {
    let house = House::start();
    let tokens = &house.admin.tokens;
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["mapi"], "tollgate");
    assert_eq!(tokens["access_token"].as_str().unwrap().len(), 24);
    assert_eq!(tokens["scope"].as_str().unwrap().len(), 36);
    assert!(!tokens["refresh_token"].as_str().unwrap().is_empty());
}

#[test]
fn what_is_wrong_with_a_login_is_told_as_the_vendor_does() {
    let house = House::start();
    let form = |form: &str| error(&house.admin.token(form));
    let bad = |code: &str| (400, code.to_owned());
    assert_eq!(form("grant_type=password&username=admin&password=wrong"), bad("invalid_grant"));
    assert_eq!(form("grant_type=password&username=nobody&password=wrong"), bad("invalid_grant"));
    assert_eq!(form("grant_type=password&username=admin"), bad("invalid_request"));
    assert_eq!(form("grant_type=magic"), bad("unsupported_grant_type"));
    assert_eq!(form("username=a&username=b"), bad("invalid_request"));
    assert_eq!(form("grant_type=refresh_token&refresh_token=x"), bad("invalid_grant"));
    let scope = "grant_type=password&username=admin&password=x&scope=another";
    assert_eq!(form(scope), bad("invalid_scope"));
    let expired = house.admin.token("grant_type=refresh_token&refresh_token=x");
    assert_eq!(expired.json()["error_description"], "Expired refresh token");
    assert_eq!(refused(&expired), (400, "ERR_400_BAD_REQUEST"));
    assert_eq!(expired.header("server"), Some("Mashery Proxy"));
    let mut stranger = house.admin.clone();
    stranger.client.1.push('x');
    let response = stranger.token("grant_type=password&username=admin&password=x");
    assert_eq!(error(&response), (401, "invalid_client".to_owned()));
    for secret in ["wrong", "password=x"] {
        assert!(!house.gate.log().contains(secret), "{secret}");
    }
}

#[test]
fn s3_24_every_call_needs_a_token_that_is_good() {
    let house = House::start();
    let good = house.admin.tokens["access_token"].as_str().unwrap();
    let inactive = (403, "ERR_403_DEVELOPER_INACTIVE");
    for wrong in [
        &[][..],
        &["Bearer"],
        &["Bearer x"],
        &["Basic x"],
        &[&format!("Bearer {good}x")],
        &[&format!("Bearer {good}"), &format!("Bearer {good}")],
    ] {
        let response = with_token(&house, wrong);
        assert_eq!(refused(&response), inactive, "{wrong:?}");
        assert_eq!(response.json()["errorCode"], "403");
    }
    let refresh = house.admin.tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refused(&with_token(&house, &[&format!("Bearer {refresh}")])), inactive);
    assert_eq!(with_token(&house, &[&format!("bearer {good}")]).status, 200);
    let body = house.admin.v3("POST", "/members").body("username=kim").send();
    assert_eq!(super::violations(&body), ["body"]);
}

#[test]
fn a_refresh_token_is_good_once_and_ends_everything_when_it_comes_again() {
    let house = House::start();
    let refresh = |admin: &Admin| {
        let token = admin.tokens["refresh_token"].as_str().unwrap();
        admin.token(&format!("grant_type=refresh_token&refresh_token={token}"))
    };
    let first = refresh(&house.admin);
    assert_eq!(first.status, 200, "{first:?}");
    let renewed = Admin { tokens: first.json(), ..house.admin.clone() };
    assert_eq!(renewed.get("/members").status, 200);
    // The token before is dead.
    assert_eq!(refused(&house.admin.get("/members")), (403, "ERR_403_DEVELOPER_INACTIVE"));
    // The refresh token before comes again: somebody has a copy.
    assert_eq!(error(&refresh(&house.admin)), (400, "invalid_grant".to_owned()));
    assert_eq!(refused(&renewed.get("/members")), (403, "ERR_403_DEVELOPER_INACTIVE"));
    assert_eq!(error(&refresh(&renewed)), (400, "invalid_grant".to_owned()));
    house.gate.wait_for_log("a refresh token came twice");
}

#[test]
fn a_refresh_token_is_good_for_its_own_client_only() {
    let house = House::start();
    let mut other = house.admin.clone();
    other.client.0 = "other".to_owned();
    let token = house.admin.tokens["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    assert_eq!(error(&other.token(&form)), (401, "invalid_client".to_owned()));
    assert_eq!(house.admin.token(&form).status, 200);
}

#[test]
fn a_guesser_is_slowed_down() {
    let house = House::start();
    let guess = || house.admin.token("grant_type=password&username=admin&password=guess");
    let slow = (0..200).map(|_| guess()).find(|response| response.status == 403).unwrap();
    assert_eq!(refused(&slow), (403, "ERR_403_DEVELOPER_OVER_QPS"));
    assert!(slow.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    // Who has a token goes on.
    assert_eq!(house.admin.get("/members").status, 200);
}

#[test]
fn who_is_disabled_or_changes_their_password_is_out_at_once() {
    let house = House::start();
    let kim = house.member("kim", &json!([{ "name": "Contributor" }]));
    assert_eq!(kim.get("/members").status, 200);
    let id = house.admin.read("/members?filter=username:kim")[0]["id"].clone();
    let target = format!("/members/{}", id.as_str().unwrap());
    let out = (403, "ERR_403_DEVELOPER_INACTIVE");
    assert_eq!(house.admin.put(&target, &json!({ "areaStatus": "disabled" })).status, 200);
    assert_eq!(refused(&kim.get("/members")), out);
    let login = "grant_type=password&username=kim&password=correct+horse+battery";
    assert_eq!(error(&house.admin.token(login)), (400, "invalid_grant".to_owned()));
    assert_eq!(house.admin.put(&target, &json!({ "areaStatus": "active" })).status, 200);
    assert_eq!(kim.get("/members").status, 200);
    let new = json!({ "passwdNew": "another horse battery" });
    assert_eq!(house.admin.put(&target, &new).status, 200);
    assert_eq!(refused(&kim.get("/members")), out);
    assert_eq!(error(&house.admin.token(login)), (400, "invalid_grant".to_owned()));
    house.admin.as_member("kim", "another+horse+battery");
}

#[test]
fn a_login_is_ended_by_either_of_its_tokens_and_by_its_own_client_only() {
    let house = House::start();
    for kind in ["access_token", "refresh_token"] {
        let admin = Admin::first(&house.gate);
        let form = format!("token={}", admin.tokens[kind].as_str().unwrap());
        let mut stranger = admin.clone();
        stranger.client.1 = "guess".to_owned();
        assert_eq!(error(&stranger.revoke(&form)), (401, "invalid_client".to_owned()));
        assert_eq!(error(&admin.revoke("token=")), (400, "invalid_request".to_owned()));
        assert_eq!(admin.get("/members").status, 200);
        assert_eq!(admin.revoke(&form).status, 200);
        assert_eq!(refused(&admin.get("/members")), (403, "ERR_403_DEVELOPER_INACTIVE"));
        // It is no failure that it has ended.
        assert_eq!(admin.revoke(&form).status, 200);
    }
    assert_eq!(house.admin.get("/members").status, 200, "other logins go on");
}

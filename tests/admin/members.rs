//! Members, and what their roles let them do.

use serde_json::{Value as Json, json};

use super::{House, refused, violations};
use crate::support::done;

#[test]
fn a_member_is_made_read_changed_and_deleted() {
    let house = House::start();
    let body = json!({
        "username": "kim", "email": "kim@example.com", "displayName": "Kim", "company": null,
        "region": "north", "id": "mine", "created": "1999-01-01T00:00:00.000+0000",
        "favouriteColour": "blue", "passwdNew": "correct horse battery",
    });
    let made = house.admin.make("/members", &body);
    let id = made["id"].as_str().unwrap();
    assert_ne!(id, "mine");
    assert_ne!(made["created"], "1999-01-01T00:00:00.000+0000");
    for (name, expected) in [
        ("username", "kim"),
        ("email", "kim@example.com"),
        ("region", "north"),
        ("favouriteColour", "blue"),
        ("areaStatus", "active"),
    ] {
        assert_eq!(made[name], expected, "{name}");
    }
    for absent in ["company", "passwdNew", "roles", "applications"] {
        assert!(made.get(absent).is_none(), "{absent}");
    }
    let target = format!("/members/{id}");
    assert_eq!(house.admin.read(&target), made);
    let change = json!({ "region": "south", "username": "other", "displayName": null });
    let changed = done(&house.admin.put(&target, &change));
    assert_eq!((&changed["region"], &changed["username"]), (&json!("south"), &json!("kim")));
    assert_eq!(changed["displayName"], "Kim");
    assert_eq!(house.admin.delete(&target).text(), r#"[""]"#);
    assert_eq!(refused(&house.admin.get(&target)).0, 404);
    assert_eq!(refused(&house.admin.delete(&target)).0, 404);
}

#[test]
fn what_is_wrong_with_a_member_is_named_property_by_property() {
    let house = House::start();
    let wrong = json!({ "email": 7, "areaStatus": "asleep", "passwdNew": "short" });
    assert_eq!(
        violations(&house.admin.post("/members", &wrong)),
        ["username", "email", "areaStatus"]
    );
    let short = json!({ "username": "kim", "email": "", "passwdNew": "short" });
    assert_eq!(violations(&house.admin.post("/members", &short)), ["passwdNew"]);
    let taken = json!({ "username": "admin", "email": "" });
    assert_eq!(violations(&house.admin.post("/members", &taken)), ["username"]);
    // The file has a jo.
    let taken = json!({ "username": "jo", "email": "" });
    assert_eq!(violations(&house.admin.post("/members", &taken)), ["username"]);
    let role = json!({ "username": "kim", "email": "", "roles": [{ "name": "King" }] });
    assert_eq!(violations(&house.admin.post("/members", &role)), ["roles"]);
}

#[test]
fn nothing_returns_to_waiting() {
    let house = House::start();
    let body = json!({ "username": "kim", "email": "", "areaStatus": "waiting" });
    let made = house.admin.make("/members", &body);
    let target = format!("/members/{}", made["id"].as_str().unwrap());
    let go = |status: &str| house.admin.put(&target, &json!({ "areaStatus": status })).status;
    assert_eq!([go("waiting"), go("disabled"), go("active"), go("disabled")], [200; 4]);
    assert_eq!(go("waiting"), 400);
}

#[test]
fn what_a_file_owns_is_there_to_be_read_only() {
    let house = House::start();
    let jo = house.admin.read("/members/jo");
    assert_eq!((&jo["username"], &jo["areaStatus"]), (&json!("jo"), &json!("active")));
    assert_eq!(house.admin.read("/applications/acme")["username"], "jo");
    for response in [
        house.admin.put("/members/jo", &json!({ "email": "x" })),
        house.admin.delete("/members/jo"),
        house.admin.put("/applications/acme", &json!({ "description": "x" })),
        house.admin.delete("/applications/acme"),
    ] {
        assert_eq!(response.status, 409, "{response:?}");
        let message = response.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(message.contains("tollgate.toml, line "), "{message}");
    }
}

#[test]
fn s4_26_a_role_permits_what_it_permits_and_no_more() {
    let house = House::start();
    // Role; whether it may list members, make an application, make a member, read roles.
    let table = [
        ("Guest", [403, 403, 403, 403]),
        ("Consumer", [403, 403, 403, 200]),
        ("Contributor", [200, 200, 403, 200]),
        ("Group Admin", [200, 200, 200, 200]),
        ("Community Manager", [200, 200, 200, 200]),
        ("Program Manager", [200, 200, 200, 200]),
        ("Administrator", [200, 200, 200, 200]),
    ];
    for (number, (role, expected)) in table.into_iter().enumerate() {
        let member = house.member(&format!("m{number}"), &json!([{ "name": role }]));
        let new = json!({ "username": format!("new{number}"), "email": "" });
        let found = [
            member.get("/members"),
            member.post("/members/jo/applications", &json!({ "name": "made" })),
            member.post("/members", &new),
            member.get("/roles"),
        ];
        assert_eq!(found.each_ref().map(|response| response.status), expected, "{role}");
        for response in found.iter().filter(|response| response.status == 403) {
            assert_eq!(refused(response), (403, "ERR_403_NOT_AUTHORIZED"), "{role}");
        }
    }
}

#[test]
fn s4_26_a_role_of_a_group_reaches_its_group_only() {
    let house = House::start();
    let role = json!([{ "name": "Group Admin", "organization": "o1", "group": "g1" }]);
    let lee = house.member("lee", &role);
    let make = |name: &str, group: &str| {
        let body = json!({
            "username": name, "email": "",
            "organization": { "id": "o1" }, "group": { "id": group },
        });
        house.admin.make("/members", &body)["id"].as_str().unwrap().to_owned()
    };
    let (near, far) = (make("near", "g1"), make("far", "g2"));
    let change = json!({ "company": "x" });
    assert_eq!(lee.put(&format!("/members/{near}"), &change).status, 200);
    assert_eq!(lee.put(&format!("/members/{far}"), &change).status, 403);
    assert_eq!(lee.get(&format!("/members/{far}")).status, 403);
    assert_eq!(lee.delete(&format!("/members/{far}")).status, 403);
    let moved = json!({ "group": { "id": "g2" } });
    assert_eq!(lee.put(&format!("/members/{near}"), &moved).status, 403);
    let seen = lee.read("/members?fields=username");
    assert!(seen.as_array().unwrap().contains(&json!({ "username": "near" })), "{seen}");
    assert!(!seen.as_array().unwrap().contains(&json!({ "username": "far" })), "{seen}");
    // What he makes is of his group.
    let made = lee.make("/members", &json!({ "username": "new", "email": "" }));
    assert_eq!((&made["organization"], &made["group"]), (&json!("o1"), &json!("g1")));
    let application =
        house.admin.make(&format!("/members/{near}/applications"), &json!({ "name": "near" }));
    assert_eq!(application["group"], json!({ "id": "g1" })["id"]);
}

#[test]
fn s4_26_nobody_raises_anybody_above_themselves() {
    let house = House::start();
    let lee = house.member("lee", &json!([{ "name": "Group Admin" }]));
    let boss = house.admin.read("/members?filter=username:admin")[0]["id"].clone();
    let boss = format!("/members/{}", boss.as_str().unwrap());
    let own = house.admin.read("/members?filter=username:lee")[0]["id"].clone();
    let own = format!("/members/{}", own.as_str().unwrap());
    let owner = json!([{ "name": "Owner" }]);
    let new = json!({ "username": "new", "email": "", "roles": owner });
    for response in [
        lee.post("/members", &new),
        lee.put(&own, &json!({ "roles": owner })),
        lee.put(&boss, &json!({ "passwdNew": "correct horse battery" })),
        lee.put(&boss, &json!({ "roles": [] })),
        lee.put(&boss, &json!({ "areaStatus": "disabled" })),
        lee.delete(&boss),
    ] {
        assert_eq!(refused(&response), (403, "ERR_403_NOT_AUTHORIZED"), "{response:?}");
    }
    let roles = house.admin.read(&format!("{boss}?fields=roles"));
    assert_eq!(roles, json!({ "roles": [{ "id": "owner", "name": "Owner" }] }));
}

#[test]
fn the_last_owner_stays() {
    let house = House::start();
    let own = house.admin.read("/members?filter=username:admin")[0]["id"].clone();
    let own = format!("/members/{}", own.as_str().unwrap());
    for response in [
        house.admin.delete(&own),
        house.admin.put(&own, &json!({ "areaStatus": "disabled" })),
        house.admin.put(&own, &json!({ "roles": [] })),
    ] {
        assert_eq!(response.status, 409, "{response:?}");
    }
    house.member("next", &json!([{ "name": "Owner" }]));
    assert_eq!(house.admin.put(&own, &json!({ "roles": [] })).status, 200);
}

#[test]
fn roles_are_listed_with_the_names_of_both_worlds() {
    let house = House::with(|config| {
        config.section(
            "control",
            "address = \"127.0.0.1:0\"\nrole_names = [{ name = \"API Portal\", role = \"consumer\" }]\n\
             permissions.member_read = \"consumer\"",
        )
    });
    let roles = house.admin.read("/roles?fields=name");
    let names: Vec<_> =
        roles.as_array().unwrap().iter().filter_map(|role| role["name"].as_str()).collect();
    for name in ["Owner", "Administrator", "Program Manager", "Team Administrator", "API Portal"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(house.admin.read("/roles/api-portal")["isAssignable"], true);
    assert_eq!(house.admin.post("/roles", &json!({})).status, 405);
    let portal = house.member("portal", &json!([{ "id": "api-portal" }]));
    assert_eq!(portal.get("/members").status, 200);
    let none: Json = portal.post("/members", &json!({ "username": "x", "email": "" })).json();
    assert_eq!(none["errorCode"], "403");
}

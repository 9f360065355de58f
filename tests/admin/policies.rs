//! Policy templates.

use serde_json::json;

use super::{House, violations};
use crate::support::done;

#[test]
fn a_template_is_assigned_to_services_that_have_no_other() {
    let house = House::start();
    let yearly = json!({
        "name": "yearly", "rotationMonths": 12, "rotationLeadSeconds": 3600,
        "expirationMonths": 13, "manualRegeneration": true, "overlapSeconds": 60,
        "services": ["orders"],
    });
    let made = done(&house.admin.ask("POST", "/policies", &yearly));
    for (name, value) in yearly.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    for (body, property) in [
        (json!({ "name": "yearly" }), "name"),
        (json!({ "name": "other", "services": ["orders"] }), "services"),
        (json!({ "name": "other", "services": ["none"] }), "services"),
        (json!({ "name": "other", "services": [1] }), "services"),
        (json!({ "name": "other", "rotationMonths": 1201 }), "rotationMonths"),
        (
            json!({ "name": "other", "rotationMonths": 1, "rotationLeadSeconds": 28 * 86_400 }),
            "rotationLeadSeconds",
        ),
    ] {
        let refused = house.admin.ask("POST", "/policies", &body);
        assert_eq!(violations(&refused), [property], "{body}");
    }
    let target = format!("/policies/{}", made["id"].as_str().unwrap());
    let assigned = house.admin.native("DELETE", &target).send();
    assert_eq!(assigned.refusal(), (409, "conflict".to_owned()));
    let lee = house.member("lee", &json!([{ "name": "Organization Admin" }]));
    assert_eq!(lee.look("/policies"), json!([made]));
    let denied = lee.ask("PUT", &target, &json!({ "services": [] }));
    assert_eq!(denied.refusal(), (403, "forbidden".to_owned()));
    let changed = done(&house.admin.ask("PUT", &target, &json!({ "services": [] })));
    assert_eq!((&changed["services"], &changed["rotationMonths"]), (&json!([]), &json!(12)));
    assert_eq!(house.admin.native("DELETE", &target).send().status, 200);
    assert_eq!(house.admin.look("/policies"), json!([]));
}

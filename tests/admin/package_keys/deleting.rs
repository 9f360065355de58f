//! Deleting keys.

use serde_json::json;

use super::{Shop, id};
use crate::admin::refused;

#[test]
fn s3_1_keys_of_an_application_are_listed_made_changed_and_deleted() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    assert_eq!(shop.house.admin.read(&shop.keys()), json!([made]));
    let put = shop.house.admin.put(&shop.key(&made), &json!({ "status": "active" }));
    assert_eq!(put.status, 200);
    assert_eq!(shop.house.admin.delete(&shop.key(&made)).status, 200);
    assert_eq!(shop.house.admin.get(&shop.keys()).text(), "[]");
}

#[test]
fn s3_23_a_deletion_answers_an_array_of_an_empty_text() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let response = shop.house.admin.delete(&shop.key(&made));
    assert_eq!((response.status, response.text()), (200, r#"[""]"#));
    assert_eq!(refused(&shop.house.admin.delete(&shop.key(&made))).0, 404);
    assert_eq!(refused(&shop.house.admin.get(&shop.key(&made))).0, 404);
}

#[test]
fn s3_2_another_package_takes_a_new_key_of_the_same_value() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "apikey": "mine" }));
    let package = id(&shop.house.admin.make("/packages", &json!({ "name": "silver" })));
    let plans = format!("/packages/{package}/plans");
    let plan = id(&shop.house.admin.make(&plans, &json!({ "name": "x" })));
    let body = json!({ "apikey": "mine", "package": { "id": package }, "plan": { "id": plan } });
    assert_eq!(shop.house.admin.post(&shop.keys(), &body).status, 400);
    let change = json!({ "package": { "id": package }, "plan": { "id": plan } });
    assert_eq!(shop.house.admin.put(&shop.key(&made), &change).status, 400);
    assert_eq!(shop.house.admin.delete(&shop.key(&made)).status, 200);
    let again = shop.house.admin.make(&shop.keys(), &body);
    assert_eq!((&again["apikey"], &again["package"]["name"]), (&json!("mine"), &json!("silver")));
}

#[test]
fn s2_9_a_deleted_key_is_in_no_list() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let pages = [
        shop.keys(),
        format!("/packageKeys?filter=id:{}", id(&made)),
        "/members?filter=packageKeys.status:waiting".to_owned(),
    ];
    let listed =
        || pages.each_ref().map(|page| shop.house.admin.read(page).as_array().unwrap().len());
    assert_eq!(listed(), [1, 1, 1]);
    shop.house.admin.delete(&shop.key(&made));
    assert_eq!(listed(), [0, 0, 0]);
}

#[test]
fn keys_go_with_their_application_and_keep_their_plan() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    for kept in [
        format!("/packages/{}", shop.package),
        format!("/packages/{}/plans/{}", shop.package, shop.plans[0]),
    ] {
        assert_eq!(refused(&shop.house.admin.delete(&kept)).0, 409, "{kept}");
    }
    let application = format!("/applications/{}", shop.application);
    assert_eq!(shop.house.admin.delete(&application).status, 200);
    assert_eq!(refused(&shop.house.admin.get(&shop.keys())).0, 404);
    let key = format!("/packageKeys/{}", id(&made));
    assert_eq!(refused(&shop.house.admin.get(&key)).0, 404);
    assert_eq!(shop.house.admin.delete(&format!("/packages/{}", shop.package)).status, 200);
}

#[test]
fn a_key_of_the_file_can_be_read_and_not_changed() {
    let shop = Shop::open();
    let admin = &shop.house.admin;
    let read = admin.read("/applications/acme/packageKeys");
    assert_eq!((&read[0]["id"], &read[0]["plan"]["id"]), (&json!("acme-1"), &json!("free")));
    assert!(read[0].get("apikey").is_none());
    assert_eq!(admin.read("/packageKeys?filter=apikey:demo")[0]["id"], "acme-1");
    for response in [
        admin.put("/packageKeys/acme-1", &json!({ "status": "disabled" })),
        admin.delete("/applications/acme/packageKeys/acme-1"),
    ] {
        assert_eq!(refused(&response).0, 409, "{response:?}");
    }
}

//! How lists are narrowed, ordered and cut.

use serde_json::{Value as Json, json};

use super::{House, violations};

fn house() -> House {
    let house = House::start();
    for (name, kind, ads) in [("red", "web", true), ("green", "web", false), ("blue", "app", true)]
    {
        let body = json!({ "name": name, "type": kind, "ads": ads, "tags": format!("{name},all") });
        house.admin.make("/members/jo/applications", &body);
    }
    house
}

/// The names of what is listed.
fn names(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|each| each["name"].as_str()).collect()
}

#[test]
fn s3_15_fields_choose_what_is_returned() {
    let house = house();
    let one =
        |query: &str| house.admin.read(&format!("/applications?filter=name:red{query}"))[0].clone();
    let keys =
        |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&one("")), "ads created id name status tags type updated username");
    assert_eq!(one("&fields=name,ads"), json!({ "name": "red", "ads": true }));
    assert_eq!(one("&fields=name&fields=ads"), json!({ "name": "red", "ads": true }));
    assert_eq!(one("&fields=name%2C%20ads"), json!({ "name": "red", "ads": true }));
    assert_eq!(one("&fields=name,unknown"), json!({ "name": "red" }));
    assert_eq!(one("&fields=*"), one(""));
    assert_eq!(one("&fields="), one(""));
    let member = house.admin.read("/members/jo?fields=*,%20applications.name");
    assert_eq!(member["username"], "jo");
    assert_eq!(names(&member["applications"]), ["acme", "red", "green", "blue"]);
    let made = house.admin.make("/members/jo/applications?fields=name", &json!({ "name": "x" }));
    assert_eq!(made, json!({ "name": "x" }));
}

#[test]
fn s3_16_filters_match_exactly_and_all_together() {
    let house = house();
    let found = |query: &str| {
        let list = house.admin.read(&format!("/applications?{query}"));
        names(&list).join(" ")
    };
    assert_eq!(found("filter=name:red"), "red");
    assert_eq!(found("filter=name:re"), "");
    assert_eq!(found("filter=name:RED"), "");
    assert_eq!(found("filter=type:web"), "red green");
    assert_eq!(found("filter=ads:true"), "red blue");
    assert_eq!(found("filter=type:web&filter=ads:true"), "red");
    assert_eq!(found("filter=type:web,ads:true"), "red");
    assert_eq!(found("filter=tags:red,all"), "red");
    let members = house.admin.read("/members?filter=applications.name:blue");
    assert_eq!(members[0]["username"], "jo");
    assert_eq!(members.as_array().unwrap().len(), 1);
    for wrong in ["filter=name", "filter=.:x", "filter="] {
        let response = house.admin.get(&format!("/applications?{wrong}"));
        assert_eq!(violations(&response), ["filter"], "{wrong}");
    }
    assert_eq!(violations(&house.admin.get("/roles?filter=colour:red")), ["filter"]);
}

#[test]
fn s3_16_a_filter_means_an_instant_however_it_is_written() {
    let house = house();
    let red = house.admin.read("/applications?filter=name:red")[0].clone();
    let created = red["created"].as_str().unwrap();
    let day = &created[..10];
    let found = |value: &str| {
        let value = value.replace('+', "%2B");
        let list = house.admin.read(&format!("/applications?filter=created:{value}"));
        names(&list).contains(&"red")
    };
    assert!(found(created));
    assert!(found(day));
    assert!(found(&format!("{}Z", &created[..23])));
    assert!(!found("1999-12-31"));
}

#[test]
fn s3_17_lists_are_sorted_by_properties_of_the_root() {
    let house = house();
    let sorted = |sort: &str| {
        let list = house.admin.read(&format!("/applications?filter=tags:x&sort={sort}"));
        assert!(names(&list).is_empty());
        let list = house.admin.read(&format!("/members/jo/applications?sort={sort}"));
        names(&list).join(" ")
    };
    assert_eq!(sorted("name"), "acme blue green red");
    assert_eq!(sorted("name:desc"), "red green blue acme");
    assert_eq!(sorted("type,name:desc"), "acme blue red green");
    assert_eq!(sorted("ads:desc,name:asc"), "blue red green acme");
    assert_eq!(sorted("ads:desc&sort=name:desc"), "red blue green acme");
    for wrong in ["package.name", "colour", "name:up", "packageKeys"] {
        let response = house.admin.get(&format!("/applications?sort={wrong}"));
        assert_eq!(violations(&response), ["sort"], "{wrong}");
    }
}

#[test]
fn s3_18_a_page_begins_at_an_object_and_has_a_hundred() {
    let house = House::start();
    for number in 0..105 {
        let body = json!({ "name": format!("n{number:03}") });
        house.admin.make("/members/jo/applications", &body);
    }
    let page = |query: &str| {
        let response = house.admin.get(&format!("/applications?sort=name{query}"));
        let total = response.header("x-total-count").unwrap().to_owned();
        let list = response.json();
        let all = names(&list).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        (total, all)
    };
    let (total, first) = page("");
    assert_eq!((&*total, first.len(), &*first[0]), ("106", 100, "acme"));
    let (total, rest) = page("&offset=100");
    assert_eq!((&*total, rest.len(), &*rest[5]), ("106", 6, "n104"));
    assert_eq!(page("&offset=2&limit=3").1, ["n001", "n002", "n003"]);
    assert_eq!(page("&offset=106"), ("106".to_owned(), vec![]));
    assert_eq!(page("&limit=1000").1.len(), 106);
    assert_eq!(house.admin.get("/applications?offset=106").text(), "[]");
    for (wrong, property) in [
        ("limit=-1", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
    ] {
        let response = house.admin.get(&format!("/applications?{wrong}"));
        assert_eq!(violations(&response), [property], "{wrong}");
    }
}

#[test]
fn s3_19_search_finds_parts_of_ten_properties() {
    let house = house();
    let found = |search: &str| {
        let list = house.admin.read(&format!("/members/jo/applications?search={search}"));
        names(&list).join(" ")
    };
    assert_eq!(found("name:re"), "red green");
    assert_eq!(found("name:e,type:app"), "acme red green blue");
    assert_eq!(found("type:app,tags:gree"), "green blue");
    assert_eq!(found("username:j&search=name:bl"), "blue");
    assert_eq!(found("name%3Are"), "red green");
    assert_eq!(found("description:x"), "");
    for wrong in ["id:x", "name", "apikey:x", "name:re,externalId:7"] {
        let response = house.admin.get(&format!("/applications?search={wrong}"));
        assert_eq!(violations(&response), ["search"], "{wrong}");
    }
}

//! The document of the admin API says what there is, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::House;
use crate::support::Request;

#[test]
fn the_document_names_every_resource_of_both_apis() {
    let house = House::start();
    let answer = Request::new(house.gate.admin(), "GET", "/api/openapi.json").send();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in [
        ("/v3/token", &["post"][..]),
        ("/v3/token/revoke", &["post"]),
        ("/api/keys/import", &["post"]),
        ("/api/keys/export", &["get"]),
        ("/v3/rest/members", &["get", "post", "put"]),
        ("/v3/rest/packages/{package}/plans/{plan}/services/{service}/endpoints", &["get"]),
        ("/v3/rest/packageKeys/{id}", &["get", "put", "delete"]),
        ("/api/organizations/{organization}/groups/{id}", &["get", "put", "delete"]),
        ("/api/policies", &["get", "post", "put"]),
        ("/api/key-sets", &["get"]),
        ("/api/key-sets/{id}/revoke", &["post"]),
        ("/api/key-sets/{id}/enforce-schedule", &["post"]),
        ("/api/policies/{id}/enforce-schedule", &["post"]),
        ("/api/subscriptions/{id}", &["get", "delete"]),
        ("/api/preview", &["post"]),
        ("/api/access-keys", &["get", "post"]),
        ("/api/access-keys/{id}", &["get", "delete"]),
        ("/api/access-keys/revoke", &["post"]),
    ] {
        for method in methods {
            let operation = &document["paths"][path][method];
            assert!(operation["responses"]["200"].is_object(), "{method} {path}: {operation}");
            let refused = &operation["responses"]["400"];
            assert!(refused.is_object(), "{method} {path}");
        }
    }
    let filters = document["paths"]["/api/key-sets"]["get"]["parameters"].as_array().unwrap();
    let names: Vec<_> = filters.iter().map(|each| each["name"].as_str().unwrap()).collect();
    for name in ["status", "authType", "api", "expirationFrom", "organization", "limit"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn whatever_the_document_refers_to_is_there_and_has_one_name() {
    let house = House::start();
    let document = Request::new(house.gate.admin(), "GET", "/api/openapi.json").send().json();
    let mut references = BTreeSet::new();
    collect(&document, "$ref", &mut references);
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = Vec::new();
    for path in document["paths"].as_object().unwrap().values() {
        let operations = path.as_object().unwrap().values();
        ids.extend(operations.filter_map(|each| each.get("operationId")));
    }
    let different: BTreeSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(different.len(), ids.len(), "two operations have one id");
}

#[test]
fn what_a_path_of_the_document_does_not_take_is_a_problem() {
    let house = House::start();
    let wrong = house.admin.native("DELETE", "/key-sets").send();
    assert_eq!(wrong.refusal(), (405, "wrong_method".to_owned()));
    assert_eq!(wrong.header("allow"), Some("GET,HEAD"));
    let unknown = house.admin.native("GET", "/nothing").send();
    assert_eq!(unknown.refusal(), (404, "not_found".to_owned()));
    let nobody = Request::new(house.gate.admin(), "GET", "/api/key-sets").send();
    assert_eq!(nobody.refusal(), (401, "bad_token".to_owned()));
    for (query, property) in [
        ("limit=1001", "limit"),
        ("offset=-1", "offset"),
        ("status=dead", "status"),
        ("createdFrom=soon", "createdFrom"),
        ("stauts=active", "stauts"),
    ] {
        let refused = house.admin.native("GET", &format!("/key-sets?{query}")).send();
        assert_eq!(super::violations(&refused), [property], "{query}: {refused:?}");
    }
}

#[test]
fn a_method_is_refused_where_the_document_lacks_it_and_only_there() {
    let house = House::start();
    let document = Request::new(house.gate.admin(), "GET", "/api/openapi.json").send().json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let operations = operations.as_object().unwrap();
        let target: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let has = |method: &str| operations.contains_key(&method.to_lowercase());
        let mut expected: BTreeSet<&str> =
            ["GET", "POST", "PUT", "DELETE"].into_iter().filter(|method| has(method)).collect();
        if expected.contains("GET") {
            expected.insert("HEAD");
        }
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let token = house.admin.tokens["access_token"].as_str().unwrap();
            let answer = Request::new(house.gate.admin(), method, &target.join("/"))
                .header("Authorization", &format!("Bearer {token}"))
                .body("{}")
                .send();
            assert_eq!(answer.status == 405, !has(method), "{method} {path}: {answer:?}");
            if answer.status == 405 {
                let allowed = answer.header("allow").unwrap_or_default();
                let allowed: BTreeSet<_> = allowed.split(',').map(str::trim).collect();
                assert_eq!(allowed, expected, "{method} {path}");
            }
        }
    }
}

/// The texts that stand under a name, wherever it is.
fn collect(json: &Json, name: &str, found: &mut BTreeSet<String>) {
    match json {
        Json::Object(object) => {
            found.extend(object.get(name).and_then(Json::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, name, found));
        }
        Json::Array(list) => list.iter().for_each(|value| collect(value, name, found)),
        _ => {}
    }
}

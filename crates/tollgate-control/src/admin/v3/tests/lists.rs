//! What the store finds of a query, held against looking at every object.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;

use super::super::engine::{Resource, paged};
use super::super::query::Query;
use super::super::resources::{application, member, package_key};
use super::super::source::{Object, Scene, Within};
use super::house::{APPLICATIONS, House};
use crate::people::{Caller, Reach, RoleGrant};

#[path = "../../../../tests/store/server.rs"]
mod server;

const QUERIES: usize = 600;

/// Properties of all three resources, and paths that lead nowhere.
fn path() -> impl Strategy<Value = &'static str> {
    select(vec![
        "id",
        "apikey",
        "created",
        "updated",
        "expires",
        "status",
        "qpsLimitCeiling",
        "qpsLimitExempt",
        "rateLimitCeiling",
        "rateLimitExempt",
        "package.id",
        "package.name",
        "plan.id",
        "plan.name",
        "package",
        "plan.none",
        "limits.source",
        "limits.ceiling",
        "eav.a",
        "eav.b",
        "application.name",
        "application.id",
        "application.tags",
        "application.created",
        "application",
        "member.username",
        "member.email",
        "member.created",
        "username",
        "name",
        "tags",
        "count",
        "isPackaged",
        "organization.id",
        "group",
        "email",
        "company",
        "applications.name",
        "packageKeys.status",
        "status.x",
    ])
}

fn value() -> impl Strategy<Value = String> {
    let any = select(vec![
        "k001",
        "key-7",
        "acme-1",
        "a1",
        "m1",
        "jo",
        "acme",
        "user1",
        "red",
        "Red",
        "50%_off",
        "ÜNDER score",
        "\"x\"",
        "2026-01-01",
        "2026-01-02",
        "2026-01-02T00:00:00.000+0000",
        "2026-01-02T01:00:00Z",
        "2026-01-03T00:00:00.001+0000",
        "active",
        "waiting",
        "disabled",
        "0",
        "1",
        "01",
        "2",
        "10",
        "true",
        "false",
        "basic",
        "free",
        "Pro",
        "p1",
        "p2-plan",
        "key",
        "plan",
        "o1",
        "g1",
        "none",
        "",
    ]);
    any.prop_map(str::to_owned)
}

fn order() -> impl Strategy<Value = String> {
    let names = select(vec![
        "id",
        "created",
        "updated",
        "expires",
        "status",
        "qpsLimitCeiling",
        "qpsLimitExempt",
        "rateLimitCeiling",
        "rateLimitExempt",
        "username",
        "name",
        "tags",
        "email",
    ]);
    (names, select(vec!["", ":asc", ":desc"])).prop_map(|(name, way)| format!("{name}{way}"))
}

/// The parameters of a query.
fn parameters() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let filters = vec((path(), value()).prop_map(|(path, value)| format!("{path}:{value}")), 0..3);
    let searched = select(vec!["name", "username", "tags", "isPackaged", "description"]);
    let text =
        select(vec!["re", "RED", "%", "_", "under", "user1", "user", "\"x", "tru", "", "cme"]);
    let pair = (searched, text).prop_map(|(name, text)| format!("{name}:{text}"));
    let searches = vec(vec(pair, 1..3).prop_map(|pairs| pairs.join(",")), 0..2);
    let bounds = (0..20_usize, select(vec![0, 1, 3, 1000]));
    (filters, searches, vec(order(), 0..3), bounds).prop_map(
        |(filters, searches, orders, (offset, limit))| {
            let mut all = Vec::new();
            all.extend(filters.into_iter().map(|text| ("filter", text)));
            all.extend(searches.into_iter().map(|text| ("search", text)));
            all.extend(orders.into_iter().map(|text| ("sort", text)));
            all.push(("offset", offset.to_string()));
            all.push(("limit", limit.to_string()));
            all
        },
    )
}

const RESOURCES: [&Resource; 6] = [
    &package_key::ALL,
    &package_key::OF_APPLICATION,
    &package_key::OF_MEMBER,
    &application::ALL,
    &application::OF_MEMBER,
    &member::ALL,
];

/// One of the resources, and the ids in its path.
fn resource() -> impl Strategy<Value = (usize, Within)> {
    let member = select(vec!["m1", "m2", "jo"]);
    (select(vec![0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 5]), 0..APPLICATIONS, member).prop_map(
        |(resource, application, member)| {
            let within = match resource {
                1 => vec![("application".to_owned(), format!("a{application}"))],
                2 | 4 => vec![("member".to_owned(), member.to_owned())],
                _ => Vec::new(),
            };
            (resource, Within(within))
        },
    )
}

fn caller() -> impl Strategy<Value = Caller> {
    let grant = |id: &str, organization: Option<&str>, group: Option<&str>| RoleGrant {
        id: id.to_owned(),
        organization: organization.map(str::to_owned),
        group: group.map(str::to_owned),
        environment: None,
    };
    select(vec![
        vec![grant("owner", None, None)],
        vec![grant("contributor", Some("o1"), None)],
        vec![grant("contributor", Some("o1"), Some("g1")), grant("guest", None, None)],
        vec![grant("contributor", None, Some("g2")), grant("consumer", Some("o1"), None)],
    ])
    .prop_map(|grants| Caller {
        member: "m0".to_owned(),
        username: "user0".to_owned(),
        login: String::new(),
        grants,
        reach: Reach::Whole,
    })
}

/// What a caller gets to see of each.
fn shown(resource: &Resource, query: &Query, objects: &[Object]) -> Vec<String> {
    let shown = |object: &Object| query.selection.of(&object.json, resource.fields);
    objects.iter().map(|object| Json::Object(shown(object)).to_string()).collect()
}

async fn what_is_found_is_what_looking_at_each_finds(house: House) {
    let mut runner = TestRunner::deterministic();
    let house = Arc::new(house);
    let (mut asked, mut found) = (0, 0);
    while asked < QUERIES {
        let any = (resource(), caller(), parameters()).new_tree(&mut runner).unwrap().current();
        let ((resource, within), caller, parameters) = any;
        let resource = RESOURCES[resource];
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        parameters.iter().for_each(|(name, value)| _ = encoded.append_pair(name, value));
        let query = Query::read(&encoded.finish(), resource.fields, resource.extended);
        let Ok(query) = query else { continue };
        asked += 1;
        let plane = Arc::clone(&house);
        let told = format!("{} {within:?} {:?} {parameters:?}", resource.path, caller.grants);
        let both = house.plane.store.read(move |connection| {
            let context = plane.plane.context();
            let (plane, caller, within) = (&plane.plane, &caller, &within);
            let scene = Scene { plane, context: &context, caller, within };
            let expected = paged(resource, scene, connection, &query);
            let page = resource.source.page(resource, scene, connection, &query);
            let seen =
                |(objects, total): (Vec<Object>, usize)| (shown(resource, &query, &objects), total);
            Ok((seen(expected.unwrap()), seen(page.unwrap().unwrap())))
        });
        let (expected, page) = both.await.unwrap();
        assert_eq!(page, expected, "{told}");
        found += usize::from(!expected.0.is_empty());
    }
    assert!(found > QUERIES / 10, "most queries found nothing: {found}");
}

#[tokio::test]
async fn lists_on_sqlite_are_what_looking_at_each_object_finds() {
    what_is_found_is_what_looking_at_each_finds(House::full(None).await).await;
}

#[tokio::test]
async fn lists_on_postgresql_are_what_looking_at_each_object_finds() {
    let place = tokio::task::spawn_blocking(|| server::Server::shared().database()).await.unwrap();
    what_is_found_is_what_looking_at_each_finds(House::full(Some(place)).await).await;
}

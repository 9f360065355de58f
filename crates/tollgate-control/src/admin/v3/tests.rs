//! Queries against a reading of them that shares no code with theirs: an object is the list of its
//! leaves, each with the path that leads to it.

mod house;
mod lists;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value as Json, json};

use super::field::Kind::{Any, Instant, List, Number, Switch, Text};
use super::field::Rule::Optional;
use super::field::{Fetch, Field, field};
use super::query::Query;
use super::sort::Order;

const FIELDS: &[Field] = &[
    field("name", Text(255), Optional, Optional, Fetch::Implicit),
    field("type", Text(255), Optional, Optional, Fetch::Implicit),
    field("count", Number(9), Optional, Optional, Fetch::Implicit),
    field("isPackaged", Switch, Optional, Optional, Fetch::Implicit),
    field("created", Instant, Optional, Optional, Fetch::Implicit),
    field("plan", Any, Optional, Optional, Fetch::Implicit),
    field("keys", List, Optional, Optional, Fetch::Explicit),
    field("hidden", Text(9), Optional, Optional, Fetch::Never),
];

type Object = Map<String, Json>;

/// Few words, so that they meet.
fn word() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "ab", "A", "a,b", "a:b", "true", "1", "", "x y"]).prop_map(str::to_owned)
}

fn small() -> impl Strategy<Value = Json> {
    prop_oneof![
        word().prop_map(Json::from),
        (0..3_u64).prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let inner = || proptest::option::of((word(), small()));
    let keys = vec((word(), 0..3_u64), 0..3);
    let rest = (proptest::option::of(word()), proptest::option::of(0..3_u64));
    (word(), rest, any::<bool>(), inner(), keys).prop_map(|(name, rest, packaged, plan, keys)| {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(name));
        object.insert("isPackaged".to_owned(), json!(packaged));
        object.insert("hidden".to_owned(), json!("hidden"));
        if let Some(kind) = rest.0 {
            object.insert("type".to_owned(), json!(kind));
        }
        if let Some(count) = rest.1 {
            object.insert("count".to_owned(), json!(count));
        }
        if let Some((name, value)) = plan {
            object.insert("plan".to_owned(), json!({ "name": name, "value": value }));
        }
        let keys = keys.into_iter().map(|(name, n)| json!({ "name": name, "n": n }));
        object.insert("keys".to_owned(), keys.collect());
        object
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    select(vec![
        "name",
        "type",
        "count",
        "isPackaged",
        "plan",
        "plan.name",
        "plan.value",
        "keys",
        "keys.name",
        "keys.n",
        "name.name",
        "plan.none",
        "keys.name.x",
    ])
}

/// The leaves of an object; collections leave no trace in a path.
fn leaves(value: &Json, path: &str, to: &mut Vec<(String, String)>) {
    match value {
        Json::Object(object) => {
            for (name, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{name}"), to);
            }
        }
        Json::Array(list) => list.iter().for_each(|value| leaves(value, path, to)),
        leaf => to.push((path.to_owned(), leaf.to_string())),
    }
}

fn leaves_of(object: &Object) -> Vec<(String, String)> {
    let mut found = Vec::new();
    leaves(&Json::Object(object.clone()), "", &mut found);
    found.sort();
    found
}

fn encoded(parameters: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    parameters.iter().for_each(|(name, value)| _ = query.append_pair(name, value));
    query.finish()
}

fn read(parameters: &[(&str, String)]) -> Query {
    Query::read(&encoded(parameters), FIELDS, false).unwrap()
}

proptest! {
    #[test]
    fn fields_are_the_leaves_below_the_paths(object in object(), paths in vec(path(), 1..4), star: bool) {
        let mut paths: Vec<_> = paths.into_iter().map(str::to_owned).collect();
        if star {
            paths.push("*".to_owned());
        }
        let query = read(&[("fields", paths.join(", "))]);
        let implicit = ["name", "type", "count", "isPackaged", "created", "plan"];
        let wanted = |leaf: &str| {
            let below = |path: &str| leaf == path || leaf.starts_with(&format!("{path}."));
            paths.iter().any(|path| below(path)) || (star && implicit.into_iter().any(below))
        };
        let mut expected = leaves_of(&object);
        expected.retain(|(path, _)| wanted(path));
        prop_assert_eq!(leaves_of(&query.selection.of(&object, FIELDS)), expected);
    }

    #[test]
    fn no_fields_are_the_implicit_ones(object in object()) {
        let mut expected = leaves_of(&object);
        expected.retain(|(path, _)| !path.starts_with("keys") && path != "hidden");
        prop_assert_eq!(leaves_of(&read(&[]).selection.of(&object, FIELDS)), expected);
    }

    #[test]
    fn a_filter_holds_where_a_leaf_is_that(object in object(), path in path(), value in word()) {
        let query = read(&[("filter", format!("{path}:{value}"))]);
        // Words that look like another pair are read as one.
        prop_assume!(query.conditions.len() == 1);
        let [text, bare] = [json!(value).to_string(), value.clone()];
        let expected = leaves_of(&object).iter().any(|(found, leaf)| {
            let fits = *leaf == text || (*leaf == bare && bare != "null");
            *found == path && fits
        });
        prop_assert_eq!(query.conditions[0].holds(&object), expected, "{:?}", query);
    }

    #[test]
    fn filters_come_one_by_one_or_joined(pairs in vec((path(), select(vec!["a", "x,y", "1:2", ""])), 1..4)) {
        let written = |(path, value): &(&str, &str)| format!("{path}:{value}");
        let one_by_one: Vec<_> = pairs.iter().map(|pair| ("filter", written(pair))).collect();
        let joined: Vec<_> = pairs.iter().map(written).collect();
        let joined = read(&[("filter", joined.join(","))]);
        prop_assert_eq!(joined.conditions, read(&one_by_one).conditions);
    }

    #[test]
    fn search_holds_where_a_text_contains_it(object in object(), pairs in vec((select(vec!["name", "type", "isPackaged"]), select(vec!["a", "B", "tr", ""])), 1..3)) {
        let text = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(",");
        let query = read(&[("search", text)]);
        let expected = pairs.iter().any(|(name, value)| {
            object.get(*name).is_some_and(|found| {
                let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                found.to_lowercase().contains(&value.to_lowercase())
            })
        });
        prop_assert_eq!(query.searches[0].holds(&object), expected);
    }

    #[test]
    fn sorting_leaves_no_pair_out_of_order(
        objects in vec(object(), 0..8),
        orders in vec((select(vec!["name", "type", "count", "isPackaged"]), any::<bool>()), 1..3),
    ) {
        let text = orders.iter().map(|(name, descends)| format!("{name}:{}", if *descends { "desc" } else { "asc" }));
        let query = read(&[("sort", text.collect::<Vec<_>>().join(","))]);
        let mut numbered: Vec<_> = objects.iter().cloned().enumerate().collect();
        Order::arrange(&query.orders, &mut numbered, |(_, object)| object);
        // What is absent comes first; numbers are one digit, so that texts compare as they do.
        let key = |object: &Object, name: &str| object.get(name).map(|value| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        });
        for pair in numbered.windows(2) {
            let [(first, one), (second, other)] = pair else { unreachable!() };
            let mut decided = false;
            for (name, descends) in &orders {
                let (one, other) = (key(one, name), key(other, name));
                if one != other {
                    prop_assert_eq!(one < other, !descends);
                    decided = true;
                    break;
                }
            }
            let turned = orders.last().is_some_and(|(_, descends)| *descends);
            prop_assert!(decided || (first < second) != turned, "equal ones stand as the last order");
        }
    }

    #[test]
    fn a_page_is_a_part_of_the_list(length in 0..20_usize, offset in 0..25_usize, limit in 0..25_usize) {
        let query = read(&[("limit", limit.to_string()), ("offset", offset.to_string())]);
        let list: Vec<_> = (0..length).collect();
        let expected: Vec<_> = (offset..length).take(limit).collect();
        prop_assert_eq!(query.page.of(list), expected);
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(query in ".{0,60}", object in object()) {
        if let Ok(query) = Query::read(&query, FIELDS, true) {
            query.selection.of(&object, FIELDS);
            query.conditions.iter().for_each(|condition| _ = condition.holds(&object));
        }
    }
}

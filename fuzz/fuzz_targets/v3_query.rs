//! A query shows no more objects than there are, none that is made up, and nothing of them that
//! is never shown.
//!
//! The first line is the query, each of the others an object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tollgate_control::fuzzing::v3_query;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let query = lines.next().unwrap_or_default();
    let objects: Vec<Map<String, Value>> =
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let Some(shown) = v3_query(query, objects.clone()) else { return };
    assert!(shown.len() <= objects.len());
    for object in &shown {
        let within = |whole: &Map<String, Value>| {
            object.iter().all(|(name, part)| {
                whole.get(name).is_some_and(|value| value == part || value.is_object() || value.is_array())
            })
        };
        assert!(objects.iter().any(within), "{object:?}");
    }
});

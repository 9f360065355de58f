//! Queries, opened to fuzzers.

use serde_json::{Map, Value as Json};

use super::query::Query;
use super::resources::application;

/// What a query makes of a list of applications; `None` where it is refused.
#[must_use]
pub fn v3_query(query: &str, all: Vec<Map<String, Json>>) -> Option<Vec<Map<String, Json>>> {
    let fields = application::ALL.fields;
    let query = Query::read(query, fields, true).ok()?;
    let holds = |object: &Map<String, Json>| {
        query.conditions.iter().all(|condition| condition.holds(object))
            && query.searches.iter().all(|search| search.holds(object))
    };
    let mut all: Vec<_> = all.into_iter().filter(holds).collect();
    super::sort::Order::arrange(&query.orders, &mut all, |object| object);
    let page = query.page.of(all).into_iter();
    Some(page.map(|object| query.selection.of(&object, fields)).collect())
}

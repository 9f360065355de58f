//! `sort`: in which order objects are returned (S3-17).

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use super::field::{Field, Kind};

/// A property by which objects are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    name: String,
    descends: bool,
}

impl Order {
    /// Reads one `sort` parameter: `property[:asc|:desc]`, or several joined by commas.
    pub(crate) fn read(text: &str, fields: &[Field]) -> Result<Vec<Self>, String> {
        let named = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        named.map(|part| Self::one(part, fields)).collect()
    }

    fn one(text: &str, fields: &[Field]) -> Result<Self, String> {
        let (name, direction) = text.split_once(':').unwrap_or((text, "asc"));
        let descends = match direction {
            "asc" => false,
            "desc" => true,
            _ => return Err("expected :asc or :desc behind a property".to_owned()),
        };
        if name.contains('.') {
            return Err(format!("found {name:?}, expected a property of the root level"));
        }
        let field = fields.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| format!("found {name:?}, which is no property"))?;
        if matches!(field.kind, Kind::Secret | Kind::Password) {
            return Err(format!("objects are not sorted by {name}"));
        }
        if matches!(field.kind, Kind::Object | Kind::List | Kind::Any) {
            return Err(format!("{name} has no order, expected text, a number or a switch"));
        }
        Ok(Self { name: name.to_owned(), descends })
    }

    /// The property, and whether the greatest comes first.
    pub(crate) fn parts(&self) -> (&str, bool) {
        (&self.name, self.descends)
    }

    /// The properties that objects are ordered by, of one of them.
    pub(crate) fn keys(orders: &[Self], object: &Map<String, Json>) -> Map<String, Json> {
        let keys = orders.iter().filter_map(|order| {
            object.get(&order.name).map(|value| (order.name.clone(), value.clone()))
        });
        keys.collect()
    }

    /// Puts objects in order. Those that are equal in all properties stay as they stood, or the other
    /// way round if the last order descends: a list that descends is the one that ascends, from its
    /// end.
    pub(crate) fn arrange<T>(
        orders: &[Self],
        objects: &mut [T],
        properties: impl Fn(&T) -> &Map<String, Json>,
    ) {
        if Self::ends_descending(orders) {
            objects.reverse();
        }
        objects.sort_by(|one, other| Self::compare(orders, properties(one), properties(other)));
    }

    /// Whether what is equal in all orders stands the other way round.
    pub(crate) fn ends_descending(orders: &[Self]) -> bool {
        orders.last().is_some_and(|order| order.descends)
    }

    /// How two objects stand by the first of `orders` in which they differ.
    pub(crate) fn compare(
        orders: &[Self],
        one: &Map<String, Json>,
        other: &Map<String, Json>,
    ) -> Ordering {
        let differ = |order: &Self| {
            let ordering = compare(one.get(&order.name), other.get(&order.name));
            if order.descends { ordering.reverse() } else { ordering }
        };
        orders.iter().map(differ).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// What is absent comes first.
fn compare(one: Option<&Json>, other: Option<&Json>) -> Ordering {
    let rank = |value: Option<&Json>| match value {
        None | Some(Json::Null) => 0,
        Some(Json::Bool(_)) => 1,
        Some(Json::Number(_)) => 2,
        Some(Json::String(_)) => 3,
        Some(_) => 4,
    };
    match (one, other) {
        (Some(Json::Bool(one)), Some(Json::Bool(other))) => one.cmp(other),
        (Some(Json::Number(one)), Some(Json::Number(other))) => number(one).cmp(&number(other)),
        (Some(Json::String(one)), Some(Json::String(other))) => one.cmp(other),
        (one, other) => rank(one).cmp(&rank(other)),
    }
}

/// Whole numbers are what fields hold.
fn number(number: &serde_json::Number) -> i128 {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    whole.unwrap_or(0)
}

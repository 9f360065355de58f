//! What the query of a request asks for. Parameters that nobody knows are tolerated.

use super::Violation;
use super::field::Field;
use super::fields::Selection;
use super::filter::Condition;
use super::page::Page;
use super::search::Search;
use super::sort::Order;

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) selection: Selection,
    /// All of which have to hold.
    pub(crate) conditions: Vec<Condition>,
    /// All of which have to hold.
    pub(crate) searches: Vec<Search>,
    pub(crate) orders: Vec<Order>,
    pub(crate) page: Page,
}

impl Query {
    /// Reads the query of a request for objects with these fields. `extended` ones may have others.
    pub(crate) fn read(
        query: &str,
        fields: &[Field],
        extended: bool,
    ) -> Result<Self, Vec<Violation>> {
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let all = |name: &'static str| {
            let named = parameters.iter().filter(move |(known, _)| known == name);
            named.map(|(_, value)| value.as_ref())
        };
        let mut violations = Vec::new();
        let mut complain = |parameter: &str, message: String| {
            violations.push(Violation::new(parameter, message));
        };
        let known = |name: &str| extended || fields.iter().any(|field| field.name == name);
        let mut conditions = Vec::new();
        for text in all("filter") {
            match Condition::read(text, |name| fields.iter().any(|field| field.name == name)) {
                Ok(read) => conditions.extend(read),
                Err(message) => complain("filter", message),
            }
        }
        let unknown =
            |condition: &&Condition| !condition.path.first().is_some_and(|name| known(name));
        if let Some(condition) = conditions.iter().find(unknown) {
            complain(
                "filter",
                format!("found {:?}, which is no property", condition.path.join(".")),
            );
        }
        // Who could ask whether a secret is this or that would find it out.
        if conditions.iter().any(|condition| condition.path.iter().any(|name| name == "secret")) {
            complain("filter", "objects are not found by a secret".to_owned());
        }
        let mut searches = Vec::new();
        for text in all("search") {
            match Search::read(text) {
                Ok(read) => searches.push(read),
                Err(message) => complain("search", message),
            }
        }
        let mut orders = Vec::new();
        for text in all("sort") {
            match Order::read(text, fields) {
                Ok(read) => orders.extend(read),
                Err(message) => complain("sort", message),
            }
        }
        let limit = Page::limit(all("limit").next());
        let limit = limit.unwrap_or_else(|message| {
            complain("limit", message);
            0
        });
        let offset = Page::offset(all("offset").next());
        let offset = offset.unwrap_or_else(|message| {
            complain("offset", message);
            0
        });
        if !violations.is_empty() {
            return Err(violations);
        }
        let selection = Selection::read(all("fields"));
        Ok(Self { selection, conditions, searches, orders, page: Page::new(offset, limit) })
    }

    /// Whether it leaves a list whole and in its order.
    pub(crate) fn takes_all(&self) -> bool {
        self.conditions.is_empty() && self.searches.is_empty() && self.orders.is_empty()
    }

    /// Whether it needs a property that is only returned when it is named.
    pub(crate) fn needs(&self, field: &str) -> bool {
        self.conditions.iter().any(|condition| condition.path.first().is_some_and(|f| f == field))
    }
}

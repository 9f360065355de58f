//! A page of a list of which the store holds the greater part.

use super::query::Query;
use super::sort::Order;
use super::source::Object;

/// What files own of a list, with a query's order and page. It is in memory already; of the store
/// only what can be on the page is wanted.
pub(crate) struct Merged<'q> {
    query: &'q Query,
    of_file: Vec<Object>,
}

impl<'q> Merged<'q> {
    /// Objects that the query is about.
    pub(crate) fn new(query: &'q Query, mut of_file: Vec<Object>) -> Self {
        Order::arrange(&query.orders, &mut of_file, |object| &object.json);
        Self { query, of_file }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.of_file.len()
    }

    /// From which on how many objects of the store, in the order of the query, can be on the page:
    /// what comes before them is before it, wherever the file's stand among them.
    pub(crate) fn wanted(&self) -> (usize, usize) {
        if self.query.orders.is_empty() {
            return self.query.page.beyond(self.len());
        }
        let (offset, limit) = self.query.page.bounds();
        let skipped = offset.saturating_sub(self.len());
        (skipped, limit + (offset - skipped))
    }

    /// The page, with those of the store.
    pub(crate) fn with(self, stored: Vec<Object>) -> Vec<Object> {
        if self.query.orders.is_empty() {
            let mut page = self.query.page.of(self.of_file);
            page.extend(stored);
            return page;
        }
        let (offset, limit) = self.query.page.bounds();
        let (skipped, _) = self.wanted();
        // Among equals what files own comes first, then the oldest; or the other way round.
        let (mut all, others) = match Order::ends_descending(&self.query.orders) {
            true => (stored, self.of_file),
            false => (self.of_file, stored),
        };
        all.extend(others);
        all.sort_by(|one, other| Order::compare(&self.query.orders, &one.json, &other.json));
        all.into_iter().skip(offset - skipped).take(limit).collect()
    }
}

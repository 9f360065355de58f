//! Lists of documents that can be many: the store narrows them down as far as it can, and what it
//! leaves is looked at some at a time.

use serde_json::Map;

use super::engine::{Resource, sift};
use super::field::Fetch;
use super::filter::{Condition, instants};
use super::merged::Merged;
use super::query::Query;
use super::sort::Order;
use super::source::{Object, Scene};
use super::{Failure, date};
use crate::store::{Connection, Document, DocumentSearch, StoreError};

/// So many documents are looked at at a time.
const SOME: usize = 10_000;

/// What the store is asked for, and whether that is all that the query asks.
pub(crate) struct Asked {
    search: DocumentSearch,
    whole: bool,
    /// Whether what is left of the query is about nothing but names, its order too.
    named: bool,
    /// What names are called.
    name: String,
}

impl Asked {
    /// What a query asks of documents whose name is called `name`.
    pub(crate) fn of(
        mut search: DocumentSearch,
        resource: &Resource,
        scene: Scene<'_>,
        query: &Query,
        name: &str,
    ) -> Self {
        search.realms = scene.caller.sees(scene.permissions(), resource.read);
        let mut named = query.searches.iter().all(|searched| searched.is_about(name));
        named &= query.orders.iter().all(|order| order.parts().0 == name);
        for condition in &query.conditions {
            named &= narrow(&mut search, resource, condition, name);
        }
        let texts = query.searches.iter().filter_map(|searched| searched.text());
        search.texts.extend(texts.filter(|text| !text.is_empty()).map(str::to_owned));
        let whole = named && query.searches.is_empty() && query.orders.is_empty();
        Self { search, whole, named, name: name.to_owned() }
    }

    /// The page of a query, and how long the list is.
    pub(crate) fn page(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
        of_file: Vec<Object>,
        object: impl Fn(&mut dyn Connection, Document) -> Result<Object, StoreError>,
    ) -> Result<(Vec<Object>, usize), Failure> {
        let of_file = sift(resource, scene, connection, query, of_file)?;
        if !query.orders.is_empty() {
            return self.sorted(resource, scene, connection, query, &of_file, object);
        }
        let merged = Merged::new(query, of_file);
        let (offset, limit) = merged.wanted();
        let (mut stored, mut total) = (Vec::new(), merged.len());
        if self.whole {
            total += usize::try_from(self.search.count(connection)?).unwrap_or(usize::MAX);
            for document in self.search.page(connection, offset as u64, limit as u64)? {
                stored.push(object(connection, document)?);
            }
            return Ok((merged.with(stored), total));
        }
        if self.named {
            let mut passed = 0;
            let mut ids = Vec::new();
            self.each_name(connection, query, |id, _| {
                if passed >= offset && ids.len() < limit {
                    ids.push(id.to_owned());
                }
                passed += 1;
            })?;
            for id in ids {
                if let Some(document) = self.search.shelf.find(connection, &id)? {
                    stored.push(object(connection, document)?);
                }
            }
            return Ok((merged.with(stored), total + passed));
        }
        let mut passed = 0;
        self.each(resource, scene, connection, query, object, |found| {
            if passed >= offset && stored.len() < limit {
                stored.push(found);
            }
            passed += 1;
        })?;
        total += passed;
        Ok((merged.with(stored), total))
    }

    /// The same where the query has an order. Of each object only what it is ordered by is kept.
    fn sorted(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
        of_file: &[Object],
        object: impl Fn(&mut dyn Connection, Document) -> Result<Object, StoreError>,
    ) -> Result<(Vec<Object>, usize), Failure> {
        let mut all: Vec<_> = (0..of_file.len())
            .zip(of_file)
            .map(|(index, object)| (Order::keys(&query.orders, &object.json), Place::File(index)))
            .collect();
        if self.named {
            self.each_name(connection, query, |id, name| {
                let named = Map::from_iter([(self.name.clone(), name.into())]);
                all.push((named, Place::Store(id.to_owned())));
            })?;
        } else {
            self.each(resource, scene, connection, query, &object, |found| {
                all.push((Order::keys(&query.orders, &found.json), Place::Store(found.id)));
            })?;
        }
        Order::arrange(&query.orders, &mut all, |(properties, _)| properties);
        let total = all.len();
        let mut page = Vec::new();
        for (_, place) in query.page.of(all) {
            match place {
                Place::File(index) => page.extend(of_file.get(index).cloned()),
                Place::Store(id) => {
                    if let Some(document) = self.search.shelf.find(connection, &id)? {
                        page.push(object(connection, document)?);
                    }
                }
            }
        }
        Ok((page, total))
    }

    /// Hands over id and name of every object that the query is about, the oldest first, where it asks
    /// about nothing but names.
    fn each_name(
        &self,
        connection: &mut dyn Connection,
        query: &Query,
        mut each: impl FnMut(&str, &str),
    ) -> Result<(), Failure> {
        self.search.names(connection, |id, name| {
            if query.searches.iter().all(|searched| searched.holds_of(name)) {
                each(id, name);
            }
        })?;
        Ok(())
    }

    /// Hands over every object that the query is about, the oldest first.
    fn each(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
        object: impl Fn(&mut dyn Connection, Document) -> Result<Object, StoreError>,
        mut each: impl FnMut(Object),
    ) -> Result<(), Failure> {
        let mut last = None;
        loop {
            let some = self.search.younger(connection, last.as_ref(), SOME)?;
            let Some(end) = some.last() else { return Ok(()) };
            last = Some((end.created, end.id.clone()));
            let ended = some.len() < SOME;
            let mut objects = Vec::with_capacity(some.len());
            for document in some {
                objects.push(object(connection, document)?);
            }
            sift(resource, scene, connection, query, objects)?.into_iter().for_each(&mut each);
            if ended {
                return Ok(());
            }
        }
    }
}

/// Where an object stands that is on a page.
enum Place {
    File(usize),
    Store(String),
}

/// Narrows a search by a condition. Returns whether the search asks for just that.
pub(super) fn narrow(
    search: &mut DocumentSearch,
    resource: &Resource,
    Condition { path, value }: &Condition,
    name: &str,
) -> bool {
    let [first, rest @ ..] = path.as_slice() else { return false };
    let means_instant = date::read(value).is_some();
    match (first.as_str(), rest) {
        ("id", []) if !means_instant && search.id.is_none() => search.id = Some(value.clone()),
        (first, []) if first == name && !means_instant && search.name.is_none() => {
            search.name = Some(value.clone());
        }
        ("created", []) if means_instant => search.created.extend(instants(value)),
        ("updated", []) if means_instant => search.updated.extend(instants(value)),
        (first, _) => {
            // What is not in the document is not in its words, and an instant can be written in
            // other words.
            let field = resource.fields.iter().find(|field| field.name == first);
            let told = field.is_none_or(|field| field.fetch == Fetch::Implicit);
            let derived = ["id", "created", "updated"].contains(&first);
            if told && !derived && !means_instant && !value.is_empty() {
                search.texts.push(value.clone());
            }
            return false;
        }
    }
    true
}

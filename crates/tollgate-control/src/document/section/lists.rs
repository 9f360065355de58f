//! Arrays within a table.

use super::{FieldPath, Section, Site, join};
use crate::document::Fallback;
use crate::document::kind::{Kind, found};
use crate::document::value::{Spot, Table, Value};

/// An element with the spot at which it stands.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// What was read.
    pub value: T,
    /// Where, for [`Section::problem_at`].
    pub site: Site,
}

impl Section {
    /// The elements of an array that has to be there and to have one, in order; those that do not
    /// fit are problems and left out.
    pub fn required_list<K: Kind>(&mut self, name: &'static str, kind: K) -> Vec<Item<K::Value>> {
        self.record(name, || Fallback::Required);
        match self.array(name) {
            Some(array) => {
                self.check_not_empty(name, &array);
                self.items(name, &kind, &array)
            }
            None => {
                if !self.has(name) {
                    self.missing(name, &format!("an array, each element {}", kind.expected()));
                }
                Vec::new()
            }
        }
    }

    /// The elements of an array whose default is the empty one; those that do not fit are problems
    /// and left out, and make the field a misfit.
    pub fn list<K: Kind>(&mut self, name: &'static str, kind: K) -> Vec<Item<K::Value>> {
        self.record(name, || Fallback::Value("[]".to_owned()));
        self.array(name).map_or_else(Vec::new, |array| self.items(name, &kind, &array))
    }

    /// The elements of an array, in order, or `default` when it is absent; those that do not fit are
    /// problems and left out, and make the field a misfit.
    pub fn list_or<K: Kind>(
        &mut self,
        name: &'static str,
        kind: K,
        default: Vec<K::Value>,
    ) -> Vec<K::Value> {
        self.record(name, || {
            let shown: Vec<_> = default.iter().map(|value| kind.show(value)).collect();
            Fallback::Value(format!("[{}]", shown.join(", ")))
        });
        match self.array(name) {
            Some(array) => {
                self.items(name, &kind, &array).into_iter().map(|item| item.value).collect()
            }
            None => default,
        }
    }

    /// The elements of an array that has to have one if it is there, as an empty one would look like
    /// the opposite of an absent one. Empty when it is absent.
    pub fn optional_list<K: Kind>(&mut self, name: &'static str, kind: K) -> Vec<Item<K::Value>> {
        self.record(name, || Fallback::Absent);
        let Some(array) = self.array(name) else { return Vec::new() };
        self.check_not_empty(name, &array);
        self.items(name, &kind, &array)
    }

    /// The tables of an array of tables that has to have one; `None` when it is absent. `default` is
    /// what holds then, as TOML writes it, if that is always the same.
    pub fn table_list(&mut self, name: &'static str, default: Option<&str>) -> Option<Vec<Self>> {
        let value = |default: &str| Fallback::Value(default.to_owned());
        self.record(name, || default.map_or(Fallback::Absent, value));
        let array = self.array(name)?;
        self.check_not_empty(name, &array);
        let table = |(index, value): (usize, Spot)| {
            let at = value.at;
            let path = FieldPath {
                shown: format!("{}[{index}]", self.below(name)),
                pattern: format!("{}[]", join(&self.path.pattern, name)),
            };
            let table: Table =
                self.as_table(|| Site { offset: at, field: path.shown.clone() }, value)?;
            Some(self.section(path, at, table))
        };
        Some(array.into_iter().enumerate().filter_map(table).collect())
    }

    fn array(&mut self, name: &'static str) -> Option<Vec<Spot>> {
        let value = self.take(name)?;
        match value.value {
            Value::Array(array) => Some(array),
            other => {
                let found = found(&other, false);
                self.problem(name, format_args!("found {found}, expected an array"));
                self.mark_misfit();
                None
            }
        }
    }

    fn check_not_empty(&self, name: &str, array: &[Spot]) {
        if array.is_empty() {
            self.problem(name, "is empty, expected at least one element");
        }
    }

    fn items<K: Kind>(&mut self, name: &str, kind: &K, array: &[Spot]) -> Vec<Item<K::Value>> {
        let item = |(index, spot): (usize, &Spot)| {
            let field = format!("{}[{index}]", self.below(name));
            let site = Site { offset: spot.at, field };
            let value = self.fit_at(|| site.clone(), kind, &spot.value)?;
            Some(Item { value, site })
        };
        let items: Vec<_> = array.iter().enumerate().filter_map(item).collect();
        if items.len() < array.len() {
            self.mark_misfit();
        }
        items
    }
}

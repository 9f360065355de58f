//! Tables within a table.

use std::rc::Rc;

use super::{FieldPath, Item, Section, Site, join};
use crate::document::kind::{Kind, NAME_EXPECTED, Name, found};
use crate::document::value::{Field, Spot, Table, Value};

impl Section {
    /// The table of this name, if it stands in the document.
    pub fn table(&mut self, name: &'static str) -> Option<Self> {
        let Some(value) = self.take(name) else {
            return self.is_probe().then(|| self.child(name, name, self.at, Table::default()));
        };
        let at = value.at;
        let site = || Site { offset: at, field: self.below(name) };
        let table = self.as_table(site, value);
        if table.is_none() {
            self.mark_misfit();
        }
        Some(self.child(name, name, at, table?))
    }

    /// The table of this name; when it is absent an empty one, so that defaults hold and what it
    /// must have is missing.
    pub fn table_or_empty(&mut self, name: &'static str) -> Self {
        match self.table(name) {
            Some(section) => section,
            None => self.child(name, name, self.at, Table::default()),
        }
    }

    /// The named tables below `name`, such as all `[services.*]`, in the order of the document.
    ///
    /// A name outside the charset of names is a problem; the table is read all the same, for its
    /// own problems.
    pub fn tables(&mut self, name: &'static str) -> Vec<(Name, Self)> {
        let Some(value) = self.take(name) else {
            return self.probe_table(name).into_iter().collect();
        };
        let site = Site { offset: value.at, field: self.below(name) };
        let Some(table) = self.as_table(|| site.clone(), value) else {
            return Vec::new();
        };
        let group = FieldPath { shown: self.below(name), pattern: join(&self.path.pattern, name) };
        table.into_iter().filter_map(|field| self.named(&group, field)).collect()
    }

    /// The fields of the table `name`, whose names the operator gives, in the order of the
    /// document.
    pub fn entries<K: Kind>(
        &mut self,
        name: &'static str,
        kind: K,
    ) -> Vec<Item<(String, K::Value)>> {
        self.record(name, || crate::document::Fallback::Value("{}".to_owned()));
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let site = Site { offset: value.at, field: self.below(name) };
        let Some(table) = self.as_table(|| site.clone(), value) else {
            return Vec::new();
        };
        let item = |Field { name, name_at, spot }: Field| {
            let path = join(&site.field, &name);
            let at_value = || Site { offset: spot.at, field: path.clone() };
            let value = self.fit_at(at_value, &kind, &spot.value)?;
            Some(Item { value: (name, value), site: Site { offset: name_at, field: path.clone() } })
        };
        table.into_iter().filter_map(item).collect()
    }

    fn named(
        &self,
        group: &FieldPath,
        Field { name: written, name_at, spot }: Field,
    ) -> Option<(Name, Self)> {
        let shown = join(&group.shown, &written);
        let site = |offset| Site { offset, field: shown.clone() };
        let name = Name::new(&written).unwrap_or_else(|| {
            let message = format!("{written:?} is no name, expected {NAME_EXPECTED}");
            self.problem_at(site(name_at), message);
            Name::unchecked(&written)
        });
        let at = spot.at;
        let table = self.as_table(|| site(at), spot)?;
        let path = FieldPath { shown: shown.clone(), pattern: join(&group.pattern, "*") };
        Some((name, self.section(path, at, table)))
    }

    fn probe_table(&self, name: &'static str) -> Option<(Name, Self)> {
        let group = self.child(name, name, self.at, Table::default());
        let table = group.child("*", "*", self.at, Table::default());
        self.is_probe().then(|| (Name::unchecked("*"), table))
    }

    pub(super) fn as_table(&self, site: impl Fn() -> Site, value: Spot) -> Option<Table> {
        match value.value {
            Value::Table(table) => Some(table),
            other => {
                let found = found(&other, false);
                self.problem_at(site(), format_args!("found {found}, expected a table"));
                None
            }
        }
    }

    fn child(&self, shown: &str, pattern: &str, at: usize, table: Table) -> Self {
        let path =
            FieldPath { shown: self.below(shown), pattern: join(&self.path.pattern, pattern) };
        self.section(path, at, table)
    }

    pub(super) fn section(&self, path: FieldPath, at: usize, rest: Table) -> Self {
        Self {
            report: Rc::clone(&self.report),
            text: Rc::clone(&self.text),
            path,
            at,
            rest,
            asked: Vec::new(),
            purpose: None,
        }
    }
}

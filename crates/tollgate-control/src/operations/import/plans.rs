//! Under which of our plans a key comes.

use std::collections::HashMap;

use super::super::Context;
use super::Destination;
use crate::directory::{PackageSeen, PlanSeen};
use crate::migration::{PlanName, Row};
use crate::store::{Connection, Shelf, StoreError};

/// The plans of an import, each looked up once.
#[derive(Default)]
pub(super) struct Plans {
    found: Vec<(PackageSeen, PlanSeen)>,
    by_name: HashMap<PlanName, Result<usize, String>>,
}

impl Plans {
    /// The plan that a key comes under.
    ///
    /// The outer error is the store's, the inner one says why there is none.
    pub(super) fn of(
        &mut self,
        context: &Context,
        connection: &mut dyn Connection,
        row: &Row,
        destination: &Destination,
    ) -> Result<Result<usize, String>, StoreError> {
        let name = match chosen(row, destination) {
            Ok(name) => name,
            Err(why) => return Ok(Err(why.to_owned())),
        };
        if let Some(known) = self.by_name.get(name) {
            return Ok(known.clone());
        }
        let plan = find(context, connection, name)?.map(|found| {
            self.found.push(found);
            self.found.len() - 1
        });
        self.by_name.insert(name.clone(), plan.clone());
        Ok(plan)
    }

    /// Whether every name still leads to the same plan, which is as it was.
    pub(super) fn stand(
        &self,
        context: &Context,
        connection: &mut dyn Connection,
    ) -> Result<bool, StoreError> {
        for (name, plan) in &self.by_name {
            let before = plan.as_ref().ok().and_then(|plan| self.found.get(*plan));
            if find(context, connection, name)?.ok().as_ref() != before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn get(&self, plan: usize) -> Option<&(PackageSeen, PlanSeen)> {
        self.found.get(plan)
    }
}

/// The map beats the plan for all others, and that what the document names.
fn chosen<'a>(row: &'a Row, destination: &'a Destination) -> Result<&'a PlanName, &'static str> {
    let mut mapped = row.groups.iter().filter_map(|group| destination.groups.get(group));
    match mapped.next() {
        Some(first) if mapped.all(|other| other == first) => Ok(first),
        Some(_) => Err("its groups are mapped to different plans, and a key has one"),
        None => {
            let other = destination.plan.as_ref().or(row.bought.as_ref());
            other.ok_or("no plan of ours is named for it: map its group, or name one for all")
        }
    }
}

fn find(
    context: &Context,
    connection: &mut dyn Connection,
    name: &PlanName,
) -> Result<Result<(PackageSeen, PlanSeen), String>, StoreError> {
    let directory = context.directory();
    let package = match directory.package(connection, &name.package)? {
        Some(package) => Some(package),
        None => {
            let named = Shelf::Packages.named_any(connection, &[&name.package])?;
            match named.as_slice() {
                [one] => directory.package(connection, &one.id)?,
                [] => None,
                _ => return Ok(Err(format!("several packages are called \"{}\"", name.package))),
            }
        }
    };
    let Some(package) = package else {
        return Ok(Err(format!("there is no package \"{}\"", name.package)));
    };
    let plan = match directory.plan(connection, &package.id, &name.plan)? {
        Some(plan) => Some(plan),
        None => {
            let below = Shelf::Plans.below(connection, &package.id)?;
            let named: Vec<_> = below.iter().filter(|plan| plan.name == name.plan).collect();
            match named.as_slice() {
                [one] => directory.plan(connection, &package.id, &one.id)?,
                [] => None,
                _ => return Ok(Err(format!("several plans are called \"{}\"", name.plan))),
            }
        }
    };
    let PlanName { package: of, plan: wanted } = name;
    Ok(plan
        .map(|plan| (package, plan))
        .ok_or_else(|| format!("the package \"{of}\" has no plan \"{wanted}\"")))
}

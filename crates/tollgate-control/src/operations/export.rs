//! Exporting package keys, in the form that imports them again.

use std::collections::HashMap;

use super::{Context, Refused, Retrieval};
use crate::migration::{PlanName, Row, RowPlace, write_head, write_row};
use crate::store::{Connection, Document, Shelf, StoreError, StoredChain};

/// What an export came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// How many keys were written.
    pub keys: u64,
    /// How many were left out because they cannot be seen again.
    pub unseen: u64,
}

/// The names that a key is written with, by the ids of what has them.
struct Names {
    applications: HashMap<String, (String, String)>,
    packages: HashMap<String, String>,
    plans: HashMap<String, String>,
}

impl Context {
    /// Hands over the lines of all package keys of the store, with keys and secrets in the clear.
    ///
    /// # Errors
    /// What the store or `line` said. [`Refused`] for a policy that shows no key again, and for
    /// what is kept of a key and does not open.
    pub fn export(
        &self,
        connection: &mut dyn Connection,
        mut line: impl FnMut(String) -> Result<(), StoreError>,
    ) -> Result<Result<Export, Refused>, StoreError> {
        if self.retrieval == Retrieval::Once {
            return Ok(Err(Refused::invalid("retrieval", "keys are shown once here, not again")));
        }
        let names = Names::find(self, connection)?;
        let mut export = Export::default();
        let mut refused = None;
        line(write_head())?;
        StoredChain::each(connection, |chain| {
            if chain.life.policy.is_some() || refused.is_some() {
                return Ok(());
            }
            match self.exported(&chain, &names) {
                Ok(Some(row)) => {
                    export.keys += 1;
                    line(write_row(&row))
                }
                Ok(None) => {
                    export.unseen += 1;
                    Ok(())
                }
                Err(error) => {
                    refused = Some(error);
                    Ok(())
                }
            }
        })?;
        Ok(refused.map_or(Ok(export), Err))
    }

    /// A key as it is exported; `None` for one that cannot be seen again.
    fn exported(&self, chain: &StoredChain, names: &Names) -> Result<Option<Row>, Refused> {
        let Some(credential) = chain.credential(chain.life.latest.number) else { return Ok(None) };
        let Some(key) = self.open_key(credential).map_err(Refused::Sealing)? else {
            return Ok(None);
        };
        let mut row = Row::new(RowPlace::Line(0), key);
        row.secret = self.open_secret(credential).map_err(Refused::Sealing)?;
        row.name.clone_from(&chain.name);
        if let Some((application, owner)) = names.applications.get(&chain.application) {
            row.application = Some(application.clone());
            row.owner = Some(owner.clone());
        }
        row.bought = chain.bought.as_ref().map(|bought| PlanName {
            package: named(&names.packages, &bought.package),
            plan: named(&names.plans, &bought.plan),
        });
        row.state = chain.life.state();
        row.qps = chain.qps;
        row.quota = chain.quota;
        row.expires = chain.life.latest.expiration;
        row.created = Some(chain.created);
        row.body.clone_from(&chain.body);
        Ok(Some(row))
    }
}

impl Names {
    fn find(context: &Context, connection: &mut dyn Connection) -> Result<Self, StoreError> {
        let mut members = by_id(Shelf::Members.all(connection)?);
        let of_file = context.files.members.keys();
        members.extend(of_file.map(|name| (name.to_string(), name.to_string())));
        let mut applications = HashMap::new();
        for Document { id, name, parent, .. } in Shelf::Applications.all(connection)? {
            applications.insert(id, (name, named(&members, &parent)));
        }
        for (name, application) in &context.files.applications {
            applications
                .insert(name.to_string(), (name.to_string(), application.member.to_string()));
        }
        Ok(Self {
            applications,
            packages: by_id(Shelf::Packages.all(connection)?),
            plans: by_id(Shelf::Plans.all(connection)?),
        })
    }
}

fn by_id(documents: Vec<Document>) -> HashMap<String, String> {
    documents.into_iter().map(|document| (document.id, document.name)).collect()
}

/// A name, or the id where there is none: what the file owns has its name for an id.
fn named(names: &HashMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}

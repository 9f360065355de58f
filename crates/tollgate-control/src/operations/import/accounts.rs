//! Whose keys are imported: members and applications by their names, looked up all at once, and
//! those that are missing planned.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json, json};

use super::super::{Context, Reserved};
use crate::directory::{
    ApplicationSeen, Directory, MemberSeen, realm, seen_application, seen_member,
};
use crate::model::Owner;
use crate::store::{Connection, Document, Shelf, StoreError};

/// The members and applications of an import.
pub(super) struct Accounts {
    members: Vec<Known<MemberSeen>>,
    /// Each with its member.
    applications: Vec<(usize, Known<ApplicationSeen>)>,
    /// The member of a user name.
    by_username: HashMap<String, usize>,
    /// The application of a member, by its name.
    by_name: HashMap<(usize, String), Named>,
}

/// An object that is there, or is to be made.
#[derive(PartialEq)]
struct Known<T> {
    object: T,
    /// The organization and group that it belongs to, where it does.
    realm: Map<String, Json>,
    new: bool,
}

impl Known<MemberSeen> {
    /// A member of the store.
    fn member(document: Document) -> Self {
        let object = seen_member(&document);
        let mut realm = document.body;
        realm.retain(|field, _| matches!(field.as_str(), "organization" | "group"));
        Self { object, realm, new: false }
    }
}

/// What an application's name leads to.
#[derive(Clone, Copy)]
enum Named {
    One(usize),
    /// Several of one member have it.
    Several,
}

/// The member and application of a key.
#[derive(Clone, Copy)]
pub(super) struct Account {
    member: usize,
    application: usize,
}

impl Accounts {
    /// Finds the members of these names, and their applications.
    pub(super) fn find<'a>(
        context: &Context,
        connection: &mut dyn Connection,
        usernames: impl Iterator<Item = &'a str>,
    ) -> Result<Self, StoreError> {
        let mut accounts = Self {
            members: Vec::new(),
            applications: Vec::new(),
            by_username: HashMap::new(),
            by_name: HashMap::new(),
        };
        let mut wanted: Vec<_> = usernames.collect();
        wanted.sort_unstable();
        wanted.dedup();
        let Directory { files } = context.directory();
        let of_file = |name: &&str| files.members.contains_key(*name);
        let (in_file, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(of_file);
        for name in in_file {
            if let Some(member) = context.directory().member(connection, name)? {
                accounts.add_member(Known { object: member, realm: Map::new(), new: false });
            }
        }
        for document in Shelf::Members.named_any(connection, &others)? {
            accounts.add_member(Known::member(document));
        }
        accounts.find_applications(context, connection)?;
        Ok(accounts)
    }

    fn find_applications(
        &mut self,
        context: &Context,
        connection: &mut dyn Connection,
    ) -> Result<(), StoreError> {
        let members = self.members.iter().enumerate();
        let by_id: HashMap<String, usize> =
            members.map(|(index, member)| (member.object.id.clone(), index)).collect();
        let directory = context.directory();
        for (name, application) in &directory.files.applications {
            let Some(member) = by_id.get(&*application.member) else { continue };
            if let Some(seen) = directory.application(connection, name)? {
                self.add_application(*member, seen, false);
            }
        }
        let ids: Vec<&str> = by_id.keys().map(String::as_str).collect();
        for document in Shelf::Applications.below_any(connection, &ids)? {
            let Some(member) = by_id.get(&document.parent) else { continue };
            self.add_application(*member, seen_application(document), false);
        }
        Ok(())
    }

    /// Whether it would be found as it was, if of all members and applications only these have changed.
    pub(super) fn stand(
        &self,
        connection: &mut dyn Connection,
        mut members: BTreeSet<String>,
        mut applications: BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        for known in &self.members {
            if members.remove(&known.object.id) {
                let found = Shelf::Members.find(connection, &known.object.id)?;
                if found.map(Known::member).as_ref() != Some(known) {
                    return Ok(false);
                }
            }
        }
        for (_, known) in &self.applications {
            if applications.remove(&known.object.id) {
                let found = Shelf::Applications.find(connection, &known.object.id)?;
                if found.map(seen_application).as_ref() != Some(&known.object) {
                    return Ok(false);
                }
            }
        }
        // Others are new, or have got a name that is asked for.
        for id in members {
            let found = Shelf::Members.find(connection, &id)?;
            if found.is_some_and(|document| self.by_username.contains_key(&document.name)) {
                return Ok(false);
            }
        }
        for id in applications {
            let Some(document) = Shelf::Applications.find(connection, &id)? else { continue };
            let owner = self.members.iter().position(|known| known.object.id == document.parent);
            if owner.is_some_and(|owner| self.by_name.contains_key(&(owner, document.name))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The account of a member's name and an application's, planned where it is not there.
    /// `None` if several applications have that name.
    pub(super) fn account(
        &mut self,
        username: &str,
        application: &str,
        ids: &Reserved,
    ) -> Option<Account> {
        let member = match self.by_username.get(username) {
            Some(member) => *member,
            None => {
                let username = username.to_owned();
                let owner = Owner::Store;
                let id = ids.next();
                let object = MemberSeen { id, username, active: true, owner };
                self.add_member(Known { object, realm: Map::new(), new: true })
            }
        };
        let application = match self.by_name.get(&(member, application.to_owned())) {
            Some(Named::One(application)) => *application,
            Some(Named::Several) => return None,
            None => {
                let owner = self.members.get(member)?;
                let seen = ApplicationSeen {
                    id: ids.next(),
                    name: application.to_owned(),
                    member: owner.object.id.clone(),
                    active: true,
                    realm: realm(&owner.realm),
                    owner: Owner::Store,
                };
                self.add_application(member, seen, true)
            }
        };
        Some(Account { member, application })
    }

    pub(super) fn member(&self, account: Account) -> Option<&MemberSeen> {
        self.members.get(account.member).map(|known| &known.object)
    }

    /// The application of an account, and its member.
    pub(super) fn of(&self, account: Account) -> Option<(&ApplicationSeen, &MemberSeen)> {
        let (_, application) = self.applications.get(account.application)?;
        Some((&application.object, &self.members.get(account.member)?.object))
    }

    /// The members that are to be made.
    pub(super) fn new_members(&self, now: i64) -> Vec<Document> {
        let new = self.members.iter().filter(|known| known.new);
        let documents = new.map(|Known { object: member, .. }| Document {
            id: member.id.clone(),
            parent: String::new(),
            name: member.username.clone(),
            body: Map::from_iter([("areaStatus".to_owned(), json!("active"))]),
            created: now,
            updated: now,
        });
        documents.collect()
    }

    /// The applications that are to be made. They belong to the organization and group of their
    /// owner.
    pub(super) fn new_applications(&self, now: i64) -> Vec<Document> {
        let new = self.applications.iter().filter(|(_, known)| known.new);
        let documents = new.filter_map(|(member, Known { object: application, .. })| {
            let Known { object: owner, realm, .. } = self.members.get(*member)?;
            let mut body = realm.clone();
            body.insert("username".to_owned(), json!(owner.username));
            body.insert("status".to_owned(), json!("active"));
            Some(Document {
                id: application.id.clone(),
                parent: application.member.clone(),
                name: application.name.clone(),
                body,
                created: now,
                updated: now,
            })
        });
        documents.collect()
    }

    /// How many members and applications are to be made.
    pub(super) fn new_ones(&self) -> (usize, usize) {
        let members = self.members.iter().filter(|known| known.new).count();
        (members, self.applications.iter().filter(|(_, known)| known.new).count())
    }

    /// Adds a member. Of several with one user name the first counts, as everywhere.
    fn add_member(&mut self, member: Known<MemberSeen>) -> usize {
        let index = self.members.len();
        let index = *self.by_username.entry(member.object.username.clone()).or_insert(index);
        if index == self.members.len() {
            self.members.push(member);
        }
        index
    }

    fn add_application(&mut self, member: usize, object: ApplicationSeen, new: bool) -> usize {
        let realm = Map::new();
        let index = self.applications.len();
        let named = self.by_name.entry((member, object.name.clone()));
        named.and_modify(|named| *named = Named::Several).or_insert(Named::One(index));
        self.applications.push((member, Known { object, realm, new }));
        index
    }
}

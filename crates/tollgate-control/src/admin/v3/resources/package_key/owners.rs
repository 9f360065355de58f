//! Whose keys a query is about: applications and members are few beside keys, so what is asked of
//! them is looked up first.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use super::super::super::Failure;
use super::super::super::date;
use super::super::super::filter::Condition;
use super::super::super::listed::narrow;
use super::super::super::query::Query;
use super::super::super::search::Search;
use super::super::super::source::{Scene, text};
use super::super::member;
use super::{Applications, Members};
use crate::store::{Connection, DocumentSearch, Shelf};

/// So many applications are looked at at a time.
const SOME: usize = 10_000;

/// Of so many members the applications are looked up member by member, of more all are gone through.
const FEW: usize = 100;

/// What is asked of the applications and members of keys.
pub(super) struct Owners<'q> {
    conditions: Vec<&'q Condition>,
    searches: &'q [Search],
}

/// Whether a condition is on the application of a key or on its member.
pub(super) fn is_about_owners(condition: &Condition) -> bool {
    let first = condition.path.first().map(String::as_str);
    matches!(first, Some("application" | "member" | "username"))
}

impl<'q> Owners<'q> {
    /// What a query asks, if it asks anything.
    pub(super) fn asked_for(query: &'q Query) -> Option<Self> {
        let conditions = query.conditions.iter();
        let conditions: Vec<_> =
            conditions.filter(|condition| is_about_owners(condition)).collect();
        let asks = !conditions.is_empty() || !query.searches.is_empty();
        asks.then_some(Self { conditions, searches: &query.searches })
    }

    /// The applications of the store's keys that are meant.
    pub(super) fn applications(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<HashSet<String>, Failure> {
        let mut members = HashMap::new();
        let mut found = HashSet::new();
        for id in scene.file().applications.keys() {
            if let Some(application) = Applications.anywhere(scene, connection, id)?
                && self.mean(scene, connection, &application.json, &mut members)?
            {
                found.insert(id.to_string());
            }
        }
        let all = self.narrowed();
        if self.conditions.is_empty()
            && self.searches.iter().all(|searched| searched.is_about("name"))
        {
            all.names(connection, |id, name| {
                // What a file owns of the same id came first.
                let of_file = scene.file().applications.contains_key(id);
                if !of_file && self.searches.iter().all(|searched| searched.holds_of(name)) {
                    found.insert(id.to_owned());
                }
            })?;
            return Ok(found);
        }
        let searches = match self.members(scene, connection)? {
            Some(few) => {
                let of = |member| DocumentSearch { parent: Some(member), ..all.clone() };
                few.into_iter().map(of).collect()
            }
            None => vec![all],
        };
        for search in searches {
            let mut last = None;
            loop {
                let some = search.younger(connection, last.as_ref(), SOME)?;
                let Some(end) = some.last() else { break };
                last = Some((end.created, end.id.clone()));
                for document in some {
                    let id = document.id.clone();
                    // What a file owns of the same id came first.
                    if scene.file().applications.contains_key(id.as_str()) {
                        continue;
                    }
                    let application = Applications::kept(document).json;
                    if self.mean(scene, connection, &application, &mut members)? {
                        found.insert(id);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The members among whom all are that are meant, where something is asked of them and few fit.
    fn members(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<Vec<String>>, Failure> {
        let mut search = DocumentSearch::of(Shelf::Members);
        for Condition { path, value } in &self.conditions {
            if let [first, rest @ ..] = path.as_slice()
                && first == "member"
            {
                let asked = Condition { path: rest.to_vec(), value: value.clone() };
                narrow(&mut search, &member::ALL, &asked, "username");
            }
        }
        if search == DocumentSearch::of(Shelf::Members) {
            return Ok(None);
        }
        let stored = search.page(connection, 0, FEW as u64 + 1)?;
        let of_file = scene.file().members.keys().map(ToString::to_string);
        let members: Vec<_> = stored.into_iter().map(|member| member.id).chain(of_file).collect();
        Ok(Some(members).filter(|members| members.len() <= FEW))
    }

    /// Whether an application, with its member, is meant.
    fn mean(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        application: &Map<String, Json>,
        members: &mut HashMap<String, Option<Map<String, Json>>>,
    ) -> Result<bool, Failure> {
        for condition in &self.conditions {
            let Some((first, rest)) = condition.path.split_first() else { return Ok(false) };
            let rest = Condition { path: rest.to_vec(), value: condition.value.clone() };
            let holds = match first.as_str() {
                "application" => rest.holds(application),
                "username" => condition.holds(application),
                _ => match text(application, "username") {
                    Some(username) => {
                        if !members.contains_key(username) {
                            let member = Members.named(scene, connection, username)?;
                            let member = member.map(|member| member.json);
                            members.insert(username.to_owned(), member);
                        }
                        let member = members.get(username).and_then(Option::as_ref);
                        member.is_some_and(|member| rest.holds(member))
                    }
                    None => false,
                },
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(self.searches.iter().all(|search| search.holds(application)))
    }

    /// A search for the store's applications among which all are that are meant.
    fn narrowed(&self) -> DocumentSearch {
        let mut search = DocumentSearch::of(Shelf::Applications);
        for Condition { path, value } in &self.conditions {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            let told = match path.as_slice() {
                ["username"] => true,
                ["application", "id"] => {
                    search.id = Some(value.clone());
                    false
                }
                ["application", "created" | "updated" | "packageKeys", ..] => false,
                ["application", ..] => true,
                _ => false,
            };
            // An instant can be written in other words.
            if told && !value.is_empty() && date::read(value).is_none() {
                search.texts.push(value.clone());
            }
        }
        let texts = self.searches.iter().filter_map(Search::text);
        search.texts.extend(texts.filter(|text| !text.is_empty()).map(str::to_owned));
        search
    }
}

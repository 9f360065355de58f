//! What a change makes of objects, property by property.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::Deed;

/// Which properties of which objects differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(BTreeMap<Noted, BTreeMap<String, Difference>>);

/// An object of which something differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noted {
    /// Its kind, as in `plan`.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What a property was, and what it is. One that is absent is null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Before.
    pub from: Json,
    /// After.
    pub to: Json,
}

/// Where they stand in what the audit log says of a change.
const OBJECTS: &str = "objects";

impl Differences {
    /// Notes what of an object differs.
    pub fn note(
        &mut self,
        kind: &str,
        id: &str,
        before: &Map<String, Json>,
        after: &Map<String, Json>,
    ) {
        for name in before.keys().chain(after.keys()) {
            let value = |of: &Map<String, Json>| of.get(name).cloned().unwrap_or_default();
            let (from, to) = (value(before), value(after));
            if from != to {
                self.add(kind, id, name, Difference { from, to });
            }
        }
    }

    fn add(&mut self, kind: &str, id: &str, name: &str, difference: Difference) {
        let noted = Noted { kind: kind.to_owned(), id: id.to_owned() };
        self.0.entry(noted).or_default().insert(name.to_owned(), difference);
    }

    /// The objects, with what differs of each.
    pub fn iter(&self) -> impl Iterator<Item = (&Noted, &BTreeMap<String, Difference>)> {
        self.0.iter()
    }

    /// What the audit log says of a change in all of its entries: what the change has noted, and what
    /// else is told of the objects that it was done to.
    #[must_use]
    pub fn of_deeds<'d>(deeds: impl Iterator<Item = &'d Deed>) -> Self {
        let mut all = Self::default();
        for deed in deeds {
            all.add_all(Self::of_deed(deed));
        }
        all
    }

    fn of_deed(deed: &Deed) -> Self {
        let mut differences = Self::default();
        if let Some(mut told) = details(deed).as_object().cloned() {
            // Two ids are no value that became another.
            told.remove("ids");
            differences.read(&deed.kind, &deed.object, &Json::Object(told));
        }
        differences.add_all(Self::noted(deed));
        differences
    }

    fn add_all(&mut self, others: Self) {
        for (noted, properties) in others.0 {
            self.0.entry(noted).or_default().extend(properties);
        }
    }

    /// What a change has noted, by what the audit log says of it.
    #[must_use]
    pub fn noted(deed: &Deed) -> Self {
        let mut differences = Self::default();
        let details = details(deed);
        let kinds = details.get(OBJECTS).and_then(Json::as_object).into_iter().flatten();
        for (kind, objects) in kinds {
            for (id, properties) in objects.as_object().into_iter().flatten() {
                differences.read(kind, id, properties);
            }
        }
        differences
    }

    /// Reads the properties of an object that have two values each; what is written otherwise is
    /// none.
    fn read(&mut self, kind: &str, id: &str, properties: &Json) {
        for (name, pair) in properties.as_object().into_iter().flatten() {
            if let Some([from, to]) = pair.as_array().map(Vec::as_slice) {
                self.add(kind, id, name, Difference { from: from.clone(), to: to.clone() });
            }
        }
    }

    /// Adds them to what the audit log says of a change.
    pub(super) fn add_to(&self, details: &mut String) {
        if self.0.is_empty() {
            return;
        }
        let mut said: Map<String, Json> = serde_json::from_str(details).unwrap_or_default();
        let mut kinds = json!({});
        for (Noted { kind, id }, properties) in &self.0 {
            for (name, Difference { from, to }) in properties {
                kinds[kind][id][name] = json!([from, to]);
            }
        }
        said.insert(OBJECTS.to_owned(), kinds);
        *details = Json::Object(said).to_string();
    }
}

fn details(deed: &Deed) -> Json {
    serde_json::from_str(&deed.details).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(details: &str) -> Deed {
        Deed {
            actor: "jo".to_owned(),
            action: "plan.update".to_owned(),
            kind: "plan".to_owned(),
            object: "p".to_owned(),
            details: details.to_owned(),
        }
    }

    #[test]
    fn what_is_noted_and_what_is_told_are_read_again() {
        let map = |json: Json| json.as_object().cloned().unwrap();
        let mut noted = Differences::default();
        let before = map(json!({ "same": 1, "changed": [1], "gone": true }));
        noted.note("plan", "p", &before, &map(json!({ "same": 1, "changed": [2], "new": null })));
        noted.note("plan", "q", &before, &before);
        let mut details = r#"{"changed":["as","told"],"ids":["a","b"],"told":[1,2]}"#.to_owned();
        noted.add_to(&mut details);
        let said: Json = serde_json::from_str(&details).unwrap();
        let objects = json!({ "plan": { "p": { "changed": [[1], [2]], "gone": [true, null] } } });
        assert_eq!(said["objects"], objects);
        noted.read("plan", "p", &json!({ "told": [1, 2] }));
        assert_eq!(Differences::of_deed(&deed(&details)), noted, "what was noted goes first");
        assert_eq!(Differences::of_deed(&deed("no json")), Differences::default());
    }
}

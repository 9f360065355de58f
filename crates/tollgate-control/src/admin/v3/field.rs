//! What a resource is made of: its fields, as the tables of domain.md §1.2 and §1.3 have them.

use super::Violation;
use serde_json::{Map, Value as Json};

/// A property of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether a client gives it when it creates an object.
    pub(crate) create: Rule,
    /// Whether a client gives it when it updates one.
    pub(crate) update: Rule,
    /// When it is returned.
    pub(crate) fetch: Fetch,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of so many characters at most.
    Text(usize),
    /// Text of 1 to so many characters, none of them a control character.
    Name(usize),
    /// A URL of so many characters at most, whose query can be what opens it: it is left out of logs.
    Url(usize),
    /// A number, from 0.
    Number(u64),
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// When something happened, as the server knows.
    Instant,
    /// A password. It is never stored as it is, and never returned.
    Password,
    /// A key or its secret. It goes into no log, and nothing is ordered by it.
    Secret,
    /// An object, such as a reference `{"id": ".."}`.
    Object,
    /// An array.
    List,
    /// Whatever JSON can say.
    Any,
}

/// Whether a client gives a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It has to.
    Required,
    /// It may.
    Optional,
    /// It may, to no effect.
    Ignored,
}

/// When a field is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Unless `fields` leaves it out.
    Implicit,
    /// Where `fields` names it.
    Explicit,
    /// Never.
    Never,
}

/// A row of a table.
pub(crate) const fn field(
    name: &'static str,
    kind: Kind,
    create: Rule,
    update: Rule,
    fetch: Fetch,
) -> Field {
    Field { name, kind, create, update, fetch }
}

/// What a client wants an object to be.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// The fields that were given and count, and those that no table names.
    pub(crate) given: Map<String, Json>,
    /// The password that was given, if the resource has one.
    pub(crate) password: Option<String>,
}

/// What is asked of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An object is to be made.
    Create,
    /// One is to be changed: what is not given stays.
    Update,
}

/// Reads what a client sends. `null` means that a field is not given. Fields that `fields` does not
/// have are kept (requirements.md, decision 4).
pub(crate) fn read(
    fields: &[Field],
    body: Map<String, Json>,
    purpose: Purpose,
) -> Result<Input, Vec<Violation>> {
    let mut input = Input::default();
    let mut violations = Vec::new();
    let mut given: Map<_, _> = body.into_iter().filter(|(_, value)| !value.is_null()).collect();
    for field in fields {
        let rule = match purpose {
            Purpose::Create => field.create,
            Purpose::Update => field.update,
        };
        match (given.remove(field.name), rule) {
            (_, Rule::Ignored) | (None, Rule::Optional) => {}
            (None, Rule::Required) => {
                let message = format!("required, expected {}", field.kind.expected());
                violations.push(Violation::new(field.name, message));
            }
            (Some(value), _) => match field.kind.misfit(&value) {
                Some(expected) => violations.push(Violation::new(field.name, expected)),
                None => match (field.kind, value) {
                    (Kind::Password, Json::String(password)) => input.password = Some(password),
                    (_, value) => _ = input.given.insert(field.name.to_owned(), value),
                },
            },
        }
    }
    input.given.extend(given);
    if violations.is_empty() { Ok(input) } else { Err(violations) }
}

/// Adds what is wrong with an object that stands within another one.
pub(crate) fn misfits(fields: &[Field], json: &Map<String, Json>, violations: &mut Vec<Violation>) {
    if let Err(found) = read(fields, json.clone(), Purpose::Create) {
        violations.extend(found);
    }
}

impl Kind {
    /// Why a value cannot stand in the field, if it cannot. It does not repeat the value, which can
    /// be a secret that was put into the wrong field.
    fn misfit(self, value: &Json) -> Option<String> {
        let fits = match (self, value) {
            (Self::Text(most) | Self::Url(most), Json::String(text)) => {
                text.chars().count() <= most
            }
            (Self::Name(most), Json::String(text)) => {
                let length = text.chars().count();
                (1..=most).contains(&length) && !text.chars().any(char::is_control)
            }
            (Self::Number(most), Json::Number(number)) => {
                number.as_u64().is_some_and(|number| number <= most)
            }
            (Self::Choice(words), Json::String(text)) => words.contains(&text.as_str()),
            (Self::Switch, Json::Bool(_))
            | (Self::Instant | Self::Password | Self::Secret, Json::String(_))
            | (Self::Object, Json::Object(_))
            | (Self::List, Json::Array(_))
            | (Self::Any, _) => true,
            _ => false,
        };
        (!fits).then(|| format!("expected {}", self.expected()))
    }

    /// What fits, to follow the word "expected".
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text(most) | Self::Url(most) => format!("text of {most} characters at most"),
            Self::Name(most) => format!("text of 1 to {most} characters"),
            Self::Number(most) => format!("a whole number from 0 to {most}"),
            Self::Switch => "true or false".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Instant => "an instant".to_owned(),
            Self::Password => "a password".to_owned(),
            Self::Secret => "text".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::List => "an array".to_owned(),
            Self::Any => "a value".to_owned(),
        }
    }
}

//! Tollgate's own form: JSON, a key on each line, behind a line that says so. It holds everything
//! of a package key; a ceiling of 0 lets no call through, as everywhere but in foreign documents.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Malformed;
use super::fields::misfit;
use super::row::{PlanName, Reading, Row, RowPlace};
use crate::document::Value;
use crate::document::kind::{Day, Instant, Kind};
use crate::life_cycle::State;
use crate::operations::Secret;
use crate::store::Written;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    tollgate: String,
    version: u32,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: Clear,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Clear>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qps_limit_ceiling: Option<u32>,
    #[serde(default, skip_serializing_if = "is_off")]
    qps_limit_exempt: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_limit_ceiling: Option<u64>,
    #[serde(default, skip_serializing_if = "is_off")]
    rate_limit_exempt: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<i64>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Json>,
}

/// A key or secret on its way from or to a line.
struct Clear(Secret);

/// What the first line names.
const KEYS: &str = "keys";

/// The version that is written and read.
const VERSION: u32 = 1;

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let mut lines = (1..).zip(document.split(|byte| *byte == b'\n'));
    let head = lines.next().and_then(|(_, line)| serde_json::from_slice::<Head>(line).ok());
    let Some(Head { version, .. }) = head.filter(|head| head.tollgate == KEYS) else {
        let message = "expected {\"tollgate\":\"keys\",\"version\":1}".to_owned();
        return Err(Malformed { line: 1, column: 0, message });
    };
    if version != VERSION {
        let message = format!("expected version {VERSION}, which is the only one so far");
        return Err(Malformed { line: 1, column: 0, message });
    }
    let mut reading = Reading::default();
    for (number, line) in lines {
        if !line.trim_ascii().is_empty() {
            read_line(line, RowPlace::Line(number), &mut reading);
        }
    }
    Ok(reading)
}

fn read_line(line: &[u8], place: RowPlace, reading: &mut Reading) {
    // What the library says repeats what it found, which may be a key.
    let Ok(line) = serde_json::from_slice::<Line>(line) else {
        reading.refuse(&place, "", "expected an object with the fields of a key, each once");
        return;
    };
    let before = reading.problems.len();
    for (field, label) in [("owner", &line.owner), ("application", &line.application)] {
        if let Some(misfit) = label.as_deref().and_then(misfit) {
            reading.refuse(&place, field, misfit);
        }
    }
    if let Some(misfit) = misfit(&line.name) {
        reading.refuse(&place, "name", misfit);
    }
    let mut row = Row::new(place, line.key.0);
    row.secret = line.secret.map(|secret| secret.0);
    row.name = line.name;
    row.owner = line.owner;
    row.application = line.application;
    row.bought = match (line.package, line.plan) {
        (Some(package), Some(plan)) => Some(PlanName { package, plan }),
        (None, None) => None,
        _ => {
            reading.refuse(&row.place, "plan", "expected package and plan, or neither");
            None
        }
    };
    row.groups.extend(row.bought.iter().map(|name| format!("{}/{}", name.package, name.plan)));
    match State::named(&line.state) {
        Some(state) => row.state = state,
        None => {
            let states = "expected pending, active, suspended, revoked or expired";
            reading.refuse(&row.place, "state", states);
        }
    }
    row.qps = Written { ceiling: line.qps_limit_ceiling, exempt: line.qps_limit_exempt };
    row.quota = Written { ceiling: line.rate_limit_ceiling, exempt: line.rate_limit_exempt };
    if let Some(expires) = line.expires {
        row.expires = Day.read(&Value::String(expires)).ok();
        if row.expires.is_none() {
            reading.refuse(&row.place, "expires", format!("expected {}", Day.expected()));
        }
    }
    row.created = line.created;
    row.body = line.fields;
    if reading.problems.len() == before {
        reading.rows.push(row);
    }
}

/// The first line of an export, with its end.
#[must_use]
pub fn write_head() -> String {
    let head = Head { tollgate: KEYS.to_owned(), version: VERSION };
    written(&head)
}

/// A key's line, with its end. Limits that count over a window of their own have no place in it.
#[must_use]
pub fn write_row(row: &Row) -> String {
    let bought = row.bought.as_ref();
    written(&Line {
        key: Clear(row.key.clone()),
        secret: row.secret.clone().map(Clear),
        name: row.name.clone(),
        owner: row.owner.clone(),
        application: row.application.clone(),
        package: bought.map(|name| name.package.clone()),
        plan: bought.map(|name| name.plan.clone()),
        state: row.state.as_str().to_owned(),
        qps_limit_ceiling: row.qps.ceiling,
        qps_limit_exempt: row.qps.exempt,
        rate_limit_ceiling: row.quota.ceiling,
        rate_limit_exempt: row.quota.exempt,
        expires: row.expires.as_ref().map(Instant::to_string),
        created: row.created,
        fields: row.body.clone(),
    })
}

fn written(line: &impl Serialize) -> String {
    // Tables of texts and numbers always have a JSON form.
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_off(switch: &bool) -> bool {
    !switch
}

impl Serialize for Clear {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

impl<'de> Deserialize<'de> for Clear {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

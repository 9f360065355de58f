//! A list of package keys as the v3 API gives it. Owner and application stand in it only if they
//! were asked for (`fields=*,application,member,package,plan`).

use std::fmt;

use serde::de::{Deserializer as _, Error, SeqAccess, Visitor};

use super::fields::Fields;
use super::row::{PlanName, Reading, Row};
use super::tree::{Tree, malformed_json};
use super::{Malformed, within};
use crate::document::Value;
use crate::document::kind::{Day, Instant, Kind};
use crate::life_cycle::{PackageKeyStatus, State};
use crate::operations::Secret;
use crate::store::Written;

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let mut reading = Reading::default();
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    // One after the other: all of them as trees would be many times as large as the document.
    let read = deserializer.deserialize_seq(Items(&mut reading));
    read.and_then(|()| deserializer.end()).map_err(|error| malformed_json(&error))?;
    Ok(reading)
}

struct Items<'a>(&'a mut Reading);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of package keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(item) = items.next_element::<Tree>()? {
            if let Some(fields) = Fields::of(item, within("", "", index), self.0) {
                read_key(fields, self.0);
            }
            index = index.checked_add(1).ok_or_else(|| A::Error::custom("too many"))?;
        }
        Ok(())
    }
}

fn read_key(mut fields: Fields, reading: &mut Reading) {
    let before = reading.problems.len();
    let Some(key) = fields.text("apikey", reading).filter(|key| !key.is_empty()) else {
        let why = "expected the key itself: the export leaves it out";
        fields.refuse(reading, "apikey", why);
        return;
    };
    let mut row = Row::new(fields.place.clone(), Secret::new(key));
    let secret = fields.text("secret", reading).filter(|secret| !secret.is_empty());
    row.secret = secret.map(Secret::new);
    row.state = status(&mut fields, reading);
    row.qps = ceiling(&mut fields, ["qpsLimitCeiling", "qpsLimitExempt"], reading);
    row.quota = ceiling(&mut fields, ["rateLimitCeiling", "rateLimitExempt"], reading);
    row.expires = expires(&mut fields, reading);
    row.created = fields.text("created", reading).as_deref().and_then(instant);
    let package = fields.table("package", "package.", reading);
    let package = package.and_then(|mut package| label(&mut package, reading));
    let plan = fields.table("plan", "plan.", reading);
    let plan = plan.and_then(|mut plan| label(&mut plan, reading));
    if let Some((package, plan)) = package.zip(plan) {
        row.groups.push(format!("{package}/{plan}"));
        row.bought = Some(PlanName { package, plan });
    }
    read_owner(&mut fields, &mut row, reading);
    fields.drop(&["id", "updated", "limits"]);
    fields.leave(reading);
    if reading.problems.len() == before {
        reading.rows.push(row);
    }
}

/// The name of an object, or else its id.
fn label(object: &mut Fields, reading: &mut Reading) -> Option<String> {
    object.label("name", reading).or_else(|| object.label("id", reading))
}

fn read_owner(fields: &mut Fields, row: &mut Row, reading: &mut Reading) {
    if let Some(mut application) = fields.table("application", "application.", reading) {
        row.application = application.label("name", reading);
        row.owner = application.label("username", reading);
        fields.remark(reading, "application", "only its name and owner are carried over");
    }
    if let Some(mut member) = fields.table("member", "member.", reading) {
        row.owner = member.label("username", reading).or(row.owner.take());
        fields.remark(reading, "member", "only the user name is carried over");
    }
}

fn status(fields: &mut Fields, reading: &mut Reading) -> State {
    match fields.text("status", reading).as_deref().map(PackageKeyStatus::named) {
        Some(Some(PackageKeyStatus::Active)) => State::Active,
        Some(Some(PackageKeyStatus::Waiting)) => State::Pending,
        Some(Some(PackageKeyStatus::Disabled)) => State::Suspended,
        Some(None) => {
            fields.refuse(reading, "status", "expected waiting, active or disabled");
            State::Suspended
        }
        None => {
            fields.remark(reading, "status", "it has none: imported as waiting");
            State::Pending
        }
    }
}

/// A ceiling of 0 is what the vendor's own clients send for a key without one (field.md §1.1).
fn ceiling<T: TryFrom<u64>>(
    fields: &mut Fields,
    [ceiling, exempt]: [&str; 2],
    reading: &mut Reading,
) -> Written<T> {
    let exempt = fields.switch(exempt, reading).unwrap_or(false);
    let found = match fields.count(ceiling, reading) {
        Some(0) => {
            if !exempt {
                fields.remark(reading, ceiling, "0: imported as the plan's own limit");
            }
            None
        }
        found => found,
    };
    let found = found.map(T::try_from).transpose().unwrap_or_else(|_| {
        fields.refuse(reading, ceiling, "expected a smaller number");
        None
    });
    Written { ceiling: found, exempt }
}

/// A date, or an instant in any of the forms that the API writes.
fn expires(fields: &mut Fields, reading: &mut Reading) -> Option<Instant> {
    let text = fields.text("expires", reading).filter(|text| !text.is_empty())?;
    let read = Day.read(&Value::String(text.clone())).ok();
    let read = read.or_else(|| instant(&text).map(|at| Instant::Second(at.div_euclid(1000))));
    if read.is_none() {
        fields.refuse(reading, "expires", "expected a date such as 2027-01-31");
    }
    read
}

/// An instant as the API writes it, in milliseconds since 1970.
fn instant(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?;
    Some(parsed.to_timestamp().ok()?.as_millisecond())
}

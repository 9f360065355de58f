//! When an endpoint is closed.

use serde_json::Value as Json;

use super::Fields;
use crate::date;
use crate::model::Maintenance;

const PROPERTY: &str = "scheduledMaintenanceEvent";

/// How an endpoint is closed, if it is: from the event's begin to its end, as far as it has them. An
/// empty event is none.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<Maintenance> {
    let event = match fields.get(PROPERTY)? {
        Json::Object(event) if event.is_empty() => return None,
        Json::Object(event) => event,
        _ => {
            fields.refuse(PROPERTY, "expected an object");
            return None;
        }
    };
    let mut second = |name: &str| match event.get(name) {
        None | Some(Json::Null) => None,
        Some(value) => {
            let found = value.as_str().and_then(date::read).map(|(ms, _)| ms.div_euclid(1000));
            let second = found.and_then(|second| u64::try_from(second).ok());
            if second.is_none() {
                fields.refuse(PROPERTY, format!("{name}: expected an instant"));
            }
            second
        }
    };
    let from = second("startDateTime").unwrap_or(0);
    let until = second("endDateTime").unwrap_or(Maintenance::UNKNOWN);
    Some(Maintenance { from, until, ..Maintenance::default() })
}

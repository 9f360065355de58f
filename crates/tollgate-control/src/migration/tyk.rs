//! Keys of Tyk: sessions as its gateway API gives them. The API gives a session without its key, so
//! a document is either an object of sessions by their keys, or a list of `{key, data}`.
//!
//! A gateway with `hash_keys` has no keys, only what it looks them up by. A hash that was imported
//! as a key would open the API to whoever has read it, so it is refused.

use super::fields::Fields;
use super::row::{Limit, Reading, Row, RowPlace, window};
use super::tree::Tree;
use super::{Malformed, within};
use crate::document::kind::Instant;
use crate::life_cycle::State;
use crate::operations::Secret;

/// What a session says of its past and of how it is kept.
const BOOKKEEPING: &[&str] = &[
    "last_check",
    "allowance",
    "quota_renews",
    "org_id",
    "date_created",
    "last_updated",
    "session_lifetime",
    "data_expires",
    "id_extractor_deadline",
    "enable_detail_recording",
    "enable_detailed_recording",
    "meta_data",
    "tags",
];

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let mut reading = Reading::default();
    match Tree::of_json(document)? {
        Tree::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                let item = Fields::of(item, within("", "", index), &mut reading);
                if let Some(item) = item {
                    read_item(item, &mut reading);
                }
            }
        }
        Tree::Table(fields) if fields.iter().any(|(name, _)| name == "data" || name == "keys") => {
            let item = Fields::of(Tree::Table(fields), within("", "", 0), &mut reading);
            if let Some(item) = item {
                read_item(item, &mut reading);
            }
        }
        Tree::Table(sessions) => {
            // The names are keys, so a place counts them and does not name them.
            for (index, (key, session)) in sessions.into_iter().enumerate() {
                let place = RowPlace::Path(format!("session {}", index + 1).into());
                if is_hash(&key) {
                    reading.refuse(&place, "key", HASHED);
                    continue;
                }
                if let Some(session) = Fields::of(session, place, &mut reading) {
                    read_session(session, key, &mut reading);
                }
            }
        }
        _ => return Err(Malformed::whole("expected an object of sessions by their keys")),
    }
    Ok(reading)
}

const HASHED: &str = "it has the form of a hash, and what was hashed cannot be known: expected the \
                      key itself (where it is one, write {key, key_hash, data} with both)";

fn read_item(mut item: Fields, reading: &mut Reading) {
    if item.take("keys").is_some() {
        item.refuse(reading, "keys", "expected sessions with their keys, not a list of keys");
        return;
    }
    let key = item.text("key", reading).or_else(|| item.text("key_id", reading));
    let hash = item.text("key_hash", reading).filter(|hash| !hash.is_empty());
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        let why = if hash.is_some() { HASHED } else { "expected the key itself" };
        item.refuse(reading, "key", why);
        return;
    };
    let told_apart = hash.is_some_and(|hash| hash != key);
    if !told_apart && is_hash(&key) {
        item.refuse(reading, "key", HASHED);
        return;
    }
    let Some(session) = item.take("data").or_else(|| item.take("session")) else {
        item.refuse(reading, "data", "expected the session");
        return;
    };
    item.drop(&["api_model", "status", "action"]);
    let place = item.place.clone();
    item.leave(reading);
    if let Some(session) = Fields::of(session, place, reading) {
        read_session(session, key, reading);
    }
}

/// Whether a text is as long as one of Tyk's hashes (murmur32, murmur64, murmur128, SHA-256) and of
/// hex digits.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 8 | 16 | 32 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read_session(mut session: Fields, key: String, reading: &mut Reading) {
    let before = reading.problems.len();
    let alias = session.label("alias", reading);
    let mut row = Row::new(session.place.clone(), Secret::new(key));
    row.name = alias.clone().unwrap_or_default();
    row.owner = developer(&session).or_else(|| alias.clone());
    row.application = alias;
    for policy in session.list("apply_policies", reading) {
        match policy {
            Tree::Text(policy) => row.groups.push(policy),
            _ => session.refuse(reading, "apply_policies", "expected texts"),
        }
    }
    row.groups.extend(session.label("apply_policy_id", reading));
    row.groups.dedup();
    let inactive = session.switch("is_inactive", reading).unwrap_or(false);
    row.state = if inactive { State::Suspended } else { State::Active };
    // 0 and -1 both mean that it never ends.
    let expires = session.integer("expires", reading).filter(|second| *second > 0);
    row.expires = expires.map(Instant::Second);
    read_rate(&mut session, &mut row, reading);
    read_quota(&mut session, &mut row, reading);
    refuse_others(&mut session, reading);
    if session.take("access_rights").is_some() {
        session.remark(
            reading,
            "access_rights",
            "what a key may call is a matter of its plan here",
        );
    }
    if let Some(Tree::Integer(used)) = session.take("quota_remaining")
        && used > 0
    {
        session.remark(
            reading,
            "quota_remaining",
            "what was used of the window is not carried over",
        );
    }
    session.drop(BOOKKEEPING);
    session.leave(reading);
    if reading.problems.len() == before {
        reading.rows.push(row);
    }
}

/// Whom the developer portal made the key for.
fn developer(session: &Fields) -> Option<String> {
    let meta = session.see("meta_data")?;
    let Tree::Table(fields) = meta else { return None };
    let of = |name: &str| fields.iter().find(|(field, _)| field == name);
    let found = of("tyk_developer_id").or_else(|| of("email"));
    match found {
        Some((_, Tree::Text(text)))
            if !text.is_empty() && super::fields::misfit(text).is_none() =>
        {
            Some(text.clone())
        }
        _ => None,
    }
}

/// `rate` calls in `per` seconds. 0 and less is no limit.
fn read_rate(session: &mut Fields, row: &mut Row, reading: &mut Reading) {
    let rate = session.integer("rate", reading);
    let per = session.integer("per", reading);
    let Some(rate) = rate else { return };
    let Ok(ceiling @ 1..) = u64::try_from(rate) else {
        row.qps.exempt = true;
        session.remark(reading, "rate", UNLIMITED);
        return;
    };
    let per = per.and_then(|per| u64::try_from(per).ok());
    match per.and_then(window) {
        Some(window) => row.limits.push(Limit { ceiling, window, field: "rate" }),
        None => session.remark(
            reading,
            "per",
            "not carried over: limits here count over a second, minute, hour, day or month",
        ),
    }
}

const UNLIMITED: &str =
    "no limit there: imported as exempt, which counts where the plan lets keys override it";

/// `quota_max` calls in `quota_renewal_rate` seconds. -1 is no quota; 0 is one that was never set.
fn read_quota(session: &mut Fields, row: &mut Row, reading: &mut Reading) {
    let most = session.integer("quota_max", reading);
    let renewal = session.integer("quota_renewal_rate", reading);
    let renewal = renewal.and_then(|seconds| u64::try_from(seconds).ok());
    match most {
        None => {}
        Some(0) => session.remark(reading, "quota_max", "0: imported as the plan's own quota"),
        Some(..0) => {
            row.quota.exempt = true;
            session.remark(reading, "quota_max", UNLIMITED);
        }
        Some(most) => match renewal.and_then(window) {
            Some(window) => {
                row.limits.push(Limit { ceiling: most.unsigned_abs(), window, field: "quota_max" });
            }
            None => session.remark(
                reading,
                "quota_renewal_rate",
                "not carried over: quotas here count over a minute, hour, day or month",
            ),
        },
    }
}

/// Refuses sessions that are not known by their key alone.
fn refuse_others(session: &mut Fields, reading: &mut Reading) {
    if session.text("oauth_client_id", reading).is_some_and(|client| !client.is_empty()) {
        session.refuse(reading, "oauth_client_id", "the session is an OAuth token's, not a key's");
    }
    if session.text("certificate", reading).is_some_and(|text| !text.is_empty()) {
        session.refuse(reading, "certificate", "the session is a certificate's, not a key's");
    }
    let proofs = [
        ("hmac_enabled", "the key works only with a signature there, which no plan here asks for"),
        ("basic_auth_data", "the session is a password's, not a key's"),
        ("jwt_data", "the session is a JWT's, not a key's"),
    ];
    for (field, why) in proofs {
        let there = match session.take(field) {
            Some(Tree::Switch(on)) => on,
            Some(Tree::Table(fields)) => fields
                .iter()
                .any(|(_, value)| matches!(value, Tree::Text(text) if !text.is_empty())),
            _ => false,
        };
        if there {
            session.refuse(reading, field, why);
        }
    }
    session.drop(&["hmac_string", "rsa_certificate_id"]);
}

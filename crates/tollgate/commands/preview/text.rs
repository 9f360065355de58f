//! What a preview says, for people.

use serde_json::Value as Json;

use crate::client::clean;
use crate::commands::key::{instant, text};
use crate::output::{Column, Table};

const COLUMNS: [Column; 6] = [
    Column { head: "KEY", whole: true },
    Column { head: "APPLICATION", whole: false },
    Column { head: "LAST USE", whole: true },
    Column { head: "WHAT", whole: false },
    Column { head: "NOW", whole: true },
    Column { head: "THEN", whole: true },
];

/// How many keys, a table with a row for each difference of each, and what is not known.
pub(super) fn of(preview: &Json, width: Option<usize>) -> String {
    let mut told = totals(preview);
    let mut table = Table::new(&COLUMNS);
    for key in list(preview, "keys") {
        for [what, now, then] in differences(key) {
            let used = match text(key, &["lastUse"]) {
                "" => "never".to_owned(),
                used => instant(used),
            };
            let application = text(key, &["application", "name"]);
            let [id, application, used] = [text(key, &["id"]), application, &used].map(clean);
            table.row(vec![id, application, used, what, now, then]);
        }
    }
    if table.len() > 0 {
        told += "\n";
        told += &table.text(width);
    }
    for (at, note) in list(preview, "unknown").enumerate() {
        if at == 0 {
            told += "\nnot known:\n";
        }
        told += &format!("  {}\n", clean(note.as_str().unwrap_or_default()));
    }
    told
}

fn totals(preview: &Json) -> String {
    let total = |name: &str| {
        preview.get("totals").and_then(|totals| totals.get(name)?.as_u64()).unwrap_or(0)
    };
    let keys = |count: u64| format!("{count} key{}", if count == 1 { "" } else { "s" });
    let mut told = format!(
        "newly refused   {}, {} of them used since {}\n\
         newly admitted  {}\n\
         changed in all  {}, {} of them used",
        keys(total("refused")),
        total("refusedUsed"),
        clean(&instant(text(preview, &["usedSince"]))),
        keys(total("admitted")),
        keys(total("changed")),
        total("used"),
    );
    let hidden = total("hidden");
    if hidden > 0 {
        told += &format!("; {hidden} may not be looked at");
    }
    told.push('\n');
    told
}

/// What would be decided otherwise, and which limits would be others: what, now, then.
fn differences(key: &Json) -> impl Iterator<Item = [String; 3]> {
    let decided = list(key, "differences").map(|difference| {
        let named = ["service", "endpoint", "method"].map(|name| difference.get(name));
        let what: Vec<_> = named.into_iter().flatten().filter_map(Json::as_str).collect();
        let what = match what.as_slice() {
            [] => "all calls".to_owned(),
            [service, endpoint, ""] => format!("{service}/{endpoint}, calls of no method"),
            some => some.join("/"),
        };
        let [now, then] = ["was", "wouldBe"].map(|name| clean(text(difference, &[name])));
        [clean(&what), now, then]
    });
    let limits = list(key, "limits").map(|change| {
        let mut what = text(change, &["limit"]).to_owned();
        let services: Vec<_> = list(change, "services").filter_map(Json::as_str).collect();
        if !services.is_empty() {
            what += &format!(" of {}", services.join(", "));
        }
        if let Some(method) = change.get("method").and_then(Json::as_str) {
            what += &format!(", method {method}");
        }
        let [before, after] = ["before", "after"].map(|name| change.get(name).map(limit));
        [clean(&what), before.unwrap_or_default(), after.unwrap_or_default()]
    });
    decided.chain(limits)
}

/// `1000/hour`, `5`, `exempt`; of one that only counts, in shadow.
fn limit(limit: &Json) -> String {
    let ceiling = limit.get("ceiling").and_then(Json::as_u64);
    let mut told = ceiling.map_or_else(|| "exempt".to_owned(), |ceiling| ceiling.to_string());
    if let Some(period) = limit.get("period").and_then(Json::as_str) {
        told += &format!("/{}", clean(period));
    }
    if limit.get("enforced").and_then(Json::as_bool) == Some(false) {
        told += " (shadow)";
    }
    told
}

fn list<'a>(of: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    of.get(name).and_then(Json::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_difference_of_a_key_is_a_row() {
        let limit = |ceiling: Json, enforced: bool| json!({ "ceiling": ceiling, "period": "hour", "enforced": enforced });
        let preview = json!({
            "totals": { "changed": 3, "refused": 1, "admitted": 0, "used": 2, "refusedUsed": 1,
                        "hidden": 2 },
            "usedSince": "2026-10-28T00:00:00Z",
            "keys": [{
                "id": "k1", "application": { "id": "a", "name": "shop\u{1b}" },
                "lastUse": "2026-11-01T00:00:00Z", "refused": true,
                "differences": [
                    { "was": "admitted", "wouldBe": "over_quota" },
                    { "service": "wares", "endpoint": "items", "method": "",
                      "was": "admitted", "wouldBe": "not_entitled" },
                ],
                "limits": [{ "limit": "quota", "services": ["wares"], "method": "get",
                             "before": limit(Json::Null, true), "after": limit(json!(4), false) }],
            }],
            "unknown": ["whatever\nelse"],
        });
        assert_eq!(
            of(&preview, None),
            "newly refused   1 key, 1 of them used since 2026-10-28T00:00:00Z\n\
             newly admitted  0 keys\n\
             changed in all  3 keys, 2 of them used; 2 may not be looked at\n\n\
             KEY  APPLICATION  LAST USE              WHAT                             NOW          THEN\n\
             k1   shop?        2026-11-01T00:00:00Z  all calls                        admitted     over_quota\n\
             k1   shop?        2026-11-01T00:00:00Z  wares/items, calls of no method  admitted     not_entitled\n\
             k1   shop?        2026-11-01T00:00:00Z  quota of wares, method get       exempt/hour  4/hour (shadow)\n\n\
             not known:\n  whatever?else\n"
        );
    }
}

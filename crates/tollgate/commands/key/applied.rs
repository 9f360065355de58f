//! Who enforces a change that was waited for.

use serde_json::{Value as Json, json};

use super::kept::text;
use crate::client::clean;

/// What the control plane says of it.
pub(super) struct Applied<'a> {
    answer: &'a Json,
    json: Json,
}

impl<'a> Applied<'a> {
    /// Out of its answer to the change.
    pub(super) fn read(answer: &'a Json) -> Self {
        let parts = ["applied", "revision", "here", "proxies"];
        let json = parts.into_iter().map(|part| (part.to_owned(), answer[part].clone())).collect();
        Self { answer, json: Json::Object(json) }
    }

    /// Whether everybody enforces it.
    pub(super) fn is_everywhere(&self) -> bool {
        self.answer["applied"] == json!(true)
    }

    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// For people, behind what was done.
    pub(super) fn words(&self) -> String {
        let proxies = self.answer["proxies"].as_array().map_or(&[][..], Vec::as_slice);
        let here = &self.answer["here"]["enforced"];
        let took = proxies.iter().map(|proxy| &proxy["enforced"]).chain([here]);
        let took: Vec<_> = took.filter_map(Json::as_u64).collect();
        if self.is_everywhere() {
            let most = took.iter().max().copied().unwrap_or_default();
            return format!("; refused by every proxy after {most} ms");
        }
        let late = proxies.iter().filter(|proxy| proxy["enforced"].is_null());
        let late = late.map(|proxy| {
            let name = clean(text(proxy, &["name"]));
            match text(proxy, &["closesBy"]) {
                "" => format!("{name} (goes on without a bound)"),
                instant => format!("{name} (stops by {})", clean(instant)),
            }
        });
        let mut late: Vec<_> = late.collect();
        if here.is_null() {
            late.push("the control plane itself".to_owned());
        }
        format!("; not refused yet by {}", late.join(", "))
    }
}

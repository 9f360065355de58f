//! An entry as people and programs see it.

use serde_json::{Value as Json, json};
use tollgate_core::Revision;

use super::{Deed, Entry};
use crate::document::kind::Instant;

impl Entry {
    /// When it was, to the second (RFC 3339).
    #[must_use]
    pub fn instant(&self) -> String {
        Instant::Second(self.at.div_euclid(1000)).to_string()
    }

    /// All of it.
    #[must_use]
    pub fn json(&self) -> Json {
        let Deed { actor, action, kind, object, details } = &self.deed;
        let details: Json =
            serde_json::from_str(details).unwrap_or_else(|_| Json::String(details.clone()));
        let Revision { epoch, number } = self.revision.unwrap_or_default();
        let of_revision = |number: u64| self.revision.map(|_| number);
        let hash: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "number": self.number,
            "at": self.instant(),
            "actor": actor,
            "action": action,
            "kind": kind,
            "object": object,
            "outcome": self.outcome,
            "details": details,
            "epoch": of_revision(epoch),
            "revision": of_revision(number),
            "hash": hash,
        })
    }
}

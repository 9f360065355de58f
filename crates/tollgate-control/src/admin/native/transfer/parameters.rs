//! What is asked of an import.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::migration::Format;

/// Whose document it is, and where its keys go.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Parameters {
    /// Whose document it is; left out, it is told by what only one gateway writes.
    pub(super) format: Option<Format>,
    /// Do everything but change anything.
    pub(super) dry_run: bool,
    /// Where keys go, as JSON: `groups` maps groups of the document to plans, `plan` is that of all
    /// other keys, `owner` and `application` those of keys that name none. A plan is
    /// `{"package": "…", "plan": "…"}`, each by id or name.
    pub(super) destination: Option<String>,
}

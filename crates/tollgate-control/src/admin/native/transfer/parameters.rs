//! What is asked of an import.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::migration::Format;

/// Whose document it is, and where its keys go.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Parameters {
    /// Whose document it is; left out, it is told by what only one gateway writes.
    pub(super) format: Option<DocumentFormat>,
    /// Do everything but change anything.
    pub(super) dry_run: bool,
    /// Where keys go, as JSON: `groups` maps groups of the document to plans, `plan` is that of all
    /// other keys, `owner` and `application` those of keys that name none. A plan is
    /// `{"package": "…", "plan": "…"}`, each by id or name.
    pub(super) destination: Option<String>,
}

/// A form of documents.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DocumentFormat {
    /// Kong's declarative configuration, YAML or JSON.
    Kong,
    /// What APISIX's admin API lists, or a standalone file of it.
    Apisix,
    /// AWS API Gateway's CSV of API keys.
    Aws,
    /// Sessions of Tyk's gateway API.
    Tyk,
    /// A list of package keys of the v3 API.
    V3,
    /// Lines of an export.
    Tollgate,
}

impl From<DocumentFormat> for Format {
    fn from(format: DocumentFormat) -> Self {
        match format {
            DocumentFormat::Kong => Self::Kong,
            DocumentFormat::Apisix => Self::Apisix,
            DocumentFormat::Aws => Self::Aws,
            DocumentFormat::Tyk => Self::Tyk,
            DocumentFormat::V3 => Self::V3,
            DocumentFormat::Tollgate => Self::Tollgate,
        }
    }
}

impl From<Format> for DocumentFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Kong => Self::Kong,
            Format::Apisix => Self::Apisix,
            Format::Aws => Self::Aws,
            Format::Tyk => Self::Tyk,
            Format::V3 => Self::V3,
            Format::Tollgate => Self::Tollgate,
        }
    }
}

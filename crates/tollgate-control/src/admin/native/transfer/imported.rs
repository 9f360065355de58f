//! What an import answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::migration::{self, Format};
use crate::operations;

/// What was imported, or would have been.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Imported {
    format: Format,
    /// Nothing was changed.
    dry_run: bool,
    /// How many keys.
    keys: usize,
    /// How many members were made for them.
    members: usize,
    /// How many applications were made for them.
    applications: usize,
    /// What was not carried over, or not as it was.
    remarks: Vec<Remark>,
}

/// Something that was not carried over.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportRemark)]
pub(super) struct Remark {
    field: String,
    /// What was made of it, and why.
    message: String,
    /// Every place of the document that this is true of.
    places: Vec<String>,
}

impl Imported {
    pub(super) fn of(format: Format, dry_run: bool, imported: operations::Imported) -> Self {
        let operations::Imported { keys, members, applications, remarks } = imported;
        let remarks = remarks.into_iter().map(Remark::from).collect();
        Self { format, dry_run, keys, members, applications, remarks }
    }
}

impl From<migration::Remark> for Remark {
    fn from(remark: migration::Remark) -> Self {
        let migration::Remark { field, message, places } = remark;
        Self { field, message, places: places.iter().map(ToString::to_string).collect() }
    }
}

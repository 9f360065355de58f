//! What a revision touched.

use super::audit::signed;
use super::{Connection, Kind, StoreError};
use tollgate_core::Revision;

/// What a revision touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revised {
    /// What proxies decide from and it made, changed or deleted.
    pub touched: Vec<(Kind, String)>,
}

impl Revised {
    /// What a revision touched, if it is one of this store's.
    ///
    /// # Errors
    /// What the store said.
    pub fn find(
        connection: &mut dyn Connection,
        revision: Revision,
    ) -> Result<Option<Self>, StoreError> {
        let (epoch, number) = signed(revision);
        let query = "SELECT touched FROM revisions WHERE epoch = $1 AND number = $2";
        let Some(row) = connection.row(query, &[epoch.into(), number.into()])? else {
            return Ok(None);
        };
        let touched = serde_json::from_str(row.text(0)?);
        let touched = touched.map_err(|_| StoreError::Corrupt("what was touched".to_owned()))?;
        Ok(Some(Self { touched }))
    }
}

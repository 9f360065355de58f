//! Many keys in a store, made once and kept for the next soak.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::house::{House, STORE};
use crate::Failure;

/// So many keys come in one import, and so many belong to one application.
const TOGETHER: usize = 100_000;
const OF_APPLICATION: usize = 100;

/// Where imported keys go.
const DESTINATION: &str = "%7B%22plan%22:%7B%22package%22:%22soak%22,%22plan%22:%22soak%22%7D%7D";

/// The value of an imported key.
pub(super) fn key(number: usize) -> String {
    format!("fleet-{number:012}-abcdefgh")
}

impl House {
    /// A control plane with so many keys, copied from `cache` if they were made before.
    pub(super) async fn with_keys(
        binary: &Path,
        folder: &Path,
        keys: usize,
        cache: &Path,
    ) -> Result<Self, Failure> {
        let made = cache.join(format!("keys-{keys}"));
        let own = folder.join(STORE);
        let kept = made.is_dir();
        if kept {
            copy(&made, &own)?;
        }
        let mut house = Self::new(binary, folder, None).await?;
        house.keys = keys;
        if kept {
            return Ok(house);
        }
        for first in (0..keys).step_by(TOGETHER) {
            house.import(first..keys.min(first + TOGETHER)).await?;
        }
        // A control plane that has ended leaves a whole store behind.
        if let Some(control) = house.control.take() {
            control.end()?;
        }
        fs::create_dir_all(cache)?;
        let new = cache.join(format!("keys-{keys}.new"));
        if new.is_dir() {
            fs::remove_dir_all(&new)?;
        }
        copy(&own, &new)?;
        fs::rename(new, made)?;
        house.start_control().await?;
        Ok(house)
    }

    async fn import(&mut self, numbers: std::ops::Range<usize>) -> Result<(), Failure> {
        let mut document = json!({ "tollgate": "keys", "version": 1 }).to_string();
        for number in numbers {
            let owner = number / OF_APPLICATION;
            write!(
                document,
                "\n{{\"key\":\"{}\",\"state\":\"active\",\"owner\":\"owner-{owner}\"}}",
                key(number)
            )?;
        }
        let target = format!("/keys/import?format=tollgate&destination={DESTINATION}");
        self.admin.import(&target, document).await?;
        Ok(())
    }

    /// The ids of so many keys that were imported.
    pub(super) async fn ids(&mut self, count: usize) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let target = format!("/packageKeys?fields=id&limit=1000&offset={}", ids.len());
            let page = self.admin.done("GET", &target, &Json::Null).await?;
            let page = page.as_array().ok_or("no list")?;
            ids.extend(page.iter().filter_map(|key| key["id"].as_str().map(str::to_owned)));
            if page.len() < 1000 {
                break;
            }
        }
        ids.truncate(count);
        // That one stands in the file.
        ids.retain(|id| id != "steady");
        Ok(ids)
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if let Some(above) = to.parent() {
        fs::create_dir_all(above)?;
    }
    let status = Command::new("cp").arg("-a").args([from, to]).status()?;
    if status.success() { Ok(()) } else { Err(format!("cp: {status}").into()) }
}

//! What is known of a key: what was acknowledged, or what that and a change in flight leave open.

use serde_json::Value as Json;

use crate::Failure;
use crate::admin::Admin;
use crate::connection::Connection;

/// How a key looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Absent,
    /// Status and ceiling always change together, so that half a change would show.
    Present {
        status: String,
        ceiling: u64,
    },
}

/// A key as it was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) id: Option<String>,
    pub(crate) shown: Shown,
}

/// A key that one writer changes.
pub(crate) struct Known {
    pub(crate) apikey: String,
    pub(crate) id: Option<String>,
    /// What was acknowledged last, and what a change in flight would make of it.
    pub(crate) possible: Vec<Shown>,
    touched: bool,
}

impl Known {
    pub(crate) fn new(apikey: String) -> Self {
        Self { apikey, id: None, possible: vec![Shown::Absent], touched: false }
    }

    pub(crate) fn now(&self) -> &Shown {
        self.possible.first().unwrap_or(&Shown::Absent)
    }

    /// A change is sent.
    pub(crate) fn attempt(&mut self, next: Shown) {
        self.touched = true;
        self.possible.push(next);
    }

    /// It was acknowledged.
    pub(crate) fn acknowledge(&mut self) {
        self.possible = self.possible.pop().into_iter().collect();
    }

    pub(crate) fn is_touched(&self) -> bool {
        self.touched
    }

    /// What was found is what is known.
    pub(crate) fn settle(&mut self, found: Found) {
        self.id = found.id;
        self.possible = vec![found.shown];
        self.touched = false;
    }

    pub(crate) async fn find(&self, admin: &mut Admin) -> Result<Found, Failure> {
        let target =
            format!("/packageKeys?filter=apikey:{}&fields=id,status,qpsLimitCeiling", self.apikey);
        let list = admin.done("GET", &target, &Json::Null).await?;
        let list = list.as_array().ok_or("no list")?;
        let [key] = list.as_slice() else {
            if list.is_empty() {
                return Ok(Found { id: None, shown: Shown::Absent });
            }
            return Err(format!("{} is there {} times", self.apikey, list.len()).into());
        };
        let status = key["status"].as_str().ok_or("no status")?.to_owned();
        let ceiling = key["qpsLimitCeiling"].as_u64().ok_or("no ceiling")?;
        Ok(Found {
            id: key["id"].as_str().map(str::to_owned),
            shown: Shown::Present { status, ceiling },
        })
    }

    /// Whether a request with the key reaches the upstream.
    pub(crate) async fn is_admitted(&self, data: &mut Connection) -> Result<bool, Failure> {
        let (status, _) = data.get("/soak", &[("x-api-key", &self.apikey)]).await?;
        match status {
            200 => Ok(true),
            401 => Ok(false),
            other => Err(format!("{} is answered {other}", self.apikey).into()),
        }
    }
}

impl Found {
    pub(crate) fn is_active(&self) -> bool {
        matches!(&self.shown, Shown::Present { status, .. } if status == "active")
    }
}

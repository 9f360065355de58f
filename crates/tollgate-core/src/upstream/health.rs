//! How servers are asked whether they work.

use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;

/// How each target of an upstream is asked whether it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What it is asked for, by GET.
    pub path: PathAndQuery,
    /// Whose `Host` it sees; `None` = its own.
    pub host: Option<HeaderValue>,
    /// The statuses of one that works.
    pub statuses: Vec<StatusRange>,
    /// From one check to the next.
    pub interval: Duration,
    /// For one check, from the connection to the head of the response.
    pub timeout: Duration,
    /// After so many failed checks in a row it is left out.
    pub unhealthy_after: u32,
    /// After so many good ones in a row it is used again.
    pub healthy_after: u32,
}

/// Some statuses, the last one among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl HealthCheck {
    /// Whether a server that answers with `status` works.
    #[must_use]
    pub fn accepts(&self, status: u16) -> bool {
        self.statuses.iter().any(|range| (range.first..=range.last).contains(&status))
    }
}

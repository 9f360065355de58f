//! What many checks say of a server.

use tollgate_core::HealthCheck;

/// What is held of a server, and how much speaks against it.
#[derive(Debug)]
pub(super) struct Standing {
    healthy: bool,
    /// Checks in a row that say the opposite.
    against: u32,
    /// No check has been made yet: then one decides.
    is_new: bool,
    unhealthy_after: u32,
    healthy_after: u32,
}

impl Standing {
    /// A server that is held to be `healthy`, before its first check.
    pub(super) fn new(healthy: bool, check: &HealthCheck) -> Self {
        let HealthCheck { unhealthy_after, healthy_after, .. } = *check;
        Self { healthy, against: 0, is_new: true, unhealthy_after, healthy_after }
    }

    /// A check was `good` or not. Returns what is held of the server from now on, if that is something
    /// else.
    pub(super) fn take(&mut self, good: bool) -> Option<bool> {
        let is_new = std::mem::take(&mut self.is_new);
        if good == self.healthy {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let limit = if good { self.healthy_after } else { self.unhealthy_after };
        if self.against < limit && !is_new {
            return None;
        }
        self.against = 0;
        self.healthy = good;
        Some(good)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::uri::PathAndQuery;

    use super::*;

    fn standing(healthy: bool) -> Standing {
        let check = HealthCheck {
            path: PathAndQuery::from_static("/"),
            host: None,
            statuses: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            unhealthy_after: 3,
            healthy_after: 2,
        };
        Standing::new(healthy, &check)
    }

    #[test]
    fn so_many_in_a_row_change_it_and_the_first_of_all_at_once() {
        let mut one = standing(true);
        let takes = |one: &mut Standing, some: &[bool]| -> Vec<_> {
            some.iter().map(|good| one.take(*good)).collect()
        };
        let bad = takes(&mut one, &[true, false, false, true, false, false, false, false]);
        assert_eq!(bad, [None, None, None, None, None, None, Some(false), None]);
        assert_eq!(takes(&mut one, &[true, false, true, true]), [None, None, None, Some(true)]);
        assert_eq!(
            takes(&mut standing(true), &[false, true, true]),
            [Some(false), None, Some(true)]
        );
        assert_eq!(takes(&mut standing(false), &[true]), [Some(true)]);
    }
}

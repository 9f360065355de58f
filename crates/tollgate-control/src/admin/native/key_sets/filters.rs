//! What key sets are looked for by.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::admin::native::instant;
use crate::admin::v3::Failure;
use crate::life_cycle::State;
use crate::store::{Api, ChainDate, ChainSearch, Within};

/// Filters of the list. Dates are dates, which mean all of their day in UTC, or instants; both
/// bounds are included.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Filters {
    /// In this status. May stand there several times.
    status: Vec<Status>,
    /// With this authentication type, such as `api_key`.
    auth_type: Option<String>,
    /// Subscribed to this API: the id of a service.
    api: Option<String>,
    /// Of this environment. A control plane has the key sets of one.
    environment: Option<String>,
    /// Of this application: an id.
    application: Option<String>,
    /// Of this organization: an id.
    organization: Option<String>,
    /// Of this group: an id.
    group: Option<String>,
    /// With this text in the name, or in that of the application or its member, in whatever case.
    search: Option<String>,
    /// LATEST is to expire at this time or later.
    expiration_from: Option<String>,
    /// LATEST is to expire at this time or earlier.
    expiration_to: Option<String>,
    /// LATEST is to be rotated at this time or later.
    rotation_from: Option<String>,
    /// LATEST is to be rotated at this time or earlier.
    rotation_to: Option<String>,
    /// LATEST was activated first at this time or later.
    provisioned_from: Option<String>,
    /// LATEST was activated first at this time or earlier.
    provisioned_to: Option<String>,
    /// LATEST was revoked at this time or later.
    revoked_from: Option<String>,
    /// LATEST was revoked at this time or earlier.
    revoked_to: Option<String>,
    /// Subscribed to first at this time or later.
    created_from: Option<String>,
    /// Subscribed to first at this time or earlier.
    created_to: Option<String>,
}

/// Where a key set is in life: the status of its LATEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = KeySetStatus)]
pub(super) enum Status {
    /// Not activated yet.
    Pending,
    /// Its keys work.
    Active,
    /// Its keys are refused until it is activated again.
    Suspended,
    /// Refused for good.
    Revoked,
    /// Refused for good, of age.
    Expired,
}

impl Filters {
    /// What is looked for; `None` = of an environment that is not this one, so there is nothing.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a date that is none.
    pub(super) fn search(self, environment: &str) -> Result<Option<ChainSearch>, Failure> {
        if self.environment.is_some_and(|wanted| wanted != environment) {
            return Ok(None);
        }
        let mut dates = Vec::new();
        for (date, name, from, to) in [
            (ChainDate::Expiration, "expiration", self.expiration_from, self.expiration_to),
            (ChainDate::RotationPlanned, "rotation", self.rotation_from, self.rotation_to),
            (ChainDate::Provisioned, "provisioned", self.provisioned_from, self.provisioned_to),
            (ChainDate::Revoked, "revoked", self.revoked_from, self.revoked_to),
            (ChainDate::Created, "created", self.created_from, self.created_to),
        ] {
            let unit = if date == ChainDate::Created { 1 } else { 1000 };
            let bound = |name: String, text: Option<String>| {
                text.map(|text| instant::read(&name, &text)).transpose()
            };
            let from = bound(format!("{name}From"), from)?;
            let to = bound(format!("{name}To"), to)?;
            if from.is_some() || to.is_some() {
                // A bound within a second leaves that second out below, and in above.
                let from = from.map(|(first, _)| first.saturating_add(unit - 1).div_euclid(unit));
                let to = to.map(|(_, last)| last.div_euclid(unit));
                dates.push((date, Within { from, to }));
            }
        }
        Ok(Some(ChainSearch {
            key_sets: Some(true),
            application: self.application,
            organization: self.organization,
            group: self.group,
            states: self.status.into_iter().map(State::from).collect(),
            auth_type: self.auth_type,
            api: self.api.map(|service| Api { service, plans: Vec::new() }),
            dates,
            text: self.search,
            ..ChainSearch::default()
        }))
    }
}

impl From<Status> for State {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
            Status::Revoked => Self::Revoked,
            Status::Expired => Self::Expired,
        }
    }
}

impl From<State> for Status {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Active => Self::Active,
            State::Suspended => Self::Suspended,
            State::Revoked => Self::Revoked,
            State::Expired => Self::Expired,
        }
    }
}

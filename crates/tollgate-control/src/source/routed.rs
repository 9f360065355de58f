//! Which services calls lead to: those of the file, and those of the store beside them.

use std::collections::BTreeMap;
use std::fmt;

use super::service::{self, Problem};
use crate::document::Place;
use crate::model::{Endpoint, Front, Name, Objects, Owner, Service, Unrouted};
use crate::routing::{Claims, Clash};
use crate::store::{Connection, Document, Shelf, StoreError};

/// The services of both sources.
pub(crate) struct Routed {
    /// By their names, with the endpoints that calls lead to.
    pub(crate) services: BTreeMap<Name, Service>,
    /// The endpoints of the store that no call leads to.
    pub(crate) unrouted: Vec<Unrouted>,
    /// Who answers for what.
    pub(crate) claims: Claims<Claimant>,
}

/// An endpoint that answers for something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claimant {
    /// Where it stands, if it is a file's.
    pub(crate) place: Option<Place>,
    what: String,
}

impl Routed {
    /// Those of files.
    pub(crate) fn of_files(files: &Objects) -> Self {
        let services = files.services.clone();
        let mut routed = Self { services, unrouted: Vec::new(), claims: Claims::default() };
        for service in files.services.values() {
            for front in &service.fronts {
                // A file that contradicts itself was not read.
                let _ = routed.claims.claim(&service.name, front, |endpoint| {
                    Claimant::of(service, &service.name, endpoint)
                });
            }
        }
        routed
    }

    /// Those of both sources, without the stored one of the id `but`.
    ///
    /// # Errors
    /// What the store said.
    pub(crate) fn of_both(
        files: &Objects,
        connection: &mut dyn Connection,
        but: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut routed = Self::of_files(files);
        for document in Shelf::Services.all(connection)? {
            let other = but != Some(&*document.id);
            if other && !files.services.contains_key(document.id.as_str()) {
                routed.add(&document, files);
            }
        }
        Ok(routed)
    }

    /// Adds a stored service. An endpoint whose calls another takes already is closed: two that
    /// were made at once can both be there.
    fn add(&mut self, document: &Document, files: &Objects) {
        let service::Read { mut service, unrouted } = service::of_document(document, files);
        let why = |problems: &[Problem]| {
            problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
        };
        self.unrouted.extend(unrouted.iter().map(|(endpoint, problems)| Unrouted {
            service: service.name.clone(),
            endpoint: endpoint.clone(),
            why: why(problems),
        }));
        let fronts = std::mem::take(&mut service.fronts);
        for front in fronts {
            match self.claim(document, &service, &front) {
                Ok(()) => service.fronts.push(front),
                Err(clash) => self.unrouted.extend(front.part.map(|endpoint| Unrouted {
                    service: service.name.clone(),
                    endpoint,
                    why: clash.to_string(),
                })),
            }
        }
        self.services.insert(service.name.clone(), service);
    }

    /// Claims what a front of a stored service takes.
    ///
    /// # Errors
    /// Who has it already.
    pub(crate) fn claim(
        &mut self,
        document: &Document,
        service: &Service,
        front: &Front,
    ) -> Result<(), Clash<Claimant>> {
        let label = |endpoint: &Endpoint| Claimant::of(service, &document.name, endpoint);
        self.claims.claim(&service.name, front, label)
    }
}

impl Claimant {
    fn of(service: &Service, called: &str, endpoint: &Endpoint) -> Self {
        match &service.owner {
            Owner::File(place) => Self {
                place: Some(place.clone()),
                what: format!("services.{}.endpoints.{}", service.name, endpoint.name),
            },
            Owner::Store => Self {
                place: None,
                what: format!(
                    "endpoint {} of service {} ({called:?})",
                    endpoint.name, service.name
                ),
            },
        }
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} at {place}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl fmt::Display for Clash<Claimant> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(other) => write!(f, "its host and path are matched by {other} already"),
            Self::Below(other) => {
                write!(f, "it lies below the path of {other}, whose paths hold keys")
            }
            Self::Above(other) => {
                write!(f, "its paths would hold keys, and {other} lies below its own")
            }
        }
    }
}

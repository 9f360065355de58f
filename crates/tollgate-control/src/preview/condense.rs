//! Many places that are decided alike, said in as few words as they can be.

use std::collections::BTreeMap;

use tollgate_core::{EndpointId, Refusal, ServiceId};

use super::places::Place;

/// Why calls are refused before and after a change; `None` = they are admitted.
pub(super) type Verdicts = (Option<Refusal>, Option<Refusal>);

/// Which calls: all that the key may make on one side or the other, or of these only those of a
/// service, of an endpoint, of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    All,
    Service(ServiceId),
    Endpoint(Place),
    Method(Place),
}

/// What is decided otherwise, of the places that are open on one side at least.
pub(super) fn condense(decided: &[(Place, Verdicts)]) -> Vec<(Calls, Verdicts)> {
    let same = |some: &[&(Place, Verdicts)]| {
        let first = some.first().map(|(_, verdicts)| *verdicts)?;
        some.iter().all(|(_, verdicts)| *verdicts == first).then_some(first)
    };
    let all: Vec<_> = decided.iter().collect();
    let differs = |(was, will): Verdicts| was != will;
    if let Some(verdicts) = same(&all) {
        return if differs(verdicts) { vec![(Calls::All, verdicts)] } else { Vec::new() };
    }
    let mut services: BTreeMap<ServiceId, BTreeMap<EndpointId, Vec<_>>> = BTreeMap::new();
    for each in decided {
        let endpoints = services.entry(each.0.service).or_default();
        endpoints.entry(each.0.endpoint).or_default().push(each);
    }
    let mut condensed = Vec::new();
    for (service, endpoints) in services {
        let of_service: Vec<_> = endpoints.values().flatten().copied().collect();
        if let Some(verdicts) = same(&of_service) {
            condensed.push((Calls::Service(service), verdicts));
            continue;
        }
        for of_endpoint in endpoints.into_values() {
            match (same(&of_endpoint), of_endpoint.first()) {
                (Some(verdicts), Some((place, _))) => {
                    condensed.push((Calls::Endpoint(*place), verdicts));
                }
                _ => condensed.extend(
                    of_endpoint.iter().map(|(place, verdicts)| (Calls::Method(*place), *verdicts)),
                ),
            }
        }
    }
    condensed.retain(|(_, verdicts)| differs(*verdicts));
    condensed
}

#[cfg(test)]
mod tests {
    use tollgate_core::MethodId;

    use super::*;

    fn place(service: u32, endpoint: u32, method: u32) -> Place {
        Place {
            service: ServiceId(service),
            endpoint: EndpointId(endpoint),
            method: Some(MethodId(method)),
        }
    }

    #[test]
    fn what_is_decided_alike_is_said_once() {
        let gone = (None, Some(Refusal::NotEntitled));
        let stays = (None, None);
        let decided = |verdicts: [Verdicts; 4]| {
            let places = [place(0, 0, 0), place(0, 0, 1), place(0, 1, 2), place(1, 2, 3)];
            condense(&places.into_iter().zip(verdicts).collect::<Vec<_>>())
        };
        assert_eq!(decided([stays; 4]), []);
        assert_eq!(decided([gone; 4]), [(Calls::All, gone)]);
        let service = Calls::Service(ServiceId(0));
        assert_eq!(decided([gone, gone, gone, stays]), [(service, gone)]);
        let endpoint = Calls::Endpoint(place(0, 0, 0));
        assert_eq!(decided([gone, gone, stays, stays]), [(endpoint, gone)]);
        let method = Calls::Method(place(0, 0, 1));
        assert_eq!(decided([stays, gone, stays, stays]), [(method, gone)]);
        assert_eq!(condense(&[]), []);
    }
}

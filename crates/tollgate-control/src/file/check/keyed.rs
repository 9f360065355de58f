//! Services whose paths hold keys.

use crate::document::{Item, Section};
use crate::model::{Endpoint, Name, Segment};

/// Reports a number of a path's segment that calls cannot have: those of any endpoint, where keys
/// stand in other places too, and those of one, where they do not.
pub(in crate::file) fn check_reach<'e>(
    section: &Section,
    number: &Item<usize>,
    path: &[Segment],
    endpoints: impl Iterator<Item = &'e Endpoint>,
    only_place: bool,
) {
    // The key is a segment more than the pattern has.
    let reach = |endpoint: &Endpoint, below: &[Segment]| {
        let rest =
            endpoint.path.last() == Some(&Segment::Rest) || below.last() == Some(&Segment::Rest);
        (!rest).then(|| path.len() + endpoint.path.len() + below.len())
    };
    let mut reaches = Vec::new();
    for endpoint in endpoints {
        if endpoint.methods.is_empty() || endpoint.undefined_methods_allowed {
            reaches.push((&endpoint.name, reach(endpoint, &[])));
        }
        let methods = endpoint.methods.values();
        reaches.extend(methods.map(|method| (&endpoint.name, reach(endpoint, &method.path))));
    }
    let short =
        |(_, reach): &&(&Name, Option<usize>)| reach.is_some_and(|last| last < number.value);
    let first = reaches.iter().find(short);
    if let Some((name, Some(last))) = first
        && (only_place || reaches.iter().filter(short).count() == reaches.len())
    {
        section.problem_at(
            number.site.clone(),
            format_args!(
                "lies beyond the paths of endpoints.{name}, whose calls could bring no key; \
                 expected at most {last}"
            ),
        );
    }
}

//! `[services.*.endpoints.*]` and their methods

use super::check::duplicates::distinct;
use super::check::routes::{Below, Routes};
use super::kinds::{Pattern, Verb};
use super::switches;
use crate::document::kind::{Name, Switch};
use crate::document::{Section, Site};
use crate::model::{Endpoint, Method, Segment};

const PATH: Pattern = Pattern { or_empty: false };
const METHOD_PATH: Pattern = Pattern { or_empty: true };

/// Reads an endpoint; `below` is `None` when it is not known below which path it lies.
pub(super) fn read(
    name: Name,
    section: &mut Section,
    below: Option<&Below<'_>>,
    routes: &mut Routes,
) -> Endpoint {
    routes.begin_endpoint();
    let path = section.or("path", PATH, vec![Segment::Rest]);
    let below = below.filter(|_| !section.is_misfit("path"));
    let undefined = section.or("undefined_methods_allowed", Switch, false);
    let maintenance = switches::maintenance(section);
    let mut claims = Claims { below, routes };
    let tables = section.tables("methods").into_iter();
    let methods: Vec<_> =
        tables.map(|(name, mut table)| method(name, &mut table, &path, &mut claims)).collect();
    if undefined && methods.is_empty() {
        let message = "has no effect without methods, as every HTTP method is allowed then";
        section.problem("undefined_methods_allowed", message);
    }
    if methods.is_empty() || undefined {
        claims.claim(section, section.site("path"), &path, None);
    }
    let methods = methods.into_iter().map(|method| (method.name.clone(), method)).collect();
    Endpoint {
        name,
        path,
        http_methods: Vec::new(),
        undefined_methods_allowed: undefined,
        has_unknown_methods: false,
        maintenance,
        methods,
    }
}

fn method(
    name: Name,
    section: &mut Section,
    endpoint: &[Segment],
    claims: &mut Claims<'_, '_>,
) -> Method {
    let verbs = section.required_list("http_methods", Verb);
    let path = section.or("path", METHOD_PATH, Vec::new());
    if !path.is_empty() && endpoint.contains(&Segment::Rest) {
        let message = "has no effect, as the endpoint's path ends in **; expected no path";
        section.problem("path", message);
    } else if !section.is_misfit("path") {
        let full: Vec<_> = endpoint.iter().chain(&path).cloned().collect();
        for verb in &verbs {
            claims.claim(section, verb.site.clone(), &full, Some(&verb.value));
        }
    }
    Method { name, http_methods: distinct(section, verbs), path }
}

/// Claims the calls of one endpoint, as far as it is known where it lies.
struct Claims<'a, 'b> {
    below: Option<&'a Below<'b>>,
    routes: &'a mut Routes,
}

impl Claims<'_, '_> {
    fn claim(
        &mut self,
        section: &Section,
        site: Site,
        path: &[Segment],
        verb: Option<&http::Method>,
    ) {
        if let Some(below) = self.below {
            self.routes.claim(section, site, below, path, verb);
        }
    }
}

//! The methods of an endpoint, and how calls are known to be theirs.

use std::collections::BTreeMap;

use http::Method as Verb;
use serde_json::{Map, Value as Json};

use super::{Fields, method_name};
use crate::directory::text;
use crate::file::kinds::Verb as VerbKind;
use crate::model::{Method, Name};

/// The HTTP methods that an endpoint takes; none = every one.
pub(super) fn supported(fields: &mut Fields<'_>) -> Vec<Verb> {
    verbs(fields, "supportedHttpMethods")
}

/// The methods by which calls are known, and whether there are others.
pub(super) fn methods(fields: &mut Fields<'_>) -> (BTreeMap<Name, Method>, bool) {
    let list = fields.get("methods").and_then(Json::as_array).into_iter().flatten();
    let mut taken: Vec<Verb> = Vec::new();
    let (mut methods, mut unknown) = (BTreeMap::new(), false);
    for json in list.filter_map(Json::as_object) {
        let mut own = Fields::of(json);
        let http_methods = http_methods(&mut own, json);
        if http_methods.iter().any(|verb| taken.contains(verb)) {
            own.refuse("httpMethods", "another method of the endpoint takes one of them");
        }
        taken.extend(http_methods.iter().cloned());
        fields.problems.append(&mut own.problems);
        if http_methods.is_empty() {
            unknown = true;
            continue;
        }
        let name = method_name(json);
        let method = Method { name: name.clone(), http_methods, path: Vec::new() };
        if methods.insert(name, method).is_some() {
            fields.refuse("methods", "two have one id");
        }
    }
    (methods, unknown)
}

/// The HTTP methods whose calls are a method's: those that it lists, or the one that it is named by.
fn http_methods(fields: &mut Fields<'_>, method: &Map<String, Json>) -> Vec<Verb> {
    let listed = verbs(fields, "httpMethods");
    if !listed.is_empty() {
        return listed;
    }
    let named = text(method, "name").map(str::to_ascii_uppercase);
    let known =
        [Verb::GET, Verb::HEAD, Verb::POST, Verb::PUT, Verb::PATCH, Verb::DELETE, Verb::OPTIONS];
    known.into_iter().filter(|verb| Some(verb.as_str()) == named.as_deref()).collect()
}

/// The HTTP methods of an array, in whatever case.
fn verbs(fields: &mut Fields<'_>, property: &'static str) -> Vec<Verb> {
    let upper: Vec<_> =
        fields.texts(property).iter().map(|text| text.to_ascii_uppercase()).collect();
    let texts: Vec<_> = upper.iter().map(String::as_str).collect();
    fields.read_all(property, &texts, VerbKind)
}

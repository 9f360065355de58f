//! What a request brings: its body and its query, read into types that describe themselves.

use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use super::Problem;
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::v3::{Failure, page};

/// Which object: what routes say of their paths.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it is described only; `Asked::id` reads it")]
pub(super) struct Named {
    /// Its id.
    id: String,
}

/// What a change depends on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is described only; `Asked::expected` reads it")]
pub(super) struct Conditional {
    /// Only if it still has this `ETag`.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// Nothing that has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    /// So many objects at most; more than 1000 are refused, so that nobody misses any.
    #[param(value_type = Option<u32>, maximum = 1000, default = 100)]
    limit: Option<String>,
    /// How many objects of the list stand before the first of the page.
    #[param(value_type = Option<u32>, default = 0)]
    offset: Option<String>,
}

/// A page: objects to leave out, and objects at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: u64,
    pub(super) limit: u64,
}

impl Page {
    /// That part of a list.
    pub(super) fn of<T>(self, list: Vec<T>) -> impl Iterator<Item = T> {
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        list.into_iter().skip(number(self.offset)).take(number(self.limit))
    }
}

impl FromRequest<Plane> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, plane: &Plane) -> Result<Self, Problem> {
        Ok(Self::read(plane.clone(), request).await?)
    }
}

impl Asked {
    /// The body. One that is empty is an object without properties.
    ///
    /// # Errors
    /// [`Failure::Invalid`] names the property. What was found there is never repeated.
    pub(super) fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body: &[u8] = if self.ask.body.is_empty() { b"{}" } else { &self.ask.body };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let inner = error.inner();
            if inner.is_data() {
                misfit(&error.path().to_string(), &inner.to_string())
            } else {
                let (line, column) = (inner.line(), inner.column());
                Failure::invalid("body", format!("line {line}, column {column}: expected JSON"))
            }
        })?;
        let rest = reader.end();
        rest.map_err(|_| Failure::invalid("body", "expected nothing behind the object"))?;
        Ok(read)
    }

    /// The query without what chooses a page. A parameter that `T` does not know is refused: a
    /// misspelt filter would be taken for none.
    ///
    /// # Errors
    /// [`Failure::Invalid`] names the parameter.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.parameters(|name| !matches!(name, "limit" | "offset"))
    }

    /// Which page of a list is wanted.
    ///
    /// # Errors
    /// [`Failure::Invalid`] names the parameter.
    pub(super) fn page(&self) -> Result<Page, Failure> {
        let Paging { limit, offset } =
            self.parameters(|name| matches!(name, "limit" | "offset"))?;
        let limit = page::Page::limit(limit.as_deref());
        let limit = limit.map_err(|expected| Failure::invalid("limit", expected))?;
        let offset = page::Page::offset(offset.as_deref());
        let offset = offset.map_err(|expected| Failure::invalid("offset", expected))?;
        Ok(Page { offset: offset as u64, limit: limit as u64 })
    }

    fn parameters<T: DeserializeOwned>(&self, wanted: impl Fn(&str) -> bool) -> Result<T, Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(self.ask.query.as_bytes()) {
            if wanted(&name) {
                query.append_pair(&name, &value);
            }
        }
        let query = query.finish();
        let reader = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        serde_path_to_error::deserialize(reader).map_err(|error| {
            // Of one that stands there several times the path counts the values.
            let path = error.path().to_string();
            let parameter = path.split('[').next().unwrap_or(&path);
            misfit(parameter, &error.inner().to_string())
        })
    }
}

/// What is wrong at a place, out of what a reader says of it: only what it says was expected, as
/// what it found can be a secret in the wrong place.
fn misfit(path: &str, said: &str) -> Failure {
    let said = said.split(" at line ").next().unwrap_or(said);
    let quoted = || said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("missing field") {
        let property = match path {
            "." | "?" => quoted().to_owned(),
            outer => format!("{outer}.{}", quoted()),
        };
        return Failure::invalid(&property, "required");
    }
    let property = if matches!(path, "." | "?") { "body" } else { path };
    match said.split_once(", expected ") {
        Some((_, expected)) => Failure::invalid(property, format!("expected {expected}")),
        None if said.starts_with("unknown field") => Failure::invalid(property, "unknown"),
        None => Failure::invalid(property, "expected another value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(path: &str, said: &str) -> (String, String) {
        match misfit(path, said) {
            Failure::Invalid(mut all) => {
                let one = all.remove(0);
                (one.property, one.message)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_found_is_not_repeated() {
        for (path, said, property, message) in [
            (".", "missing field `plan` at line 1 column 2", "plan", "required"),
            ("a", "missing field `plan`", "a.plan", "required"),
            (
                "a.b",
                "invalid type: string \"canary\", expected u32 at line 1 column 9",
                "a.b",
                "expected u32",
            ),
            ("x", "unknown field `x`, expected `a` or `b`", "x", "expected `a` or `b`"),
            ("x", "canary", "x", "expected another value"),
        ] {
            let expected = (property.to_owned(), message.to_owned());
            assert_eq!(violation(path, said), expected, "{said}");
        }
    }
}

//! Calls that are to be tried.

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use serde::Deserialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::admin::native::transfer::takes_long;
use crate::admin::trial::Trial;
use crate::admin::v3::Failure;

/// So many are tried in one go.
const MOST: usize = 20;

/// What is to be tried: one call, or several, one after the other, as one change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `POST`, `PUT` or `DELETE`.
    method: Option<String>,
    /// The path of a call of either API that changes something, such as
    /// `/v3/rest/packages/{id}/plans/{id}`.
    path: Option<String>,
    /// What it is sent with.
    #[schema(value_type = Option<Object>)]
    body: Option<Json>,
    /// Several calls, in place of the one.
    #[schema(max_items = 20)]
    changes: Option<Vec<OneCall>>,
}

/// One call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneCall {
    method: String,
    path: String,
    #[schema(value_type = Option<Object>)]
    body: Option<Json>,
}

/// A call that can be made.
pub(super) struct Call {
    method: Method,
    uri: Uri,
    body: Option<Json>,
}

impl Wanted {
    /// The calls, in their order.
    ///
    /// # Errors
    /// [`Failure::Invalid`] names the property.
    pub(super) fn calls(self) -> Result<Vec<Call>, Failure> {
        let Self { method, path, body, changes } = self;
        let alone = method.is_none() && path.is_none() && body.is_none();
        match changes {
            Some(_) if !alone => {
                Err(Failure::invalid("changes", "expected either this or one call"))
            }
            Some(changes) if !(1..=MOST).contains(&changes.len()) => {
                Err(Failure::invalid("changes", format!("expected 1 to {MOST} calls")))
            }
            Some(changes) => {
                let numbered = changes.into_iter().enumerate();
                numbered.map(|(number, one)| one.read(&format!("changes[{number}]."))).collect()
            }
            None => {
                let required = |property| move || Failure::invalid(property, "required");
                let method = method.ok_or_else(required("method"))?;
                let path = path.ok_or_else(required("path"))?;
                Ok(vec![OneCall { method, path, body }.read("")?])
            }
        }
    }
}

impl OneCall {
    fn read(self, of: &str) -> Result<Call, Failure> {
        let Self { method, path, body } = self;
        let misfit = |property, expected: &str| {
            Failure::invalid(&format!("{of}{property}"), expected.to_owned())
        };
        let method = match &*method {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "DELETE" => Method::DELETE,
            _ => return Err(misfit("method", "expected POST, PUT or DELETE")),
        };
        let expected =
            "expected the path of a call, such as /v3/rest/packages/1 or /api/key-sets/1";
        let uri: Uri = path.parse().map_err(|_| misfit("path", expected))?;
        let of_api = ["/v3/rest/", "/api/"].iter().any(|api| uri.path().starts_with(api));
        if !of_api || uri.authority().is_some() {
            return Err(misfit("path", expected));
        }
        if uri.path() == "/api/preview" {
            return Err(misfit("path", "expected a call that changes something"));
        }
        if takes_long(uri.path()) {
            return Err(misfit("path", "expected another call: this one has a dryRun of its own"));
        }
        Ok(Call { method, uri, body })
    }
}

impl Call {
    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// Without its query, which nobody has looked at yet.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The request, by whoever asks.
    ///
    /// # Errors
    /// [`Failure::Broken`] for what cannot be one.
    pub(super) fn request(
        &self,
        authorization: Option<HeaderValue>,
        trial: Trial,
    ) -> Result<Request<Body>, Failure> {
        let body = self.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let request = Request::builder().method(&self.method).uri(&self.uri);
        let request = request.header(CONTENT_TYPE, "application/json").extension(trial);
        let mut request = request.body(Body::from(body)).map_err(|_| Failure::Broken)?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        Ok(request)
    }
}

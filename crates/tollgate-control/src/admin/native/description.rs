//! The OpenAPI document: what stands in the tables of fields, beside which the routes of the native
//! API put what they say of themselves.

mod resource;
mod token;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref,
    ResponseBuilder, SecurityRequirement,
};

use super::problem::{ProblemDetails, PropertyError};
use crate::admin::v3::resources;
use crate::admin::wait::{AppliedRevision, ChangeApplied, ProxyApplied};

/// The name of what every route but the one for tokens takes.
const BEARER: &str = "token";

/// A document that is ready to be sent.
#[derive(Clone)]
pub(super) struct Document(bytes::Bytes);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// The document of all resources that tables of fields describe.
pub(super) fn everything() -> OpenApi {
    let components = ComponentsBuilder::new()
        .security_scheme(
            BEARER,
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        )
        .schema_from::<ProblemDetails>()
        .schema_from::<PropertyError>()
        .schema_from::<AppliedRevision>()
        .schema_from::<ProxyApplied>()
        .schema_from::<ChangeApplied>();
    let (paths, components) = token::describe(PathsBuilder::new(), components);
    let all = resources::ALL.iter();
    let (paths, components) = all.fold((paths, components), |(paths, components), each| {
        resource::describe(each, paths, components)
    });
    let about = "Members, applications, packages, plans, services and keys: below /v3 as the \
                 Mashery v3 API has them, below /api natively.";
    let info = InfoBuilder::new()
        .title("Tollgate admin API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about));
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(BEARER, Vec::<String>::new())]))
        .build()
}

/// The document as it is sent, with what every change takes.
pub(super) fn written(mut document: OpenApi) -> Document {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A key of the client's own: the same request with it is done once, and answered alike \
             when it comes again within a day.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255))))
        .build();
    let wait = ParameterBuilder::new()
        .name("wait")
        .parameter_in(ParameterIn::Query)
        .description(Some(
            "Answer with `ChangeApplied`: once every registered proxy enforces the change, or at the \
             timeout with the status 202 and who does not.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["applied"]))))
        .build();
    let timeout = ParameterBuilder::new()
        .name("timeout")
        .parameter_in(ParameterIn::Query)
        .description(Some("How long to wait, from `0s` to `45s`; `10s` without it."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    let applied = ContentBuilder::new().schema(Some(Ref::from_schema_name("ChangeApplied")));
    let later = ResponseBuilder::new()
        .description("It is committed, and was waited for; not every proxy enforces it yet.")
        .content("application/json", applied.build())
        .build();
    for (path, item) in &mut document.paths.paths {
        let changes = [&mut item.post, &mut item.put, &mut item.delete];
        for change in
            changes.into_iter().flatten().filter(|_| !token::PATHS.contains(&path.as_str()))
        {
            let parameters = change.parameters.get_or_insert_default();
            parameters.extend([&key, &wait, &timeout].map(|each| each.clone().into()));
            change.responses.responses.insert("202".to_owned(), later.clone().into());
        }
    }
    // It holds nothing but text, numbers and lists of them, which JSON can say.
    Document(document.to_json().unwrap_or_default().into())
}

//! How the way to a token is described.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Ref, Required, ResponseBuilder, SecurityRequirement,
};

const CLIENT: &str = "client";

/// Where tokens are asked for.
const PATH: &str = "/v3/token";

/// Where logins are ended.
const END: &str = "/v3/token/revoke";

/// Both, which know nothing of keys of the client's own.
pub(super) const PATHS: [&str; 2] = [PATH, END];

/// How both refuse.
const REFUSALS: [(&str, &str); 5] = [
    ("400", "The grant or the request is not good."),
    ("401", "The client is not known."),
    ("403", "Too many of the source have failed."),
    ("413", "The body is too large."),
    ("503", "The store cannot be used."),
];

/// Adds both.
pub(super) fn describe(
    paths: PathsBuilder,
    components: ComponentsBuilder,
) -> (PathsBuilder, ComponentsBuilder) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let asked = ObjectBuilder::new()
        .property("grant_type", text().enum_values(Some(["password", "refresh_token"])))
        .required("grant_type")
        .property("username", text())
        .property("password", text())
        .property("refresh_token", text())
        .property("scope", text().description(Some("The environment, or its id.")));
    let issued = ObjectBuilder::new()
        .property("token_type", text())
        .property("access_token", text())
        .property("refresh_token", text())
        .property("expires_in", ObjectBuilder::new().schema_type(Type::Integer))
        .property("scope", text());
    let refused =
        ObjectBuilder::new().property("error", text()).property("error_description", text());
    let components = components
        .security_scheme(
            CLIENT,
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
        )
        .schema("TokenRequest", asked)
        .schema("IssuedToken", issued)
        .schema("TokenRefusal", refused);
    let json =
        |schema: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    let answer = |description: &str, schema: &str| {
        ResponseBuilder::new().description(description).content("application/json", json(schema))
    };
    let body = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/x-www-form-urlencoded", json("TokenRequest"));
    let operation = OperationBuilder::new()
        .tag("v3")
        .operation_id(Some("issueToken"))
        .summary(Some("Log in, or go on with a refresh token."))
        .request_body(Some(body.build()))
        .security(SecurityRequirement::new(CLIENT, Vec::<String>::new()))
        .response("200", answer("Tokens.", "IssuedToken"));
    let operation = REFUSALS.into_iter().fold(operation, |operation, (status, description)| {
        operation.response(status, answer(description, "TokenRefusal"))
    });
    let ended = ObjectBuilder::new()
        .property("token", text().description(Some("Either token of the login.")))
        .required("token");
    let body = RequestBodyBuilder::new().required(Some(Required::True)).content(
        "application/x-www-form-urlencoded",
        ContentBuilder::new().schema(Some(ended)).build(),
    );
    let end = OperationBuilder::new()
        .tag("v3")
        .operation_id(Some("revokeToken"))
        .summary(Some("End a login (RFC 7009)."))
        .request_body(Some(body.build()))
        .security(SecurityRequirement::new(CLIENT, Vec::<String>::new()))
        .response("200", ResponseBuilder::new().description("It has ended, if there was one."));
    let end = REFUSALS.into_iter().fold(end, |end, (status, description)| {
        end.response(status, answer(description, "TokenRefusal"))
    });
    let paths = paths
        .path(PATH, PathItem::new(HttpMethod::Post, operation))
        .path(END, PathItem::new(HttpMethod::Post, end));
    (paths, components)
}

//! How a resource is described that a table of fields makes.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Header, Ref, RefOr, Required, ResponseBuilder,
};

use crate::admin::native::problem::REFUSALS;
use crate::admin::v3::engine::{Dialect, Resource};
use crate::admin::v3::field::{Fetch, Field, Kind, Purpose, Rule};

/// The parameters of a list; one object takes the first of them only.
const SELECTING: (&str, Type, &str) = (
    "fields",
    Type::String,
    "The properties that are returned, as paths, with `*` for all usual ones.",
);
const LISTING: [(&str, Type, &str); 5] = [
    ("filter", Type::String, "`path:value`: only objects with exactly this value there."),
    ("search", Type::String, "`property:value`: only objects with this text in the property."),
    ("sort", Type::String, "Properties, each with `:asc` or `:desc`."),
    (
        "limit",
        Type::Integer,
        "So many objects at most, 100 unless it says otherwise, 1000 at most.",
    ),
    ("offset", Type::Integer, "How many objects of the list stand before the page."),
];

/// Adds the paths of a resource, and what its objects look like.
pub(super) fn describe(
    resource: &Resource,
    paths: PathsBuilder,
    components: ComponentsBuilder,
) -> (PathsBuilder, ComponentsBuilder) {
    let name = name(resource);
    let (new, changed) = (format!("New{name}"), format!("Changed{name}"));
    let mut components = components.schema(&name, shown(resource));
    if resource.creates {
        components = components.schema(&new, given(resource, Purpose::Create));
    }
    if resource.updates {
        components = components.schema(&changed, given(resource, Purpose::Update));
    }
    let one = || {
        answer("The object.", Ref::from_schema_name(&name))
            .header("ETag", header(Type::String, "Tells it from itself changed."))
    };
    let list = answer("A page of them.", ArrayBuilder::new().items(Ref::from_schema_name(&name)))
        .header("X-Total-Count", header(Type::Integer, "How many there are."));
    let listing = LISTING.into_iter().map(query);
    let mut all = PathItem::new(
        HttpMethod::Get,
        selecting(operation(resource, "list", "")).parameters(Some(listing)).response("200", list),
    );
    let mut each = PathItem::new(
        HttpMethod::Get,
        selecting(operation(resource, "get", ""))
            .response("200", one())
            .response("304", ResponseBuilder::new().description("It has not changed.")),
    );
    if resource.creates {
        let create = selecting(operation(resource, "create", ""));
        all.post = Some(create.request_body(Some(body(&new))).response("200", one()).build());
    }
    if resource.updates {
        let update = |suffix| {
            let update = conditional(selecting(operation(resource, "update", suffix)));
            update.request_body(Some(body(&changed))).response("200", one()).build()
        };
        // The id stands in the body, or in the path.
        all.put = Some(update("_by_body"));
        each.put = Some(update(""));
    }
    if resource.deletes {
        let gone = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String));
        let delete = conditional(operation(resource, "delete", ""));
        each.delete = Some(delete.response("200", answer("It is gone.", gone)).build());
    }
    let path = format!("{}/{{id}}", resource.path);
    all.parameters = ids(resource.path);
    each.parameters = ids(&path);
    (paths.path(resource.path, all).path(path, each), components)
}

/// `package_key` as `PackageKey`.
fn name(resource: &Resource) -> String {
    let words = resource.noun.split('_');
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    words.filter_map(capital).collect()
}

fn operation(resource: &Resource, verb: &str, suffix: &str) -> OperationBuilder {
    let place = resource.path.replace(['{', '}'], "").replace('/', "_");
    let (tag, refusal, statuses) = match resource.dialect {
        Dialect::V3 => ("v3", v3_refusal(), &["401", "429"][..]),
        Dialect::Native => ("native", Ref::from_schema_name("Problem").into(), &[][..]),
    };
    let content_type = match resource.dialect {
        Dialect::V3 => "application/json",
        Dialect::Native => "application/problem+json",
    };
    let operation =
        OperationBuilder::new().tag(tag).operation_id(Some(format!("{verb}{place}{suffix}")));
    let refusals = REFUSALS.iter().filter(|(status, _)| !statuses.contains(status));
    refusals.fold(operation, |operation, (status, why)| {
        let content = ContentBuilder::new().schema(Some(refusal.clone())).build();
        let response = ResponseBuilder::new().description(match resource.dialect {
            Dialect::V3 => "It was refused.",
            Dialect::Native => *why,
        });
        operation.response(*status, response.content(content_type, content))
    })
}

fn v3_refusal() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let error = ObjectBuilder::new().property("property", text()).property("message", text());
    let refusal = ObjectBuilder::new()
        .property("errorCode", text())
        .property("errorMessage", text())
        .property("errors", ArrayBuilder::new().items(error));
    refusal.into()
}

/// With the parameter that chooses properties.
fn selecting(operation: OperationBuilder) -> OperationBuilder {
    operation.parameter(query(SELECTING))
}

/// With the field that asks for an object to be what it was.
fn conditional(operation: OperationBuilder) -> OperationBuilder {
    let what = "Only if it is still the one with this `ETag`.";
    operation.parameter(parameter("If-Match", ParameterIn::Header, Type::String, what))
}

fn query((name, kind, what): (&str, Type, &str)) -> Parameter {
    parameter(name, ParameterIn::Query, kind, what)
}

fn parameter(name: &str, place: ParameterIn, kind: Type, what: &str) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(what))
        .schema(Some(ObjectBuilder::new().schema_type(kind)))
        .build()
}

/// What a path holds between braces.
fn ids(path: &str) -> Option<Vec<RefOr<Parameter>>> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let ids = names.map(|name| {
        let what = format!("The id of the {}.", if name == "id" { "object" } else { name });
        RefOr::T(parameter(name, ParameterIn::Path, Type::String, &what))
    });
    Some(ids.collect())
}

fn header(kind: Type, what: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind);
    HeaderBuilder::new().schema(Some(schema)).description(Some(what)).build()
}

fn answer(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content)
}

fn body(schema: &str) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/json", content)
        .build()
}

/// What an object looks like. `fields` can leave anything out.
fn shown(resource: &Resource) -> Object {
    let fields = resource.fields.iter().filter(|field| field.fetch != Fetch::Never);
    let object = fields.fold(ObjectBuilder::new(), |object, field| {
        // What a client wrote before the table knew the field is shown as it was written.
        let schema = match field.kind {
            Kind::Object | Kind::List | Kind::Any => any(),
            // A ceiling that a key has not of its own is shown as null.
            Kind::Number(most) => number(most, SchemaType::from_iter([Type::Integer, Type::Null])),
            // So is what has not happened yet.
            Kind::Instant if resource.dialect == Dialect::Native => instant(),
            _ => value(field),
        };
        object.property(field.name, schema)
    });
    object.build()
}

/// What a client gives. What it gives in vain is not named.
fn given(resource: &Resource, purpose: Purpose) -> Object {
    let rule = |field: &Field| match purpose {
        Purpose::Create => field.create,
        Purpose::Update => field.update,
    };
    let fields = resource.fields.iter().filter(|field| rule(field) != Rule::Ignored);
    let object = fields.fold(ObjectBuilder::new(), |object, field| {
        let object = object.property(field.name, value(field));
        if rule(field) == Rule::Required { object.required(field.name) } else { object }
    });
    object.build()
}

fn value(field: &Field) -> Object {
    let of = |kind| ObjectBuilder::new().schema_type(kind);
    let builder = match field.kind {
        Kind::Text(most) | Kind::Url(most) => of(Type::String).max_length(Some(most)),
        Kind::Name(most) => of(Type::String).min_length(Some(1)).max_length(Some(most)),
        Kind::Number(most) => return number(most, Type::Integer),
        Kind::Switch => of(Type::Boolean),
        Kind::Choice(words) => of(Type::String).enum_values(Some(words.iter().copied())),
        Kind::Instant | Kind::Secret => of(Type::String),
        Kind::Password => of(Type::String).write_only(true),
        Kind::Object => of(Type::Object),
        Kind::List => of(Type::Array),
        Kind::Any => return any(),
    };
    builder.build()
}

fn number(most: u64, kind: impl Into<SchemaType>) -> Object {
    let number = ObjectBuilder::new().schema_type(kind);
    number.minimum(Some(0_u64)).maximum(Some(most)).build()
}

fn instant() -> Object {
    let instant =
        ObjectBuilder::new().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    instant.schema_type(SchemaType::from_iter([Type::String, Type::Null])).build()
}

fn any() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build()
}

//! What a route takes and answers, for OpenAPI. Types bring their own schemas.
//!
//! Invariant: every operation can answer a problem, so none needs to say so.

use http::StatusCode;
use utoipa::openapi::path::{self, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

/// The description of one route.
#[derive(Clone)]
pub struct Operation {
    pub(super) inner: path::Operation,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

/// Begins the description of a route: `id` is its unique name in generated clients, e.g.
/// `documents.create`; `summary` one sentence.
pub fn operation(id: &'static str, summary: &'static str) -> Operation {
    let tag = id.split('.').next().unwrap_or(id);
    let inner = OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(summary))
        .response(
            "default",
            ResponseBuilder::new().description("A problem (RFC 9457).").content(
                super::problem::MEDIA_TYPE,
                ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build(),
            ),
        )
        .build();
    Operation { inner, schemas: Vec::new() }
}

impl Operation {
    /// A `{name}` of the path.
    #[must_use]
    pub fn path_param(self, name: &str, description: &str) -> Self {
        self.param(name, description, ParameterIn::Path, Required::True)
    }

    /// A request header; `required` or not.
    #[must_use]
    pub fn header(self, name: &str, description: &str, required: bool) -> Self {
        let required = if required { Required::True } else { Required::False };
        self.param(name, description, ParameterIn::Header, required)
    }

    fn param(self, name: &str, description: &str, place: ParameterIn, required: Required) -> Self {
        let parameter: Parameter = ParameterBuilder::new()
            .name(name)
            .description(Some(description))
            .parameter_in(place)
            .required(required)
            .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
            .build();
        self.map(|op| op.parameter(parameter))
    }

    /// The query of type `T`.
    #[must_use]
    pub fn query<T: IntoParams>(self) -> Self {
        T::into_params(|| Some(ParameterIn::Query))
            .into_iter()
            .fold(self, |op, parameter| op.map(|op| op.parameter(parameter)))
    }

    /// A JSON body of type `T`.
    #[must_use]
    pub fn takes<T: ToSchema>(mut self) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema_of::<T>())).build();
        let body = RequestBodyBuilder::new()
            .content("application/json", content)
            .required(Some(Required::True))
            .build();
        self.map(|op| op.request_body(Some(body)))
    }

    /// A body of bytes of `media_type`.
    #[must_use]
    pub fn takes_bytes(self, media_type: &str, description: &str) -> Self {
        let body = RequestBodyBuilder::new()
            .description(Some(description))
            .content(media_type, ContentBuilder::new().build())
            .required(Some(Required::True))
            .build();
        self.map(|op| op.request_body(Some(body)))
    }

    /// An answer without a body.
    #[must_use]
    pub fn answers(self, status: StatusCode, description: &str) -> Self {
        let response = ResponseBuilder::new().description(description).build();
        self.map(|op| op.response(status.as_str(), response))
    }

    /// A JSON answer of type `T`.
    #[must_use]
    pub fn answers_json<T: ToSchema>(mut self, status: StatusCode, description: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema_of::<T>())).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        self.map(|op| op.response(status.as_str(), response))
    }

    /// An answer of bytes of `media_type`.
    #[must_use]
    pub fn answers_bytes(self, status: StatusCode, media_type: &str, description: &str) -> Self {
        let response = ResponseBuilder::new()
            .description(description)
            .content(media_type, ContentBuilder::new().build())
            .build();
        self.map(|op| op.response(status.as_str(), response))
    }

    fn map(mut self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Self {
        self.inner = change(OperationBuilder::from(self.inner)).build();
        self
    }

    /// A reference to `T`'s schema, which joins the components together with all it uses.
    /// Containers (`Vec<T>` …) have no name of their own and are written in place.
    fn schema_of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        let schema = T::schema();
        match &schema {
            RefOr::T(Schema::Object(_) | Schema::OneOf(_) | Schema::AllOf(_)) => {
                let name = T::name().into_owned();
                self.schemas.push((name.clone(), schema));
                Ref::from_schema_name(name).into()
            }
            _ => schema,
        }
    }
}

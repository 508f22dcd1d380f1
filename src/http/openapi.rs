//! OpenAPI, generated from the registered routes and served at `/api/openapi.json`.
//!
//! Invariant: the document lists exactly the routes that exist; `docs/openapi.json` is a
//! snapshot that a test compares.

use std::collections::BTreeMap;

use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    InfoBuilder, OpenApiBuilder, PathsBuilder, RefOr, Schema, SecurityRequirement,
};
use utoipa::{PartialSchema, ToSchema};

use crate::api::ProblemBody;

use super::policy::Policy;
use super::routes::{Endpoint, Verb};

const SESSION: &str = "session";

/// The document for `endpoints`, pretty-printed with a final line feed.
pub(super) fn document(endpoints: &[&Endpoint]) -> String {
    let mut paths = PathsBuilder::new();
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    for endpoint in endpoints {
        let mut operation = OperationBuilder::from(endpoint.operation.inner.clone());
        let words = match endpoint.policy {
            Policy::Public => "Anybody.".to_owned(),
            Policy::Token => "Whoever holds the token or proof that it asks for.".to_owned(),
            Policy::Session { roles, .. } => {
                operation =
                    operation.security(SecurityRequirement::new(SESSION, Vec::<String>::new()));
                let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
                format!("A session of: {}.", roles.join(", "))
            }
        };
        operation = operation.description(Some(words));
        // A path of several segments is one parameter to those who read this.
        let path = endpoint.path.replace("{*", "{");
        paths = paths.path(path, PathItem::new(method(endpoint.verb), operation.build()));
        schemas.extend(endpoint.operation.schemas.iter().cloned());
    }
    schemas.insert(ProblemBody::name().into(), ProblemBody::schema());
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).security_scheme(
        SESSION,
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
        ),
    );
    let document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Strongroom")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("The gateway's HTTP interface. Errors are problem details.")),
        )
        .paths(paths)
        .components(Some(components.build()))
        .build();
    let mut text = document.to_pretty_json().expect("a document of plain values");
    text.push('\n');
    text
}

fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Head => HttpMethod::Head,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
        Verb::Options => HttpMethod::Options,
    }
}

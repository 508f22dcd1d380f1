//! The registry against what was reviewed: who may ask without a session, and what OpenAPI
//! says.

use strongroom::app::gateway::routes as all;
use strongroom::http::{Policy, openapi};

#[test]
fn the_unauthenticated_routes_are_the_reviewed_ones() {
    let reviewed = include_str!("../../src/http/unauthenticated.txt");
    assert_eq!(
        all().unauthenticated(),
        reviewed,
        "a route without a session appeared or went: have src/http/unauthenticated.txt reviewed"
    );
}

/// Set `STRONGROOM_UPDATE_SNAPSHOTS=1` to write the file anew.
#[test]
fn the_openapi_snapshot_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let current = openapi(&all());
    if std::env::var_os("STRONGROOM_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &current).expect("written");
    }
    let snapshot = std::fs::read_to_string(path).unwrap_or_default();
    assert!(snapshot == current, "docs/openapi.json is stale: STRONGROOM_UPDATE_SNAPSHOTS=1");
}

/// A body that says nothing about further fields would take them silently.
#[test]
fn every_json_body_refuses_fields_it_does_not_know() {
    let document: serde_json::Value = serde_json::from_str(&openapi(&all())).expect("JSON");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if let Some(reference) = schema["$ref"].as_str() {
                let schema = document.pointer(&reference[1..]).expect("the schema exists");
                assert_eq!(schema["additionalProperties"], false, "{method} {path}");
            } else {
                assert!(schema.is_null(), "{method} {path}: name the body's type");
            }
        }
    }
}

#[test]
fn every_session_route_names_the_roles_that_may() {
    for endpoint in all().endpoints() {
        if let Policy::Session { roles, .. } = endpoint.policy {
            assert!(!roles.is_empty(), "{:?} {} is for nobody", endpoint.verb, endpoint.path);
            assert!(roles.iter().all(|role| role.is_person()), "{}", endpoint.path);
        }
        assert!(
            endpoint.policy.is_unauthenticated() || endpoint.path.starts_with("/api/v1/"),
            "{} needs a session and is not under /api/v1",
            endpoint.path
        );
    }
}

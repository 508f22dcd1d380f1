//! Row A3: every JSON body of every route, made from OpenAPI: with a field more, with a key
//! twice at any depth, it is refused before anything of it is believed.

use axum::body::Body;
use http::Request;
use serde_json::{Map, Value, json};
use strongroom::envelope::statement::{Note, Role, SigningKey};
use strongroom::http::{Policy, openapi};
use strongroom::secrets::Secret;

use crate::support::office::{Office, all_routes};

/// A value that fits `schema`.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return sample(document, document.pointer(&reference[1..]).expect("the schema exists"));
    }
    for choice in ["oneOf", "allOf", "anyOf"] {
        if let Some(schemas) = schema[choice].as_array() {
            let schema = schemas.iter().find(|s| s["type"] != "null").expect("a choice");
            return sample(document, schema);
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|k| *k != "null").expect("a type").clone(),
        kind => kind.clone(),
    };
    match kind.as_str().expect("a type") {
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            fields
                .iter()
                .map(|(k, v)| (k.clone(), sample(document, v)))
                .collect::<Map<_, _>>()
                .into()
        }
        "array" => json!([sample(document, &schema["items"])]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "string" => match schema["format"].as_str().unwrap_or("") {
            "byte" => json!("AAAA"),
            "signed-note" => json!(some_note()),
            "sha256" | "ed25519" => json!("00".repeat(32)),
            "id" => json!("00".repeat(16)),
            "period" => json!("2026-01"),
            "date-time" => json!("2026-11-24T04:04:16.123Z"),
            "" => json!("x"),
            other => panic!("no sample of {other}"),
        },
        other => panic!("no sample of {other}"),
    }
}

fn some_note() -> String {
    let key = SigningKey::from_seed(&Secret::new([1; 32]));
    let revocation = strongroom::envelope::statement::Revocation {
        root: key.key_id(),
        kind: strongroom::envelope::statement::RevocationKind::Link,
        subject: "x".parse().expect("a word"),
        prev: None,
        time: strongroom::clock::Timestamp::EPOCH,
    };
    Note::sign(&revocation, &[&key]).to_string()
}

/// How many objects are in `value`.
fn objects(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(objects).sum::<usize>(),
        Value::Array(items) => items.iter().map(objects).sum(),
        _ => 0,
    }
}

/// Writes `value` with `extra` put into the object that is the `nth`; a text may hold a key
/// twice where a [`Value`] cannot.
fn with_extra(
    value: &Value,
    nth: &mut isize,
    extra: &dyn Fn(&Map<String, Value>) -> String,
) -> String {
    match value {
        Value::Object(fields) => {
            let here = *nth == 0;
            *nth -= 1;
            let mut parts: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}:{}", json!(key), with_extra(value, nth, extra)))
                .collect();
            if here {
                parts.push(extra(fields));
            }
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| with_extra(item, nth, extra)).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_body_with_a_field_more_or_a_key_twice_is_refused() {
    let (office, lead) = Office::with_lead().await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let client = office.client(&lead, "甲").await;
    let principal = office.member(&lead, "principal", Role::Principal, Some(client)).await;
    let routes = all_routes();
    let document: Value = serde_json::from_str(&openapi(&routes)).expect("JSON");
    let mut tried = 0;
    for endpoint in routes.endpoints() {
        let method = endpoint.verb.method();
        let operation = &document["paths"][endpoint.path][method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let access = match endpoint.policy {
            Policy::Session { roles, .. } if roles.contains(&Role::Lead) => Some(&lead.access),
            Policy::Session { roles, .. } if roles.contains(&Role::Accountant) => {
                Some(&accountant.access)
            }
            Policy::Session { .. } => Some(&principal.access),
            Policy::Public | Policy::Token => None,
        };
        let path = endpoint
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "00".repeat(16) } else { part.to_owned() })
            .collect::<Vec<_>>()
            .join("/");
        let send = async |body: String| {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(&path)
                .header("content-type", "application/json");
            if let Some(access) = access {
                request = request.header("authorization", format!("Bearer {access}"));
            }
            let answer = office.send(request, Body::from(body)).await;
            // A body that was misread is told the place; a value that is refused is not.
            let misread = answer.status == 400 && answer.json::<Value>().get("line").is_some();
            (misread, answer)
        };
        let good = sample(&document, schema);
        let (misread, answer) = send(good.to_string()).await;
        if endpoint.path.starts_with("/api/v1/link/") {
            // The token of a request link is proven before the body is read.
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
            continue;
        }
        assert!(!misread, "{method} {path} does not take its own sample: {answer:?}");
        for nth in 0..objects(&good) {
            let nth = isize::try_from(nth).expect("few");
            let more = with_extra(&good, &mut { nth }, &|_| r#""role":"lead""#.into());
            let twice = with_extra(&good, &mut { nth }, &|fields| {
                let (key, value) = fields.iter().next().expect("a field");
                format!("{}:{value}", json!(key))
            });
            for body in [more, twice] {
                let (misread, answer) = send(body.clone()).await;
                assert!(misread, "{method} {path} took {body}: {answer:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 40, "{tried} bodies were tried");
}

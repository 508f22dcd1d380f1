//! Row A1 for documents: every route of a document × every person × documents of all kinds.
//! What each may is said here once more, in plain words, apart from the code that decides.

use axum::body::Body;
use http::Method;
use serde_json::json;
use strongroom::api::Base64;
use strongroom::envelope::statement::{Category, Direction, Note, Role};
use strongroom::http::{Policy, Relation};
use strongroom::ids::DocumentId;

use crate::support::office::{Answer, Person, all_routes};
use crate::support::papers::{Desk, Paper, request};

/// Routes whose cells are here.
pub(crate) const COVERED: &[(&str, &str)] = &[
    ("GET", "/api/v1/documents/{document}"),
    ("POST", "/api/v1/documents/{document}/recall"),
    ("GET", "/api/v1/documents/{document}/age"),
    ("HEAD", "/api/v1/documents/{document}/age"),
    ("GET", "/api/v1/documents/{document}/pieces"),
    ("POST", "/api/v1/documents/{document}/pulled"),
    ("POST", "/api/v1/documents/{document}/reason"),
    ("POST", "/api/v1/documents/{document}/headers"),
    ("POST", "/api/v1/documents/{document}/adoption"),
    ("HEAD", "/api/v1/uploads/{document}"),
    ("PATCH", "/api/v1/uploads/{document}"),
    ("DELETE", "/api/v1/uploads/{document}"),
    ("POST", "/api/v1/uploads/{document}/complete"),
    // Whose client it is decides of these; `documents.rs` and `upload.rs` ask for others'.
    ("GET", "/api/v1/documents"),
    ("POST", "/api/v1/documents"),
    ("POST", "/api/v1/uploads"),
    ("GET", "/api/v1/rewraps"),
    ("POST", "/api/v1/recovery-headers"),
    ("GET", "/api/v1/clients/{client}/manifest-head"),
];

/// A document and who may read it, by login.
struct Cell {
    paper: Paper,
    readers: &'static [&'static str],
    sender: &'static str,
}

async fn cells(desk: &Desk) -> Vec<Cell> {
    let bank = desk.place();
    let mut payroll = bank;
    payroll.category = Category::Payroll;
    let mut out = bank;
    out.direction = Direction::Out;
    let mut foreign = bank;
    foreign.client = desk.client2;
    let all = &["acc", "boss", "clerk"][..];
    let cells = [
        (bank, &desk.clerk, "clerk", all),
        (payroll, &desk.clerk, "clerk", &["acc", "boss"][..]),
        (out, &desk.accountant, "acc", all),
        (foreign, &desk.principal2, "boss2", &["acc2", "boss2"][..]),
    ];
    let mut made = Vec::new();
    for (place, person, sender, readers) in cells {
        let paper = desk.seal(place, b"x".to_vec()).await;
        desk.send(person, &paper).await;
        made.push(Cell { paper, readers, sender });
    }
    made
}

async fn ask(desk: &Desk, person: &Person, method: &str, path: &str, id: DocumentId) -> Answer {
    let path = path.replace("{document}", &id.to_string());
    let method: Method = method.parse().expect("a method");
    let mut asked = request(person, method.clone(), &path);
    let mut body = Body::empty();
    if path.contains("/uploads/") {
        asked = asked.header("tus-resumable", "1.0.0").header("upload-offset", 500);
        if method == Method::PATCH {
            asked = asked.header("content-type", strongroom::api::uploads::CONTENT_TYPE);
        }
    }
    let paper = desk.paper("another").await;
    let note = paper.manifest(&desk.office, person, 1, None);
    let note = Note::sign(&note, &[&person.keys.sign]);
    let json = match path.rsplit('/').next() {
        Some("headers") => {
            let header = Base64(paper.header.clone());
            Some(json!({ "header": header, "members": [desk.accountant.member] }))
        }
        Some("recall") => {
            let note = Note::sign(&desk.recall(id), &[&person.keys.sign]);
            Some(json!({ "statement": note }))
        }
        Some("reason") => Some(json!({ "reason": "why" })),
        Some("adoption") => {
            let (header, sealed) = (Base64(paper.header.clone()), Base64(paper.part.clone()));
            Some(json!({ "adoption": note, "sealed": sealed, "header": header }))
        }
        Some("complete") => Some(json!({ "manifest": note, "sealed": Base64(paper.part.clone()) })),
        _ => None,
    };
    if let Some(json) = json {
        asked = asked.header("content-type", "application/json");
        body = Body::from(json.to_string());
    }
    desk.office.send(asked, body).await
}

#[tokio::test]
async fn every_document_is_as_open_to_everybody_as_these_words_say() {
    let desk = Desk::open().await;
    let officer = desk.office.member(&desk.lead, "dpo", Role::PrivacyOfficer, None).await;
    let auditor = desk.office.member(&desk.lead, "audit", Role::Auditor, None).await;
    let admin = desk.office.member(&desk.lead, "admin", Role::Admin, None).await;
    let people = [
        &desk.lead,
        &desk.accountant,
        &desk.accountant2,
        &desk.principal,
        &desk.clerk,
        &desk.principal2,
        &officer,
        &auditor,
        &admin,
    ];
    let routes = all_routes();
    let unfinished = desk.paper("unfinished").await;
    desk.begun(&desk.clerk, &unfinished).await;
    let mut seen = 0;
    // What holders of request links ask is in `request_links.rs`: they are nobody's people.
    let of_members = |e: &&strongroom::http::Endpoint| {
        e.path.contains("{document}") && !e.path.starts_with("/api/v1/link/")
    };
    for endpoint in routes.endpoints().into_iter().filter(of_members) {
        let Policy::Session { roles, relation: Relation::Client } = endpoint.policy else {
            panic!("{}: a document is somebody's", endpoint.path)
        };
        let (method, path) = (endpoint.verb.method().to_string(), endpoint.path);
        // New ones for each route: one of them takes documents back.
        let cells = cells(&desk).await;
        for person in people {
            let unknown = ask(&desk, person, &method, path, DocumentId::random()).await;
            for cell in &cells {
                let answer = ask(&desk, person, &method, path, cell.paper.id).await;
                let what = format!("{} {method} {path} of {}", person.login, cell.sender);
                seen += 1;
                if !roles.contains(&person.role) {
                    assert_eq!(answer.status, 403, "{what}");
                    continue;
                }
                let reads = cell.readers.contains(&person.login.as_str());
                let overseer =
                    matches!(person.role, Role::Lead | Role::PrivacyOfficer | Role::Auditor);
                let sender = cell.sender == person.login;
                let may = match (method.as_str(), path.rsplit('/').next().expect("a part")) {
                    ("GET", "{document}") => reads || overseer || sender,
                    (_, "recall") => sender,
                    (_, "age" | "pieces" | "pulled" | "reason") => reads,
                    // Accountants of the client alone, and refused for another reason here.
                    (_, "headers" | "adoption") => reads && person.role == Role::Accountant,
                    // Complete already: only a sender is told so.
                    (_, "complete") => sender,
                    _ => false,
                };
                if may {
                    assert_ne!(answer.status, 404, "{what}");
                } else {
                    assert_eq!(answer.status, 404, "{what}: {:?}", answer.body);
                    assert_eq!(answer.body, unknown.body, "{what}");
                    assert_eq!(answer.head.headers.len(), unknown.head.headers.len(), "{what}");
                }
            }
            // What is not complete is nobody's but its sender's.
            if person.login != "clerk" && roles.contains(&person.role) {
                let answer = ask(&desk, person, &method, path, unfinished.id).await;
                let incomplete = [404, 409].contains(&answer.status);
                assert!(incomplete, "{} {method} {path}: {}", person.login, answer.status);
                assert!(answer.status == 404 || !path.contains("uploads"), "{}", person.login);
            }
        }
    }
    assert!(seen >= 12 * 9 * 4, "{seen} cells");
}

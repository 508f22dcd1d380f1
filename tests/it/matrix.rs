//! Row A1: every route × every role × every relation, made from the registry of routes.
//!
//! A route that is new is in the first half by itself; one that concerns a client needs a row
//! in [`ROWS`], or the test fails.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use strongroom::access::{Action, Decision, Facts, Reason, decide};
use strongroom::envelope::statement::{
    Category, Link, Note, Policy as PolicyStatement, RevocationKind, Role, Statement as _, YesNo,
};
use strongroom::http::{Endpoint, Policy, Relation, Verb};
use strongroom::ids::{ClientId, LinkId};
use strongroom::trust::fragment::{Fragment, Purpose, token_hash};

use crate::support::office::{Answer, CANARY_PROOF, Office, Person, all_routes};

const PEOPLE: &[Role] = &[
    Role::Principal,
    Role::Clerk,
    Role::Accountant,
    Role::Lead,
    Role::PrivacyOfficer,
    Role::Auditor,
    Role::Admin,
];

/// A firm with somebody of every role; client-side people and the accountant belong to `own`.
struct World {
    office: Office,
    lead: Person,
    people: BTreeMap<Role, Person>,
    own: ClientId,
    foreign: ClientId,
}

impl World {
    async fn new() -> Self {
        let (office, lead) = Office::with_lead().await;
        let (own, foreign) = (office.client(&lead, "甲").await, office.client(&lead, "乙").await);
        let mut people = BTreeMap::new();
        for role in PEOPLE {
            let client = role.is_client_side().then_some(own);
            people.insert(*role, office.member(&lead, &format!("a_{role}"), *role, client).await);
        }
        office.assign(&lead, own, &[&people[&Role::Accountant], &people[&Role::Lead]]).await;
        office.assign(&lead, foreign, &[&lead]).await;
        for client in [own, foreign] {
            let policy = signed_policy(&first_policy(&office, client), &lead);
            office.post("/policies", Some(&lead), &policy).await.ok();
        }
        let proof = json!({ "proof": strongroom::api::Base64(CANARY_PROOF.to_vec()) });
        office.post("/recovery/rehearsal", Some(&lead), &proof).await.ok();
        Self { office, lead, people, own, foreign }
    }

    /// Somebody who was a lead.
    async fn ended(&self) -> Person {
        let person = self.office.member(&self.lead, "ended", Role::Lead, None).await;
        let end = self.office.revocation(RevocationKind::Member, person.member, &self.lead);
        self.office.post("/revocations", Some(&self.lead), &end).await.ok();
        person
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        path: &str,
        access: Option<&str>,
        body: &Value,
    ) -> Answer {
        let mut request = Request::builder().method(endpoint.verb.method()).uri(path);
        if let Some(access) = access {
            request = request.header("authorization", format!("Bearer {access}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.office.send(request, body).await
    }
}

/// The policy that a lead sets first for every client of the world.
fn first_policy(office: &Office, client: ClientId) -> PolicyStatement {
    PolicyStatement {
        root: office.root.key_id(),
        client: Some(client),
        on_arrival: YesNo::Yes,
        post_quantum: YesNo::No,
        reader_categories: Category::clerk_default(),
        prev: None,
        time: office.now(),
    }
}

fn signed_policy(policy: &PolicyStatement, by: &Person) -> Value {
    json!({ "statement": Note::sign(policy, &[&by.keys.sign]) })
}

/// A route that concerns a client: what it asks `access`, and a request that is right in every
/// way but perhaps in who sends it.
struct Row {
    method: &'static str,
    path: &'static str,
    action: Action,
    /// The query and the body.
    request: fn(&World, &Person, ClientId) -> (String, Value),
}

/// A link that `person` signed.
fn signed_link(world: &World, person: &Person, client: ClientId) -> (String, Value) {
    let office = &world.office;
    let (id, fragment) = (LinkId::random(), Fragment::new(office.root.key_id()));
    let link = Link {
        root: office.root.key_id(),
        link: id,
        client,
        public: fragment.signing_key(Purpose::Link, id.as_bytes()).public(),
        expires: office.now().plus_secs(3600),
        max_files: 1,
        max_bytes: 1,
        time: office.now(),
    };
    let token = token_hash(&fragment.token(Purpose::Link, id.as_bytes()));
    let statement = Note::sign(&link, &[&person.keys.sign]);
    (String::new(), json!({ "statement": statement, "token_hash": token }))
}

const ROWS: &[Row] = &[
    Row {
        method: "GET",
        path: "/api/v1/directory",
        action: Action::SeeClient,
        request: |_, _, client| (format!("?client={client}"), Value::Null),
    },
    Row {
        method: "GET",
        path: "/api/v1/clients/{client}/manifests",
        action: Action::SeeClient,
        request: |_, _, _| ("?after=0".to_owned(), Value::Null),
    },
    Row {
        method: "GET",
        path: "/api/v1/clients/{client}/gone",
        action: Action::SeeClient,
        request: |_, _, _| (String::new(), Value::Null),
    },
    Row {
        method: "GET",
        path: "/api/v1/clients/{client}/seen",
        action: Action::SeeWhoSaw,
        request: |_, _, _| (String::new(), Value::Null),
    },
    Row {
        method: "GET",
        path: "/api/v1/clients/{client}/periods",
        action: Action::SeeClient,
        request: |_, _, _| (String::new(), Value::Null),
    },
    Row {
        method: "POST",
        path: "/api/v1/clients/{client}/periods",
        action: Action::ClosePeriod,
        request: |_, _, _| (String::new(), json!({ "period": "2026-10", "closed": true })),
    },
    Row {
        method: "POST",
        path: "/api/v1/key-confirmations",
        action: Action::SeeClient,
        // The lead's card stands in every client's directory.
        request: |world, _, client| {
            let (member, card) = (world.lead.member, world.lead.card(&world.office).hash());
            let body = json!({ "member": member, "client": client, "card": card, "signed": null });
            (String::new(), body)
        },
    },
    Row {
        method: "POST",
        path: "/api/v1/assignments",
        action: Action::Govern,
        request: |world, person, client| {
            let one = [&world.people[&Role::Accountant]];
            // A category of its own for each relation and person: every chain begins here.
            let submit = world.office.assignment(client, Some(Category::Tax), &one, None, person);
            (String::new(), serde_json::to_value(submit).expect("JSON"))
        },
    },
    Row {
        method: "POST",
        path: "/api/v1/policies",
        action: Action::SetPolicy,
        request: |world, person, client| {
            let first = first_policy(&world.office, client);
            let next = PolicyStatement { prev: Some(first.hash()), ..first };
            (String::new(), signed_policy(&next, person))
        },
    },
    Row { method: "POST", path: "/api/v1/links", action: Action::OpenLink, request: signed_link },
    Row {
        method: "POST",
        path: "/api/v1/request-links",
        action: Action::OpenLink,
        request: signed_link,
    },
    Row {
        method: "GET",
        path: "/api/v1/request-links",
        action: Action::OpenLink,
        request: |_, _, client| (format!("?client={client}"), Value::Null),
    },
];

/// Routes that list what the caller sees: never refused, and never more than theirs.
const LISTS: &[(&str, &str)] = &[("GET", "/api/v1/clients")];

fn with_unknown_ids(path: &str) -> String {
    let parts = path.split('/');
    let unknown = strongroom::ids::DocumentId::random().to_string();
    parts
        .map(|part| if part.starts_with('{') { unknown.clone() } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("/")
}

/// A `HEAD` is refused by its status alone.
fn refused(endpoint: &Endpoint, answer: &Answer, status: u16, code: &str) {
    if endpoint.verb == Verb::Head {
        answer.refused_without_body(status);
    } else {
        answer.refused(status, code);
    }
}

#[tokio::test]
async fn nobody_passes_a_route_whose_policy_does_not_name_them() {
    let routes = all_routes();
    let mut cells = 0;
    for endpoint in routes.endpoints() {
        let Policy::Session { roles, .. } = endpoint.policy else { continue };
        // A world for each route: one of them ends the session that asks.
        let world = World::new().await;
        let ended = world.ended().await;
        let path = with_unknown_ids(endpoint.path);
        for access in
            [None, Some(""), Some("x"), Some(ended.access.as_str()), Some(ended.refresh.as_str())]
        {
            let answer = world.send(endpoint, &path, access, &Value::Null).await;
            refused(endpoint, &answer, 401, "unauthorized");
            cells += 1;
        }
        for (role, person) in &world.people {
            let answer = world.send(endpoint, &path, Some(&person.access), &Value::Null).await;
            cells += 1;
            if !roles.contains(role) {
                refused(endpoint, &answer, 403, "not_allowed");
                continue;
            }
            let what = format!("{role} {:?} {path}", endpoint.verb);
            assert_ne!(answer.status, 401, "{what}");
            assert!(answer.status < 500, "{what}");
            // An id that does not exist is nobody's.
            assert!(answer.status >= 300 || path == endpoint.path, "{what}: {}", answer.status);
        }
    }
    assert!(cells >= 12 * 15, "{cells} cells");
}

#[tokio::test]
async fn whose_client_it_is_decides() {
    let routes = all_routes();
    let endpoints = routes.endpoints();
    let of_clients: BTreeSet<_> = endpoints
        .iter()
        .filter(|e| matches!(e.policy, Policy::Session { relation: Relation::Client, .. }))
        .map(|e| (e.verb.method().to_string(), e.path))
        .collect();
    let rows: BTreeSet<_> = ROWS
        .iter()
        .map(|row| (row.method.to_owned(), row.path))
        .chain(crate::documents_matrix::COVERED.iter().map(|(m, path)| ((*m).to_owned(), *path)))
        .chain(crate::shares_matrix::COVERED.iter().map(|(m, path)| ((*m).to_owned(), *path)))
        .chain(LISTS.iter().map(|(method, path)| ((*method).to_owned(), *path)))
        .collect();
    assert_eq!(rows, of_clients, "each route that concerns a client needs a row");
    for row in ROWS {
        let find = |e: &&&Endpoint| e.path == row.path && e.verb.method().as_str() == row.method;
        let endpoint = endpoints.iter().find(find).expect("compared above");
        let Policy::Session { roles, .. } = endpoint.policy else { panic!("compared above") };
        // A world for each row: what one role changes, another must not find.
        for role in PEOPLE {
            let world = World::new().await;
            let person = &world.people[role];
            let unknown = ClientId::random();
            let mut answers = BTreeMap::new();
            for client in [world.own, world.foreign, unknown] {
                let related = client == world.own;
                let facts = Facts {
                    of_client: related && role.is_client_side(),
                    assigned: related && matches!(role, Role::Accountant | Role::Lead),
                    ..Facts::default()
                };
                let mut expected = decide(*role, row.action, &facts);
                if client == unknown && expected.is_allow() {
                    expected = Decision::Deny(Reason::Relation);
                }
                let (query, body) = (row.request)(&world, person, client);
                let path = row.path.replace("{client}", &client.to_string()) + &query;
                let answer = world.send(endpoint, &path, Some(&person.access), &body).await;
                let what = format!("{role} {} {path} related: {related}", row.method);
                match expected {
                    Decision::Allow => {
                        assert!(roles.contains(role), "{what}: the policy is narrower");
                        assert!(answer.status < 300, "{what}: {answer:?}");
                    }
                    Decision::Deny(_) if !roles.contains(role) => {
                        answer.refused(403, "not_allowed")
                    }
                    Decision::Deny(Reason::Role) => answer.refused(403, "not_allowed"),
                    Decision::Deny(_) => answer.refused(404, "not_found"),
                }
                answers.insert(client, answer);
            }
            let foreign = &answers[&world.foreign];
            if foreign.status >= 300 {
                // Not one byte tells a foreign client from one that does not exist.
                let unknown = &answers[&unknown];
                assert_eq!((foreign.status, &foreign.body), (unknown.status, &unknown.body));
                assert_eq!(foreign.head.headers.len(), unknown.head.headers.len());
            }
        }
    }
}

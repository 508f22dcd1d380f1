//! Request links over HTTP: they take what they say they take, whoever races; their holders
//! send and do nothing else; what is not open for any reason answers alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::api::frames;
use strongroom::api::uploads;
use strongroom::api::{LinkInfo, LinkSeen, LinkState};
use strongroom::clock::Timestamp;
use strongroom::envelope::statement::{
    Direction, Link, Manifest, Note, Revocation, RevocationKind, SigningKey,
};
use strongroom::http::Policy;
use strongroom::ids::{ClientId, DocumentId, LinkId};
use strongroom::trust::fragment::{Fragment, Purpose, token_hash};

use crate::support::office::{Answer, Person, all_routes};
use crate::support::papers::{Desk, Paper, offset};

/// A link as its holder has it.
struct Held {
    id: LinkId,
    fragment: Fragment,
}

/// What a link is to be.
struct Wish {
    client: ClientId,
    expires: Timestamp,
    max_files: u64,
    max_bytes: u64,
}

impl Held {
    fn new(desk: &Desk) -> Self {
        Self { id: LinkId::random(), fragment: Fragment::new(desk.office.root.key_id()) }
    }

    fn key(&self) -> SigningKey {
        self.fragment.signing_key(Purpose::Link, self.id.as_bytes())
    }

    fn authorization(&self) -> String {
        let token = self.fragment.token(Purpose::Link, self.id.as_bytes());
        format!("Strongroom-Link {}", *token.to_base64url())
    }

    fn offer(&self, desk: &Desk, wish: &Wish, by: &Person) -> Value {
        let link = Link {
            root: desk.office.root.key_id(),
            link: self.id,
            client: wish.client,
            public: self.key().public(),
            expires: wish.expires,
            max_files: wish.max_files,
            max_bytes: wish.max_bytes,
            time: desk.office.now(),
        };
        let token = self.fragment.token(Purpose::Link, self.id.as_bytes());
        json!({ "statement": Note::sign(&link, &[&by.keys.sign]), "token_hash": token_hash(&token) })
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let path = format!("/api/v1/link{path}");
        Request::builder().method(method).uri(path).header("authorization", self.authorization())
    }

    fn sign(&self, desk: &Desk, paper: &Paper, before: Option<&Note>) -> Note {
        let seq = before.map_or(0, |note| note.decode::<Manifest>().expect("one").seq) + 1;
        let of_person = paper.manifest(&desk.office, &desk.clerk, seq, before.map(Note::hash));
        Note::sign(&Manifest { signer: self.key().key_id(), ..of_person }, &[&self.key()])
    }

    async fn look(&self, desk: &Desk) -> Answer {
        desk.office.send(self.request(Method::GET, ""), Body::empty()).await
    }

    async fn post_whole(&self, desk: &Desk, paper: &Paper, note: &Note) -> Answer {
        let request =
            self.request(Method::POST, "/documents").header("content-type", frames::CONTENT_TYPE);
        desk.office.send(request, Body::from(paper.frames(note))).await
    }

    async fn begin(&self, desk: &Desk, paper: &Paper, body: Vec<u8>) -> Answer {
        let request = self
            .request(Method::POST, "/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", paper.total())
            .header("upload-metadata", paper.metadata().to_header())
            .header("content-type", uploads::CONTENT_TYPE);
        desk.office.send(request, Body::from(body)).await
    }

    async fn patch(&self, desk: &Desk, id: DocumentId, at: u64, body: Vec<u8>) -> Answer {
        let request = self
            .request(Method::PATCH, &format!("/uploads/{id}"))
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", at)
            .header("content-type", uploads::CONTENT_TYPE);
        desk.office.send(request, Body::from(body)).await
    }

    async fn complete(&self, desk: &Desk, paper: &Paper, note: &Note) -> Answer {
        let request = self
            .request(Method::POST, &format!("/uploads/{}/complete", paper.id))
            .header("content-type", "application/json");
        let part = strongroom::api::Base64(paper.part.clone());
        let body = json!({ "manifest": note, "sealed": part }).to_string();
        desk.office.send(request, Body::from(body)).await
    }

    async fn terminate(&self, desk: &Desk, id: DocumentId) -> Answer {
        let request = self
            .request(Method::DELETE, &format!("/uploads/{id}"))
            .header("tus-resumable", "1.0.0");
        desk.office.send(request, Body::empty()).await
    }
}

fn wish(desk: &Desk) -> Wish {
    Wish {
        client: desk.client,
        expires: desk.office.now().plus_secs(3600),
        max_files: 20,
        max_bytes: 1 << 30,
    }
}

async fn opened_as(desk: &Desk, wish: &Wish) -> Held {
    let held = Held::new(desk);
    let offer = held.offer(desk, wish, &desk.accountant);
    desk.office.post("/request-links", Some(&desk.accountant), &offer).await.ok();
    held
}

async fn opened(desk: &Desk) -> Held {
    opened_as(desk, &wish(desk)).await
}

async fn info(desk: &Desk, held: &Held) -> LinkInfo {
    let path = format!("/request-links?client={}", desk.client);
    let links: Vec<LinkInfo> = desk.office.get(&path, &desk.accountant).await.ok().json();
    links.into_iter().find(|link| link.link == held.id).expect("listed")
}

#[tokio::test]
async fn what_comes_through_a_link_is_a_document_like_any_other() {
    let desk = Desk::open().await;
    let held = opened(&desk).await;
    let seen: LinkSeen = held.look(&desk).await.ok().json();
    assert_eq!((seen.head.seq, seen.firm.root), (0, desk.office.root.public()));
    let first = desk.paper("first").await;
    let note = held.sign(&desk, &first, None);
    let done = held.post_whole(&desk, &first, &note).await.ok();
    // The same again gets the same receipt.
    assert_eq!(held.post_whole(&desk, &first, &note).await.ok().body, done.body);
    assert_eq!(held.complete(&desk, &first, &note).await.ok().body, done.body);

    let long = desk.seal(desk.place(), vec![7; 3 << 20]).await;
    let at = offset(&held.begin(&desk, &long, long.header.clone()).await.ok());
    let rest = long.file()[at as usize..].to_vec();
    held.patch(&desk, long.id, at, rest).await.ok();
    let next = held.sign(&desk, &long, Some(&note));
    held.complete(&desk, &long, &next).await.ok();

    for (paper, text) in [(&first, b"first".to_vec()), (&long, vec![7; 3 << 20])] {
        assert_eq!(desk.read(&desk.accountant, paper.id).await, text);
        let known = desk.info(&desk.accountant, paper.id).await;
        assert_eq!(known.sender, None);
    }
    // Its own people and accountants, and nobody else's, see it.
    desk.office.get(&format!("/documents/{}", first.id), &desk.principal).await.ok();
    let foreign = desk.office.get(&format!("/documents/{}", first.id), &desk.accountant2).await;
    foreign.refused(404, "not_found");
    let taken = info(&desk, &held).await;
    let bytes = (first.payload.len() + long.payload.len()) as u64;
    assert_eq!((taken.state, taken.files, taken.bytes), (LinkState::Open, 2, bytes));
    assert_eq!(desk.office.entries("link.open").await, 1);
    assert_eq!(desk.office.entries("document.complete").await, 2);
}

#[tokio::test]
async fn racers_get_what_is_left_and_not_a_file_more() {
    let desk = Arc::new(Desk::open().await);
    let limits = Wish { max_files: 5, ..wish(&desk) };
    let held = Arc::new(opened_as(&desk, &limits).await);
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (desk, held) = (desk.clone(), held.clone());
        racing.spawn(async move {
            let paper = desk.paper("raced").await;
            held.begin(&desk, &paper, paper.header.clone()).await
        });
    }
    let answers = racing.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(404, "not_found");
    }
    assert_eq!(info(&desk, &held).await.files, 5);
}

#[tokio::test]
async fn accepted_bytes_never_exceed_the_limit_and_what_is_given_up_comes_back() {
    let desk = Arc::new(Desk::open().await);
    let probe = desk.paper("1234").await;
    let each = probe.payload.len() as u64;
    let limits = Wish { max_files: 1000, max_bytes: 7 * each + each / 2, ..wish(&desk) };
    let held = Arc::new(opened_as(&desk, &limits).await);
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (desk, held) = (desk.clone(), held.clone());
        racing.spawn(async move {
            let paper = desk.paper("1234").await;
            let answer = held.begin(&desk, &paper, paper.header.clone()).await;
            (answer.status == 201).then_some(paper)
        });
    }
    let begun: Vec<Paper> = racing.join_all().await.into_iter().flatten().collect();
    assert_eq!(begun.len(), 7);
    assert_eq!(info(&desk, &held).await.bytes, 7 * each);
    held.terminate(&desk, begun[0].id).await.ok();
    let after = info(&desk, &held).await;
    assert_eq!((after.files, after.bytes), (6, 6 * each));
    let paper = desk.paper("1234").await;
    held.begin(&desk, &paper, paper.header.clone()).await.ok();
    let paper = desk.paper("1234").await;
    held.begin(&desk, &paper, paper.header.clone()).await.refused(404, "not_found");
    // What expires comes back too.
    desk.office.pass_secs(8 * 24 * 3600);
    desk.office.state.documents.sweep(0).await.expect("swept");
    let mut tx = desk.office.state.store.read().await.expect("reads");
    let left = tx.links_of(desk.client).await.expect("read");
    assert_eq!((left[0].files.1, left[0].bytes.1), (0, 0));
}

#[tokio::test]
async fn ten_thousand_tiny_files_are_bounded_by_the_link() {
    let desk = Desk::open().await;
    let held = opened_as(&desk, &Wish { max_files: 3, ..wish(&desk) }).await;
    let mut before = None;
    for n in 0..6 {
        let paper = desk.paper("x").await;
        let note = held.sign(&desk, &paper, before.as_ref());
        let answer = held.post_whole(&desk, &paper, &note).await;
        if n < 3 {
            answer.ok();
            before = Some(note);
        } else {
            answer.refused(404, "not_found");
        }
    }
    assert_eq!(info(&desk, &held).await.state, LinkState::UsedUp);
    held.look(&desk).await.refused(404, "not_found");
    let too_many = Wish { max_files: 10_001, ..wish(&desk) };
    let offer = Held::new(&desk).offer(&desk, &too_many, &desk.accountant);
    let refused = desk.office.post("/request-links", Some(&desk.accountant), &offer).await;
    refused.refused(422, "statement_refused");
}

/// What an outsider can compare: everything but the id of the request.
fn outside(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let mut headers: Vec<_> = answer
        .head
        .headers
        .iter()
        .filter(|(name, _)| name.as_str() != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().expect("ASCII").to_owned()))
        .collect();
    headers.sort();
    (answer.status, headers, answer.body.to_vec())
}

#[tokio::test]
async fn whatever_is_not_open_answers_alike() {
    let desk = Desk::open().await;
    let unknown = Held::new(&desk);
    let wrong_token = Held { id: LinkId::random(), fragment: opened(&desk).await.fragment };
    let used_up = opened_as(&desk, &Wish { max_files: 1, ..wish(&desk) }).await;
    let paper = desk.paper("x").await;
    let note = used_up.sign(&desk, &paper, None);
    used_up.post_whole(&desk, &paper, &note).await.ok();
    let revoked = opened(&desk).await;
    revoke(&desk, &revoked, &desk.accountant).await.ok();
    let short = Wish { expires: desk.office.now().plus_secs(1), ..wish(&desk) };
    let expired = opened_as(&desk, &short).await;
    let begun = desk.paper("late").await;
    expired.begin(&desk, &begun, begun.header.clone()).await.ok();
    desk.office.pass_secs(2);

    let mut looks = BTreeSet::new();
    let mut sends = BTreeSet::new();
    let mut begins = BTreeSet::new();
    for held in [&unknown, &wrong_token, &used_up, &revoked, &expired] {
        looks.insert(outside(&held.look(&desk).await));
        let paper = desk.paper("x").await;
        let before = std::ptr::eq(held, &used_up).then_some(&note);
        let signed = held.sign(&desk, &paper, before);
        sends.insert(outside(&held.post_whole(&desk, &paper, &signed).await));
        begins.insert(outside(&held.begin(&desk, &paper, paper.header.clone()).await));
    }
    assert_eq!((looks.len(), sends.len(), begins.len()), (1, 1, 1), "{looks:?} {sends:?}");
    assert_eq!(looks.first().expect("one").0, 404);
    // An upload that had begun cannot go on after the end either.
    let at = begun.header.len() as u64;
    expired.patch(&desk, begun.id, at, begun.payload.clone()).await.refused(404, "not_found");
    let signed = expired.sign(&desk, &begun, None);
    expired.complete(&desk, &begun, &signed).await.refused(404, "not_found");
}

async fn revoke(desk: &Desk, held: &Held, by: &Person) -> Answer {
    let revocation = Revocation {
        root: desk.office.root.key_id(),
        kind: RevocationKind::Link,
        subject: held.id.to_string().parse().expect("a word"),
        prev: None,
        time: desk.office.now(),
    };
    let submit = json!({ "statement": Note::sign(&revocation, &[&by.keys.sign]) });
    desk.office.post("/revocations", Some(by), &submit).await
}

#[tokio::test]
async fn a_link_ends_with_its_accountant_and_by_those_who_may() {
    let desk = Desk::open().await;
    let held = opened(&desk).await;
    revoke(&desk, &held, &desk.accountant2).await.refused(404, "not_found");
    revoke(&desk, &held, &desk.principal).await.refused(403, "not_allowed");
    held.look(&desk).await.ok();
    revoke(&desk, &held, &desk.lead).await.ok();
    held.look(&desk).await.refused(404, "not_found");
    assert_eq!(info(&desk, &held).await.state, LinkState::Revoked);

    let other = opened(&desk).await;
    let paper = desk.paper("kept").await;
    let note = other.sign(&desk, &paper, None);
    other.post_whole(&desk, &paper, &note).await.ok();
    desk.office.pass_secs(1);
    let end = desk.office.revocation(RevocationKind::Member, desk.accountant.member, &desk.lead);
    desk.office.post("/revocations", Some(&desk.lead), &end).await.ok();
    other.look(&desk).await.refused(404, "not_found");
    // What had come through it stays, and verifies.
    let known = desk.info(&desk.principal, paper.id).await;
    let mut tx = desk.office.state.store.read().await.expect("reads");
    let directory =
        desk.office.state.directories.of(&mut tx, Some(desk.client)).await.expect("verifies");
    directory.verify_manifest(&known.manifest.expect("signed")).expect("verifies");
}

#[tokio::test]
async fn only_an_accountant_of_the_client_opens_a_link() {
    let desk = Desk::open().await;
    for (person, status, code) in [
        (&desk.accountant2, 404, "not_found"),
        (&desk.lead, 404, "not_found"),
        (&desk.principal, 403, "not_allowed"),
    ] {
        let offer = Held::new(&desk).offer(&desk, &wish(&desk), person);
        desk.office.post("/request-links", Some(person), &offer).await.refused(status, code);
    }
    // Nor with somebody else's signature.
    let offer = Held::new(&desk).offer(&desk, &wish(&desk), &desk.accountant2);
    let answer = desk.office.post("/request-links", Some(&desk.accountant), &offer).await;
    answer.refused(422, "statement_refused");
}

#[tokio::test]
async fn a_stolen_link_leads_to_one_client_and_only_inwards() {
    let desk = Desk::open().await;
    let held = opened(&desk).await;
    let mut foreign = desk.place();
    foreign.client = desk.client2;
    let mut out = desk.place();
    out.direction = Direction::Out;
    for place in [foreign, out] {
        let paper = desk.seal(place, b"x".to_vec()).await;
        let note = held.sign(&desk, &paper, None);
        held.post_whole(&desk, &paper, &note).await.refused(404, "not_found");
        held.begin(&desk, &paper, paper.header.clone()).await.refused(404, "not_found");
    }
    // Another link's key signs nothing here, and nobody takes over another link's upload.
    let other = opened(&desk).await;
    let paper = desk.paper("x").await;
    let note = other.sign(&desk, &paper, None);
    held.post_whole(&desk, &paper, &note).await.refused(422, "manifest_mismatch");
    held.begin(&desk, &paper, paper.header.clone()).await.ok();
    other.terminate(&desk, paper.id).await.refused(404, "not_found");
    other.patch(&desk, paper.id, 0, Vec::new()).await.refused(404, "not_found");
    // A member cannot reach it either.
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
}

#[tokio::test]
async fn the_holder_lists_and_reads_nothing() {
    let desk = Desk::open().await;
    let held = opened(&desk).await;
    let paper = desk.paper("mine").await;
    let note = held.sign(&desk, &paper, None);
    held.post_whole(&desk, &paper, &note).await.ok();
    let routes = all_routes();
    let mut asked = 0;
    for endpoint in routes.endpoints() {
        let Policy::Session { .. } = endpoint.policy else { continue };
        let path = endpoint
            .path
            .replace("{document}", &paper.id.to_string())
            .replace("{client}", &desk.client.to_string());
        let bare = held.authorization();
        let token = bare.split_once(' ').expect("a token").1;
        for value in [bare.clone(), format!("Bearer {token}")] {
            let request = Request::builder()
                .method(endpoint.verb.method())
                .uri(&path)
                .header("authorization", value);
            let answer = desk.office.send(request, Body::empty()).await;
            assert_eq!(answer.status, 401, "{} {path}", endpoint.verb.method());
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
    // And a session opens none of the routes of links.
    for (method, path) in [(Method::GET, ""), (Method::POST, "/uploads")] {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/link{path}"))
            .header("authorization", format!("Bearer {}", desk.accountant.access));
        desk.office.send(request, Body::empty()).await.refused(404, "not_found");
    }
    // What it sees of statements names no other link.
    let other = opened(&desk).await;
    let seen: LinkSeen = held.look(&desk).await.ok().json();
    let text = serde_json::to_string(&seen).expect("JSON");
    assert!(text.contains(&held.id.to_string()) && !text.contains(&other.id.to_string()));
}

/// How well two samples can be told apart: the chance that one of `b` is larger than one of
/// `a`, both ways round, so that 0.5 means not at all.
fn told_apart(a: &[u128], b: &[u128]) -> f64 {
    let mut all: Vec<(u128, bool)> =
        a.iter().map(|n| (*n, false)).chain(b.iter().map(|n| (*n, true))).collect();
    all.sort_unstable();
    let ranks: usize =
        all.iter().enumerate().filter(|(_, (_, is_b))| *is_b).map(|(n, _)| n + 1).sum();
    let (a, b) = (a.len() as f64, b.len() as f64);
    let area = (ranks as f64 - b * (b + 1.0) / 2.0) / (a * b);
    area.max(1.0 - area)
}

#[test]
fn telling_samples_apart_works() {
    let (low, high): (Vec<u128>, Vec<u128>) = ((0..100).collect(), (100..200).collect());
    assert!(told_apart(&low, &high) > 0.99 && told_apart(&high, &low) > 0.99);
    let mixed: (Vec<u128>, Vec<u128>) =
        ((0..100).map(|n| n * 2).collect(), (0..100).map(|n| n * 2 + 1).collect());
    assert!(told_apart(&mixed.0, &mixed.1) < 0.52);
}

/// Over a real socket, as whoever holds an old link would have to measure it.
#[tokio::test(flavor = "multi_thread")]
async fn time_does_not_tell_an_ended_link_from_an_unknown_one() {
    use http_body_util::BodyExt;
    const PAIRS: usize = 2000;
    let demo = crate::support::demo::Demo::start();
    let url = demo.record["request_link"].as_str().expect("a link").to_owned();
    let (address, fragment) = url.split_once('#').expect("a fragment");
    let id: LinkId = address.rsplit('/').next().expect("an id").parse().expect("an id");
    let known = Held { id, fragment: Fragment::decode(fragment).expect("one") };
    demo.run("accountant", &["request", "revoke", &id.to_string()]).ok();
    let unknown = Held { id, fragment: Fragment::new(known.fragment.root()) };
    let ca = demo.data().join("certs").join("ca.pem");
    let client = crate::support::tls::Client::trusting(&ca, demo.address());
    let stream = client.connect("http/1.1").await.expect("connects");
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, http_body_util::Full<bytes::Bytes>>(io)
            .await
            .expect("HTTP/1.1");
    tokio::spawn(connection);
    let (mut ended, mut never) = (Vec::new(), Vec::new());
    for n in 0..PAIRS * 2 + 200 {
        let held = if n % 2 == 0 { &known } else { &unknown };
        let request = held.request(Method::GET, "").header("host", demo.address().to_string());
        let request = request.body(http_body_util::Full::default()).expect("a request");
        sender.ready().await.expect("still connected");
        let began = std::time::Instant::now();
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 404);
        answer.into_body().collect().await.expect("its body");
        let took = began.elapsed().as_nanos();
        // The first ones warm up caches.
        if n >= 200 {
            if n % 2 == 0 { ended.push(took) } else { never.push(took) }
        }
    }
    let area = told_apart(&ended, &never);
    assert!(area <= 0.55, "told apart with {area}");
}

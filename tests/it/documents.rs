//! Documents sent whole, read, listed, taken back and re-wrapped: rows U3, U12, A12, D3.

use axum::body::Body;
use http::Method;
use serde_json::json;
use strongroom::api::{
    Base64, Completed, DocumentInfo, DocumentPage, DocumentState, Gone, Rewraps, Statements,
};
use strongroom::documents::Settings;
use strongroom::envelope::statement::{
    Category, Direction, Hash, Manifest, Note, Receipt, Revocation, RevocationKind, Role,
    SealLevel, SigningKey,
};
use strongroom::envelope::{FileKey, Header, Identity, Recipient};
use strongroom::ids::{ClientId, DocumentId};
use strongroom::secrets::Secret;

use crate::support::alone::full_size;
use crate::support::office::Office;
use crate::support::papers::{Desk, Paper, noise, request};

#[tokio::test]
async fn what_a_client_sends_its_readers_open_and_nobody_else() {
    let desk = Desk::open().await;
    let paper = desk.paper("对账单").await;
    let completed = desk.send(&desk.clerk, &paper).await;
    assert_eq!(completed.state, DocumentState::Received);
    let receipt: Receipt = completed.receipt.decode().expect("a receipt");
    assert_eq!((receipt.document, receipt.pieces), (paper.id, paper.pieces.combined()));
    for person in [&desk.accountant, &desk.principal, &desk.clerk] {
        assert_eq!(desk.read(person, paper.id).await, paper.plaintext, "{}", person.login);
    }
    for person in [&desk.accountant2, &desk.principal2] {
        for path in ["", "/age", "/pieces"] {
            let path = format!("/documents/{}{path}", paper.id);
            let unknown = format!("/documents/{}", DocumentId::random());
            let answer = desk.office.get(&path, person).await;
            answer.refused(404, "not_found");
            assert_eq!(answer.body, desk.office.get(&unknown, person).await.body);
        }
        let page: DocumentPage = desk.office.get("/documents", person).await.ok().json();
        assert!(page.documents.is_empty(), "{}", person.login);
    }
    // Who oversees sees that it exists, never how to open it.
    let info = desk.info(&desk.lead, paper.id).await;
    assert!(info.header.is_none() && info.sealed.is_none() && info.manifest.is_some());
    let answer = desk.office.get(&format!("/documents/{}/age", paper.id), &desk.lead).await;
    answer.refused(404, "not_found");
}

#[tokio::test]
async fn payroll_is_not_for_clerks() {
    let desk = Desk::open().await;
    let mut place = desk.place();
    place.category = Category::Payroll;
    let paper = desk.seal(place, b"wages".to_vec()).await;
    desk.send(&desk.clerk, &paper).await;
    let info = desk.info(&desk.clerk, paper.id).await;
    assert!(info.header.is_none(), "who sent it may see that it is there");
    let age = format!("/documents/{}/age", paper.id);
    desk.office.get(&age, &desk.clerk).await.refused(404, "not_found");
    assert_eq!(desk.read(&desk.principal, paper.id).await, b"wages");
}

#[tokio::test]
async fn the_firm_delivers_to_its_client() {
    let desk = Desk::open().await;
    let mut place = desk.place();
    place.direction = Direction::Out;
    let paper = desk.seal(place, b"report".to_vec()).await;
    desk.try_send(&desk.clerk, &paper).await.refused(403, "not_allowed");
    let foreign = paper.manifest(&desk.office, &desk.accountant2, 1, None);
    let foreign = Note::sign(&foreign, &[&desk.accountant2.keys.sign]);
    let answer = desk.post_whole(&desk.accountant2, paper.frames(&foreign)).await;
    answer.refused(404, "not_found");
    desk.send(&desk.accountant, &paper).await;
    assert_eq!(desk.read(&desk.principal, paper.id).await, b"report");
}

#[tokio::test]
async fn the_same_again_is_the_same_receipt_and_nothing_twice() {
    let desk = Desk::open().await;
    let paper = desk.paper("once").await;
    let note = desk.sign(&desk.clerk, &paper).await;
    let body = paper.frames(&note);
    let first: Completed = desk.post_whole(&desk.clerk, body.clone()).await.ok().json();
    let entries = desk.office.entries("document.complete").await;
    for _ in 0..100 {
        let again: Completed = desk.post_whole(&desk.clerk, body.clone()).await.ok().json();
        assert_eq!(again.receipt, first.receipt);
    }
    assert_eq!(desk.objects().await.len(), 1);
    assert_eq!(desk.office.entries("document.complete").await, entries);
    // The id is taken, for others and for other manifests.
    desk.post_whole(&desk.principal, body).await.refused(409, "document_exists");
    let other = desk.sign(&desk.clerk, &paper).await;
    let answer = desk.post_whole(&desk.clerk, paper.frames(&other)).await;
    answer.refused(409, "document_exists");
    assert_eq!(desk.objects().await.len(), 1);
}

#[tokio::test]
async fn a_manifest_that_says_something_else_is_refused() {
    let desk = Desk::open().await;
    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 9] = [
        ("nonce", |m| m.nonce.0[0] ^= 1),
        ("length", |m| m.length += 1),
        ("pieces", |m| m.pieces.0[0] ^= 1),
        ("sealed", |m| m.sealed.0[0] ^= 1),
        ("recipients_missing", |m| m.recipients.truncate(2)),
        ("recipients_missing", |m| m.recipients.push(Hash([7; 32]))),
        ("recipients_missing", |m| m.category = Category::Payroll),
        ("statement_refused", |m| m.seal = SealLevel::OnArrival),
        ("statement_refused", |m| m.root = strongroom::ids::KeyId::random()),
    ];
    for (expected, change) in changes {
        let paper = desk.paper("x").await;
        let mut manifest = paper.manifest(&desk.office, &desk.clerk, 1, None);
        change(&mut manifest);
        let note = Note::sign(&manifest, &[&desk.clerk.keys.sign]);
        let answer = desk.post_whole(&desk.clerk, paper.frames(&note)).await;
        match expected {
            "recipients_missing" | "statement_refused" => answer.refused(422, expected),
            key => {
                answer.refused(422, "manifest_mismatch");
                assert_eq!(answer.json::<serde_json::Value>()["key"], key);
            }
        }
    }
    let paper = desk.paper("x").await;
    let manifest = paper.manifest(&desk.office, &desk.clerk, 1, None);
    let forged = Note::sign(&manifest, &[&desk.principal.keys.sign]);
    let answer = desk.post_whole(&desk.clerk, paper.frames(&forged)).await;
    answer.refused(422, "statement_refused");
    // Right in every way, but somebody else's.
    let note = Note::sign(&manifest, &[&desk.clerk.keys.sign]);
    let answer = desk.post_whole(&desk.principal, paper.frames(&note)).await;
    answer.refused(422, "manifest_mismatch");
    assert!(desk.objects().await.is_empty(), "nothing of a refused document is kept");
    assert_eq!(desk.office.entries("document.complete").await, 0);
}

#[tokio::test]
async fn a_header_of_another_kind_than_the_policy_is_refused() {
    let desk = Desk::open().await;
    let mut paper = desk.paper("x").await;
    let stranger = Identity::random_post_quantum().recipient();
    paper.header = paper.sealer.header(&[stranger]).expect("a header").as_bytes().to_vec();
    desk.try_send(&desk.clerk, &paper).await.refused(422, "recipients_missing");
}

#[tokio::test]
async fn the_chain_of_manifests_has_one_next() {
    let desk = Desk::open().await;
    let (first, second) = (desk.paper("1").await, desk.paper("2").await);
    // Both signed onto the empty chain.
    let notes = [desk.sign(&desk.clerk, &first).await, desk.sign(&desk.clerk, &second).await];
    desk.post_whole(&desk.clerk, first.frames(&notes[0])).await.ok();
    let answer = desk.post_whole(&desk.clerk, second.frames(&notes[1])).await;
    answer.refused(409, "chain_moved");
    let problem: serde_json::Value = answer.json();
    assert_eq!(problem["seq"], 1);
    assert_eq!(problem["manifest"], json!(notes[0]));
    desk.send(&desk.clerk, &second).await;
    let head = desk.head(&desk.clerk, desk.client).await;
    assert_eq!(head.seq, 2);
    // Chains of different signers, and of one signer for different clients, are apart.
    desk.sent(&desk.principal, "3").await;
    assert_eq!(desk.head(&desk.principal, desk.client).await.seq, 1);
    let path =
        format!("/clients/{}/manifest-head?signer={}", desk.client, desk.clerk.keys.sign.key_id());
    desk.office.get(&path, &desk.principal2).await.refused(404, "not_found");
}

#[tokio::test]
async fn whatever_is_not_sealed_is_refused_with_415() {
    let desk = Desk::open().await;
    let paper = desk.paper("x").await;
    let note = desk.sign(&desk.clerk, &paper).await;
    let armored = b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24=\n".to_vec();
    let many = format!("age-encryption.org/v1\n{}", "-> X25519 a\nYQ\n".repeat(4000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n".to_vec()),
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0".repeat(20)),
        ("jpeg", [b"\xff\xd8\xff\xe0".as_slice(), &noise(500, 1)].concat()),
        ("text", "收据 receipt\n".repeat(20).into_bytes()),
        ("armored", armored),
        ("noise", noise(1000, 2)),
        ("stanzas", many.into_bytes()),
    ];
    for (what, body) in bodies {
        let started = std::time::Instant::now();
        let answer = desk.begin(&desk.clerk, &paper.metadata(), paper.total(), body.clone()).await;
        answer.refused(415, "unsupported_media_type");
        assert!(started.elapsed().as_millis() < 500, "{what}");
        let mut whole = Paper { header: body, ..desk.paper("x").await };
        whole.id = paper.id;
        let answer = desk.post_whole(&desk.clerk, whole.frames(&note)).await;
        answer.refused(415, "unsupported_media_type");
    }
    // A good header in front of what nobody sealed.
    let file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n....".to_vec();
    let body = [paper.header.as_slice(), &file].concat();
    let answer = desk.begin(&desk.clerk, &paper.metadata(), body.len() as u64, body).await;
    answer.refused(415, "unsupported_media_type");
    let whole = Paper { payload: file, ..desk.paper("x").await };
    let answer = desk.post_whole(&desk.clerk, whole.frames(&note)).await;
    answer.refused(415, "unsupported_media_type");
    // Nobody of the firm could open these.
    let key = FileKey::random();
    let passphrase = strongroom::envelope::Passphrase::new("x".into()).with_work_factor(2);
    let locked = Header::seal_with_passphrase(&key, &passphrase).expect("a header");
    let whole = Paper { header: locked.as_bytes().to_vec(), ..desk.paper("x").await };
    desk.post_whole(&desk.clerk, whole.frames(&note)).await.refused(415, "unsupported_media_type");
    assert!(desk.objects().await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_document_is_refused() {
    let desk = Desk::open().await;
    let paper = desk.paper("x").await;
    let note = desk.sign(&desk.clerk, &paper).await;
    let body = paper.frames(&note);
    for cut in [0, 3, 4, 100, body.len() - 1] {
        let answer = desk.post_whole(&desk.clerk, body[..cut].to_vec()).await;
        assert!([400, 415].contains(&answer.status), "{cut}: {}", answer.status);
    }
    let long = vec![0; strongroom::api::frames::MAX_BODY_BYTES + 1];
    desk.post_whole(&desk.clerk, long).await.refused(413, "too_large");
    let unnamed = request(&desk.clerk, Method::POST, "/api/v1/documents");
    let answer = desk.office.send(unnamed, Body::from(body)).await;
    answer.refused(415, "unsupported_media_type");
    let short = Paper { payload: noise(31, 3), ..desk.paper("x").await };
    desk.post_whole(&desk.clerk, short.frames(&note)).await.refused(400, "bad_request");
}

#[tokio::test]
async fn nothing_is_taken_for_a_client_without_an_accountant() {
    let desk = Desk::open().await;
    let client = desk.office.client(&desk.lead, "丙").await;
    let principal = desk.office.member(&desk.lead, "boss3", Role::Principal, Some(client)).await;
    let mut place = desk.place();
    place.client = client;
    let to: Recipient = principal.keys.recipient();
    let paper =
        Paper::seal(place, b"x".to_vec(), std::slice::from_ref(&to), vec![to.fingerprint()]);
    desk.try_send(&principal, &paper).await.refused(422, "no_accountant");
}

#[tokio::test]
async fn nothing_is_taken_before_the_recovery_was_rehearsed() {
    let office = Office::found_with(Settings::default()).await;
    let lead = office.joined("lead", &office.first.clone()).await;
    for path in ["/documents", "/rewraps"] {
        office.get(path, &lead).await.refused(503, "not_rehearsed");
    }
}

#[tokio::test]
async fn a_sender_takes_back_what_nobody_has_opened() {
    let desk = Desk::open().await;
    let paper = desk.paper("oops").await;
    let note = desk.sign(&desk.clerk, &paper).await;
    desk.post_whole(&desk.clerk, paper.frames(&note)).await.ok();
    let path = format!("/documents/{}", paper.id);
    for other in [&desk.principal, &desk.principal2, &desk.accountant] {
        desk.take_back(other, paper.id).await.refused(404, "not_found");
    }
    // The sender's own look at it, and a look at its length, are no opening.
    assert_eq!(desk.read(&desk.clerk, paper.id).await, paper.plaintext);
    let head = request(&desk.accountant, Method::HEAD, &format!("/api/v1{path}/age"));
    desk.office.send(head, Body::empty()).await.ok();
    let info: DocumentInfo = desk.take_back(&desk.clerk, paper.id).await.ok().json();
    assert_eq!(info.state, DocumentState::Recalled);
    let signed = info.recall.expect("what was signed");
    assert!(signed.signed_by(&desk.clerk.keys.sign.public()));
    // Told to whoever might have seen the document, so that they need not believe the gateway.
    for person in [&desk.accountant, &desk.principal, &desk.clerk, &desk.lead] {
        let gone: Gone =
            desk.office.get(&format!("/clients/{}/gone", desk.client), person).await.ok().json();
        assert_eq!(gone.recalls.iter().collect::<Vec<_>>(), [&signed], "{}", person.login);
    }
    desk.take_back(&desk.clerk, paper.id).await.ok();
    assert_eq!(desk.office.entries("document.recall").await, 1);
    assert!(desk.objects().await.is_empty(), "its bytes are gone");
    for person in [&desk.accountant, &desk.principal] {
        desk.office.get(&path, person).await.refused(404, "not_found");
        desk.office.get(&format!("{path}/age"), person).await.refused(409, "wrong_state");
    }
    let page: DocumentPage = desk.office.get("/documents", &desk.clerk).await.ok().json();
    assert!(page.documents.is_empty(), "a tombstone is not listed");
    // Its number in the chain stays, and its id is used up.
    assert_eq!(desk.head(&desk.clerk, desk.client).await.seq, 1);
    desk.try_send(&desk.clerk, &paper).await.refused(409, "document_exists");
    // Nor is it said to be there when its very completion is sent again.
    let again = desk.post_whole(&desk.clerk, paper.frames(&note)).await;
    again.refused(409, "wrong_state");
    desk.complete(&desk.clerk, &paper, &note).await.refused(409, "wrong_state");

    let opened = desk.sent(&desk.clerk, "read").await;
    desk.read(&desk.accountant, opened.id).await;
    desk.take_back(&desk.clerk, opened.id).await.refused(409, "wrong_state");
    assert_eq!(desk.read(&desk.accountant, opened.id).await, opened.plaintext);
}

#[tokio::test]
async fn nothing_is_taken_back_without_its_senders_signature() {
    let desk = Desk::open().await;
    let (paper, other) = (desk.sent(&desk.clerk, "a").await, desk.sent(&desk.clerk, "b").await);
    let said = desk.recall(paper.id);
    let clerk = &desk.clerk.keys.sign;
    let by_clerk = |said: Revocation| Note::sign(&said, &[clerk]);
    let (root, time) = (desk.principal.keys.sign.key_id(), desk.office.now());
    for (what, note) in [
        ("a colleague's", Note::sign(&said, &[&desk.principal.keys.sign])),
        ("a lead's", Note::sign(&said, &[&desk.lead.keys.sign])),
        ("the root key's", Note::sign(&said, &[&desk.office.root])),
        ("a stranger's", Note::sign(&said, &[&SigningKey::from_seed(&Secret::new([7; 32]))])),
        ("of another document", by_clerk(desk.recall(other.id))),
        ("of another firm", by_clerk(Revocation { root, ..said.clone() })),
        ("of a link", by_clerk(Revocation { kind: RevocationKind::Link, ..said.clone() })),
        ("of a member", by_clerk(Revocation { kind: RevocationKind::Member, ..said.clone() })),
        ("after another", by_clerk(Revocation { prev: Some(Hash([1; 32])), ..said.clone() })),
        (
            "from the far future",
            by_clerk(Revocation { time: time.plus_secs(30 * 3600), ..said.clone() }),
        ),
    ] {
        let answer = desk.submit_recall(&desk.clerk, paper.id, &note).await;
        assert_eq!(answer.status, 422, "{what}: {:?}", answer.body);
        answer.refused(422, "statement_refused");
        // Nor does it end a member, a link or the document by the way for revocations.
        let path = "/revocations";
        let submit = json!({ "statement": note });
        let answer =
            desk.office.ask(Method::POST, path, Some(&desk.lead.access), Some(&submit)).await;
        assert!([404, 422].contains(&answer.status), "{what}: {}", answer.status);
    }
    assert_eq!(desk.read(&desk.accountant, paper.id).await, paper.plaintext);
    assert_eq!(desk.office.entries("document.recall").await, 0);
}

#[tokio::test]
async fn a_recall_says_nothing_about_a_member_whose_id_the_document_bears() {
    let desk = Desk::open().await;
    // A sender may choose a document's id, and takes that of somebody they do not like.
    let mut paper = desk.paper("x").await;
    paper.id = DocumentId::from_bytes(*desk.accountant.member.as_bytes());
    desk.send(&desk.clerk, &paper).await;
    desk.take_back(&desk.clerk, paper.id).await.ok();
    // The directory still verifies, and the accountant is still who they were.
    let later = desk.sent(&desk.clerk, "later").await;
    assert_eq!(desk.read(&desk.accountant, later.id).await, later.plaintext);
    let page: Statements = desk
        .office
        .get(&format!("/directory?client={}", desk.client), &desk.clerk)
        .await
        .ok()
        .json();
    let recalls = page.statements.iter().filter(|note| note.text().contains("kind document"));
    assert_eq!(recalls.count(), 0, "a recall is no statement about the firm");
}

#[tokio::test]
async fn pulled_is_what_somebody_else_has_on_their_device() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "x").await;
    let path = format!("/documents/{}/pulled", paper.id);
    let pulled = |person: &str| {
        let (office, path, person) = (&desk.office, path.clone(), person.to_owned());
        async move { office.ask(Method::POST, &path, Some(&person), None::<&()>).await }
    };
    pulled(&desk.clerk.access).await.ok();
    assert_eq!(desk.info(&desk.clerk, paper.id).await.state, DocumentState::Received);
    pulled(&desk.accountant2.access).await.refused(404, "not_found");
    for _ in 0..3 {
        pulled(&desk.accountant.access).await.ok();
    }
    let info = desk.info(&desk.accountant, paper.id).await;
    assert!(info.pulled && info.state == DocumentState::Pulled);
    assert!(!desk.info(&desk.principal, paper.id).await.pulled, "each reader for themselves");
    assert_eq!(desk.office.entries("document.pulled").await, 2);
}

#[tokio::test]
async fn lists_are_in_order_whole_and_recorded() {
    let desk = Desk::open().await;
    let mut sent = Vec::new();
    for n in 0..205 {
        desk.office.pass_secs(i64::from(n % 2));
        let mut place = desk.place();
        if n % 5 == 0 {
            place.period = "2026-09".parse().expect("a period");
        }
        let paper = desk.seal(place, n.to_string().into_bytes()).await;
        desk.send(&desk.clerk, &paper).await;
        sent.push(paper);
    }
    let before = desk.office.entries("document.list").await;
    let list = |query: String| {
        let desk = &desk;
        async move {
            let path = format!("/documents{query}");
            desk.office.get(&path, &desk.accountant).await.ok().json::<DocumentPage>()
        }
    };
    for client in [String::new(), format!("client={}", desk.client)] {
        let first = list(format!("?{client}")).await;
        assert_eq!(first.documents.len(), 200);
        let next = first.next.expect("there is more");
        let second = list(format!("?{client}&after={next}")).await;
        assert!(second.next.is_none());
        let ids: Vec<_> =
            first.documents.iter().chain(&second.documents).map(|d| d.document).collect();
        let mut expected: Vec<_> = sent.iter().map(|p| p.id).collect();
        let times: Vec<_> =
            first.documents.iter().chain(&second.documents).map(|d| d.received_at).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
        let mut found = ids.clone();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "each once");
        assert!(first.documents.iter().all(|d| d.header.is_some() && d.sealed.is_some()));
    }
    assert_eq!(desk.office.entries("document.list").await, before + 4);
    assert_eq!(list("?period=2026-09".into()).await.documents.len(), 41);
    assert_eq!(list("?state=pulled".into()).await.documents.len(), 0);
    let path = format!("/documents/{}/pulled", sent[7].id);
    desk.office.post(&path, Some(&desk.accountant), &()).await.ok();
    let page = list("?new=true&period=2026-10".into()).await;
    assert_eq!(page.documents.len(), 163);
    assert_eq!(list("?state=pulled".into()).await.documents[0].document, sent[7].id);
    for bad in ["?after=x", "?after=1.2", "?period=2026-13", "?state=gone", "?client=x", "?x=1"] {
        let answer = desk.office.get(&format!("/documents{bad}"), &desk.accountant).await;
        answer.refused(400, "bad_request");
    }
    for foreign in [desk.client2, ClientId::random()] {
        let path = format!("/documents?client={foreign}");
        desk.office.get(&path, &desk.accountant).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn who_is_assigned_later_reads_after_a_colleague_has_rewrapped() {
    let desk = Desk::open().await;
    let paper = desk.sent(&desk.clerk, "old").await;
    let both = [&desk.accountant, &desk.accountant2];
    let head = {
        let mut tx = desk.office.state.store.read().await.expect("a transaction");
        let directory =
            desk.office.state.directories.of(&mut tx, Some(desk.client)).await.expect("verifies");
        directory.assignment_head(desk.client, None)
    };
    let assignment = desk.office.assignment(desk.client, None, &both, head, &desk.lead);
    desk.office.post("/assignments", Some(&desk.lead), &assignment).await.ok();
    let age = format!("/documents/{}/age", paper.id);
    desk.office.get(&age, &desk.accountant2).await.refused(404, "not_found");
    let rewraps = |person| {
        let office = &desk.office;
        async move { office.get("/rewraps", person).await.ok().json::<Rewraps>() }
    };
    let waiting = rewraps(&desk.accountant).await;
    assert_eq!((waiting.pending, waiting.beyond), (1, 0));
    assert_eq!(waiting.documents[0].missing, [desk.accountant2.member]);
    let beyond = rewraps(&desk.accountant2).await;
    assert_eq!((beyond.pending, beyond.beyond, beyond.documents.len()), (0, 1, 0));

    let header = waiting.documents[0].document.header.clone().expect("theirs").0;
    let header = Header::parse_detached(&header).expect("a header");
    let wrapped = strongroom::envelope::rewrap(
        &header,
        &desk.accountant.keys.identities(),
        &[desk.accountant2.keys.recipient()],
    )
    .expect("opened");
    let add =
        |member| json!({ "header": Base64(wrapped.as_bytes().to_vec()), "members": [member] });
    let path = format!("/documents/{}/headers", paper.id);
    let answer =
        desk.office.post(&path, Some(&desk.accountant), &add(desk.principal2.member)).await;
    answer.refused(422, "recipients_missing");
    let answer = desk.office.post(&path, Some(&desk.clerk), &add(desk.accountant2.member)).await;
    answer.refused(403, "not_allowed");
    let answer =
        desk.office.post(&path, Some(&desk.accountant2), &add(desk.accountant2.member)).await;
    answer.refused(404, "not_found");
    for _ in 0..2 {
        let add = add(desk.accountant2.member);
        desk.office.post(&path, Some(&desk.accountant), &add).await.ok();
    }
    assert_eq!(desk.office.entries("document.rewrap").await, 1);
    assert_eq!(desk.read(&desk.accountant2, paper.id).await, paper.plaintext);
    assert_eq!(rewraps(&desk.accountant).await.pending, 0);
    // New documents go to both at once.
    let paper = desk.sent(&desk.clerk, "new").await;
    assert_eq!(desk.read(&desk.accountant2, paper.id).await, paper.plaintext);
}

#[tokio::test]
async fn nothing_happens_that_is_not_recorded() {
    let desk = Desk::open().await;
    let kept = desk.sent(&desk.clerk, "kept").await;
    let (whole, upload) = (desk.paper("whole").await, desk.paper("upload").await);
    let (again, taken) = (desk.paper("again").await, desk.sent(&desk.clerk, "taken").await);
    let at = desk.begun(&desk.clerk, &upload).await;
    desk.patch(&desk.clerk, upload.id, at, Body::from(upload.payload.clone()), &[]).await.ok();
    let note = desk.sign(&desk.clerk, &whole).await;
    let objects = desk.objects().await.len();

    desk.office.break_audit(true).await;
    let mut answers = vec![
        ("send", desk.post_whole(&desk.clerk, whole.frames(&note)).await),
        (
            "complete",
            desk.complete(&desk.clerk, &upload, &desk.sign(&desk.clerk, &upload).await).await,
        ),
        (
            "begin",
            desk.begin(&desk.clerk, &again.metadata(), again.total(), again.header.clone()).await,
        ),
        ("open", desk.open_age(&desk.accountant, kept.id, &[]).await),
        ("list", desk.office.get("/documents", &desk.accountant).await),
        ("look", desk.office.get(&format!("/documents/{}", kept.id), &desk.accountant).await),
    ];
    let clerk = Some(desk.clerk.access.as_str());
    let path = format!("/documents/{}/pulled", kept.id);
    answers.push(("pulled", desk.office.ask(Method::POST, &path, clerk, None::<&()>).await));
    answers.push(("recall", desk.take_back(&desk.clerk, taken.id).await));
    let give_up = request(&desk.clerk, Method::DELETE, &format!("/api/v1/uploads/{}", upload.id))
        .header("tus-resumable", "1.0.0");
    answers.push(("give up", desk.office.send(give_up, Body::empty()).await));
    for (what, answer) in &answers {
        assert!(answer.status >= 500, "{what}: {}", answer.status);
    }
    desk.office.break_audit(false).await;

    assert_eq!(desk.objects().await.len(), objects, "no bytes without an entry");
    desk.office
        .get(&format!("/documents/{}", whole.id), &desk.clerk)
        .await
        .refused(404, "not_found");
    assert_eq!(desk.info(&desk.clerk, kept.id).await.state, DocumentState::Received);
    assert_eq!(desk.info(&desk.clerk, taken.id).await.state, DocumentState::Received);
    desk.standing(&desk.clerk, again.id).await.refused_without_body(404);
    // All of it works once entries are taken again.
    desk.post_whole(&desk.clerk, whole.frames(&note)).await.ok();
    let note = desk.sign(&desk.clerk, &upload).await;
    desk.complete(&desk.clerk, &upload, &note).await.ok();
    assert_eq!(desk.read(&desk.accountant, upload.id).await, upload.plaintext);
}

/// Row D3 in numbers: entries fail and are taken again, as chance has it, under a row of sends.
#[tokio::test(flavor = "multi_thread")]
async fn no_effect_is_without_an_entry_and_no_entry_without_an_effect() {
    let desk = Desk::open().await;
    let before = desk.office.entries("document.complete").await;
    let rounds = if full_size() { 10_000 } else { 1_000 };
    let (mut broken, mut told, mut refused) = (false, Vec::new(), 0);
    for chance in noise(rounds, 77) {
        let breaks = chance.is_multiple_of(3);
        if breaks != broken {
            desk.office.break_audit(breaks).await;
            broken = breaks;
        }
        let paper = desk.paper("one of many").await;
        let note = desk.sign(&desk.clerk, &paper).await;
        let answer = desk.post_whole(&desk.clerk, paper.frames(&note)).await;
        match answer.status {
            201 => told.push(paper.id),
            status => {
                assert!(breaks && status >= 500, "{status} although entries are taken");
                refused += 1;
            }
        }
    }
    if broken {
        desk.office.break_audit(false).await;
    }
    assert!(refused > rounds / 5 && told.len() > rounds / 2, "{refused} of {rounds} were refused");
    assert_eq!(desk.office.entries("document.complete").await - before, told.len());
    assert_eq!(desk.objects().await.len(), told.len(), "what was refused left nothing");
    for id in told.iter().step_by(97) {
        assert_eq!(desk.info(&desk.clerk, *id).await.state, DocumentState::Received);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let settings = Settings { keep_free_bytes: u64::MAX / 2, ..Settings::default() };
    let desk = Desk::open_with(settings).await;
    let paper = desk.paper("x").await;
    desk.try_send(&desk.clerk, &paper).await.refused(507, "insufficient_storage");
    let answer =
        desk.begin(&desk.clerk, &paper.metadata(), paper.total(), paper.header.clone()).await;
    answer.refused(507, "insufficient_storage");
    assert!(desk.objects().await.is_empty());
    desk.office.get("/documents", &desk.clerk).await.ok();
}

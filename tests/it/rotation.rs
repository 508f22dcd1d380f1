//! The gateway's side of rotations and confirmations: it takes what the old key signed and nothing
//! else, once, and everything that the old keyring opened ends with it.

use http::Method;
use serde_json::{Value, json};
use strongroom::api::{
    Base64, KeyringHeader, KeyringSealed, Refresh, Rotation, RotationStart, RotationStarted,
    SessionOpened, Statements, Submit,
};
use strongroom::envelope::keyring::{self, Unlock};
use strongroom::envelope::statement::{
    Assignment, Card, Note, Recipient, RevocationKind, Role, Statement,
};
use strongroom::envelope::{FileKey, Keyring, MemberKeys};
use strongroom::opaque;
use strongroom::secrets::Secret;
use strongroom::trust::fragment::{kit_token, token_hash};
use strongroom::trust::{Directory, Vouched, card_subject};

use crate::support::office::{Answer, Office, Person};

/// The keys that somebody is about to have.
struct Next {
    keys: MemberKeys,
    kit: Secret<32>,
    file_key: FileKey,
    payload: Vec<u8>,
}

impl Next {
    fn of(person: &Person) -> Self {
        let keyring = Keyring::random(person.member);
        let (payload, file_key) = keyring::seal(&keyring);
        Self { keys: keyring.keys(), kit: Secret::random(), file_key, payload }
    }

    fn header(&self, person: &Person, unlock: Unlock, secret: &[u8]) -> KeyringHeader {
        let header = keyring::wrap(&self.file_key, unlock, secret, person.member);
        KeyringHeader { kind: unlock.as_str().into(), header: Base64(header.as_bytes().to_vec()) }
    }

    fn card(&self, before: &Card) -> Card {
        Card {
            epoch: before.epoch + 1,
            sign: self.keys.sign.public(),
            recipient: Some(Recipient::from(&self.keys.recipient())),
            recipient_pq: Some(Recipient::from(&self.keys.recipient_post_quantum())),
            prev: Some(before.hash()),
            time: before.time.plus_ms(1),
            ..before.clone()
        }
    }

    /// A request that is right in every way, without a passphrase.
    fn rotation(&self, person: &Person, before: &Card) -> Rotation {
        self.with_card(
            person,
            Note::sign(&self.card(before), &[&self.keys.sign, &person.keys.sign]),
        )
    }

    fn with_card(&self, person: &Person, card: Note) -> Rotation {
        Rotation {
            card,
            registration: None,
            kit_token_hash: token_hash(&kit_token(&self.kit, person.member)),
            keyring: KeyringSealed {
                payload: Base64(self.payload.clone()),
                headers: vec![
                    self.header(person, Unlock::Kit, self.kit.expose()),
                    self.header(person, Unlock::Device, &[9; 32]),
                ],
            },
        }
    }
}

async fn start(office: &Office, person: &Person) -> RotationStarted {
    let start = RotationStart { request: None };
    office.post("/keyring/rotation/start", Some(person), &start).await.ok().json()
}

async fn rotate(office: &Office, person: &Person, rotation: &Rotation) -> Answer {
    office.post("/keyring/rotation", Some(person), rotation).await
}

async fn kit_login(office: &Office, person: &Person, kit: &Secret<32>) -> Answer {
    let token = kit_token(kit, person.member).to_base64url().to_string();
    let body = json!({ "login": person.login, "token": token, "device": "another" });
    office.post("/login/kit", None, &body).await
}

async fn people(office: &Office, lead: &Person) -> Directory {
    let answer = office.get("/directory?people=true", lead).await.ok();
    let Statements { statements } = answer.json();
    Directory::verify(office.root.public(), &statements).expect("it verifies")
}

#[tokio::test]
async fn a_rotation_puts_everything_of_the_old_keyring_to_an_end() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲").await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = office.joined_with("wang.li", &invited, "old words").await;
    office.assign(&lead, client, &[&person]).await;
    let mut other = Person::new("wang.li", Role::Accountant);
    other.holds(office.log_in("wang.li", "old words").await.expect("logs in"));
    let old_kit = person.kit.clone();
    kit_login(&office, &person, &old_kit).await.ok();

    let RotationStarted { card, not_before, passphrase, response } = start(&office, &person).await;
    let before: Card = card.decode().expect("a card");
    assert!(passphrase && response.is_none());
    assert_eq!(not_before, before.time.plus_ms(1));
    let next = Next::of(&person);
    let mut rotation = next.rotation(&person, &before);
    // The passphrase would be lost.
    rotate(&office, &person, &rotation).await.refused(400, "bad_request");
    let (state, request) = opaque::client_register_start(b"old words").expect("a request");
    let begin = RotationStart { request: Some(Base64(request)) };
    let begun: RotationStarted =
        office.post("/keyring/rotation/start", Some(&person), &begin).await.ok().json();
    let response = begun.response.expect("answered");
    let (upload, key) =
        opaque::client_register_finish(state, b"old words", &response.0).expect("registered");
    rotation.registration = Some(Base64(upload));
    rotate(&office, &person, &rotation).await.refused(400, "bad_request");
    rotation.keyring.headers.push(next.header(&person, Unlock::Opaque, key.expose()));
    office.break_audit(true).await;
    assert_eq!(rotate(&office, &person, &rotation).await.status, 503, "no change without entry");
    office.break_audit(false).await;
    rotate(&office, &person, &rotation).await.ok();
    // The answer got lost: the same again changes nothing.
    rotate(&office, &person, &rotation).await.ok();
    assert_eq!(office.entries("key.rotate").await, 1, "one client, one entry");

    office.get("/me", &person).await.ok();
    office.get("/me", &other).await.refused(401, "unauthorized");
    let refresh = Refresh { refresh_token: other.refresh.clone() };
    office.post("/session/refresh", None, &refresh).await.refused(401, "unauthorized");
    kit_login(&office, &person, &old_kit).await.refused(401, "unauthorized");
    let opened: SessionOpened = kit_login(&office, &person, &next.kit).await.ok().json();
    assert_eq!(opened.card.hash(), rotation.card.hash());
    assert_eq!(opened.keyring.payload.0, next.payload);
    // `log_in` opens the keyring with the export key.
    office.log_in("wang.li", "old words").await.expect("the passphrase opens the new one");
    let directory = people(&office, &lead).await;
    assert_eq!(directory.card(person.member).map(|card| card.epoch), Some(2));
    assert_eq!(directory.vouched(person.member), Some(Vouched::OldKey));
}

#[tokio::test]
async fn only_the_old_keys_next_card_is_taken() {
    let (office, lead) = Office::with_lead().await;
    let person = office.member(&lead, "wang.li", Role::Accountant, None).await;
    let victim = office.member(&lead, "zhou", Role::Accountant, None).await;
    let before: Card = start(&office, &person).await.card.decode().expect("a card");
    let next = Next::of(&person);
    let good = next.card(&before);
    let sign = |card: &Card| Note::sign(card, &[&next.keys.sign, &person.keys.sign]);
    let theirs: Card = start(&office, &victim).await.card.decode().expect("a card");
    let far = office.now().plus_secs(27 * 3600);
    let refused = [
        ("by the new key alone", Note::sign(&good, &[&next.keys.sign])),
        ("by the old key alone", Note::sign(&good, &[&person.keys.sign])),
        ("by a lead for them", Note::sign(&good, &[&next.keys.sign, &lead.keys.sign])),
        ("another role", sign(&Card { role: Role::Lead, ..good.clone() })),
        ("another name", sign(&Card { name_hash: theirs.name_hash, ..good.clone() })),
        ("an epoch too far", sign(&Card { epoch: 3, ..good.clone() })),
        ("the same time", sign(&Card { time: before.time, ..good.clone() })),
        ("the far future", sign(&Card { time: far, ..good.clone() })),
        ("the same recipient", sign(&Card { recipient: before.recipient.clone(), ..good.clone() })),
        (
            "somebody's recipient",
            sign(&Card { recipient: theirs.recipient.clone(), ..good.clone() }),
        ),
        (
            "somebody's post-quantum recipient",
            sign(&Card { recipient_pq: theirs.recipient_pq.clone(), ..good.clone() }),
        ),
        ("no recipient", sign(&Card { recipient: None, ..good.clone() })),
        ("the same key", {
            let card = Card { sign: before.sign, ..good.clone() };
            Note::sign(&card, &[&person.keys.sign])
        }),
        ("somebody's key", {
            let card = Card { sign: victim.keys.sign.public(), ..good.clone() };
            Note::sign(&card, &[&victim.keys.sign, &person.keys.sign])
        }),
        ("somebody else's card", sign(&next.card(&theirs))),
    ];
    for (what, card) in refused {
        let answer = rotate(&office, &person, &next.with_card(&person, card)).await;
        assert!([409, 422].contains(&answer.status), "{what}: {answer:?}");
        assert!(answer.status == 422 || answer.code() == "chain_moved", "{what}: {answer:?}");
    }
    let mut headless = next.rotation(&person, &before);
    headless.keyring.headers.remove(1);
    rotate(&office, &person, &headless).await.refused(400, "bad_request");
    headless.keyring.headers.clear();
    rotate(&office, &person, &headless).await.refused(400, "bad_request");
    assert_eq!(office.entries("key.rotate").await, 0);
    // Who the others are is unharmed, and the right one is taken.
    rotate(&office, &person, &next.rotation(&person, &before)).await.ok();
    // Another device had begun from the same card: it was too late.
    let late = Next::of(&person);
    rotate(&office, &person, &late.rotation(&person, &before)).await.refused(409, "chain_moved");
    let again = next.card(&before);
    let forked = Card { time: again.time.plus_ms(5), ..again };
    let forked = next.with_card(&person, sign(&forked));
    rotate(&office, &person, &forked).await.refused(409, "chain_moved");
    people(&office, &lead).await;
}

#[tokio::test]
async fn what_the_old_key_signed_keeps_its_signer() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲").await;
    let accountant = office.member(&lead, "wang.li", Role::Accountant, None).await;
    // Signed on a device whose clock is an hour ahead.
    let assignment = Assignment {
        root: office.root.key_id(),
        client,
        category: None,
        accountants: vec![accountant.member],
        prev: None,
        time: office.now().plus_secs(3600),
    };
    let submit = Submit { statement: Note::sign(&assignment, &[&lead.keys.sign]) };
    office.post("/assignments", Some(&lead), &submit).await.ok();
    let RotationStarted { card, not_before, .. } = start(&office, &lead).await;
    assert_eq!(not_before, office.now().plus_ms(3_600_001));
    let before: Card = card.decode().expect("a card");
    let next = Next::of(&lead);
    let early = next.rotation(&lead, &before);
    rotate(&office, &lead, &early).await.refused(422, "statement_refused");
    let card = Card { time: not_before, ..next.card(&before) };
    let card = Note::sign(&card, &[&next.keys.sign, &lead.keys.sign]);
    rotate(&office, &lead, &next.with_card(&lead, card)).await.ok();
    let answer = office.get(&format!("/directory?client={client}"), &accountant).await.ok();
    let Statements { statements } = answer.json();
    let directory = Directory::verify(office.root.public(), &statements).expect("it verifies");
    assert_eq!(directory.assigned_exactly(client, None), [accountant.member]);
    // What comes now is signed by the new key, whatever time it claims.
    let stale =
        office.assignment(client, None, &[&lead], directory.assignment_head(client, None), &lead);
    office.post("/assignments", Some(&lead), &stale).await.refused(422, "statement_refused");
}

#[tokio::test]
async fn a_key_is_confirmed_by_whoever_may_know_it_and_vouched_for_by_leads_alone() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲").await;
    let accountant = office.member(&lead, "wang.li", Role::Accountant, None).await;
    let principal = office.member(&lead, "boss", Role::Principal, Some(client)).await;
    let auditor = office.member(&lead, "auditor", Role::Auditor, None).await;
    office.assign(&lead, client, &[&accountant]).await;
    let before: Card = start(&office, &accountant).await.card.decode().expect("a card");
    let next = Next::of(&accountant);
    let rotation = next.rotation(&accountant, &before);
    rotate(&office, &accountant, &rotation).await.ok();

    let confirm = |client: Option<Value>, signed: Option<&Note>| {
        json!({
            "member": accountant.member,
            "client": client,
            "card": rotation.card.hash(),
            "signed": signed,
        })
    };
    let path = "/key-confirmations";
    let own = Some(json!(client));
    office.post(path, Some(&principal), &confirm(own.clone(), None)).await.ok();
    office.post(path, Some(&principal), &confirm(None, None)).await.refused(403, "not_allowed");
    let mut stale = confirm(own.clone(), None);
    stale["card"] = json!(before.hash());
    office.post(path, Some(&principal), &stale).await.refused(409, "chain_moved");
    let mut unknown = confirm(own.clone(), None);
    unknown["member"] = json!(auditor.member);
    office.post(path, Some(&principal), &unknown).await.refused(404, "not_found");

    let signed_by = |keys: &MemberKeys| {
        let mut note = rotation.card.clone();
        note.add_signature(&keys.sign);
        note
    };
    let by_auditor = confirm(None, Some(&signed_by(&auditor.keys)));
    office.post(path, Some(&auditor), &by_auditor).await.refused(403, "not_allowed");
    // A lead hands over no signature but their own.
    let not_theirs = confirm(None, Some(&signed_by(&auditor.keys)));
    office.post(path, Some(&lead), &not_theirs).await.refused(422, "statement_refused");
    let other_text = Note::sign(&next.card(&next.card(&before)), &[&lead.keys.sign]);
    office
        .post(path, Some(&lead), &confirm(None, Some(&other_text)))
        .await
        .refused(422, "statement_refused");
    assert_eq!(people(&office, &lead).await.vouched(accountant.member), Some(Vouched::OldKey));
    let vouched = confirm(None, Some(&signed_by(&lead.keys)));
    let answer: Value = office.post(path, Some(&lead), &vouched).await.ok().json();
    assert_eq!(answer["countersigned"], true);
    office.post(path, Some(&lead), &vouched).await.ok();
    assert_eq!(people(&office, &lead).await.vouched(accountant.member), Some(Vouched::Lead));
    // Everybody who seals to them sees it.
    let answer = office.get(&format!("/directory?client={client}"), &principal).await.ok();
    let Statements { statements } = answer.json();
    let directory = Directory::verify(office.root.public(), &statements).expect("it verifies");
    assert_eq!(directory.vouched(accountant.member), Some(Vouched::Lead));
    assert_eq!(office.entries("key.confirm").await, 3);

    // Nobody vouches for themselves.
    let own_card = start(&office, &lead).await.card;
    let body = json!({ "member": lead.member, "client": null, "card": own_card.hash(), "signed": own_card });
    office.post(path, Some(&lead), &body).await.refused(422, "statement_refused");
    // Who everybody is, is for those who see the members.
    office.get("/directory?people=true", &principal).await.refused(403, "not_allowed");
    office.get("/directory?people=true", &accountant).await.refused(403, "not_allowed");
    office.get("/directory?people=true", &auditor).await.ok();
}

#[tokio::test]
async fn a_revoked_card_ends_sessions_and_waits_for_a_lead() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲").await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let mut person = office.joined_with("wang.li", &invited, "some words").await;
    office.assign(&lead, client, &[&person]).await;
    office.pass_secs(60);
    let revoke =
        |subject: String, by: &Person| office.revocation(RevocationKind::Card, subject, by);
    let first = card_subject(person.member, 1);
    for (by, status) in [(&person, 403), (&lead, 204)] {
        let answer = office.post("/revocations", Some(by), &revoke(first.clone(), by)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    for (subject, code) in [
        (card_subject(person.member, 2), "not_found"),
        (card_subject(strongroom::ids::MemberId::random(), 1), "not_found"),
        (person.member.to_string(), "statement_refused"),
    ] {
        let answer = office.post("/revocations", Some(&lead), &revoke(subject, &lead)).await;
        assert_eq!(answer.code(), code);
    }
    office.get("/me", &person).await.refused(401, "unauthorized");
    let directory = people(&office, &lead).await;
    assert!(!directory.is_in_force(person.member) && directory.is_active(person.member));
    assert_eq!(office.entries("card.revoke").await, 1);

    // With passphrase and keyring the member makes another key; it counts once a lead vouches.
    person.holds(office.log_in("wang.li", "some words").await.expect("logs in"));
    let before: Card = start(&office, &person).await.card.decode().expect("a card");
    let next = Next::of(&person);
    let (state, request) = opaque::client_register_start(b"w").expect("a request");
    let begin = RotationStart { request: Some(Base64(request)) };
    let begun: RotationStarted =
        office.post("/keyring/rotation/start", Some(&person), &begin).await.ok().json();
    let response = begun.response.expect("answered");
    let (upload, key) = opaque::client_register_finish(state, b"w", &response.0).expect("done");
    let card = Card { time: office.now(), ..next.card(&before) };
    let card = Note::sign(&card, &[&next.keys.sign, &person.keys.sign]);
    let mut rotation = next.with_card(&person, card);
    rotation.registration = Some(Base64(upload));
    rotation.keyring.headers.push(next.header(&person, Unlock::Opaque, key.expose()));
    rotate(&office, &person, &rotation).await.ok();
    assert!(!people(&office, &lead).await.is_in_force(person.member));
    let mut signed = rotation.card.clone();
    signed.add_signature(&lead.keys.sign);
    let body =
        json!({ "member": person.member, "client": null, "card": signed.hash(), "signed": signed });
    office.post("/key-confirmations", Some(&lead), &body).await.ok();
    assert!(people(&office, &lead).await.is_in_force(person.member));
    let gone = office.ask(Method::GET, "/me", None, None::<&()>).await;
    gone.refused(401, "unauthorized");
}

/// Members whom no one directory shows together: two clerks of a client, of whom one has rotated.
#[tokio::test]
async fn a_key_that_somebody_ever_had_makes_no_other_member() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲").await;
    let accountant = office.member(&lead, "acc", Role::Accountant, None).await;
    office.assign(&lead, client, &[&accountant]).await;
    let first = office.member(&lead, "first", Role::Clerk, Some(client)).await;
    let before: Card = start(&office, &first).await.card.decode().expect("a card");
    let next = Next::of(&first);
    rotate(&office, &first, &next.rotation(&first, &before)).await.ok();
    let now = next.card(&before);

    let invited = office.invite(&lead, Role::Clerk, Some(client)).await;
    let path = format!("/invitations/{}/join", invited.id);
    let second = Person::new("second", Role::Clerk);
    let card = second.card(&office);
    let theirs = [
        ("a former key", Card { sign: before.sign, ..card.clone() }, &first.keys.sign),
        ("a key", Card { sign: now.sign, ..card.clone() }, &next.keys.sign),
        (
            "a former recipient",
            Card { recipient: before.recipient.clone(), ..card.clone() },
            &second.keys.sign,
        ),
        (
            "a recipient",
            Card { recipient_pq: now.recipient_pq.clone(), ..card.clone() },
            &second.keys.sign,
        ),
        (
            "the recipient of an accountant",
            Card { recipient: accountant.card(&office).recipient, ..card.clone() },
            &second.keys.sign,
        ),
    ];
    for (what, card, key) in theirs {
        let mut join = second.join(&office, &invited);
        join.card = Note::sign(&card, &[key, &invited.key()]);
        let answer = office.post(&path, None, &join).await;
        assert_eq!((answer.status, answer.code()), (409, "wrong_state".into()), "{what}");
    }
    // The directories stand, and the invitation is as good as before.
    people(&office, &lead).await;
    office.joined("second", &invited).await;
    let page: Statements =
        office.get(&format!("/directory?client={client}"), &accountant).await.ok().json();
    Directory::verify(office.root.public(), &page.statements).expect("a directory");
}

#[tokio::test]
async fn nobody_makes_many_cards_in_a_day() {
    let (office, lead) = Office::with_lead().await;
    let mut person = office.member(&lead, "wang.li", Role::Accountant, None).await;
    let mut made = 1;
    loop {
        let before: Card = start(&office, &person).await.card.decode().expect("a card");
        let next = Next::of(&person);
        let answer = rotate(&office, &person, &next.rotation(&person, &before)).await;
        if answer.status == 429 {
            answer.refused(429, "too_many_requests");
            break;
        }
        answer.ok();
        (person.keys, person.kit) = (next.keys, next.kit);
        made += 1;
        assert!(made < 50, "no end");
    }
    assert_eq!(made, 12);
    office.pass_secs(24 * 3600 + 1);
    let kit = person.kit.clone();
    let opened: SessionOpened = kit_login(&office, &person, &kit).await.ok().json();
    person.holds(opened);
    let before: Card = start(&office, &person).await.card.decode().expect("a card");
    let next = Next::of(&person);
    rotate(&office, &person, &next.rotation(&person, &before)).await.ok();
}

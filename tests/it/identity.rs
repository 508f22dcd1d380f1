//! Joining, logging in, sessions: each success, and each way it must not go.

use std::sync::Arc;

use http::Method;
use strongroom::api::{
    Base64, InvitationSeen, Join, JoinStart, KeyringHeader, KitLogin, LoginFinish, LoginStarted,
    Me, PassphraseChange, PassphraseStart, PassphraseStarted, Refresh, SessionInfo, SessionOpened,
    Statements, Tokens,
};
use strongroom::envelope::keyring::Unlock;
use strongroom::envelope::statement::{Card, Hash, Note, RevocationKind, Role};
use strongroom::http::server::Peer;
use strongroom::ids::{MemberId, SessionId};
use strongroom::opaque;
use strongroom::secrets::Secret;
use strongroom::trust::Directory;
use strongroom::trust::fragment::{Fragment, kit_token};

use crate::support::office::{Answer, Invited, Office, Person};

async fn join(office: &Office, invited: &Invited, join: &Join) -> Answer {
    office.post(&format!("/invitations/{}/join", invited.id), None, join).await
}

async fn refresh(office: &Office, token: &str) -> Answer {
    office.post("/session/refresh", None, &Refresh { refresh_token: token.into() }).await
}

fn kit_login(login: &str, kit: &Secret<32>, member: MemberId) -> KitLogin {
    KitLogin {
        login: login.into(),
        token: kit_token(kit, member).to_base64url().to_string(),
        device: "another".into(),
    }
}

#[tokio::test]
async fn an_invitation_becomes_a_member_who_logs_in_anywhere() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let seen: InvitationSeen = office
        .post(
            &format!("/invitations/{}/look", invited.id),
            None,
            &serde_json::json!({ "token": invited.token() }),
        )
        .await
        .ok()
        .json();
    Directory::verify(office.root.public(), &seen.statements).expect("leads to the lead");
    let person = office.joined_with("wang.li", &invited, "一句口令").await;
    let me: Me = office.get("/me", &person).await.ok().json();
    assert_eq!(
        (me.member, me.role, me.login.as_str()),
        (person.member, Role::Accountant, "wang.li")
    );
    assert_eq!((me.session, me.waiting), (person.session, 0));

    let statements: Statements = office.get("/directory", &person).await.ok().json();
    let directory = Directory::verify(office.root.public(), &statements.statements).expect("true");
    assert_eq!(directory.card(person.member), Some(&person.card(&office)), "their own card is in");

    let opened = office.log_in("Wang.Li ", "一句口令").await.expect("the right passphrase");
    assert_eq!(opened.member, person.member);
    assert_ne!(opened.session, person.session);
    assert_eq!(opened.card.decode::<Card>(), Ok(person.card(&office)));
    assert!(office.log_in("wang.li", "another").await.is_none());

    let by_kit: SessionOpened = office
        .post("/login/kit", None, &kit_login("wang.li", &person.kit, person.member))
        .await
        .ok()
        .json();
    let [header] = by_kit.keyring.headers.as_slice() else { panic!("one header") };
    assert_eq!(header.kind, "kit");
    let sessions: Vec<SessionInfo> = office.get("/sessions", &person).await.ok().json();
    assert_eq!(sessions.len(), 3);
    assert_eq!(sessions.iter().filter(|s| s.current).count(), 1);
    assert_eq!(office.entries("member.join").await, 2);
    assert_eq!(office.entries("session.open").await, 2);
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_its_time() {
    let (office, lead) = Office::with_lead().await;
    let used = office.invite(&lead, Role::Accountant, None).await;
    office.joined("first", &used).await;
    let second = Person::new("second", Role::Accountant);
    join(&office, &used, &second.join(&office, &used)).await.refused(404, "not_found");

    let revoked = office.invite(&lead, Role::Accountant, None).await;
    let revocation = office.revocation(RevocationKind::Invitation, revoked.id, &lead);
    office.post("/revocations", Some(&lead), &revocation).await.ok();
    join(&office, &revoked, &second.join(&office, &revoked)).await.refused(404, "not_found");

    let foreign = Invited { fragment: Fragment::new(office.root.key_id()), ..revoked.clone() };
    join(&office, &foreign, &second.join(&office, &foreign)).await.refused(404, "not_found");

    let expired = office.invite(&lead, Role::Accountant, None).await;
    office.pass_secs(7 * 86_400);
    join(&office, &expired, &second.join(&office, &expired)).await.refused(404, "not_found");
    let start = JoinStart {
        token: expired.token(),
        member: second.member,
        request: Base64(opaque::client_register_start(b"p").expect("a request").1),
    };
    let path = format!("/invitations/{}/join/start", expired.id);
    let answer = office.post(&path, None, &start).await;
    answer.refused(404, "not_found");
    // One answer for all of them, byte for byte.
    let unknown = format!("/invitations/{}/join/start", strongroom::ids::InvitationId::random());
    assert_eq!(office.post(&unknown, None, &start).await.body, answer.body);
}

#[tokio::test]
async fn of_two_who_race_for_an_invitation_one_joins() {
    let (office, lead) = Office::with_lead().await;
    let office = Arc::new(office);
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let racers = (0..8).map(|n| {
        let (office, invited) = (office.clone(), invited.clone());
        tokio::spawn(async move {
            let person = Person::new(&format!("racer{n}"), Role::Accountant);
            join(&office, &invited, &person.join(&office, &invited)).await.status
        })
    });
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        won += usize::from(racer.await.expect("no panic") == 201);
    }
    assert_eq!(won, 1);
    assert_eq!(office.entries("member.join").await, 2, "the lead and one racer");
}

#[tokio::test]
async fn a_lost_answer_to_a_join_can_be_asked_for_again_by_the_member_alone() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let mut person = Person::new("wang.li", Role::Accountant);
    let request = person.join(&office, &invited);
    join(&office, &invited, &request).await.ok();
    let again: SessionOpened = join(&office, &invited, &request).await.ok().json();
    assert_eq!(again.member, person.member);
    person.holds(again);
    office.get("/me", &person).await.ok();
    assert_eq!(office.entries("member.join").await, 2, "the lead and one more");
    // The lead knows the link and the card, but neither the kit nor the keyring.
    let mut impostor = request.clone();
    impostor.kit_token_hash = Hash([1; 32]);
    join(&office, &invited, &impostor).await.refused(404, "not_found");
    let mut impostor = request.clone();
    impostor.keyring.payload.0[20] ^= 1;
    join(&office, &invited, &impostor).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_card_says_what_the_invitation_lets_it_say() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = Person::new("wang.li", Role::Accountant);
    let good = person.join(&office, &invited);
    let signed = |card: &Card| Note::sign(card, &[&person.keys.sign, &invited.key()]);
    type Change = Box<dyn Fn(&mut Card)>;
    let changes: Vec<(&str, Change)> = vec![
        ("another firm", Box::new(|c| c.root = strongroom::ids::KeyId::from_bytes([1; 16]))),
        ("a better role", Box::new(|c| c.role = Role::Lead)),
        ("a key's role", Box::new(|c| c.role = Role::GatewayReceipt)),
        ("a later epoch", Box::new(|c| c.epoch = 2)),
        ("a card before", Box::new(|c| c.prev = Some(Hash([1; 32])))),
        ("another name", Box::new(|c| c.name_hash = Hash([1; 32]))),
        ("no recipient", Box::new(|c| c.recipient = None)),
        ("no post-quantum one", Box::new(|c| c.recipient_pq = None)),
        ("two of a kind", Box::new(|c| c.recipient_pq = c.recipient.clone())),
        ("no key at all", Box::new(|c| c.recipient = "age1qqqq".parse().ok())),
        ("the far future", Box::new(|c| c.time = c.time.plus_secs(30 * 86_400))),
    ];
    for (what, change) in changes {
        let mut card = person.card(&office);
        change(&mut card);
        let request = Join { card: signed(&card), ..good.clone() };
        let answer = join(&office, &invited, &request).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "statement_refused"), "{what}");
    }
    let card = person.card(&office);
    for keys in [vec![&person.keys.sign], vec![&invited.key()], vec![&lead.keys.sign]] {
        let request = Join { card: Note::sign(&card, &keys), ..good.clone() };
        join(&office, &invited, &request).await.refused(422, "statement_refused");
    }
    // Nothing of all this used the invitation up.
    join(&office, &invited, &good).await.ok();
}

#[tokio::test]
async fn a_join_is_all_or_nothing() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = Person::new("wang.li", Role::Accountant);
    let good = person.join(&office, &invited);
    let taken = Join { login: "LEAD".into(), ..good.clone() };
    join(&office, &invited, &taken).await.refused(409, "login_taken");
    for login in ["", "a b", "a\nb", "../x"] {
        let request = Join { login: login.into(), ..good.clone() };
        join(&office, &invited, &request).await.refused(400, "bad_request");
    }
    let mut no_kit = good.clone();
    no_kit.keyring.headers.retain(|h| h.kind != "kit");
    join(&office, &invited, &no_kit).await.refused(400, "bad_request");
    let mut mislabelled = good.clone();
    mislabelled.keyring.headers[0].kind = "opaque".into();
    join(&office, &invited, &mislabelled).await.refused(400, "bad_request");
    let mut twice = good.clone();
    twice.keyring.headers.push(good.keyring.headers[0].clone());
    join(&office, &invited, &twice).await.refused(400, "bad_request");
    let mut half = good.clone();
    half.keyring.headers.push(person.header(Unlock::Opaque, &[1; 64]));
    join(&office, &invited, &half).await.refused(400, "bad_request");
    assert_eq!(office.entries("member.join").await, 1, "the lead alone");
    join(&office, &invited, &good).await.ok();
    // A member's id and key are theirs.
    let other = office.invite(&lead, Role::Accountant, None).await;
    let copied = Join { login: "somebody".into(), ..person.join(&office, &other) };
    join(&office, &other, &copied).await.refused(409, "wrong_state");
    let start = JoinStart {
        token: other.token(),
        member: person.member,
        request: Base64(opaque::client_register_start(b"guess").expect("a request").1),
    };
    let path = format!("/invitations/{}/join/start", other.id);
    office.post(&path, None, &start).await.refused(409, "wrong_state");
}

#[tokio::test]
async fn names_that_do_not_exist_are_answered_like_those_that_do() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = office.joined_with("wang.li", &invited, "p").await;
    let mut shapes = Vec::new();
    let mut invented = Vec::new();
    for login in ["wang.li", "nobody", "nobody", "not a name!"] {
        let (state, answer) = office.start_login(login, "wrong").await;
        let answer = answer.ok();
        let started: LoginStarted = answer.json();
        shapes.push((answer.body.len(), started.response.0.len()));
        invented.push(started.member);
        assert!(opaque::client_login_finish(state, b"wrong", &started.response.0).is_err());
        let finish = LoginFinish {
            attempt: started.attempt,
            finalization: Base64(vec![0; 64]),
            device: String::new(),
        };
        office.post("/login/finish", None, &finish).await.refused(401, "unauthorized");
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    assert_eq!(invented[0], person.member);
    assert_eq!(invented[1], invented[2], "the same made-up member each time");
    assert_ne!(invented[1], invented[3]);
    let known = office
        .post("/login/kit", None, &kit_login("wang.li", &Secret::random(), person.member))
        .await;
    let unknown =
        office.post("/login/kit", None, &kit_login("nobody", &Secret::random(), invented[1])).await;
    known.refused(401, "unauthorized");
    assert_eq!(known.body, unknown.body);
}

#[tokio::test]
async fn an_attempt_is_finished_once_and_soon() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    office.joined_with("wang.li", &invited, "p").await;
    let attempt = async || {
        let (state, answer) = office.start_login("wang.li", "p").await;
        let started: LoginStarted = answer.ok().json();
        let (finalization, _) =
            opaque::client_login_finish(state, b"p", &started.response.0).expect("KE3");
        (started.attempt, finalization)
    };
    let finish = async |attempt: SessionId, finalization: &[u8]| {
        let finish = LoginFinish {
            attempt,
            finalization: Base64(finalization.to_vec()),
            device: "x".into(),
        };
        office.post("/login/finish", None, &finish).await
    };
    let (id, proof) = attempt().await;
    finish(id, &proof).await.ok();
    finish(id, &proof).await.refused(401, "unauthorized");
    let (id, proof) = attempt().await;
    let mut wrong = proof.clone();
    wrong[3] ^= 1;
    finish(id, &wrong).await.refused(401, "unauthorized");
    finish(id, &proof).await.refused(401, "unauthorized");
    let (id, proof) = attempt().await;
    let (_, other) = attempt().await;
    finish(id, &other).await.refused(401, "unauthorized");
    let (id, _) = (attempt().await.0, proof);
    office.pass_secs(121);
    finish(id, &other).await.refused(401, "unauthorized");
}

/// Row A16, for one name: 1,000 tries within an hour.
#[tokio::test]
async fn guessing_is_counted_before_it_is_evaluated() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    office.joined_with("wang.li", &invited, "p").await;
    let (_, request) = opaque::client_login_start(b"guess").expect("KE1");
    for login in ["wang.li", "nobody"] {
        let start =
            strongroom::api::LoginStart { login: login.into(), request: Base64(request.clone()) };
        let mut evaluated = 0;
        let mut locked = None;
        for _ in 0..200 {
            let answer = office.post("/login/start", None, &start).await;
            match answer.status {
                200 => evaluated += 1,
                _ => {
                    answer.refused(429, "too_many_requests");
                    assert!(answer.head.headers.contains_key("retry-after"));
                    locked.get_or_insert(answer.body);
                }
            }
        }
        assert_eq!(evaluated, 10, "{login}");
    }
    // Whoever is logged in goes on, and after the lock the right passphrase is taken.
    office.pass_secs(900);
    assert!(office.log_in("wang.li", "p").await.is_some());
    for _ in 0..9 {
        assert!(office.log_in("wang.li", "wrong").await.is_none());
    }
    assert!(office.log_in("wang.li", "p").await.is_some(), "a success forgives");
}

/// Row A16, spraying: one network tries one guess at each of many names.
#[tokio::test]
async fn spraying_is_counted_by_network() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    office.joined_with("wang.li", &invited, "p").await;
    let (_, request) = opaque::client_login_start(b"guess").expect("KE1");
    let from = async |address: &str, login: String| {
        let start = strongroom::api::LoginStart { login, request: Base64(request.clone()) };
        let http = http::Request::post("/api/v1/login/start")
            .header("content-type", "application/json")
            .extension(Peer(address.parse().expect("an address")));
        office.send(http, serde_json::to_vec(&start).expect("JSON").into()).await.status
    };
    let mut evaluated = 0;
    for n in 0..300 {
        // Every host of one network is the same guesser.
        let host = format!("2001:db8:1:2::{n:x}");
        evaluated += usize::from(from(&host, format!("name{n}")).await == 200);
    }
    assert_eq!(evaluated, 100);
    assert_eq!(from("2001:db8:1:2::1", "wang.li".into()).await, 429);
    for other in ["2001:db8:1:3::1", "192.0.2.1"] {
        assert_eq!(from(other, "wang.li".into()).await, 200, "{other}");
    }
}

#[tokio::test]
async fn kits_are_throttled_too() {
    let (office, lead) = Office::with_lead().await;
    let person = office.member(&lead, "wang.li", Role::Accountant, None).await;
    for _ in 0..10 {
        let guess = kit_login("wang.li", &Secret::random(), person.member);
        office.post("/login/kit", None, &guess).await.refused(401, "unauthorized");
    }
    let right = kit_login("wang.li", &person.kit, person.member);
    office.post("/login/kit", None, &right).await.refused(429, "too_many_requests");
    office.pass_secs(900);
    office.post("/login/kit", None, &right).await.ok();
}

#[tokio::test]
async fn the_token_before_gets_the_same_successor_for_thirty_seconds() {
    let (office, lead) = Office::with_lead().await;
    let first: Tokens = refresh(&office, &lead.refresh).await.ok().json();
    assert_ne!(first.refresh_token, lead.refresh);
    office.pass_secs(29);
    let again: Tokens = refresh(&office, &lead.refresh).await.ok().json();
    assert_eq!(again.refresh_token, first.refresh_token);
    let second: Tokens = refresh(&office, &again.refresh_token).await.ok().json();
    office.ask(Method::GET, "/me", Some(&second.access_token), None::<&()>).await.ok();
    assert_eq!(office.entries("session.reuse").await, 0);
}

#[tokio::test]
async fn a_token_used_after_its_successor_ends_the_session() {
    for late in [false, true] {
        let (office, lead) = Office::with_lead().await;
        let first: Tokens = refresh(&office, &lead.refresh).await.ok().json();
        if late {
            // Nobody used the successor, but thirty seconds are over.
            office.pass_secs(30);
        } else {
            refresh(&office, &first.refresh_token).await.ok();
        }
        refresh(&office, &lead.refresh).await.refused(401, "unauthorized");
        refresh(&office, &first.refresh_token).await.refused(401, "unauthorized");
        let answer = office.ask(Method::GET, "/me", Some(&first.access_token), None::<&()>).await;
        answer.refused(401, "unauthorized");
        assert_eq!(office.entries("session.reuse").await, 1);
    }
}

#[tokio::test]
async fn devices_that_refresh_at_once_all_go_on() {
    let (office, lead) = Office::with_lead().await;
    let office = Arc::new(office);
    let racers = (0..16).map(|_| {
        let (office, token) = (office.clone(), lead.refresh.clone());
        tokio::spawn(async move { refresh(&office, &token).await.ok().json::<Tokens>() })
    });
    let mut successors = std::collections::BTreeSet::new();
    for racer in racers.collect::<Vec<_>>() {
        successors.insert(racer.await.expect("no panic").refresh_token);
    }
    assert_eq!(successors.len(), 1);
    refresh(&office, successors.first().expect("one")).await.ok();
}

/// Row A17 at the size of CI: no mutant is accepted, and none ends the session.
#[tokio::test]
async fn mutants_of_a_refresh_token_do_nothing() {
    let (office, lead) = Office::with_lead().await;
    let mut bodies = std::collections::BTreeSet::new();
    for at in 0..lead.refresh.len() {
        let mut bytes = lead.refresh.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let answer = refresh(&office, std::str::from_utf8(&bytes).expect("ASCII")).await;
        answer.refused(401, "unauthorized");
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1);
    refresh(&office, &lead.refresh).await.ok();
}

#[tokio::test]
async fn sessions_end_by_hand_by_time_and_with_their_member() {
    let (office, lead) = Office::with_lead().await;
    let mut person = office.member(&lead, "wang.li", Role::Accountant, None).await;
    let login = kit_login("wang.li", &person.kit, person.member);
    let other: SessionOpened = office.post("/login/kit", None, &login).await.ok().json();
    // Nobody ends somebody else's.
    let path = format!("/sessions/{}", lead.session);
    let foreign = office.ask(Method::DELETE, &path, Some(&person.access), None::<&()>).await;
    foreign.refused(404, "not_found");
    let path = format!("/sessions/{}", other.session);
    office.ask(Method::DELETE, &path, Some(&person.access), None::<&()>).await.ok();
    office
        .ask(Method::GET, "/me", Some(&other.tokens.access_token), None::<&()>)
        .await
        .refused(401, "unauthorized");
    refresh(&office, &other.tokens.refresh_token).await.refused(401, "unauthorized");
    // An hour after ten minutes the access token has ended, the session has not.
    office.pass_secs(600);
    office.get("/me", &person).await.refused(401, "unauthorized");
    let tokens: Tokens = refresh(&office, &person.refresh).await.ok().json();
    (person.access, person.refresh) = (tokens.access_token, tokens.refresh_token);
    office.get("/me", &person).await.ok();
    office.post("/session/end", Some(&person), &()).await.ok();
    office.get("/me", &person).await.refused(401, "unauthorized");
    // Ninety idle days.
    let opened: SessionOpened = office.post("/login/kit", None, &login).await.ok().json();
    office.pass_secs(90 * 86_400);
    refresh(&office, &opened.tokens.refresh_token).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_suspended_member_is_out_at_once_and_for_good() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = office.joined_with("wang.li", &invited, "p").await;
    let revocation = office.revocation(RevocationKind::Member, person.member, &lead);
    office.post("/revocations", Some(&lead), &revocation).await.ok();
    office.get("/me", &person).await.refused(401, "unauthorized");
    refresh(&office, &person.refresh).await.refused(401, "unauthorized");
    assert!(office.log_in("wang.li", "p").await.is_none());
    let kit = kit_login("wang.li", &person.kit, person.member);
    office.post("/login/kit", None, &kit).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_new_passphrase_replaces_the_old_one() {
    let (office, lead) = Office::with_lead().await;
    let invited = office.invite(&lead, Role::Accountant, None).await;
    let person = office.joined_with("wang.li", &invited, "old").await;
    let (state, request) = opaque::client_register_start(b"new").expect("a request");
    let started: PassphraseStarted = office
        .post("/passphrase/start", Some(&person), &PassphraseStart { request: Base64(request) })
        .await
        .ok()
        .json();
    let (upload, key) =
        opaque::client_register_finish(state, b"new", &started.response.0).expect("registered");
    let mut change = PassphraseChange {
        registration: Base64(upload),
        header: person.header(Unlock::Kit, key.expose()),
    };
    office.post("/passphrase", Some(&person), &change).await.refused(400, "bad_request");
    change.header = person.header(Unlock::Opaque, key.expose());
    office.post("/passphrase", Some(&person), &change).await.ok();
    assert!(office.log_in("wang.li", "old").await.is_none());
    assert!(office.log_in("wang.li", "new").await.is_some());
    assert_eq!(office.entries("passphrase.change").await, 1);
}

#[tokio::test]
async fn a_device_keeps_its_header_as_long_as_its_session() {
    let (office, lead) = Office::with_lead().await;
    let put = async |header: KeyringHeader| {
        office.ask(Method::PUT, "/keyring/headers", Some(&lead.access), Some(&header)).await
    };
    put(lead.header(Unlock::Kit, &[1; 32])).await.refused(400, "bad_request");
    put(lead.header(Unlock::Device, &[1; 32])).await.ok();
    put(lead.header(Unlock::Device, &[2; 32])).await.ok();
    let mut broken = lead.header(Unlock::Device, &[1; 32]);
    broken.header.0.push(0);
    put(broken).await.refused(400, "bad_request");
}

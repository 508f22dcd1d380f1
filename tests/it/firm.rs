//! Clients, invitations, assignments, policies, links, members: what a lead may do, and what
//! nobody may.

use http::Method;
use strongroom::api::{
    Assigned, ClientSummary, FirmDetails, Me, MemberState, MemberSummary, Offer, ProblemBody,
    Rehearsal, Statements, Submit,
};
use strongroom::envelope::statement::{
    Category, Hash, Link, Note, Policy, Revocation, RevocationKind, Role, YesNo,
};
use strongroom::ids::{ClientId, InvitationId, LinkId, MemberId};
use strongroom::trust::fragment::{Fragment, Purpose, token_hash};
use strongroom::trust::{Directory, card_subject};

use crate::support::office::{CANARY_PROOF, Invited, Office, Person};

fn policy(office: &Office, client: Option<ClientId>, prev: Option<Hash>) -> Policy {
    Policy {
        root: office.root.key_id(),
        client,
        on_arrival: YesNo::Yes,
        post_quantum: YesNo::No,
        reader_categories: Category::clerk_default(),
        prev,
        time: office.now(),
    }
}

fn signed(policy: &Policy, by: &Person) -> Submit {
    Submit { statement: Note::sign(policy, &[&by.keys.sign]) }
}

fn link(office: &Office, client: ClientId, by: &Person) -> (LinkId, Offer) {
    let (id, fragment) = (LinkId::random(), Fragment::new(office.root.key_id()));
    let statement = Link {
        root: office.root.key_id(),
        link: id,
        client,
        public: fragment.signing_key(Purpose::Link, id.as_bytes()).public(),
        expires: office.now().plus_secs(86_400),
        max_files: 10,
        max_bytes: 1 << 30,
        time: office.now(),
    };
    let token = fragment.token(Purpose::Link, id.as_bytes());
    let statement = Note::sign(&statement, &[&by.keys.sign]);
    (id, Offer { statement, token_hash: token_hash(&token) })
}

async fn directory(office: &Office, client: ClientId, person: &Person) -> Directory {
    let answer = office.get(&format!("/directory?client={client}"), person).await.ok();
    let statements = answer.json::<Statements>().statements;
    Directory::verify(office.root.public(), &statements).expect("verifies")
}

#[tokio::test]
async fn two_sides_of_a_firm_see_nothing_of_each_other() {
    let (office, lead) = Office::with_lead().await;
    let (ours, theirs) =
        (office.client(&lead, "甲公司").await, office.client(&lead, "乙公司").await);
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let stranger = office.member(&lead, "accountant2", Role::Accountant, None).await;
    let principal = office.member(&lead, "principal", Role::Principal, Some(ours)).await;
    let other = office.member(&lead, "principal2", Role::Principal, Some(theirs)).await;
    office.assign(&lead, ours, &[&accountant]).await;
    office.assign(&lead, theirs, &[&stranger]).await;

    for (person, client, foreign) in [
        (&accountant, ours, theirs),
        (&principal, ours, theirs),
        (&stranger, theirs, ours),
        (&other, theirs, ours),
    ] {
        let me: Me = office.get("/me", person).await.ok().json();
        assert_eq!(me.clients.iter().map(|c| c.client).collect::<Vec<_>>(), [client]);
        let list: Vec<ClientSummary> = office.get("/clients", person).await.ok().json();
        assert_eq!(list, me.clients);
        let directory = directory(&office, client, person).await;
        assert!(directory.card(person.member).is_some());
        // A foreign client and one that does not exist: one answer.
        let foreign = office.get(&format!("/directory?client={foreign}"), person).await;
        foreign.refused(404, "not_found");
        let unknown = format!("/directory?client={}", ClientId::random());
        assert_eq!(office.get(&unknown, person).await.body, foreign.body);
    }
    let ours_only = directory(&office, ours, &principal).await;
    for hidden in [&stranger, &other] {
        assert!(ours_only.card(hidden.member).is_none(), "{}", hidden.login);
    }
    assert_eq!(ours_only.assigned(ours, Category::Bank), [accountant.member]);
    assert!(ours_only.assigned(theirs, Category::Bank).is_empty());
    let all: Vec<ClientSummary> = office.get("/clients", &lead).await.ok().json();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn an_assignment_is_in_force_at_once_and_in_one_chain() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let one = office.member(&lead, "one", Role::Accountant, None).await;
    let two = office.member(&lead, "two", Role::Accountant, None).await;
    let first = office.assignment(client, None, &[&one], None, &lead);
    let answer: Assigned = office.post("/assignments", Some(&lead), &first).await.ok().json();
    assert_eq!((answer.accountants, answer.pending), (vec![one.member], 0));
    let head = first.statement.hash();
    let second = office.assignment(client, None, &[&two], Some(head), &lead);
    office.post("/assignments", Some(&lead), &second).await.ok();
    office.get(&format!("/directory?client={client}"), &one).await.refused(404, "not_found");
    assert_eq!(
        directory(&office, client, &two).await.assigned(client, Category::Tax),
        [two.member]
    );

    // The same again changes nothing; the one before does not come back into force.
    office.post("/assignments", Some(&lead), &second).await.ok();
    assert_eq!(office.entries("assignment.set").await, 2);
    office.post("/assignments", Some(&lead), &first).await.refused(409, "chain_moved");
    let fork = office.assignment(client, None, &[&one], Some(head), &lead);
    office.post("/assignments", Some(&lead), &fork).await.refused(409, "chain_moved");
    let gap = office.assignment(client, None, &[&one], Some(Hash([1; 32])), &lead);
    office.post("/assignments", Some(&lead), &gap).await.refused(409, "chain_moved");
    office.get(&format!("/directory?client={client}"), &one).await.refused(404, "not_found");
    office.get(&format!("/directory?client={client}"), &two).await.ok();
    // A category of its own, taken away again: an empty assignment is one.
    let bank = office.assignment(client, Some(Category::Bank), &[&one], None, &lead);
    office.post("/assignments", Some(&lead), &bank).await.ok();
    let none =
        office.assignment(client, Some(Category::Bank), &[], Some(bank.statement.hash()), &lead);
    office.post("/assignments", Some(&lead), &none).await.ok();
    let directory = directory(&office, client, &two).await;
    assert!(directory.assigned(client, Category::Bank).is_empty());
    assert_eq!(directory.assigned(client, Category::Tax), [two.member]);
}

#[tokio::test]
async fn of_two_leads_who_assign_at_once_one_signs_again() {
    let (office, lead) = Office::with_lead().await;
    let other = office.member(&lead, "other", Role::Lead, None).await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let by_lead = office.assignment(client, None, &[&accountant], None, &lead);
    let by_other = office.assignment(client, None, &[&other], None, &other);
    let (one, two) = tokio::join!(
        office.post("/assignments", Some(&lead), &by_lead),
        office.post("/assignments", Some(&other), &by_other),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn forged_assignments_are_refused() {
    let (office, lead) = Office::with_lead().await;
    let (elsewhere, their_lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let principal = office.member(&lead, "principal", Role::Principal, Some(client)).await;
    let submit =
        async |statement: Submit| office.post("/assignments", Some(&lead), &statement).await;
    let forged = [
        ("by an accountant", office.assignment(client, None, &[&accountant], None, &accountant)),
        (
            "by another firm's lead",
            office.assignment(client, None, &[&accountant], None, &their_lead),
        ),
        ("of another firm", elsewhere.assignment(client, None, &[&accountant], None, &lead)),
        (
            "of somebody who keeps no books",
            office.assignment(client, None, &[&principal], None, &lead),
        ),
        ("of nobody known", office.assignment(client, None, &[&their_lead], None, &lead)),
    ];
    for (what, statement) in forged {
        let answer = submit(statement).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "statement_refused"), "{what}");
    }
    let unknown = office.assignment(ClientId::random(), None, &[&accountant], None, &lead);
    submit(unknown).await.refused(404, "not_found");
    let ahead = {
        office.pass_secs(40 * 3600);
        let ahead = office.assignment(client, None, &[&accountant], None, &lead);
        office.pass_secs(-40 * 3600);
        ahead
    };
    submit(ahead).await.refused(422, "statement_refused");
    // A changed byte, a wrong kind, and no statement at all.
    let good = office.assignment(client, None, &[&accountant], None, &lead);
    let changed = good
        .statement
        .to_string()
        .replace(&accountant.member.to_string(), &lead.member.to_string());
    let changed = Submit { statement: Note::parse(&changed).expect("still a note") };
    submit(changed).await.refused(422, "statement_refused");
    submit(signed(&policy(&office, Some(client), None), &lead))
        .await
        .refused(422, "statement_refused");
    let nothing = serde_json::json!({ "statement": "strongroom/v1/assignment\n" });
    office.post("/assignments", Some(&lead), &nothing).await.refused(400, "bad_request");
    // A lead cannot submit what another lead signed.
    let other = office.member(&lead, "other", Role::Lead, None).await;
    let theirs = office.assignment(client, None, &[&accountant], None, &other);
    submit(theirs).await.refused(422, "statement_refused");
    submit(good).await.ok();
    assert_eq!(office.entries("assignment.set").await, 1);
}

#[tokio::test]
async fn only_what_a_lead_may_say_opens_an_invitation() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let invited = |role| Invited {
        id: InvitationId::random(),
        fragment: Fragment::new(office.root.key_id()),
        role,
    };
    let (now, soon) = (office.now(), office.now().plus_secs(86_400));
    let by = [&lead.keys.sign];
    let refused = [
        ("by an accountant", Role::Accountant, None, soon, vec![&accountant.keys.sign]),
        ("a lead without the root", Role::Lead, None, soon, by.to_vec()),
        ("a key", Role::Recovery, None, soon, vec![&lead.keys.sign, &office.root]),
        ("a principal of nobody", Role::Principal, None, soon, by.to_vec()),
        ("an accountant of a client", Role::Accountant, Some(client), soon, by.to_vec()),
        ("over already", Role::Accountant, None, now, by.to_vec()),
        ("for years", Role::Accountant, None, now.plus_secs(400 * 86_400), by.to_vec()),
    ];
    for (what, role, client, expires, by) in refused {
        let invited = invited(role);
        let note = invited.note(&office.root, client, expires, now, &by);
        let answer = office.post("/invitations", Some(&lead), &invited.offer(note)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "statement_refused"), "{what}");
    }
    let stray = invited(Role::Principal);
    let note = stray.note(&office.root, Some(ClientId::random()), soon, now, &by);
    office.post("/invitations", Some(&lead), &stray.offer(note)).await.refused(404, "not_found");
    // The same again is the same; the same id with another secret is not.
    let good = invited(Role::Accountant);
    let note = good.note(&office.root, None, soon, now, &by);
    for _ in 0..2 {
        office.post("/invitations", Some(&lead), &good.offer(note.clone())).await.ok();
    }
    let other = Invited { fragment: Fragment::new(office.root.key_id()), ..good.clone() };
    let answer = office.post("/invitations", Some(&lead), &other.offer(note)).await;
    answer.refused(409, "wrong_state");
    assert_eq!(office.entries("invitation.open").await, 2, "the accountant's and this one");
}

#[tokio::test]
async fn an_address_for_sealing_on_arrival_needs_the_clients_own_policy() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let stranger = office.member(&lead, "stranger", Role::Accountant, None).await;
    let principal = office.member(&lead, "principal", Role::Principal, Some(client)).await;
    office.assign(&lead, client, &[&accountant]).await;
    let (_, early) = link(&office, client, &accountant);
    office.post("/links", Some(&accountant), &early).await.refused(422, "statement_refused");
    let everywhere = signed(&policy(&office, None, None), &lead);
    office.post("/policies", Some(&lead), &everywhere).await.refused(422, "statement_refused");
    let first = policy(&office, Some(client), None);
    office
        .post("/policies", Some(&accountant), &signed(&first, &accountant))
        .await
        .refused(403, "not_allowed");
    office
        .post("/policies", Some(&lead), &signed(&first, &principal))
        .await
        .refused(422, "statement_refused");
    office.post("/policies", Some(&lead), &signed(&first, &lead)).await.ok();
    let (id, offer) = link(&office, client, &accountant);
    for _ in 0..2 {
        office.post("/links", Some(&accountant), &offer).await.ok();
    }
    assert_eq!(office.entries("link.open").await, 1);
    office
        .post("/links", Some(&stranger), &link(&office, client, &stranger).1)
        .await
        .refused(404, "not_found");
    office
        .post("/links", Some(&principal), &link(&office, client, &principal).1)
        .await
        .refused(403, "not_allowed");
    // Signed by somebody else than who submits it.
    let (_, by_stranger) = link(&office, client, &stranger);
    office.post("/links", Some(&accountant), &by_stranger).await.refused(422, "statement_refused");
    let revocation = office.revocation(RevocationKind::Link, id, &lead);
    office.post("/revocations", Some(&lead), &revocation).await.ok();
    // The policy is taken back, and an older one does not come back into force.
    let head = signed(&first, &lead).statement.hash();
    let off = Policy { on_arrival: YesNo::No, ..policy(&office, Some(client), Some(head)) };
    office.post("/policies", Some(&lead), &signed(&off, &lead)).await.ok();
    office.post("/policies", Some(&lead), &signed(&first, &lead)).await.refused(409, "chain_moved");
    office
        .post("/links", Some(&accountant), &link(&office, client, &accountant).1)
        .await
        .refused(422, "statement_refused");
}

#[tokio::test]
async fn members_are_ended_by_a_lead_and_never_the_last_of_their_kind() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    office.assign(&lead, client, &[&accountant, &lead]).await;
    let end = |member: MemberId, by: &Person| office.revocation(RevocationKind::Member, member, by);
    office
        .post("/revocations", Some(&accountant), &end(lead.member, &accountant))
        .await
        .refused(403, "not_allowed");
    office
        .post("/revocations", Some(&lead), &end(lead.member, &accountant))
        .await
        .refused(422, "statement_refused");
    office
        .post("/revocations", Some(&lead), &end(lead.member, &lead))
        .await
        .refused(409, "wrong_state");
    office
        .post("/revocations", Some(&lead), &end(MemberId::random(), &lead))
        .await
        .refused(404, "not_found");
    let ending = end(accountant.member, &lead);
    for _ in 0..2 {
        office.post("/revocations", Some(&lead), &ending).await.ok();
    }
    assert_eq!(office.entries("member.suspend").await, 1);
    let members: Vec<MemberSummary> = office.get("/members", &lead).await.ok().json();
    let ended = members.iter().find(|m| m.member == accountant.member).expect("listed");
    assert_eq!(ended.state, MemberState::Suspended);
    let clients: Vec<ClientSummary> = office.get("/clients", &lead).await.ok().json();
    assert_eq!(clients[0].accountants, [lead.member]);
    assert_eq!(
        directory(&office, client, &lead).await.assigned(client, Category::Tax),
        [lead.member]
    );
}

/// A revocation dated back would leave statements without a signer, and with them every
/// directory of the firm unverifiable.
#[tokio::test]
async fn nobody_is_ended_before_what_they_signed() {
    let (office, lead) = Office::with_lead().await;
    let other = office.member(&lead, "other", Role::Lead, None).await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let dated_back = office.revocation(RevocationKind::Member, other.member, &lead);
    office.pass_secs(60);
    let assignment = office.assignment(client, None, &[&accountant], None, &other);
    office.post("/assignments", Some(&other), &assignment).await.ok();
    office.post("/revocations", Some(&lead), &dated_back).await.refused(409, "too_early");
    office.pass_secs(60);
    let now = office.revocation(RevocationKind::Member, other.member, &lead);
    office.post("/revocations", Some(&lead), &now).await.ok();
    directory(&office, client, &accountant).await;
}

/// Whoever dates what they sign ahead, by as much as a clock may be off, stays no longer for it.
#[tokio::test]
async fn whoever_dates_ahead_is_ended_all_the_same() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let principal = office.member(&lead, "principal", Role::Principal, Some(client)).await;
    office.assign(&lead, client, &[&lead, &accountant]).await;
    let ahead = office.now().plus_secs(25 * 3600);
    let (_, early) = link(&office, client, &accountant);
    let mut said: Link = early.statement.decode().expect("a link");
    said.time = ahead;
    let offer = Offer { statement: Note::sign(&said, &[&accountant.keys.sign]), ..early };
    office.post("/request-links", Some(&accountant), &offer).await.ok();
    let mut narrower = policy(&office, Some(client), None);
    (narrower.on_arrival, narrower.time) = (YesNo::No, ahead);
    office.post("/policies", Some(&principal), &signed(&narrower, &principal)).await.ok();

    for (member, kind, subject) in [
        (&accountant, RevocationKind::Card, card_subject(accountant.member, 1)),
        (&accountant, RevocationKind::Member, accountant.member.to_string()),
        (&principal, RevocationKind::Member, principal.member.to_string()),
    ] {
        let now = office.revocation(kind, &subject, &lead);
        let refused = office.post("/revocations", Some(&lead), &now).await;
        refused.refused(409, "too_early");
        let problem: ProblemBody = refused.json();
        let not_before = problem.not_before.expect("from when on");
        assert_eq!(not_before, ahead.plus_ms(1));
        let at = |time| {
            let said: Revocation = now.statement.decode().expect("one");
            Submit { statement: Note::sign(&Revocation { time, ..said }, &[&lead.keys.sign]) }
        };
        office.post("/revocations", Some(&lead), &at(not_before)).await.ok();
        office.get("/me", member).await.refused(401, "unauthorized");
    }
    directory(&office, client, &lead).await;
    // No further than that: what is dated later still would outrank everything.
    let other = office.member(&lead, "other", Role::Accountant, None).await;
    let said = office.revocation(RevocationKind::Member, other.member, &lead);
    let said: Revocation = said.statement.decode().expect("one");
    let far = Revocation { time: office.now().plus_secs(27 * 3600), ..said };
    let far = Submit { statement: Note::sign(&far, &[&lead.keys.sign]) };
    office.post("/revocations", Some(&lead), &far).await.refused(422, "statement_refused");
}

#[tokio::test]
async fn documents_wait_for_a_rehearsal_that_only_the_canary_passes() {
    let (office, lead) = Office::with_lead().await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let proof = |bytes: &[u8]| Rehearsal { proof: strongroom::api::Base64(bytes.to_vec()) };
    let details = async || office.get("/firm", &accountant).await.ok().json::<FirmDetails>();
    assert!(!details().await.rehearsed);
    let path = "/recovery/rehearsal";
    office.post(path, Some(&accountant), &proof(CANARY_PROOF)).await.refused(403, "not_allowed");
    office.post(path, Some(&lead), &proof(b"a guess")).await.refused(422, "wrong_proof");
    assert!(!details().await.rehearsed);
    office.post(path, Some(&lead), &proof(CANARY_PROOF)).await.ok();
    let details = details().await;
    assert!(details.rehearsed);
    assert_eq!(details.firm.root, office.root.public());
}

#[tokio::test]
async fn a_client_is_added_once() {
    let (office, lead) = Office::with_lead().await;
    let id = ClientId::random();
    let add = |name: &str| serde_json::json!({ "client": id, "name": name });
    for _ in 0..2 {
        office.post("/clients", Some(&lead), &add("甲公司")).await.ok();
    }
    assert_eq!(office.entries("client.add").await, 1);
    office.post("/clients", Some(&lead), &add("乙公司")).await.refused(409, "wrong_state");
    for bad in ["", "  ", "a\u{0}b", &"长".repeat(100)] {
        let add = serde_json::json!({ "client": ClientId::random(), "name": bad });
        office.post("/clients", Some(&lead), &add).await.refused(400, "bad_request");
    }
    let list = office.ask(Method::GET, "/clients", Some(&lead.access), None::<&()>).await.ok();
    assert_eq!(list.json::<Vec<ClientSummary>>().len(), 1);
}

fn json(value: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(value).expect("JSON")
}

/// Row D3: where no entry can be written, nothing is done; afterwards everything can be done
/// as if it had never been tried.
#[tokio::test]
async fn nothing_is_done_that_is_not_recorded() {
    let (office, lead) = Office::with_lead().await;
    let client = office.client(&lead, "甲公司").await;
    let accountant = office.member(&lead, "accountant", Role::Accountant, None).await;
    let leaver = office.member(&lead, "leaver", Role::Accountant, None).await;
    office.assign(&lead, client, &[&accountant]).await;
    let invited = office.invite(&lead, Role::Auditor, None).await;
    let newcomer = Person::new("newcomer", Role::Auditor);
    let offered = Invited { id: InvitationId::random(), ..invited.clone() };
    let soon = office.now().plus_secs(3600);
    let note = offered.note(&office.root, None, soon, office.now(), &[&lead.keys.sign]);
    let kit = strongroom::trust::fragment::kit_token(&leaver.kit, leaver.member);
    let first = policy(&office, Some(client), None);
    let requests: Vec<(&str, String, Option<&Person>, serde_json::Value)> = vec![
        (
            "add",
            "/clients".into(),
            Some(&lead),
            serde_json::json!({ "client": ClientId::random(), "name": "x" }),
        ),
        ("invite", "/invitations".into(), Some(&lead), json(&offered.offer(note))),
        (
            "join",
            format!("/invitations/{}/join", invited.id),
            None,
            json(&newcomer.join(&office, &invited)),
        ),
        (
            "assign",
            "/assignments".into(),
            Some(&lead),
            json(&office.assignment(client, Some(Category::Tax), &[&accountant], None, &lead)),
        ),
        ("policy", "/policies".into(), Some(&lead), json(&signed(&first, &lead))),
        (
            "rehearse",
            "/recovery/rehearsal".into(),
            Some(&lead),
            json(&Rehearsal { proof: strongroom::api::Base64(CANARY_PROOF.to_vec()) }),
        ),
        (
            "kit",
            "/login/kit".into(),
            None,
            serde_json::json!({ "login": "leaver", "token": *kit.to_base64url(), "device": "x" }),
        ),
        ("log out", "/session/end".into(), Some(&leaver), serde_json::Value::Null),
        (
            "suspend",
            "/revocations".into(),
            Some(&lead),
            json(&office.revocation(RevocationKind::Member, leaver.member, &lead)),
        ),
    ];
    office.break_audit(true).await;
    for (what, path, person, body) in &requests {
        let answer = office.post(path, *person, body).await;
        assert!(answer.status >= 500, "{what}: {answer:?}");
    }
    office.get("/me", &leaver).await.ok();
    let members: Vec<MemberSummary> = office.get("/members", &lead).await.ok().json();
    assert_eq!(members.len(), 3);
    assert!(directory(&office, client, &lead).await.policy(Some(client)).is_none());
    office.break_audit(false).await;
    for (what, path, person, body) in &requests {
        let answer = office.post(path, *person, body).await;
        assert!(answer.status < 300, "{what}: {answer:?}");
    }
}

//! Row A1 for shares: every route of a share × every person, and what time alone ends.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom::api::{
    Base64, Partner, PartnerDetails, ProposeShare, PutPartner, ShareInfo, ShareState,
    SharedDocument,
};
use strongroom::envelope::statement::{
    Authorisation, Basis, Category, Decision, Hash, Note, Revocation, RevocationKind, Role, Share,
};
use strongroom::envelope::{FileKey, Header, seal_small};
use strongroom::http::{Policy, Relation};
use strongroom::ids::{ClientId, LeaseId, PartnerId, ShareId};
use strongroom::trust::fragment::{Fragment, token_hash};
use strongroom::trust::share::ShareSecrets;

use crate::support::office::{Answer, Person, all_routes};
use crate::support::papers::{Desk, Paper};

/// Routes whose cells are here.
pub(crate) const COVERED: &[(&str, &str)] = &[
    ("GET", "/api/v1/shares"),
    ("POST", "/api/v1/shares"),
    ("POST", "/api/v1/shares/{share}/authorisation"),
    ("POST", "/api/v1/shares/{share}/seconding"),
    ("POST", "/api/v1/shares/{share}/revocation"),
    ("POST", "/api/v1/shares/{share}/unlock"),
];

const DAY: i64 = 24 * 3600;

/// A proposed share and its proofs.
struct Proposed {
    id: ShareId,
    client: ClientId,
    note: Note,
    secrets: ShareSecrets,
}

async fn partner(desk: &Desk, nda_days: i64) -> PartnerId {
    let id = PartnerId::random();
    let now = desk.office.now();
    let details = PartnerDetails {
        name: "事务所".into(),
        kind: "audit_firm".into(),
        licence: String::new(),
        jurisdiction: "CN".into(),
        people: vec!["张".into()],
        nda_from: Some(now),
        nda_until: Some(now.plus_secs(nda_days * DAY)),
        review_at: None,
        export_route: None,
        export_assessment: String::new(),
        export_authorisation: String::new(),
    };
    let put = PutPartner { details, suspended: false };
    let (path, access) = (format!("/partners/{id}"), Some(desk.lead.access.as_str()));
    let answer = desk.office.ask(Method::PUT, &path, access, Some(&put)).await;
    let partner: Partner = answer.ok().json();
    assert_eq!(partner.bar, None);
    id
}

/// What `person` sends to share `paper` for `days`.
fn proposal(
    desk: &Desk,
    person: &Person,
    partner: PartnerId,
    paper: &Paper,
    days: i64,
) -> (ProposeShare, Proposed) {
    let root = desk.office.root.key_id();
    let (id, fragment) = (ShareId::random(), Fragment::new(root));
    let secrets = ShareSecrets::derive(&fragment, id, None);
    let to = [secrets.keys.recipient()];
    let sealed = seal_small(b"{\"documents\":[]}", &to).expect("a list");
    let share = Share {
        root,
        share: id,
        partner,
        purpose: "审计".parse().expect("a line"),
        expires: desk.office.now().plus_secs(days * DAY),
        max_downloads: 1,
        documents: vec![paper.id],
        sealed: Hash::of(&sealed),
        time: desk.office.now(),
    };
    let note = Note::sign(&share, &[&person.keys.sign]);
    let header = Header::seal(&FileKey::random(), &to).expect("a header");
    let proposed = ProposeShare {
        statement: note.clone(),
        sealed: Base64(sealed),
        documents: vec![SharedDocument {
            document: paper.id,
            header: Base64(header.as_bytes().to_vec()),
        }],
        recipient: "张".into(),
        find_hash: token_hash(&secrets.find),
        open_hash: token_hash(&secrets.open),
        has_code: false,
    };
    (proposed, Proposed { id, client: paper.place.client, note, secrets })
}

async fn propose(
    desk: &Desk,
    person: &Person,
    partner: PartnerId,
    paper: &Paper,
    days: i64,
) -> Proposed {
    let (proposal, proposed) = proposal(desk, person, partner, paper, days);
    desk.office.post("/shares", Some(person), &proposal).await.ok();
    proposed
}

impl Proposed {
    /// What `person` sends for a route that ends with `what`.
    fn body(&self, desk: &Desk, person: &Person, what: &str, id: ShareId) -> Value {
        let (root, time) = (desk.office.root.key_id(), desk.office.now());
        let keys = [&person.keys.sign];
        let statement = match what {
            "authorisation" => {
                let (decision, basis) = (Decision::Authorise, Some(Basis::Consent));
                let said =
                    Authorisation { root, share: id, client: self.client, decision, basis, time };
                Note::sign(&said, &keys)
            }
            "revocation" => {
                let subject = id.to_string().parse().expect("a word");
                let kind = RevocationKind::Share;
                Note::sign(&Revocation { root, kind, subject, prev: None, time }, &keys)
            }
            "seconding" => {
                let mut note = self.note.clone();
                note.add_signature(&person.keys.sign);
                note
            }
            _ => return json!({}),
        };
        json!({ "statement": statement })
    }

    async fn decide(&self, desk: &Desk, person: &Person, what: &str, id: ShareId) -> Answer {
        let (path, access) = (format!("/shares/{id}/{what}"), Some(person.access.as_str()));
        let body = self.body(desk, person, what, id);
        desk.office.ask(Method::POST, &path, access, Some(&body)).await
    }

    async fn open(&self, desk: &Desk, lease: LeaseId) -> u16 {
        let body = json!({
            "find": self.secrets.find.to_base64url().to_string(),
            "open": self.secrets.open.to_base64url().to_string(),
            "lease": lease,
        });
        desk.office.post(&format!("/shares/{}/open", self.id), None, &body).await.status
    }

    async fn state(&self, desk: &Desk, person: &Person) -> ShareState {
        let shares: Vec<ShareInfo> = desk.office.get("/shares", person).await.ok().json();
        shares.iter().find(|info| info.share == self.id).expect("seen").state
    }
}

#[tokio::test]
async fn every_share_is_as_open_to_everybody_as_these_words_say() {
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
    let partner = partner(&desk, 400).await;
    let mut place = desk.place();
    place.category = Category::Payroll;
    let paper = desk.seal(place, b"salaries".to_vec()).await;
    desk.send(&desk.principal, &paper).await;
    let routes = all_routes();
    let of_shares: Vec<_> = routes
        .endpoints()
        .into_iter()
        .filter(|e| e.path.starts_with("/api/v1/shares"))
        .filter(|e| matches!(e.policy, Policy::Session { relation: Relation::Client, .. }))
        .map(|e| (e.verb.method().to_string(), e.path))
        .collect();
    assert_eq!(of_shares.len(), COVERED.len());
    let mut cells = 0;
    for person in people {
        let login = person.login.as_str();
        let (proposal, _) = proposal(&desk, person, partner, &paper, 7);
        let answer = desk.office.post("/shares", Some(person), &proposal).await;
        let expected = match login {
            "acc" => 201,
            "lead" | "acc2" => 404,
            _ => 403,
        };
        assert_eq!(answer.status, expected, "{login} proposes");
        let listed = desk.office.get("/shares", person).await;
        match login {
            "clerk" | "admin" => assert_eq!(listed.status, 403, "{login} lists"),
            "acc2" | "boss2" => assert_eq!(listed.ok().json::<Vec<ShareInfo>>().len(), 0),
            "lead" => {}
            _ => assert!(!listed.ok().json::<Vec<ShareInfo>>().is_empty(), "{login} lists"),
        }
        for what in ["authorisation", "seconding", "revocation", "unlock"] {
            // One of its own for each cell: some of them end it.
            let share = propose(&desk, &desk.accountant, partner, &paper, 7).await;
            let unknown = share.decide(&desk, person, what, ShareId::random()).await;
            let answer = share.decide(&desk, person, what, share.id).await;
            cells += 1;
            let expected: &[u16] = match (what, login) {
                ("authorisation", "boss") => &[200],
                ("authorisation", "boss2") => &[404],
                ("seconding", "lead") => &[200],
                // The sharer is nobody's second person.
                ("seconding", "acc") => &[403],
                ("seconding" | "unlock", "acc2") | ("unlock", "lead") => &[404],
                ("revocation", "lead" | "acc" | "boss" | "dpo") | ("unlock", "acc") => &[200],
                ("revocation", "acc2" | "boss2") => &[404],
                _ => &[403],
            };
            assert!(expected.contains(&answer.status), "{login} {what}: {answer:?}");
            if answer.status == 404 {
                assert_eq!(answer.body, unknown.body, "{login} {what}");
            }
        }
    }
    assert_eq!(cells, 36);
}

#[tokio::test]
async fn nobody_says_for_others_what_only_they_may_sign() {
    let desk = Desk::open().await;
    let partner = partner(&desk, 400).await;
    let paper = desk.sent(&desk.principal, "statement").await;
    let share = propose(&desk, &desk.accountant, partner, &paper, 7).await;
    // The principal's session with somebody else's signature, and about another share.
    let forged = share.body(&desk, &desk.accountant, "authorisation", share.id);
    let path = format!("/shares/{}/authorisation", share.id);
    let answer = desk.office.post(&path, Some(&desk.principal), &forged).await;
    answer.refused(422, "statement_refused");
    let other = share.body(&desk, &desk.principal, "authorisation", ShareId::random());
    let answer = desk.office.post(&path, Some(&desk.principal), &other).await;
    answer.refused(422, "statement_refused");
    let (mut proposal, _) = proposal(&desk, &desk.accountant2, partner, &paper, 7);
    let answer = desk.office.post("/shares", Some(&desk.accountant), &proposal).await;
    answer.refused(422, "statement_refused");
    proposal.documents.clear();
    let answer = desk.office.post("/shares", Some(&desk.accountant), &proposal).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST.as_u16());
    assert_eq!(share.open(&desk, LeaseId::random()).await, 404);
}

#[tokio::test]
async fn time_alone_ends_shares_leases_and_agreements() {
    let mut desk = Desk::open().await;
    let (long, short) = (partner(&desk, 400).await, partner(&desk, 3).await);
    let paper = desk.sent(&desk.principal, "statement").await;
    let mut shares = Vec::new();
    for partner in [long, short] {
        let share = propose(&desk, &desk.accountant, partner, &paper, 7).await;
        share.decide(&desk, &desk.principal, "authorisation", share.id).await.ok();
        shares.push(share);
    }
    let [by_time, by_agreement] = shares.try_into().ok().expect("two");
    let lease = LeaseId::random();
    // Nothing leaves under this lease: after a day its slot comes back by itself.
    assert_eq!(by_time.open(&desk, lease).await, 200);
    assert_eq!(by_time.open(&desk, LeaseId::random()).await, 404);
    desk.pass_secs(DAY + 1).await;
    let second = LeaseId::random();
    assert_eq!(by_time.open(&desk, second).await, 200);
    assert_eq!(by_time.open(&desk, lease).await, 404);
    desk.pass_secs(2 * DAY - 2).await;
    assert_eq!(by_agreement.open(&desk, lease).await, 200, "a second before the agreement ends");
    desk.pass_secs(1).await;
    assert_eq!(by_agreement.open(&desk, lease).await, 404, "on the very second");
    desk.pass_secs(4 * DAY - 1).await;
    assert_eq!(by_time.state(&desk, &desk.accountant).await, ShareState::UsedUp);
    assert_eq!(by_time.open(&desk, LeaseId::random()).await, 200, "a second before it expires");
    desk.pass_secs(1).await;
    assert_eq!(by_time.state(&desk, &desk.accountant).await, ShareState::Expired);
    assert_eq!(by_time.open(&desk, LeaseId::random()).await, 404, "on the very second");
}

//! A firm on the real router and a real database in a temporary folder, with a clock that
//! stands still, and people who hold their own keys.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::FromRef;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strongroom::api::{
    Base64, Join, JoinStart, JoinStarted, KeyringHeader, KeyringSealed, LoginFinish, LoginStart,
    LoginStarted, Offer, SessionOpened, Submit,
};
use strongroom::clock::{Clock, Timestamp};
use strongroom::documents::{self, Documents};
use strongroom::envelope::keyring::{self, Unlock};
use strongroom::envelope::statement::{
    Assignment, Card, Category, Hash, Invitation, Note, Recipient, Revocation, RevocationKind,
    Role, SigningKey, Statement,
};
use strongroom::envelope::{FileKey, Keyring, MemberKeys};
use strongroom::firm::{self, Directories, Foundation};
use strongroom::http::identity::Sessions;
use strongroom::http::metrics::Metrics;
use strongroom::http::{
    self as gateway, Hosts, Readiness, Routes, SecurityContact, assemble, routes,
};
use strongroom::identity::{GatewaySecrets, Identity};
use strongroom::ids::{ClientId, InvitationId, MemberId, SessionId};
use strongroom::objects::Objects;
use strongroom::opaque;
use strongroom::secrets::Secret;
use strongroom::store::Store;
use strongroom::trust::fragment::{Fragment, Purpose, kit_token, token_hash};
use tempfile::TempDir;
use tower::ServiceExt;

const HOST: &str = "files.example.cn";
/// What the canary of the firm holds.
pub(crate) const CANARY_PROOF: &[u8] = b"what the canary holds";

/// What the routes need.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) identity: Identity,
    pub(crate) directories: Directories,
    pub(crate) documents: Documents,
    pub(crate) objects: Objects,
}

macro_rules! part {
    ($($type:ty = |$state:ident| $value:expr;)*) => {$(
        impl FromRef<State> for $type {
            fn from_ref($state: &State) -> Self {
                $value
            }
        }
    )*};
}

part!(
    Store = |state| state.store.clone();
    Clock = |state| state.clock.clone();
    Identity = |state| state.identity.clone();
    Directories = |state| state.directories.clone();
    Documents = |state| state.documents.clone();
    strongroom::shares::Settings = |_state| strongroom::shares::Settings::default();
    Readiness = |_state| Readiness::new();
    SecurityContact = |state| SecurityContact {
        contact: "mailto:security@files.example.cn".into(),
        origin: format!("https://{HOST}"),
        clock: state.clock.clone(),
    };
);

/// Every route of the gateway.
pub(crate) fn all_routes() -> Routes<State> {
    routes()
        .and(gateway::identity::routes())
        .and(gateway::firm::routes())
        .and(gateway::documents::routes())
        .and(gateway::links::routes())
        .and(gateway::log::routes())
        .and(gateway::partners::routes())
        .and(gateway::shares::routes())
        .and(gateway::custody::routes())
}

/// A firm with a gateway of its own.
pub(crate) struct Office {
    pub(crate) state: State,
    pub(crate) root: SigningKey,
    pub(crate) recovery: MemberKeys,
    pub(crate) first: Invited,
    router: Router,
    folder: TempDir,
}

/// An invitation and its secret.
#[derive(Clone)]
pub(crate) struct Invited {
    pub(crate) id: InvitationId,
    pub(crate) fragment: Fragment,
    pub(crate) role: Role,
}

impl Invited {
    pub(crate) fn token(&self) -> String {
        self.fragment.token(Purpose::Invitation, self.id.as_bytes()).to_base64url().to_string()
    }

    pub(crate) fn key(&self) -> SigningKey {
        self.fragment.signing_key(Purpose::Invitation, self.id.as_bytes())
    }

    /// The signed statement.
    pub(crate) fn note(
        &self,
        root: &SigningKey,
        client: Option<ClientId>,
        expires: Timestamp,
        now: Timestamp,
        by: &[&SigningKey],
    ) -> Note {
        let invitation = Invitation {
            root: root.key_id(),
            invitation: self.id,
            role: self.role,
            client,
            public: self.key().public(),
            expires,
            time: now,
        };
        Note::sign(&invitation, by)
    }

    pub(crate) fn offer(&self, statement: Note) -> Offer {
        let token = self.fragment.token(Purpose::Invitation, self.id.as_bytes());
        Offer { statement, token_hash: token_hash(&token) }
    }
}

/// Somebody with keys of their own; a member once they have joined.
pub(crate) struct Person {
    pub(crate) member: MemberId,
    pub(crate) login: String,
    pub(crate) role: Role,
    pub(crate) keys: MemberKeys,
    pub(crate) kit: Secret<32>,
    pub(crate) file_key: FileKey,
    payload: Vec<u8>,
    pub(crate) session: SessionId,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: http::response::Parts,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in {} {:?}", self.status, self.body))
    }

    /// The `code` of a problem; empty for a success.
    pub(crate) fn code(&self) -> String {
        if self.status < 300 {
            return String::new();
        }
        self.json::<Value>()["code"].as_str().expect("a code").to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status < 300, "{} {:?}", self.status, self.body);
        self
    }

    /// Of a `HEAD`, whose answer has no body.
    #[track_caller]
    pub(crate) fn refused_without_body(&self, status: u16) {
        assert_eq!((self.status, self.body.len()), (status, 0));
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{:?}", self.body);
    }
}

impl Person {
    /// Keys that nobody knows of yet.
    pub(crate) fn new(login: &str, role: Role) -> Self {
        let keyring = Keyring::random(MemberId::random());
        let (payload, file_key) = keyring::seal(&keyring);
        Self {
            member: keyring.member,
            login: login.to_owned(),
            role,
            keys: keyring.keys(),
            kit: Secret::random(),
            file_key,
            payload,
            session: SessionId::from_bytes([0; 16]),
            access: String::new(),
            refresh: String::new(),
        }
    }

    /// Their card, not signed.
    pub(crate) fn card(&self, office: &Office) -> Card {
        Card {
            root: office.root.key_id(),
            member: self.member,
            role: self.role,
            name_hash: Card::hash_name(self.member, &self.login),
            epoch: 1,
            sign: self.keys.sign.public(),
            recipient: Some(Recipient::from(&self.keys.recipient())),
            recipient_pq: Some(Recipient::from(&self.keys.recipient_post_quantum())),
            prev: None,
            time: office.now(),
        }
    }

    pub(crate) fn header(&self, unlock: Unlock, secret: &[u8]) -> KeyringHeader {
        let header = keyring::wrap(&self.file_key, unlock, secret, self.member);
        let header = Base64(header.as_bytes().to_vec());
        KeyringHeader { kind: unlock.as_str().into(), header }
    }

    /// A request to join that is right in every way, without a passphrase.
    pub(crate) fn join(&self, office: &Office, invited: &Invited) -> Join {
        Join {
            token: invited.token(),
            login: self.login.clone(),
            name: self.login.clone(),
            card: Note::sign(&self.card(office), &[&self.keys.sign, &invited.key()]),
            registration: None,
            kit_token_hash: token_hash(&kit_token(&self.kit, self.member)),
            keyring: KeyringSealed {
                payload: Base64(self.payload.clone()),
                headers: vec![
                    self.header(Unlock::Kit, self.kit.expose()),
                    self.header(Unlock::Device, &[7; 32]),
                ],
            },
            device: "a test".into(),
        }
    }

    /// Adopts what the gateway gave.
    pub(crate) fn holds(&mut self, opened: SessionOpened) {
        self.session = opened.session;
        self.access = opened.tokens.access_token;
        self.refresh = opened.tokens.refresh_token;
    }
}

impl Office {
    /// A firm that nobody has joined yet.
    pub(crate) async fn found() -> Self {
        Self::found_with(documents::Settings::default()).await
    }

    /// The same, with other bounds on documents.
    pub(crate) async fn found_with(settings: documents::Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("db")).await.expect("a database");
        // It stands still, but not in the past: files bear the machine's time.
        let clock = Clock::fixed(Clock::System.now());
        let secrets = GatewaySecrets::random();
        let root = SigningKey::from_seed(&Secret::random());
        let fragment = Fragment::new(root.key_id());
        let first = Invited { id: InvitationId::random(), fragment, role: Role::Lead };
        let now = clock.now();
        let recovery = Person::new("recovery", Role::Recovery);
        let identity = Identity::new(&secrets);
        let directories = Directories::default();
        let objects = Objects::open_to_serve(&folder.path().join("objects")).expect("a folder");
        let documents = Documents::new(
            store.clone(),
            objects.clone(),
            clock.clone(),
            settings,
            documents::Keys {
                root: root.key_id(),
                receipt: secrets.receipt_key(),
                arrival: secrets.arrival_key(),
            },
            Arc::new(directories.clone()),
        );
        let state = State { store, clock, identity, directories, documents, objects };
        let sessions = Sessions {
            identity: state.identity.clone(),
            store: state.store.clone(),
            clock: state.clock.clone(),
        };
        let metrics = Arc::new(Metrics::default());
        let hosts = Hosts::new([HOST.to_owned()]);
        let router = assemble(all_routes(), state.clone(), hosts, Arc::new(sessions), metrics);
        let keys = recovery.keys.clone();
        let office = Self { state, root, recovery: keys, first, router, folder };
        let invitation =
            office.first.note(&office.root, None, now.plus_secs(3600), now, &[&office.root]);
        let offer = office.first.offer(invitation.clone());
        let card = Note::sign(&recovery.card(&office), &[&recovery.keys.sign, &office.root]);
        let foundation = Foundation {
            root: office.root.public(),
            name: "云杉代账".into(),
            url: format!("https://{HOST}"),
            statements: vec![card, invitation],
            token_hash: offer.token_hash,
            canary: b"sealed".to_vec(),
            canary_proof: Hash::of(CANARY_PROOF),
        };
        let mut tx = office.state.store.write().await.expect("a transaction");
        firm::found(&mut tx, foundation, now).await.expect("founded");
        tx.commit().await.expect("committed");
        office
    }

    /// A firm whose first lead has joined.
    pub(crate) async fn with_lead() -> (Self, Person) {
        let office = Self::found().await;
        let lead = office.joined("lead", &office.first.clone()).await;
        (office, lead)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    pub(crate) fn pass_secs(&self, secs: i64) {
        self.state.clock.advance_ms(secs * 1000);
    }

    /// Sends one request below `/api/v1`, with whatever it is.
    pub(crate) async fn send(&self, request: http::request::Builder, body: Body) -> Answer {
        let request = request.header("host", HOST).body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the body arrives").to_bytes();
        Answer { status: head.status.as_u16(), head, body }
    }

    /// One JSON request below `/api/v1`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        access: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(access) = access {
            request = request.header("authorization", format!("Bearer {access}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(serde_json::to_vec(body).expect("JSON"))
            }
            None => Body::empty(),
        };
        self.send(request, body).await
    }

    pub(crate) async fn get(&self, path: &str, person: &Person) -> Answer {
        self.ask(Method::GET, path, Some(&person.access), None::<&()>).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        person: Option<&Person>,
        body: &impl Serialize,
    ) -> Answer {
        self.ask(Method::POST, path, person.map(|p| p.access.as_str()), Some(body)).await
    }

    /// Opens an invitation as the lead.
    pub(crate) async fn invite(
        &self,
        lead: &Person,
        role: Role,
        client: Option<ClientId>,
    ) -> Invited {
        let fragment = Fragment::new(self.root.key_id());
        let invited = Invited { id: InvitationId::random(), fragment, role };
        let now = self.now();
        let mut by = vec![&lead.keys.sign];
        if role == Role::Lead {
            by.push(&self.root);
        }
        let note = invited.note(&self.root, client, now.plus_secs(7 * 86_400), now, &by);
        self.post("/invitations", Some(lead), &invited.offer(note)).await.ok();
        invited
    }

    /// Joins with an invitation, without a passphrase.
    pub(crate) async fn joined(&self, login: &str, invited: &Invited) -> Person {
        let mut person = Person::new(login, invited.role);
        let path = format!("/invitations/{}/join", invited.id);
        let answer = self.post(&path, None, &person.join(self, invited)).await.ok();
        person.holds(answer.json());
        person
    }

    /// Invites and joins.
    pub(crate) async fn member(
        &self,
        lead: &Person,
        login: &str,
        role: Role,
        client: Option<ClientId>,
    ) -> Person {
        let invited = self.invite(lead, role, client).await;
        self.joined(login, &invited).await
    }

    /// Joins with a passphrase.
    pub(crate) async fn joined_with(
        &self,
        login: &str,
        invited: &Invited,
        passphrase: &str,
    ) -> Person {
        let mut person = Person::new(login, invited.role);
        let mut join = person.join(self, invited);
        let (state, request) =
            opaque::client_register_start(passphrase.as_bytes()).expect("a request");
        let start =
            JoinStart { token: invited.token(), member: person.member, request: Base64(request) };
        let path = format!("/invitations/{}/join", invited.id);
        let started: JoinStarted =
            self.post(&format!("{path}/start"), None, &start).await.ok().json();
        let (upload, key) =
            opaque::client_register_finish(state, passphrase.as_bytes(), &started.response.0)
                .expect("registered");
        join.registration = Some(Base64(upload));
        join.keyring.headers.push(person.header(Unlock::Opaque, key.expose()));
        person.holds(self.post(&path, None, &join).await.ok().json());
        person
    }

    /// Begins a login; the gateway's first answer.
    pub(crate) async fn start_login(
        &self,
        login: &str,
        passphrase: &str,
    ) -> (opaque::ClientLogin, Answer) {
        let (state, request) = opaque::client_login_start(passphrase.as_bytes()).expect("KE1");
        let start = LoginStart { login: login.into(), request: Base64(request) };
        (state, self.post("/login/start", None, &start).await)
    }

    /// Logs in; the export key is checked to open the keyring.
    pub(crate) async fn log_in(&self, login: &str, passphrase: &str) -> Option<SessionOpened> {
        let (state, answer) = self.start_login(login, passphrase).await;
        let started: LoginStarted = answer.ok().json();
        let (finalization, key) =
            opaque::client_login_finish(state, passphrase.as_bytes(), &started.response.0).ok()?;
        let finish = LoginFinish {
            attempt: started.attempt,
            finalization: Base64(finalization),
            device: "another".into(),
        };
        let opened: SessionOpened = self.post("/login/finish", None, &finish).await.ok().json();
        let [header] = opened.keyring.headers.as_slice() else { panic!("one header") };
        let header =
            strongroom::envelope::Header::parse_detached(&header.header.0).expect("a header");
        keyring::open(
            &header,
            &opened.keyring.payload.0,
            Unlock::Opaque,
            key.expose(),
            started.member,
        )
        .expect("the keyring opens");
        Some(opened)
    }

    /// Adds a client.
    pub(crate) async fn client(&self, lead: &Person, name: &str) -> ClientId {
        let client = ClientId::random();
        let add = serde_json::json!({ "client": client, "name": name });
        self.post("/clients", Some(lead), &add).await.ok();
        client
    }

    /// A signed assignment.
    pub(crate) fn assignment(
        &self,
        client: ClientId,
        category: Option<Category>,
        accountants: &[&Person],
        prev: Option<Hash>,
        by: &Person,
    ) -> Submit {
        let assignment = Assignment {
            root: self.root.key_id(),
            client,
            category,
            accountants: accountants.iter().map(|p| p.member).collect(),
            prev,
            time: self.now(),
        };
        Submit { statement: Note::sign(&assignment, &[&by.keys.sign]) }
    }

    /// Assigns for the first time.
    pub(crate) async fn assign(&self, lead: &Person, client: ClientId, accountants: &[&Person]) {
        let assignment = self.assignment(client, None, accountants, None, lead);
        self.post("/assignments", Some(lead), &assignment).await.ok();
    }

    /// A signed revocation.
    pub(crate) fn revocation(
        &self,
        kind: RevocationKind,
        subject: impl ToString,
        by: &Person,
    ) -> Submit {
        let revocation = Revocation {
            root: self.root.key_id(),
            kind,
            subject: subject.to_string().parse().expect("a word"),
            prev: None,
            time: self.now(),
        };
        Submit { statement: Note::sign(&revocation, &[&by.keys.sign]) }
    }

    /// A path below the gateway's folder.
    pub(crate) fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join(below)
    }

    /// How many audit entries of an action there are.
    pub(crate) async fn entries(&self, action: &str) -> usize {
        let mut tx = self.state.store.read().await.expect("a transaction");
        let entries = tx.entries(None, 0, 100_000).await.expect("entries");
        entries
            .iter()
            .map(|e| strongroom::envelope::statement::Entry::from_text(&e.text).expect("an entry"))
            .filter(|entry| entry.action.to_string() == action)
            .count()
    }

    /// Makes the audit log refuse every entry from now on, or take them again.
    pub(crate) async fn break_audit(&self, broken: bool) {
        use sqlx::Connection;
        let path = format!("sqlite://{}", self.folder.path().join("db").display());
        let mut connection = sqlx::SqliteConnection::connect(&path).await.expect("connects");
        let sql = if broken {
            "CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END"
        } else {
            "DROP TRIGGER broken"
        };
        sqlx::query(sql).execute(&mut connection).await.expect("done");
        connection.close().await.expect("closed");
    }
}

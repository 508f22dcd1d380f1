//! Notices told to real servers: mail over STARTTLS, a webhook over TLS, again after a failure.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use strongroom::app::dev_ca;
use strongroom::clock::{Clock, Timestamp};
use strongroom::config::Notices;
use strongroom::ids::ClientId;
use strongroom::notices::{CheckpointMail, Kind, Notice, Outbox, enqueue, signature};
use strongroom::store::Store;

/// Names of files, people and sums that no notice may hold; nor a link or a code.
const CANARIES: [&str; 5] = ["对账单", "李四", "1234.56", "https://", "#"];

struct World {
    folder: tempfile::TempDir,
    files: dev_ca::Files,
    store: Store,
    clock: Clock,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = dev_ca::ensure(folder.path(), &[], &Clock::System).expect("a CA");
        let store = Store::open(&folder.path().join("db")).await.expect("opens");
        let clock = Clock::fixed("2026-11-24T04:04:16.123Z".parse().expect("a time"));
        Self { folder, files, store, clock }
    }

    async fn tell(&self, kind: Kind, object: &str) {
        let mut tx = self.store.write().await.expect("begins");
        let client = ClientId::from_bytes([7; 16]);
        let notice = Notice::new(kind, client, object, self.clock.now());
        enqueue(&mut tx, &notice).await.expect("kept");
        tx.commit().await.expect("committed");
    }

    fn outbox(&self, settings: &Notices) -> Outbox {
        Outbox::open(settings, self.store.clone(), self.clock.clone()).expect("opens")
    }

    fn mail(&self, port: u16) -> Notices {
        Notices {
            smtp_host: Some("localhost".into()),
            smtp_port: port,
            smtp_from: Some("strongroom@example.cn".into()),
            smtp_to: vec!["office@example.cn".into(), "lead@example.cn".into()],
            smtp_ca: Some(self.files.ca.clone()),
            ..Notices::default()
        }
    }
}

/// A mail server of somebody else's making.
struct Sink {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
}

impl Sink {
    fn start(world: &World, plain: bool) -> Self {
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools");
        let mut command = Command::new(format!("{tools}/venv/bin/python"));
        command
            .arg(format!("{tools}/smtp_sink.py"))
            .args([&world.files.certificate, &world.files.key])
            .args(plain.then_some("--plain"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("tests/setup.sh has installed it");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut sink = Self { child, lines, port: 0 };
        sink.port = sink.next()["port"].as_u64().and_then(|p| p.try_into().ok()).expect("a port");
        sink
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

#[tokio::test]
async fn mail_goes_over_starttls_and_again_when_the_server_was_away() {
    let world = World::new().await;
    let mut sink = Sink::start(&world, false);
    let object = "ab".repeat(16);
    world.tell(Kind::WrongCodes, &object).await;
    assert_eq!(world.outbox(&world.mail(sink.port)).turn().await.expect("turned"), 1);
    let mail = sink.next();
    assert_eq!(mail["tls"], true);
    assert_eq!(mail["to"].as_array().map(Vec::len), Some(2));
    let content = mail["content"].as_str().expect("text");
    assert!(content.contains("Message-ID: <") && content.contains("@example.cn>"), "{content}");
    for canary in CANARIES {
        assert!(!content.contains(canary), "{canary} in {content}");
    }

    // Away: a port that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let away = world.mail(nobody.local_addr().expect("its address").port());
    drop(nobody);
    world.tell(Kind::Opened, &object).await;
    assert_eq!(world.outbox(&away).turn().await.expect("turned"), 1);
    assert_eq!(world.outbox(&world.mail(sink.port)).turn().await.expect("turned"), 0, "it waits");
    world.clock.advance_ms(10_000);
    assert_eq!(world.outbox(&world.mail(sink.port)).turn().await.expect("turned"), 1);
    assert!(sink.next()["content"].as_str().expect("text").contains("Subject:"));
    world.clock.advance_ms(86_400_000);
    assert_eq!(world.outbox(&world.mail(sink.port)).turn().await.expect("turned"), 0, "told once");
}

#[tokio::test]
async fn no_mail_goes_without_starttls_or_to_a_stranger() {
    let world = World::new().await;
    let plain = Sink::start(&world, true);
    let stranger_world = World::new().await;
    let stranger = Sink::start(&stranger_world, false);
    world.tell(Kind::Shared, "aa").await;
    for sink in [&plain, &stranger] {
        assert_eq!(world.outbox(&world.mail(sink.port)).turn().await.expect("turned"), 1);
        let mut tx = world.store.read().await.expect("reads");
        let later = world.clock.now().plus_secs(3600);
        let waiting = tx.due_deliveries(later, 10).await.expect("read");
        assert_eq!(waiting.len(), 1, "not delivered");
        world.clock.advance_ms(3_600_000);
    }
}

/// What a webhook was sent: headers and body.
type Posted = Arc<Mutex<Vec<(http::HeaderMap, Vec<u8>)>>>;

/// A server that refuses so many posts and takes the later ones.
async fn webhook(world: &World, refusals: usize) -> (u16, Posted) {
    let chain = CertificateDer::pem_file_iter(&world.files.certificate).expect("a chain");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_file(&world.files.key).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("usable");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let posted = Posted::default();
    let kept = posted.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, kept) = (acceptor.clone(), kept.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = service_fn(|request: http::Request<Incoming>| {
                    let kept = kept.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes().to_vec();
                        let mut kept = kept.lock().expect("no panic");
                        kept.push((head.headers, body));
                        let status = if kept.len() > refusals { 204 } else { 500 };
                        let answer = http::Response::builder().status(status);
                        let answer = answer.body(Full::<Bytes>::default()).expect("an answer");
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(tls), service).await;
            });
        }
    });
    (port, posted)
}

#[tokio::test]
async fn a_webhook_is_signed_and_repeated_until_it_is_taken() {
    let world = World::new().await;
    let (port, posted) = webhook(&world, 2).await;
    let secret = "0123456789abcdef0123456789abcdef";
    let secret_path = world.folder.path().join("webhook.key");
    std::fs::write(&secret_path, format!("{secret}\n")).expect("written");
    let settings = Notices {
        webhook_url: Some(format!("https://localhost:{port}/hook")),
        webhook_secret: Some(secret_path.clone()),
        webhook_ca: Some(world.files.ca.clone()),
        ..Notices::default()
    };
    world.tell(Kind::Arrived, &"cd".repeat(16)).await;
    for turn in [1, 1, 1, 0] {
        assert_eq!(world.outbox(&settings).turn().await.expect("turned"), turn);
        world.clock.advance_ms(60_000);
    }
    let posted = posted.lock().expect("no panic");
    assert_eq!(posted.len(), 3);
    let header = |n: usize, name: &str| posted[n].0[name].to_str().expect("text").to_owned();
    for (n, (_, body)) in posted.iter().enumerate() {
        let time: i64 = header(n, "strongroom-timestamp").parse().expect("seconds");
        assert_eq!(header(n, "strongroom-signature"), signature(secret, time, body));
        let value: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(value["id"], header(n, "strongroom-notice"));
        assert_eq!(
            (&value["kind"], &value["object"]),
            (&"arrived".into(), &"cd".repeat(16).into())
        );
        let text = String::from_utf8(body.clone()).expect("text");
        assert!(CANARIES.iter().all(|canary| !text.contains(canary)), "{text}");
    }
    assert_eq!(
        header(0, "strongroom-notice"),
        header(2, "strongroom-notice"),
        "the same at every try"
    );
    assert_ne!(header(0, "strongroom-timestamp"), header(2, "strongroom-timestamp"));

    std::fs::write(&secret_path, "short").expect("written");
    assert!(Outbox::open(&settings, world.store.clone(), world.clock.clone()).is_err());
    let at: Timestamp = world.clock.now();
    assert!(at > Timestamp::EPOCH);
}

#[tokio::test]
async fn checkpoints_go_by_mail_as_they_are_signed() {
    let world = World::new().await;
    let mut sink = Sink::start(&world, false);
    let to = vec!["auditor@example.cn".to_owned()];
    let settings = world.mail(sink.port);
    assert!(CheckpointMail::open(&settings, &[]).expect("no mailbox").is_none());
    let mail = CheckpointMail::open(&settings, &to).expect("opens").expect("a mailbox");
    let note = "strongroom log\n7\nAAAA=\n\n— gateway BBBB\n";
    mail.send(7, note).await.expect("sent");
    let sent = sink.next();
    assert_eq!((&sent["tls"], &sent["to"]), (&true.into(), &serde_json::json!(to)));
    let content = sent["content"].as_str().expect("text").replace("\r\n", "\n");
    let (_, body) = content.split_once("\n\n").expect("a body");
    let decoded = decoded(body);
    assert!(decoded.trim_end().ends_with(note.trim_end()), "{decoded}");
}

/// A body in quoted-printable or base64.
fn decoded(body: &str) -> String {
    use base64::Engine;
    let joined: String = body.split_whitespace().collect();
    match base64::engine::general_purpose::STANDARD.decode(&joined) {
        Ok(bytes) => String::from_utf8(bytes).expect("UTF-8"),
        Err(_) => body.replace("=\n", "").replace("=E2=80=94", "—").replace("=3D", "="),
    }
}

//! TLS as the gateway speaks it: versions, groups, suites, and a certificate that changes
//! while it runs (row T12's part that needs no scanner).

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion};
use strongroom::app::dev_ca;
use strongroom::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::gateway::Gateway;

#[tokio::test]
async fn the_hybrid_group_aes_and_tls_1_3_are_agreed_on() {
    let gateway = Gateway::start();
    for protocol in ["h2", "http/1.1"] {
        let stream = gateway.client().connect(protocol).await.expect("connects");
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let group = session.negotiated_key_exchange_group().expect("a group");
        assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
        assert_eq!(session.alpn_protocol(), Some(protocol.as_bytes()));
    }
}

#[tokio::test]
async fn aes_comes_before_chacha_whatever_the_client_prefers() {
    let gateway = Gateway::start();
    let mut client = gateway.client();
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites =
        vec![cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, cipher_suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = vec![kx_group::X25519];
    *client.config() = with(provider, &gateway);
    let stream = client.connect("h2").await.expect("a classical client is served too");
    let suite = stream.get_ref().1.negotiated_cipher_suite().expect("a suite");
    assert_eq!(suite.suite(), CipherSuite::TLS13_AES_256_GCM_SHA384);
}

fn with(provider: rustls::crypto::CryptoProvider, gateway: &Gateway) -> rustls::ClientConfig {
    use rustls_pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    let ca = rustls_pki_types::CertificateDer::from_pem_file(&gateway.files.ca).expect("a CA");
    roots.add(ca).expect("usable");
    rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A TLS 1.2 ClientHello with common suites and no `supported_versions`.
fn hello_of_tls_1_2() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.push(0);
    let suites: [u8; 8] = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30];
    hello.extend((suites.len() as u16).to_be_bytes());
    hello.extend(suites);
    hello.extend([1, 0]);
    let groups: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23];
    let schemes: &[u8] = &[0, 13, 0, 4, 0, 2, 4, 3];
    hello.extend(((groups.len() + schemes.len()) as u16).to_be_bytes());
    hello.extend(groups);
    hello.extend(schemes);
    let mut message = vec![1, 0];
    message.extend((hello.len() as u16).to_be_bytes());
    message.extend(hello);
    let mut record = vec![22, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let gateway = Gateway::start();
    let mut stream = TcpStream::connect(gateway.address).await.expect("connects");
    stream.write_all(&hello_of_tls_1_2()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("closed");
    assert_eq!(answer.first(), Some(&21), "an alert, not a hello: {answer:?}");
    assert_eq!(answer.last(), Some(&70), "protocol_version: {answer:?}");
}

/// The certificate that the gateway shows now.
async fn shown(gateway: &Gateway) -> Vec<u8> {
    let stream = gateway.client().connect("h2").await.expect("connects");
    let chain = stream.get_ref().1.peer_certificates().expect("a certificate");
    chain[0].to_vec()
}

async fn within<F: Future<Output = bool>>(seconds: u64, mut check: impl FnMut() -> F) -> bool {
    for _ in 0..seconds * 20 {
        if check().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let gateway = Gateway::start();
    let first = shown(&gateway).await;
    let kept = gateway.client().connect("http/1.1").await.expect("connects");
    let folder = gateway.files.ca.parent().expect("a folder");
    let hosts = ["files.example.cn".to_owned()];
    dev_ca::ensure(folder, &hosts, &Clock::System).expect("a further name makes a new one");
    assert!(within(5, async || shown(&gateway).await != first).await);
    let second = shown(&gateway).await;

    // A key that belongs to another certificate, then no PEM at all.
    let other = tempfile::tempdir().expect("a folder");
    let foreign = dev_ca::ensure(other.path(), &[], &Clock::System).expect("another CA");
    std::fs::copy(&foreign.key, &gateway.files.key).expect("copied");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(shown(&gateway).await, second);
    std::fs::write(&gateway.files.certificate, "not a certificate").expect("written");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(shown(&gateway).await, second);

    // Whoever was connected never noticed.
    let mut kept = kept;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n", gateway.address);
    kept.write_all(format!("{request}connection: close\r\n\r\n").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    kept.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200 "));
}

//! From a TCP connection to a TLS one, within a deadline.
//!
//! Refuses plain HTTP, with one plain answer that says so, and everything else that does not
//! begin like TLS, with none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::read_ahead::ReadAhead;
use super::tls::Certificates;

/// First byte of a TLS handshake record (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

/// Ciphertext that may wait for the socket: sixteen records.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// What speaks HTTP in the clear is told.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
content-type: application/problem+json\r\n\
content-length: 140\r\n\
cache-control: no-store\r\n\
connection: close\r\n\r\n\
{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"code\":\"plain_http\",\
\"detail\":\"This port speaks TLS only; use an https:// address.\"}";

/// The TLS connection, or nothing when the peer did not make one in time.
pub(super) async fn accept(
    mut stream: TcpStream,
    certificates: &Certificates,
    deadline: Instant,
) -> Option<TlsStream<ReadAhead>> {
    let mut first = [0];
    match timeout_at(deadline, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == HANDSHAKE_RECORD => {}
        Ok(Ok(1)) if first[0].is_ascii_alphabetic() => {
            refuse(&mut stream).await;
            return None;
        }
        _ => return None,
    }
    let handshake = TlsAcceptor::from(certificates.config())
        .accept_with(ReadAhead::new(stream), |session| {
            session.set_buffer_limit(Some(SEND_BUFFER_BYTES))
        });
    timeout_at(deadline, handshake).await.ok()?.ok()
}

/// Answers, then reads what was already on its way so that the answer is not lost to a reset.
async fn refuse(stream: &mut TcpStream) {
    let talk = async {
        stream.write_all(PLAIN_ANSWER).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = timeout(Duration::from_secs(1), talk).await;
}

#[cfg(test)]
mod tests {
    use super::PLAIN_ANSWER;

    #[test]
    fn the_plain_answer_is_well_formed() {
        let text = std::str::from_utf8(PLAIN_ANSWER).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        serde_json::from_str::<serde_json::Value>(body).expect("JSON");
    }
}

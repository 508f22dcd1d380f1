//! One HTTP/1.1 connection over TLS 1.3 as lightly as it can be had: heads are text, bodies are
//! the same bytes again and again, answers are counted and dropped.

use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Bytes of one read; TLS asks the socket for a few KiB only.
const READ_BYTES: usize = 256 * 1024;

/// Answers that are shown when they are refusals.
const SHORT_BYTES: u64 = 4096;

/// Where to connect, and whom to trust there.
pub(crate) struct Peer {
    authority: String,
    name: ServerName<'static>,
    connector: TlsConnector,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) length: u64,
    /// The body, when it was short.
    pub(crate) text: String,
}

impl Reply {
    /// An error for every answer that is none of success.
    pub(crate) fn ok(self) -> io::Result<Self> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.refused()) }
    }

    fn refused(&self) -> io::Error {
        io::Error::other(format!("status {}: {}", self.status, self.text))
    }
}

/// A body: some bytes, then `block` again and again until there are `length` in all.
pub(crate) struct Body<'a> {
    pub(crate) first: &'a [u8],
    pub(crate) block: &'a [u8],
    pub(crate) length: u64,
}

impl Body<'static> {
    pub(crate) const NONE: Self = Self { first: &[], block: &[], length: 0 };
}

impl Peer {
    /// The server at `origin` (`https://HOST:PORT`), trusted by `ca` (PEM) alone.
    pub(crate) fn new(origin: &str, ca: &[u8]) -> io::Result<Self> {
        let bad = |what: &str| io::Error::other(format!("{origin}: {what}"));
        let authority = origin.strip_prefix("https://").ok_or_else(|| bad("not https"))?.to_owned();
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| bad("not a name"))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca) {
            let certificate = certificate.map_err(|_| bad("its CA is not PEM"))?;
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { authority, name, connector: TlsConnector::from(Arc::new(config)) })
    }

    pub(crate) async fn connect(&self) -> io::Result<Line> {
        let tcp = TcpStream::connect(&self.authority).await?;
        tcp.set_nodelay(true)?;
        let tcp = BufReader::with_capacity(READ_BYTES, tcp);
        let stream = self.connector.connect(self.name.clone(), tcp).await?;
        Ok(Line { stream, authority: self.authority.clone(), buffer: vec![0; READ_BYTES] })
    }
}

/// One connection, used again and again.
pub(crate) struct Line {
    stream: TlsStream<BufReader<TcpStream>>,
    authority: String,
    buffer: Vec<u8>,
}

impl Line {
    /// Asks once. `headers` are whole lines, without `Host` and `Content-Length`.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: Body<'_>,
    ) -> io::Result<Reply> {
        let (authority, length) = (&self.authority, body.length);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        let mut left = length - body.first.len() as u64;
        if length < READ_BYTES as u64 {
            // A short request leaves in one go.
            let short = usize::try_from(left).map_err(io::Error::other)?;
            let whole = [head.as_bytes(), body.first, &body.block[..short]].concat();
            self.stream.write_all(&whole).await?;
        } else {
            self.stream.write_all(head.as_bytes()).await?;
            self.stream.write_all(body.first).await?;
            while left > 0 {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(body.block.len());
                self.stream.write_all(&body.block[..now]).await?;
                left -= now as u64;
            }
        }
        self.stream.flush().await?;
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        let mut filled = 0;
        let head = loop {
            match self.stream.read(&mut self.buffer[filled..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
            let end = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
        let length: u64 = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or_default();
        let mut got = (filled - head) as u64;
        let short = length < SHORT_BYTES;
        let mut body = Vec::new();
        if short {
            body.extend_from_slice(&self.buffer[head..filled]);
        }
        while got < length {
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if short {
                body.extend_from_slice(&self.buffer[..read]);
            }
            got += read as u64;
        }
        Ok(Reply { status, length, text: String::from_utf8_lossy(&body).into_owned() })
    }
}

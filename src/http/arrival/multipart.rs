//! Forms with files (RFC 7578), read as a stream: the content of a file is handed on while it
//! arrives, whatever its length, and only a few KiB are ever held.
//!
//! Refuses part headers of more than 8 KiB and boundaries that are none. Fields that are no
//! files are passed over.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::disposition::described;
use crate::documents::{Broken, Incoming};
use crate::http::Problem;

const MAX_PART_HEADER_BYTES: usize = 8 * 1024;
/// RFC 2046, section 5.1.1.
const MAX_BOUNDARY_BYTES: usize = 70;

/// A form that arrives.
pub(super) struct Multipart {
    reader: Arc<Mutex<Reader>>,
}

/// One file of a form. Its content must be read before the next file is asked for.
pub(super) struct File {
    pub(super) name: Zeroizing<String>,
    pub(super) media_type: String,
    pub(super) content: Incoming,
}

struct Reader {
    body: Incoming,
    held: BytesMut,
    /// `CR LF -- boundary`.
    delimiter: Vec<u8>,
    /// Inside the content of a part.
    inside: bool,
    ended: bool,
}

fn malformed() -> Problem {
    Problem::bad_request("The form is malformed; send it with curl -F file=@NAME.")
}

impl Multipart {
    /// The boundary of a `multipart/form-data` type; nothing for other types.
    pub(super) fn boundary(media_type: &str) -> Result<Option<String>, Problem> {
        let mut parts = media_type.split(';').map(str::trim);
        if !parts.next().is_some_and(|t| t.eq_ignore_ascii_case("multipart/form-data")) {
            return Ok(None);
        }
        let boundary = parts
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case("boundary"))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
            .filter(|value| !value.is_empty() && value.len() <= MAX_BOUNDARY_BYTES);
        boundary.map(Some).ok_or_else(malformed)
    }

    pub(super) fn new(body: Incoming, boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first delimiter may stand at the very beginning, without its line end.
        let held = BytesMut::from(&b"\r\n"[..]);
        let reader = Reader { body, held, delimiter, inside: true, ended: false };
        Self { reader: Arc::new(Mutex::new(reader)) }
    }

    /// The next part that is a file.
    pub(super) async fn next_file(&mut self) -> Result<Option<File>, Problem> {
        loop {
            let mut reader = self.reader.lock().await;
            let broken = |_| Problem::from(crate::documents::Error::Broken);
            while reader.inside {
                reader.content().await.map_err(broken)?;
            }
            let Some(header) = reader.header().await? else { return Ok(None) };
            drop(reader);
            if let Some((name, media_type)) = described(&header) {
                let reader = self.reader.clone();
                let content = stream::unfold(reader, |reader| async move {
                    let part = reader.lock().await.content().await.transpose();
                    part.map(|part| (part, reader))
                });
                return Ok(Some(File { name, media_type, content: Box::pin(content) }));
            }
        }
    }
}

impl Reader {
    async fn more(&mut self) -> Result<bool, Broken> {
        match self.body.next().await {
            Some(Ok(part)) => {
                self.held.extend_from_slice(&part);
                Ok(true)
            }
            Some(Err(broken)) => Err(broken),
            None => Ok(false),
        }
    }

    /// Content up to the delimiter; nothing once that is reached. A body that ends before it
    /// is broken.
    async fn content(&mut self) -> Result<Option<Bytes>, Broken> {
        while self.inside {
            if let Some(at) = find(&self.held, &self.delimiter) {
                let content = self.held.split_to(at).freeze();
                let _ = self.held.split_to(self.delimiter.len());
                self.inside = false;
                return Ok((!content.is_empty()).then_some(content));
            }
            // Its beginning may be here and its end still on the way.
            let sure = self.held.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                return Ok(Some(self.held.split_to(sure).freeze()));
            }
            if !self.more().await? {
                return Err(Broken);
            }
        }
        Ok(None)
    }

    /// The header of the next part; nothing after the last.
    async fn header(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if self.held.starts_with(b"--") {
                self.ended = true;
                return Ok(None);
            }
            if let Some(at) = find(&self.held, b"\r\n\r\n") {
                let header = self.held.split_to(at).to_vec();
                // The second line end stays: where the part is empty it belongs to the
                // delimiter. Content that does not begin with one is freed of it.
                let _ = self.held.split_to(2);
                while self.held.len() < 2 + self.delimiter.len() {
                    let more = self.more().await;
                    if !more.map_err(|_| Problem::from(crate::documents::Error::Broken))? {
                        break;
                    }
                }
                if !self.held.starts_with(&self.delimiter) {
                    let _ = self.held.split_to(2);
                }
                self.inside = true;
                return Ok(Some(header));
            }
            if self.held.len() > MAX_PART_HEADER_BYTES {
                return Err(malformed());
            }
            let more = self.more().await;
            if !more.map_err(|_| Problem::from(crate::documents::Error::Broken))? {
                return Err(malformed());
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == first) {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &[u8], step: usize) -> Multipart {
        let parts: Vec<_> =
            text.chunks(step).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        Multipart::new(Box::pin(stream::iter(parts)), "XX")
    }

    async fn read(mut content: Incoming) -> Result<Vec<u8>, Broken> {
        let mut all = Vec::new();
        while let Some(part) = content.next().await {
            all.extend_from_slice(&part?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn files_come_out_as_they_went_in_however_they_arrive() {
        let text = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--XX\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"对账单 \\\"a\\\".pdf\"\r\n\
            Content-Type: application/pdf\r\n\r\none\r\n--X two\r\n\r\n--XX\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"empty\"\r\n\r\n\r\n--XX--\r\n";
        for step in [1, 2, 3, 7, 50, 4096] {
            let mut form = form(text.as_bytes(), step);
            let file = form.next_file().await.expect("well-formed").expect("a file");
            assert_eq!(*file.name, "对账单 \"a\".pdf");
            assert_eq!(file.media_type, "application/pdf");
            assert_eq!(read(file.content).await.expect("whole"), b"one\r\n--X two\r\n", "{step}");
            let file = form.next_file().await.expect("well-formed").expect("a file");
            assert_eq!(read(file.content).await.expect("whole"), b"", "{step}");
            assert!(form.next_file().await.expect("well-formed").is_none());
        }
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_gives_no_whole_file() {
        let text = b"--XX\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\nhalf of i";
        let file = form(text, 5).next_file().await.expect("so far").expect("a file");
        assert_eq!(read(file.content).await, Err(Broken));
        assert!(form(b"--XX\r\nno end", 3).next_file().await.is_err());
        let endless = [b"--XX\r\n".as_slice(), &[b'a'; 20_000]].concat();
        assert!(form(&endless, 1000).next_file().await.is_err());
    }

    #[test]
    fn only_forms_have_a_boundary() {
        let of = |text| Multipart::boundary(text).ok().flatten();
        assert_eq!(of("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(of("Multipart/Form-Data; charset=x; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(of("application/pdf"), None);
        assert!(Multipart::boundary("multipart/form-data").is_err());
    }
}

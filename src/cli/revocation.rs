//! The end of something, signed on this device: a member, a key, a link, a share, a document.

use crate::api::Submit;
use crate::clock::Timestamp;
use crate::envelope::statement::{Note, Revocation, RevocationKind};

use super::error::Error;
use super::gateway::{Ask, Session, read_body};
use super::words::Word;

/// Signs the end of `subject` and submits it at `path`; what the gateway answers. It is dated
/// later where something was signed ahead of this device's time: what ends must have been in
/// force until then, or nobody could verify that any more.
///
/// # Errors
/// Those of asking.
pub(super) async fn revoke(
    session: &Session,
    path: &str,
    kind: RevocationKind,
    subject: &str,
) -> Result<hyper::body::Bytes, Error> {
    let now = session.clock().now();
    match submit(session, path, kind, subject, now).await {
        Err(error) if error.word() == Word::TooEarly => match error.not_before() {
            Some(later) if later > now => submit(session, path, kind, subject, later).await,
            _ => Err(error),
        },
        other => other,
    }
}

async fn submit(
    session: &Session,
    path: &str,
    kind: RevocationKind,
    subject: &str,
    time: Timestamp,
) -> Result<hyper::body::Bytes, Error> {
    let keys = session.profile().keys()?;
    let root = session.profile().info().root.key_id();
    let subject =
        subject.parse().map_err(|e| Error::new(Word::Internal).about("subject").because(e))?;
    let revocation = Revocation { root, kind, subject, prev: None, time };
    let submit = Submit { statement: Note::sign(&revocation, &[&keys.sign]) };
    read_body(session.answer(&Ask::post(path, &submit)?).await?).await
}

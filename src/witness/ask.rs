//! Asking a witness for its cosignature of the newest checkpoint, and keeping it beside that.
//!
//! Believes the answer only when it is a cosignature by the witness's key. A witness that has
//! seen more of this log than there is, or something else in its place, is told to whoever
//! reads the gateway's log: then this log was rolled back or rewritten.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};

use crate::audit;
use crate::clock::Clock;
use crate::config;
use crate::merkle::{AddCheckpoint, Checkpoint, CosignerKey, SignedNote};
use crate::outbound;
use crate::store::{self, Store};

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// More bytes than an answer has.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// One witness that is asked.
pub struct Asker {
    client: outbound::Client,
    url: Uri,
    key: CosignerKey,
    /// Entries of the checkpoint that it cosigned last, as far as is known here.
    known: Option<u64>,
}

/// How asking went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The newest checkpoint has its cosignature already, or there is none yet.
    Nothing,
    /// It cosigned the checkpoint of so many entries.
    Cosigned(u64),
}

/// Why there is no cosignature, in words that name nobody.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It cannot be reached, or answers nonsense.
    #[error("{0}")]
    Away(&'static str),
    /// It refuses with this status.
    #[error("the witness refuses with status {0}")]
    Refused(u16),
    /// It has seen a longer log.
    #[error("the witness has seen {seen} entries where there are {here}: this log was rolled back")]
    RolledBack {
        /// What it saw.
        seen: u64,
        /// What there is.
        here: u64,
    },
    /// It has seen another log.
    #[error("the witness has seen another log in this one's place: this log was rewritten")]
    Forked,
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Asker {
    /// The witness that `settings` name.
    ///
    /// # Errors
    /// What is wrong with address, key or CA.
    pub fn open(settings: &config::Witness) -> Result<Self, outbound::Error> {
        let bad = |e: &dyn std::fmt::Display| outbound::Error::Certificate(e.to_string());
        let url = format!("{}/add-checkpoint", settings.url.trim_end_matches('/'));
        Ok(Self {
            client: outbound::client(settings.ca.as_deref())?,
            url: url.parse().map_err(|e| bad(&e))?,
            key: settings.key.parse().map_err(|e| bad(&e))?,
            known: None,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// Asks it to cosign the newest checkpoint, unless it has. The first time it is asked all the
    /// same: an older copy of the log may have been put in its place.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn ask(&mut self, store: &Store, clock: &Clock) -> Result<Asked, Failed> {
        let first = self.known.is_none();
        let mut known = match self.known {
            Some(known) => known,
            None => {
                let cosigned = store.read().await?.newest_cosigned(self.key.name()).await?;
                cosigned.map_or(0, |(stored, _)| stored.size)
            }
        };
        for _ in 0..3 {
            let mut tx = store.read().await?;
            let Some((head, note)) = audit::head(&mut tx).await? else {
                return Ok(Asked::Nothing);
            };
            if !first && note.cosigned_by(&self.key).is_some() {
                return Ok(Asked::Nothing);
            }
            let proof = audit::consistency(&mut tx, known, head.size).await?;
            drop(tx);
            let Some(proof) = proof else {
                return Err(Failed::RolledBack { seen: known, here: head.size });
            };
            let request = AddCheckpoint { old: known, proof, checkpoint: note.clone() };
            let (status, body) = self.post(request.to_string()).await?;
            match status {
                StatusCode::OK => {
                    self.keep(store, clock, &head, &note, &body).await?;
                    self.known = Some(head.size);
                    return Ok(Asked::Cosigned(head.size));
                }
                StatusCode::CONFLICT => {
                    let seen: u64 =
                        body.trim().parse().map_err(|_| Failed::Away("the answer is no size"))?;
                    if seen > head.size {
                        return Err(Failed::RolledBack { seen, here: head.size });
                    }
                    if seen == known {
                        return Err(Failed::Forked);
                    }
                    known = seen;
                    self.known = Some(seen);
                }
                StatusCode::UNPROCESSABLE_ENTITY => return Err(Failed::Forked),
                status => return Err(Failed::Refused(status.as_u16())),
            }
        }
        Err(Failed::Away("the witness is being asked by others too"))
    }

    async fn keep(
        &self,
        store: &Store,
        clock: &Clock,
        head: &Checkpoint,
        note: &SignedNote,
        lines: &str,
    ) -> Result<(), Failed> {
        let cosigned = note.with_lines(lines).map_err(|_| Failed::Away("the answer is no line"))?;
        let seconds = cosigned.cosigned_by(&self.key);
        let seconds = seconds.ok_or(Failed::Away("the answer is not signed by its key"))?;
        // Its own line alone: it may have answered with those of other keys too.
        let line = cosigned.line_of(&self.key, seconds).ok_or(Failed::Away("no line"))?;
        let mut tx = store.write().await?;
        tx.insert_cosignature(head.size, self.key.name(), &line, clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn post(&self, body: String) -> Result<(StatusCode, String), Failed> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(USER_AGENT, concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failed::Away("not a request"))?;
        let asked = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|_| Failed::Away("the witness cannot be reached"))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|_| Failed::Away("the answer broke off"))?.to_bytes();
            let text = String::from_utf8(body.to_vec());
            Ok((status, text.map_err(|_| Failed::Away("the answer is no text"))?))
        };
        tokio::time::timeout(DEADLINE, asked)
            .await
            .unwrap_or(Err(Failed::Away("the witness did not answer in time")))
    }
}

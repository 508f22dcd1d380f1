//! `rewrap`: giving those who look after a client now a header for what was sent before.
//!
//! The gateway says what is missing; who gets a header is decided by the signed assignments
//! alone. The payload is not touched. A document sealed post-quantum never gets an X25519 header.

use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::api::{AddHeader, Base64, DocumentInfo, Rewrap, Rewraps};
use crate::envelope::{Header, Strength};
use crate::ids::{ClientId, DocumentId};
use crate::trust::Reader;

use super::Context;
use super::directory::undemandable;
use super::error::{Error, Exit};
use super::reading::{Reading, Said, demand, envelope_error, recipients_of};
use super::words::Word;

/// Documents that are sealed again at once.
const PARALLEL: usize = 8;

/// Re-wrap old documents for those who look after a client now · 为现任人员补封旧文档
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom rewrap
  strongroom rewrap --client 3f07…")]
pub struct RewrapArgs {
    /// Only this client's documents · 仅此客户
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
}

/// What was done, and what is left.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Rewrapped {
    /// Documents that got a header.
    pub rewrapped: u64,
    /// Documents that still lack one: for a device that can open them.
    pub pending: u64,
}

/// Runs `rewrap`.
///
/// # Errors
/// Those of asking, and the first document's that could not be re-wrapped.
pub async fn run(context: &Context, args: RewrapArgs) -> Result<(), Error> {
    let session = context.session()?;
    let reading = Reading::new(&session)?;
    let (done, failed) = rewrap(&reading, args.client).await?;
    context.terminal.result(&done, || match context.terminal.lang {
        super::lang::Lang::En => {
            format!("re-wrapped: {}, still pending: {}", done.rewrapped, done.pending)
        }
        super::lang::Lang::Zh => format!("已补封：{}，待补封：{}", done.rewrapped, done.pending),
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Re-wraps everything that this device can open. One document's fault does not stop the
/// others; the first is returned beside the counts.
///
/// # Errors
/// Those of asking.
pub async fn rewrap(
    reading: &Reading<'_>,
    client: Option<ClientId>,
) -> Result<(Rewrapped, Option<Error>), Error> {
    let path = match client {
        Some(client) => format!("/rewraps?client={client}"),
        None => "/rewraps".to_owned(),
    };
    let mut done = Rewrapped::default();
    let mut failed: Vec<(DocumentId, Error)> = Vec::new();
    loop {
        let page: Rewraps = reading.session().get(path.clone()).await?;
        let before = done.rewrapped;
        let open: Vec<&Rewrap> = page
            .documents
            .iter()
            .filter(|Rewrap { document, .. }| {
                document.header.is_some() && failed.iter().all(|(id, _)| *id != document.document)
            })
            .collect();
        let mut sealing = stream::iter(open)
            .map(|Rewrap { document, missing }| async move {
                (document.document, one(reading, document, missing).await)
            })
            .buffer_unordered(PARALLEL);
        while let Some((document, outcome)) = sealing.next().await {
            match outcome {
                Ok(()) => done.rewrapped += 1,
                Err(error) if error.exit() == Exit::Unreachable => return Err(error),
                Err(error) => failed.push((document, error)),
            }
        }
        if done.rewrapped == before {
            done.pending = page.pending + page.beyond;
            return Ok((done, failed.into_iter().next().map(|(_, error)| error)));
        }
    }
}

async fn one(
    reading: &Reading<'_>,
    info: &DocumentInfo,
    missing: &[crate::ids::MemberId],
) -> Result<(), Error> {
    let document = info.document;
    let fault = |e| envelope_error(e, document);
    // A raw file gets its readers by adoption, when somebody pulls it.
    let Said::Signed(signed) = reading.verify(info).await? else {
        return Err(Error::new(Word::NotOpened).about(document));
    };
    let (key, header) = reading.file_key(info)?;
    if key.commitment(&signed.pins.nonce) != signed.pins.commit {
        return Err(Error::new(Word::Commitment).about(document));
    }
    let directory = reading.directory(info.client).await?;
    let readers: Vec<Reader> = directory
        .readers(demand(info, signed.category))
        .map_err(undemandable)?
        .into_iter()
        .filter(|reader| missing.contains(&reader.member))
        .filter(|reader| !signed.firm_alone || reader.is_firm_side())
        .collect();
    if readers.is_empty() {
        // The gateway names somebody whom no signed assignment does.
        return Err(Error::new(Word::BadDirectory));
    }
    let post_quantum = header.strength().map_err(fault)? == Strength::PostQuantum;
    let recipients = recipients_of(&directory, readers.iter().map(|r| r.member), post_quantum)?;
    let header = Header::seal(&key, &recipients).map_err(fault)?;
    let add = AddHeader {
        header: Base64(header.as_bytes().to_vec()),
        members: readers.iter().map(|reader| reader.member).collect(),
    };
    let path = format!("/documents/{document}/headers");
    reading.session().post::<DocumentInfo>(path, &add).await.map(drop)
}

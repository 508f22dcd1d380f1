//! Recovering a client's documents with the recovery key, which two shares gave on this device.
//!
//! Refuses to seal anything to somebody whom no signed assignment names, and a document whose
//! signature or commitment does not agree. Invariant: the recovered key signs and opens here and
//! is sent nowhere; what leaves are headers.

use std::num::NonZero;

use serde::Serialize;

use crate::api::{
    Base64, HeadersAdded, MemberState, MemberSummary, NewHeader, NewHeaders, OpenRecovery,
    Recoverable, Recoverables, RecoveryOpened,
};
use crate::envelope::statement::{Category, Note, Recovery, Role};
use crate::envelope::{Header, Identity, MemberKeys, Strength};
use crate::ids::{ClientId, DocumentId, MemberId, RecoveryId};
use crate::trust::{Directory, Reader};

use super::directory::{self, undemandable};
use super::error::{Error, Exit};
use super::firm::assign_to;
use super::gateway::Session;
use super::reading::{Said, demand, envelope_error, recipients_of, verify};
use super::words::Word;

/// What two share holders agreed on.
#[derive(Clone, Debug)]
pub struct Ceremony {
    /// Whose documents.
    pub client: ClientId,
    /// For whom.
    pub to: MemberId,
    /// Numbers of the two shares.
    pub shares: [u8; 2],
    /// Why, in the lead's words.
    pub reason: Option<String>,
}

/// A document that was not sealed again, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Unrecovered {
    /// The document.
    pub document: DocumentId,
    /// A stable code: `not_opened` where the recovery key is no recipient.
    pub reason: String,
}

/// How a recovery ended.
#[derive(Debug, Serialize)]
pub struct Recovered {
    /// The ceremony, as the audit log names it.
    pub recovery: RecoveryId,
    /// Documents that got a header.
    pub rewrapped: u64,
    /// Whether the successor was assigned to the client for it.
    pub assigned: bool,
    /// Documents that did not.
    pub unrecoverable: Vec<Unrecovered>,
    /// The first fault that is more than a raw age file which was never sealed to the
    /// recovery key.
    #[serde(skip)]
    pub fault: Option<Error>,
}

/// Opens a ceremony with the recovered keys, and seals every document of the client again for
/// everybody who should be able to open it and is not.
///
/// # Errors
/// [`Word::NoSuchMember`], [`Word::NotAllowed`], and those of asking. A document's fault does
/// not stop the others.
pub async fn recover(
    session: &Session,
    keys: &MemberKeys,
    ceremony: &Ceremony,
) -> Result<Recovered, Error> {
    let Ceremony { client, to, shares, reason } = ceremony;
    let assigned = assign_successor(session, *client, *to).await?;
    let directory = directory::fetch(session, Some(*client)).await?;
    let statement = Recovery {
        root: directory.root().key_id(),
        recovery: RecoveryId::random(),
        client: *client,
        to: *to,
        shares: shares.map(u64::from).to_vec(),
        time: session.clock().now(),
    };
    let lead = session.profile().keys()?;
    let open = OpenRecovery {
        statement: Note::sign(&statement, &[&keys.sign, &lead.sign]),
        reason: reason.clone(),
    };
    let RecoveryOpened { recovery, .. } = session.post("/recoveries", &open).await?;
    let mut done =
        Recovered { recovery, rewrapped: 0, assigned, unrecoverable: Vec::new(), fault: None };
    let identities = keys.identities();
    let mut after = None;
    loop {
        let path = match &after {
            Some(after) => format!("/recoveries/{recovery}/documents?after={after}"),
            None => format!("/recoveries/{recovery}/documents"),
        };
        let page: Recoverables = session.get(path).await?;
        // Sealing keeps every core busy and asks nobody anything.
        let sealed =
            tokio::task::block_in_place(|| seal_all(&directory, &identities, &page.documents));
        let mut headers = Vec::with_capacity(sealed.len());
        for (wanted, outcome) in page.documents.iter().zip(sealed) {
            match outcome {
                Ok(header) => headers.push(header),
                Err(error) => done.failed(wanted, error),
            }
        }
        hand_over(session, headers, &mut done).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(done),
        }
    }
}

impl Recovered {
    fn failed(&mut self, wanted: &Recoverable, error: Error) {
        let info = &wanted.document;
        let reason = error.code().to_owned();
        self.unrecoverable.push(Unrecovered { document: info.document, reason });
        // Nobody promised that the recovery key opens what somebody made with another tool.
        let raw = info.manifest.is_none() && info.adoption.is_none();
        if self.fault.is_none() && !(raw && error.word() == Word::NotOpened) {
            self.fault = Some(error);
        }
    }
}

/// Sends headers, all in one request; where the gateway refuses that, one by one.
async fn hand_over(
    session: &Session,
    headers: Vec<NewHeader>,
    done: &mut Recovered,
) -> Result<(), Error> {
    if headers.is_empty() {
        return Ok(());
    }
    let path = format!("/recoveries/{}/headers", done.recovery);
    let all = NewHeaders { headers };
    match session.post::<HeadersAdded>(path.clone(), &all).await {
        Ok(added) => {
            done.rewrapped += added.rewrapped;
            return Ok(());
        }
        Err(error) if error.exit() != Exit::Refused || all.headers.len() == 1 => return Err(error),
        Err(_) => {}
    }
    for header in all.headers {
        let document = header.document;
        let one = NewHeaders { headers: vec![header] };
        match session.post::<HeadersAdded>(path.clone(), &one).await {
            Ok(added) => done.rewrapped += added.rewrapped,
            Err(error) if error.exit() != Exit::Refused => return Err(error),
            Err(error) => {
                let reason = error.code().to_owned();
                done.unrecoverable.push(Unrecovered { document, reason });
                done.fault.get_or_insert(error);
            }
        }
    }
    Ok(())
}

/// The successor must be named by a signed assignment; the lead signs one where there is none.
async fn assign_successor(
    session: &Session,
    client: ClientId,
    to: MemberId,
) -> Result<bool, Error> {
    let before = directory::fetch(session, Some(client)).await?;
    directory::is_confirmed(&before, to)?;
    if Category::ALL.iter().any(|category| before.assigned(client, *category).contains(&to)) {
        return Ok(false);
    }
    let members: Vec<MemberSummary> = session.get("/members").await?;
    let fits = |m: &MemberSummary| {
        m.member == to
            && m.state == MemberState::Active
            && matches!(m.role, Role::Accountant | Role::Lead)
    };
    if !members.iter().any(fits) {
        return Err(Error::new(Word::NoSuchMember).about(to));
    }
    assign_to(session, client, to).await.map(|_| true)
}

/// Seals each of `documents` again, on all cores.
fn seal_all(
    directory: &Directory,
    identities: &[Identity],
    documents: &[Recoverable],
) -> Vec<Result<NewHeader, Error>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = documents.len().div_ceil(cores).max(1);
    let work = |part: &[Recoverable]| -> Vec<_> {
        part.iter().map(|wanted| seal(directory, identities, wanted)).collect()
    };
    std::thread::scope(|scope| {
        let running: Vec<_> =
            documents.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
        let crashed = || Err(Error::new(Word::Internal).about("sealing"));
        let mut sealed = Vec::with_capacity(documents.len());
        for (thread, part) in running.into_iter().zip(documents.chunks(share)) {
            match thread.join() {
                Ok(outcomes) => sealed.extend(outcomes),
                Err(_) => sealed.extend(part.iter().map(|_| crashed())),
            }
        }
        sealed
    })
}

/// A header of one document for whoever lacks one.
fn seal(
    directory: &Directory,
    identities: &[Identity],
    wanted: &Recoverable,
) -> Result<NewHeader, Error> {
    let info = &wanted.document;
    let document = info.document;
    let fault = |e| envelope_error(e, document);
    let said = verify(directory, info)?;
    let mut refused = Error::new(Word::NotOpened).about(document);
    let mut found = None;
    for bytes in &wanted.headers {
        let opened = Header::parse_detached(&bytes.0)
            .and_then(|header| header.open(identities).map(|key| (key, header)));
        match (opened, &said) {
            // A header may open to another key than the sender signed; the next may not.
            (Ok((key, _)), Said::Signed(signed))
                if key.commitment(&signed.pins.nonce) != signed.pins.commit =>
            {
                refused = Error::new(Word::Commitment).about(document);
            }
            (Ok(opened), _) => {
                found = Some(opened);
                break;
            }
            (Err(_), _) => {}
        }
    }
    let (key, header) = found.ok_or(refused)?;
    let (category, firm_alone) = match &said {
        Said::Signed(signed) => (signed.category, signed.firm_alone),
        Said::Raw => (info.category, false),
    };
    let readers: Vec<Reader> = directory
        .readers(demand(info, category))
        .map_err(undemandable)?
        .into_iter()
        .filter(|reader| wanted.missing.contains(&reader.member))
        .filter(|reader| !firm_alone || reader.is_firm_side())
        .collect();
    if readers.is_empty() {
        // The gateway names somebody whom no signed assignment does.
        return Err(Error::new(Word::BadDirectory));
    }
    let post_quantum = header.strength().map_err(fault)? == Strength::PostQuantum;
    let members: Vec<MemberId> = readers.iter().map(|reader| reader.member).collect();
    let recipients = recipients_of(directory, members.iter().copied(), post_quantum)?;
    let header = Header::seal(&key, &recipients).map_err(fault)?;
    Ok(NewHeader { document, header: Base64(header.as_bytes().to_vec()), members })
}

//! The end of a hand-over: the gateway checks it once more, and ends all places of the leaver at
//! once.

use std::path::{Path, PathBuf};

use crate::api::{HandOver, HandedOver};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::firm::{AssignArgs, MAX_RACES, next_assignment};
use crate::cli::gateway::Session;
use crate::cli::reading::Reading;
use crate::cli::words::Word;
use crate::envelope::statement::{Handover, Note};
use crate::ids::MemberId;
use crate::trust::handover::Signed;

use super::{believe, read, tell, unsigned};

/// Somebody who looks after nothing: where that is because of the hand-over in `path`, it was
/// completed, whatever became of the answer.
///
/// # Errors
/// [`Word::NothingToHandOver`], [`Word::BadHandover`], and those of asking.
pub(super) async fn ended(
    context: &Context,
    session: &Session,
    from: MemberId,
    to: MemberId,
    path: PathBuf,
) -> Result<(), Error> {
    let nothing = || Error::new(Word::NothingToHandOver).about(from);
    let note = read(&path)?.ok_or_else(nothing)?;
    let said = believe(session, &note, &path)?;
    let first = said.clients.first().filter(|_| said.from == from && said.to == to);
    let first = *first.ok_or_else(|| Error::new(Word::BadHandover).about_path(&path))?;
    let submit = HandOver { statement: note.clone(), assignments: Vec::new() };
    let _: HandedOver = match session.post("/handovers", &submit).await {
        Err(error) if error.word() == Word::HandoverChanged => return Err(nothing()),
        other => other?,
    };
    let directory = Reading::new(session)?.directory(first).await?;
    let signed = Signed::of(&directory, &note, &said);
    tell(context, "completed", said, &signed, path)
}

/// Ends the leaver's places, all of them or none.
///
/// # Errors
/// [`Word::HandoverPending`], [`Word::HandoverUnsigned`], [`Word::HandoverChanged`], and those of
/// asking.
pub(super) async fn complete(
    context: &Context,
    session: &Session,
    statement: Note,
    said: &Handover,
    path: &Path,
) -> Result<(), Error> {
    let lang = context.terminal.lang;
    let mut submit = HandOver { statement, assignments: Vec::new() };
    for _ in 0..MAX_RACES {
        submit.assignments.clear();
        for client in &said.clients {
            let directory = directory::fetch(session, Some(*client)).await?;
            for category in directory.subjects_of(*client, said.from) {
                let args = AssignArgs { client: *client, to: said.from, category };
                let without = |accountants: &mut Vec<MemberId>, member: MemberId| {
                    accountants.retain(|accountant| *accountant != member);
                };
                submit.assignments.push(next_assignment(session, &directory, &args, without)?);
            }
        }
        let done: Result<HandedOver, Error> = session.post("/handovers", &submit).await;
        let error = match done {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.word() {
            Word::ChainMoved => {}
            Word::HandoverChanged => return Err(error.about_path(path)),
            Word::HandoverPending => return Err(error.about(lang.pick("some", "若干"))),
            // Keys that were in force here a moment ago are not.
            Word::HandoverUnsigned => {
                let nobody = Signed { leaver: None, successor: None, supervisor: None };
                return Err(unsigned(lang, path, &nobody, said));
            }
            _ => return Err(error),
        }
    }
    Err(Error::new(Word::ChainMoved))
}

//! What became of each file, for people and for programs.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::Context;
use crate::cli::error::{Error, ErrorJson};
use crate::cli::firm::unknown_client;
use crate::cli::gateway::Line;
use crate::cli::lang::Lang;
use crate::cli::terminal::{Terminal, printable};
use crate::cli::words::Word;
use crate::envelope::statement::{Category, Hash, Period, SealLevel};
use crate::ids::{ClientId, DocumentId, MemberId};
use crate::trust::{Reader, Spoken, spoken};

use super::Dispatch;

/// One file's outcome.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) document: Option<DocumentId>,
    pub(super) file: String,
    pub(super) name: Option<String>,
    pub(super) sha256: Option<Hash>,
    pub(super) size: Option<u64>,
    pub(super) seal: Option<SealLevel>,
    pub(super) receipt: Option<PathBuf>,
    pub(super) client: ClientId,
    pub(super) period: Period,
    pub(super) category: Category,
    pub(super) resumed: bool,
    /// Whether an earlier run of this command sent it.
    pub(super) sent_before: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dry_run: Option<Vec<Recipients>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ErrorJson>,
}

/// Who can open what is sent.
#[derive(Clone, Debug, Serialize)]
pub struct Recipients {
    /// The recipient (`age1…`).
    pub recipient: String,
    /// H of it.
    pub fingerprint: Hash,
    /// What to compare aloud with whoever it is: the words that their `whoami` says.
    pub words: Spoken,
    /// Whose it is.
    pub member: MemberId,
    /// As what they read.
    pub role: crate::envelope::statement::Role,
}

impl From<&Reader> for Recipients {
    fn from(reader: &Reader) -> Self {
        Self {
            recipient: reader.recipient.0.clone(),
            fingerprint: reader.fingerprint(),
            words: spoken(&reader.known_by),
            member: reader.member,
            role: reader.role,
        }
    }
}

impl Dispatch {
    /// Of a file of which nothing is known yet.
    pub(super) fn row(&self, file: &std::path::Path) -> Row {
        Row {
            document: None,
            file: file.to_string_lossy().into_owned(),
            name: None,
            sha256: None,
            size: None,
            seal: None,
            receipt: None,
            client: self.place.client,
            period: self.place.period,
            category: self.place.category,
            resumed: false,
            sent_before: false,
            dry_run: None,
            error: None,
        }
    }
}

/// Reports what became of each file; fails with the first one's error.
pub(super) fn report(
    context: &Context,
    dispatch: &Dispatch,
    rows: Vec<(Row, Result<(), Error>)>,
) -> Result<(), Error> {
    let terminal = &context.terminal;
    let mut first = None;
    let mut shown = Vec::with_capacity(rows.len());
    let through_link = matches!(*dispatch.line, Line::Link(_));
    let (sent, all) = (rows.iter().filter(|(_, outcome)| outcome.is_ok()).count(), rows.len());
    if sent < all && through_link {
        terminal.say(match terminal.lang {
            Lang::En => format!("{sent} of {all} files were sent"),
            Lang::Zh => format!("{all} 个文件中已发送 {sent} 个"),
        });
    }
    for (mut row, outcome) in rows {
        let outcome = outcome
            .map_err(|error| if through_link { used_up(error) } else { unknown_client(error) });
        if let Err(error) = outcome {
            row.error = Some(error.to_json(terminal.lang));
            first.get_or_insert(error);
        }
        shown.push(row);
    }
    terminal.result(&shown, || text(terminal, dispatch, &shown))?;
    match first {
        Some(error) => Err(error.reported()),
        None => Ok(()),
    }
}

/// What the holder of a link does when it does not open any more.
pub(super) fn used_up(error: Error) -> Error {
    error.advise(
        Word::NotFound,
        "the link's limits of files, bytes or time may be reached: ask whoever sent it for a new one",
        "链接的文件数、总大小或期限可能已到上限：请向提供链接的人索取新链接",
    )
}

fn text(terminal: &Terminal, dispatch: &Dispatch, rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let file = printable(&row.file);
        // What comes from standard input is known by the name it was given.
        let name = if row.file == "-" { row.name.as_deref() } else { None };
        let name = name.map_or_else(|| file.clone(), printable);
        let line = match (&row.error, row.document, terminal.lang) {
            (Some(error), _, Lang::En) => format!("not sent  {file}: {}", error.message),
            (Some(error), _, Lang::Zh) => format!("未发送  {file}：{}", error.message),
            (None, Some(document), Lang::En) if row.sent_before => {
                format!("sent before  {name}  document {document}")
            }
            (None, Some(document), Lang::Zh) if row.sent_before => {
                format!("此前已发送  {name}  文档 {document}")
            }
            (None, Some(document), Lang::En) => format!("sent  {name}  document {document}"),
            (None, Some(document), Lang::Zh) => format!("已发送  {name}  文档 {document}"),
            (None, None, Lang::En) => format!("would send  {name}"),
            (None, None, Lang::Zh) => format!("将发送  {name}"),
        };
        out.push_str(&line);
        out.push('\n');
    }
    if rows.iter().any(|row| row.dry_run.is_some()) {
        out.push_str(terminal.pick("sealed to:\n", "封存给：\n"));
        for reader in &dispatch.readers {
            out.push_str(&format!(
                "  {}  {}  {}\n",
                terminal.lang.role(reader.role),
                reader.member,
                reader.recipient
            ));
        }
    }
    out
}

//! `audit export`: JSON lines, one entry each in the order of the tree, then the entries that
//! are not in it yet.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::{Place, database};
use crate::app::error::Error;
use crate::store::LogRow;

/// Entries that are read at once.
const PAGE: i64 = 4096;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom audit export --data /srv/strongroom > log.jsonl
  strongroom audit export --data /srv/strongroom --no-data | python3 docs/verify_log.py …")]
pub(super) struct ExportArgs {
    #[command(flatten)]
    place: Place,
    /// Leave out what may have to be erased one day: roles, purposes
    #[arg(long)]
    no_data: bool,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    /// Position in the tree; null while there is none.
    index: Option<u64>,
    /// The leaf, in hex: H(0x00 ‖ entry).
    leaf: String,
    /// The canonical text.
    entry: &'a str,
    /// Key of the MAC in the entry's `data`, in hex; null where erased or left out.
    salt: Option<String>,
    /// What the MAC is over, byte for byte.
    data: Option<&'a str>,
}

pub(super) async fn run(args: &ExportArgs) -> Result<(), Error> {
    let store = args.place.open().await?;
    let mut tx = store.read().await.map_err(|e| database(&e))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut next, mut tail) = (0, 0);
    loop {
        let rows = tx.log_from(next, PAGE).await.map_err(|e| database(&e))?;
        let Some(last) = rows.last() else { break };
        next = last.position.map_or(u64::MAX, |position| position + 1);
        write(&mut out, &rows, args.no_data)?;
    }
    loop {
        let rows = tx.log_tail(tail, PAGE).await.map_err(|e| database(&e))?;
        let Some(last) = rows.last() else { break };
        tail = last.id;
        write(&mut out, &rows, args.no_data)?;
    }
    out.flush().map_err(|e| output(&e))
}

fn write(out: &mut impl Write, rows: &[LogRow], no_data: bool) -> Result<(), Error> {
    for row in rows {
        let data = row.data.as_ref().filter(|_| !no_data);
        let line = Line {
            index: row.position,
            leaf: hex::encode(&row.leaf),
            entry: &row.text,
            salt: data.map(|(salt, _)| hex::encode(salt)),
            data: data.map(|(_, data)| data.as_str()),
        };
        serde_json::to_writer(&mut *out, &line).map_err(|e| output(&io::Error::from(e)))?;
        out.write_all(b"\n").map_err(|e| output(&e))?;
    }
    Ok(())
}

fn output(error: &io::Error) -> Error {
    Error::because(
        "output",
        ("结果无法写到标准输出", "the result cannot be written to standard output"),
        error,
    )
}

//! `manifest.csv` beside pulled documents: what lies where, what it hashed to, and whether it
//! was verified. Begins with a byte-order mark, without which spreadsheets misread Chinese.
//!
//! Replaced as a whole, by one command at a time (a lock on the folder itself). A cell never
//! begins like a formula.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::cli::error::{Error, file_error};
use crate::cli::profile::replace_private;
use crate::cli::words::Word;

const NAME: &str = "manifest.csv";
const MARK: &str = "\u{feff}";
const HEAD: [&str; 16] = [
    "received_at",
    "document",
    "client",
    "period",
    "category",
    "direction",
    "path",
    "name",
    "size",
    "sha256",
    "seal",
    "sender",
    "verified",
    "reason",
    "from",
    "request_link",
];
/// Columns of tables that an older program wrote: the first of these, in this order.
const OLDER: usize = 14;
const DOCUMENT: usize = 1;

/// One document, a cell for each heading.
pub(in crate::cli) type Row = [String; HEAD.len()];

/// Adds `rows` to the table in `dir`; a document that stood there already is replaced.
///
/// # Errors
/// [`Word::CannotWrite`], [`Word::DiskFull`].
pub(in crate::cli) fn add(dir: &Path, rows: &[Row]) -> Result<(), Error> {
    let path = dir.join(NAME);
    let fault = |e: io::Error| file_error(Word::CannotWrite, &path, &e);
    let folder = File::open(dir).map_err(fault)?;
    flock(&folder, FlockOperation::LockExclusive).map_err(|e| fault(e.into()))?;
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
        // Somebody's own file of that name: leave it alone.
        Err(e) => return Err(fault(e)),
    };
    let text = merged(&before, rows);
    replace_private(&path, text.as_bytes()).map_err(fault)
}

fn merged(before: &str, rows: &[Row]) -> String {
    let mut records = parse(before.trim_start_matches(MARK));
    let is_head = |record: &Vec<String>| {
        [OLDER, HEAD.len()].iter().any(|width| record.iter().eq(HEAD[..*width].iter()))
    };
    if records.first().is_some_and(is_head) {
        records.remove(0);
    }
    for record in records.iter_mut().filter(|record| record.len() == OLDER) {
        record.resize(HEAD.len(), String::new());
    }
    records.retain(|record| {
        record.len() == HEAD.len()
            && !rows.iter().any(|row| escape(&row[DOCUMENT]) == record[DOCUMENT])
    });
    let mut text = String::from(MARK);
    write(&mut text, HEAD.iter().copied());
    for record in &records {
        write(&mut text, record.iter().map(String::as_str));
    }
    for row in rows {
        let escaped: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        write(&mut text, escaped.iter().map(String::as_str));
    }
    text
}

/// A cell that spreadsheets would take for a formula gets an apostrophe in front.
fn escape(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn write<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    // RFC 4180, section 2.
    text.push_str("\r\n");
}

/// Reads RFC 4180 records; what is not well-formed gives records that are then dropped.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(document: &str, name: &str) -> Row {
        let mut row: Row = std::array::from_fn(|_| String::new());
        row[DOCUMENT] = document.into();
        row[7] = name.into();
        row
    }

    #[test]
    fn rows_are_added_replaced_and_read_back() {
        let dir = tempfile::tempdir().expect("a folder");
        add(dir.path(), &[row("a", "对账单, \"3月\"\n.pdf"), row("b", "b.pdf")]).expect("written");
        add(dir.path(), &[row("b", "b (2).pdf"), row("c", "c.pdf")]).expect("written");
        let text = std::fs::read_to_string(dir.path().join(NAME)).expect("there");
        assert!(text.starts_with("\u{feff}received_at,document,"));
        let records = parse(text.trim_start_matches(MARK));
        let names: Vec<_> = records[1..].iter().map(|r| (r[1].as_str(), r[7].as_str())).collect();
        assert_eq!(names, [("a", "对账单, \"3月\"\n.pdf"), ("b", "b (2).pdf"), ("c", "c.pdf")]);
    }

    #[test]
    fn a_table_of_an_older_program_is_kept() {
        let older = format!("{MARK}{}\r\n1,a,,,,,,x.pdf,,,,,yes,\r\n", HEAD[..OLDER].join(","));
        let records = parse(merged(&older, &[row("b", "b.pdf")]).trim_start_matches(MARK));
        assert_eq!(records[0], HEAD);
        let names: Vec<_> = records[1..].iter().map(|r| (r[1].as_str(), r[7].as_str())).collect();
        assert_eq!(names, [("a", "x.pdf"), ("b", "b.pdf")]);
    }

    #[test]
    fn a_name_is_never_a_formula() {
        let text = merged("", &[row("a", "=HYPERLINK(\"x\")"), row("b", "-1+1"), row("c", "@x")]);
        let records = parse(text.trim_start_matches(MARK));
        assert!(records[1..].iter().all(|r| r[7].starts_with('\'')));
        let again = parse(merged(&text, &[]).trim_start_matches(MARK));
        assert_eq!(again, records, "escaped once");
    }
}

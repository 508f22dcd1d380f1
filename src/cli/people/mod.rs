//! Joining, logging in and out, sessions: how a person and a device come to be known.
//!
//! The passphrase never leaves the device (OPAQUE), and whatever the gateway shows is checked
//! against the invitation's fragment or the pinned root key before anything is made or opened.

mod join;
pub mod kit;
mod login;
mod rotate;
mod sessions;

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{Error, file_error};
use super::profile;
use super::terminal::Terminal;
use super::words::Word;

pub use join::{JoinArgs, JoinPlan, Joined, join, run as run_join};
pub use login::{LoginArgs, LoginPlan, Proof, login, run as run_login};
pub use rotate::{RotateArgs, finish_begun, run as run_rotate};
pub use sessions::{SessionsArgs, run_logout, run_sessions, run_whoami};

/// The shortest passphrase that is taken, in characters.
const MIN_PASSPHRASE_CHARS: usize = 8;

/// The next line of standard input: how programs hand over what must not stand among the
/// arguments, which everybody on the machine can read.
pub(in crate::cli) fn line_from_stdin() -> Result<Zeroizing<String>, Error> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|e| Error::new(Word::CannotRead).about("-").because(e))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The first line of a passphrase file; `-` is standard input.
fn passphrase_from(path: &Path) -> Result<Zeroizing<String>, Error> {
    if path == Path::new("-") {
        let line = line_from_stdin()?;
        if line.is_empty() {
            return Err(Error::new(Word::BadPassphraseFile).about("-"));
        }
        return Ok(line);
    }
    let bytes = profile::read(path)?
        .map(Zeroizing::new)
        .ok_or_else(|| Error::new(Word::NoSuchFile).about_path(path))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim_end_matches('\r');
    if line.is_empty() {
        return Err(Error::new(Word::BadPassphraseFile).about_path(path));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// A new passphrase from a file, or asked for twice on a terminal; none where there is neither.
///
/// # Errors
/// [`Word::PassphrasesDiffer`], [`Word::PassphraseShort`], and those of reading.
pub fn new_passphrase(
    file: Option<&PathBuf>,
    terminal: &Terminal,
) -> Result<Option<Zeroizing<String>>, Error> {
    let passphrase = match file {
        Some(path) => passphrase_from(path)?,
        None if terminal.asks() => {
            let first = terminal.ask_secret(terminal.pick("new passphrase", "新口令"))?;
            let second = terminal.ask_secret(terminal.pick("once more", "再输一次"))?;
            if first != second {
                return Err(Error::new(Word::PassphrasesDiffer));
            }
            first
        }
        None => return Ok(None),
    };
    if passphrase.chars().count() < MIN_PASSPHRASE_CHARS {
        return Err(Error::new(Word::PassphraseShort));
    }
    Ok(Some(passphrase))
}

/// What this device is called in the list of sessions.
fn device_name(given: Option<&str>) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = given.map(ToOwned::to_owned).or_else(host).unwrap_or_default();
    let name: String = super::terminal::printable(name.trim()).chars().take(64).collect();
    if name.is_empty() { "device".into() } else { name }
}

/// Runs what takes long (Argon2id) beside the runtime.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(Word::Internal).about("passphrase").because(e))
}

fn write_secret_file(path: &Path, text: &str) -> Result<(), Error> {
    if path.exists() {
        return Err(Error::new(Word::FileExists).about_path(path));
    }
    profile::write_new_private(path, text.as_bytes())
        .map_err(|e| file_error(Word::CannotWrite, path, &e))
}

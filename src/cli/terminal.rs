//! Where a command speaks: results on standard output (JSON with `--json`), everything else on
//! standard error. With `--json` standard error carries at most one thing: the error.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use zeroize::Zeroizing;

use super::error::{Error, ErrorJson};
use super::lang::Lang;
use super::words::Word;

/// How this run of the program speaks.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Results as JSON.
    pub json: bool,
    /// The language of messages.
    pub lang: Lang,
}

impl Terminal {
    /// Whether bars may be drawn.
    pub fn draws(&self) -> bool {
        !self.json && std::io::stderr().is_terminal()
    }

    /// Whether somebody can be asked.
    pub fn asks(&self) -> bool {
        !self.json && std::io::stdin().is_terminal()
    }

    /// The text in this run's language.
    pub fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        self.lang.pick(en, zh)
    }

    /// Says something by the way; nothing with `--json`.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.json {
            // Whoever closed standard error does not want to know.
            let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
        }
    }

    /// Gives the result: `value` as JSON with `--json`, else `text`.
    pub fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let mut out = if self.json {
            serde_json::to_string(value)
                .map_err(|e| Error::new(Word::Internal).about("result").because(e))?
        } else {
            text()
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush()).map_err(|e| {
            let error = Error::new(Word::Output).because(&e);
            // Whoever closed the pipe has read enough and need not be told.
            let closed = e.kind() == std::io::ErrorKind::BrokenPipe;
            if closed { error.reported() } else { error }
        })
    }

    /// Says why it failed.
    pub fn fail(&self, error: &Error) {
        self.fail_with(error.code(), &error.message(self.lang));
    }

    /// Says why it failed, with a code and a message of the caller's.
    pub fn fail_with(&self, code: &str, message: &str) {
        // A gateway's own code, where this program does not know it.
        let code = printable(code);
        let line = if self.json {
            let error = ErrorJson { code, message: message.to_owned() };
            serde_json::to_string(&error).unwrap_or_default()
        } else {
            format!("strongroom: {message} [{code}]")
        };
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// Asks for a line of text.
    pub fn ask(&self, question: &str) -> Result<String, Error> {
        let mut stderr = std::io::stderr().lock();
        let mut line = String::new();
        write!(stderr, "{question}: ")
            .and_then(|()| stderr.flush())
            .and_then(|()| std::io::stdin().read_line(&mut line))
            .map_err(|e| Error::new(Word::CannotRead).about("-").because(e))?;
        Ok(line.trim().to_owned())
    }

    /// Asks for a secret without showing it.
    pub fn ask_secret(&self, question: &str) -> Result<Zeroizing<String>, Error> {
        rpassword::prompt_password(format!("{question}: "))
            .map(Zeroizing::new)
            .map_err(|e| Error::new(Word::CannotRead).about("-").because(e))
    }
}

/// Text of a stranger, made safe to show: control and direction marks become `�`.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || is_direction_mark(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Marks that make text run or look otherwise than it is (UAX #9; zero-width characters).
pub fn is_direction_mark(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert_eq!(printable("对账单 2026年3月.pdf"), "对账单 2026年3月.pdf");
    }
}

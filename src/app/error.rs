//! Why a firm's command failed: a stable code, words in both languages, an exit status.

use crate::cli::{Exit, Lang, Terminal};

/// A failure of `init`, `serve`, `demo`, `doctor` or `recover`.
#[derive(Debug)]
pub struct Error {
    code: String,
    zh: String,
    en: String,
    exit: Exit,
}

impl Error {
    /// A failure with status 1; each text says the next step.
    pub(super) fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code: code.to_owned(), zh: zh.into(), en: en.into(), exit: Exit::Failed }
    }

    /// A failure of something that explains itself in English alone.
    pub(super) fn because(
        code: &'static str,
        what: (&str, &str),
        why: &dyn std::error::Error,
    ) -> Self {
        let mut reason = why.to_string();
        let mut source = why.source();
        while let Some(next) = source {
            let text = next.to_string();
            // Some say their source themselves.
            if !reason.contains(&text) {
                reason.push_str(": ");
                reason.push_str(&text);
            }
            source = next.source();
        }
        Self::new(code, format!("{}：{reason}", what.0), format!("{}: {reason}", what.1))
    }

    /// What a person's command says, unchanged.
    pub(super) fn from_person(error: &crate::cli::Error) -> Self {
        Self {
            code: error.code().to_owned(),
            zh: error.message(Lang::Zh),
            en: error.message(Lang::En),
            exit: error.exit(),
        }
    }

    /// The same with another exit status.
    #[must_use]
    pub(super) fn exiting(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Its stable code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Says it where `terminal` says such things.
    pub(super) fn tell(&self, terminal: Terminal) -> Exit {
        let message = match terminal.lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        };
        terminal.fail_with(&self.code, message);
        self.exit
    }
}

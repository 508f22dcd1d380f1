//! What a command fails with: a word of the table in `words`, what it is about, and the exit
//! status. Refuses to be vague: every word says the next step in both languages.

use std::fmt;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::envelope::statement::Hash;
use crate::trust::spoken;

use super::lang::Lang;
use super::words::Word;

/// How a command ends; the numbers are the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for has durably happened.
    Done = 0,
    /// It failed here.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The gateway refused.
    Refused = 3,
    /// Something did not verify.
    Unverified = 4,
    /// The gateway cannot be reached or is unavailable.
    Unreachable = 5,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    word: Word,
    subjects: Vec<Subject>,
    remote: Option<Remote>,
    cause: Option<String>,
    /// What to do next, beyond what the word says: in English and in Chinese.
    advice: Option<(&'static str, &'static str)>,
    /// The time before which the gateway takes no such statement.
    not_before: Option<Timestamp>,
    /// Whether the result on standard output says it already.
    reported: bool,
}

/// What an error is about.
#[derive(Debug)]
enum Subject {
    Text(String),
    /// A fingerprint, said in the words of the reader's language.
    Fingerprint(Hash),
}

impl Subject {
    fn text(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Fingerprint(hash) => lang.spoken(&spoken(hash)).to_owned(),
        }
    }
}

/// A refusal whose code has no word here: a newer gateway.
#[derive(Debug)]
struct Remote {
    code: String,
    detail: String,
}

/// How an error stands in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorJson {
    /// Stable word for programs.
    pub code: String,
    /// What happened and what to do, in the caller's language.
    pub message: String,
}

impl Error {
    /// The error that `word` stands for.
    pub fn new(word: Word) -> Self {
        Self(Box::new(Inner {
            word,
            subjects: Vec::new(),
            remote: None,
            cause: None,
            advice: None,
            not_before: None,
            reported: false,
        }))
    }

    /// A refusal with a code of the gateway; `detail` is used where the code is not known here,
    /// or says more than the code does.
    pub fn remote(code: &str, detail: &str) -> Self {
        match Word::from_code(code) {
            Some(word) if word.is_general() && !detail.is_empty() => {
                Self::new(word).because(detail)
            }
            Some(word) => Self::new(word),
            None => {
                let mut error = Self::new(Word::Refused).about(detail);
                error.0.remote = Some(Remote { code: code.into(), detail: detail.into() });
                error
            }
        }
    }

    /// Names what the error is about; the first fills `{0}` of the message, the next `{1}`.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.0.subjects.push(Subject::Text(subject.to_string()));
        self
    }

    /// Names a key that the error is about, by the words of its fingerprint.
    #[must_use]
    pub fn about_words(mut self, fingerprint: Hash) -> Self {
        self.0.subjects.push(Subject::Fingerprint(fingerprint));
        self
    }

    /// Names a file or folder that the error is about.
    #[must_use]
    pub fn about_path(self, path: &std::path::Path) -> Self {
        self.about(path.display())
    }

    /// Adds what lies behind it; shown in brackets.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds what to do next where it is `word`: the gateway answers alike to all that is unknown,
    /// and only the command knows what was asked for.
    #[must_use]
    pub fn advise(mut self, word: Word, en: &'static str, zh: &'static str) -> Self {
        if self.0.word == word {
            self.0.advice = Some((en, zh));
        }
        self
    }

    /// Notes the time before which the gateway takes no such statement.
    #[must_use]
    pub fn no_earlier_than(mut self, time: Option<Timestamp>) -> Self {
        self.0.not_before = time;
        self
    }

    /// The time before which the gateway takes no such statement, where it said one.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.0.not_before
    }

    /// Stands in the result already, so that people need not be told twice.
    #[must_use]
    pub fn reported(mut self) -> Self {
        self.0.reported = true;
        self
    }

    /// Whether the result says it already.
    pub fn is_reported(&self) -> bool {
        self.0.reported
    }

    /// The word.
    pub fn word(&self) -> Word {
        self.0.word
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        self.0.remote.as_ref().map_or(self.0.word.code(), |remote| &remote.code)
    }

    /// The exit status.
    pub fn exit(&self) -> Exit {
        self.0.word.exit()
    }

    /// Whether trying again may help without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        let lasting = matches!(self.0.word, Word::NotRehearsed | Word::Certificate);
        (self.exit() == Exit::Unreachable && !lasting) || self.0.word == Word::Locked
    }

    /// The message in `lang`.
    pub fn message(&self, lang: Lang) -> String {
        let mut text = self.0.word.text(lang).to_owned();
        for (number, subject) in self.0.subjects.iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), &subject.text(lang));
        }
        if let Some(cause) = &self.0.cause {
            text.push_str(&format!(" ({cause})"));
        }
        if let Some((en, zh)) = self.0.advice {
            text.push_str(lang.pick("; ", "；"));
            text.push_str(lang.pick(en, zh));
        }
        text
    }

    /// How it stands in JSON.
    pub fn to_json(&self, lang: Lang) -> ErrorJson {
        ErrorJson { code: self.code().to_owned(), message: self.message(lang) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::En))?;
        match &self.0.remote {
            Some(remote) if !remote.detail.is_empty() => write!(f, " [{}]", remote.code),
            _ => Ok(()),
        }
    }
}

/// An error of reading or writing the file `path` on this machine.
pub fn file_error(word: Word, path: &std::path::Path, cause: &std::io::Error) -> Error {
    if super::failure::is_full(cause) {
        return Error::new(Word::DiskFull).about_path(path);
    }
    Error::new(word).about_path(path).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_known_is_passed_on() {
        let error = Error::remote("brand_new", "Do this.");
        assert_eq!((error.code(), error.exit()), ("brand_new", Exit::Refused));
        assert!(error.message(Lang::Zh).contains("Do this."));
    }

    #[test]
    fn what_the_gateway_says_beyond_a_general_code_is_shown() {
        let error = Error::remote("bad_request", "A jurisdiction is two capital letters.");
        assert_eq!((error.code(), error.exit()), ("bad_request", Exit::Refused));
        for lang in [Lang::En, Lang::Zh] {
            let message = error.message(lang);
            assert!(message.contains("two capital letters"), "{message}");
        }
        let known = Error::remote("login_taken", "Somebody else has it.");
        assert!(!known.message(Lang::En).contains("Somebody else has it."));
    }

    #[test]
    fn advice_is_for_one_word_and_in_the_language() {
        let advised = |word| Error::new(word).advise(Word::NotFound, "ask anew", "请重新索取");
        assert!(advised(Word::NotFound).message(Lang::Zh).ends_with("；请重新索取"));
        assert!(advised(Word::NotFound).message(Lang::En).ends_with("; ask anew"));
        assert!(!advised(Word::NotAllowed).message(Lang::En).contains("anew"));
    }

    #[test]
    fn what_cannot_change_by_itself_is_not_tried_again() {
        for (word, passing) in [
            (Word::NotRehearsed, false),
            (Word::Certificate, false),
            (Word::NotFound, false),
            (Word::Unreachable, true),
            (Word::Unavailable, true),
            (Word::Locked, true),
        ] {
            assert_eq!(Error::new(word).is_passing(), passing, "{word:?}");
        }
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let path = std::path::Path::new("/tmp/x");
        assert_eq!(file_error(Word::CannotWrite, path, &full).code(), "disk_full");
        let other = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(file_error(Word::CannotWrite, path, &other).code(), "cannot_write");
    }
}

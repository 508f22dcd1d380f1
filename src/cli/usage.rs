//! A command line that makes no sense, in Chinese: the parser explains itself in English alone.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::lang::Lang;

/// The language that the arguments ask for, where the parser could not read them; else the
/// environment's.
pub fn language(arguments: impl IntoIterator<Item = String>) -> Lang {
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let word = match argument.split_once('=') {
            Some(("--lang", word)) => Some(word.to_owned()),
            _ if argument == "--lang" => arguments.next(),
            _ => None,
        };
        match word.as_deref() {
            Some("zh") => return Lang::Zh,
            Some("en") => return Lang::En,
            _ => {}
        }
    }
    Lang::from_environment()
}

fn words(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let text = match error.get(kind)? {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join("、"),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(super::terminal::printable(&text)).filter(|text| !text.is_empty())
}

/// What is wrong, in one line; `None` for what is seldom.
pub fn in_chinese(error: &clap::Error) -> Option<String> {
    let argument = || words(error, ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{}", argument()?),
        ErrorKind::UnknownArgument => format!("没有这个选项：{}", argument()?),
        ErrorKind::InvalidSubcommand => {
            format!("没有这个命令：{}", words(error, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => "缺少子命令".to_owned(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let (argument, value) = (argument()?, words(error, ContextKind::InvalidValue));
            let Some(value) = value else { return Some(format!("{argument} 缺少取值")) };
            match words(error, ContextKind::ValidValue) {
                Some(known) => format!("{argument} 的值“{value}”无效，可用：{known}"),
                None => format!("{argument} 的值“{value}”无效"),
            }
        }
        ErrorKind::ArgumentConflict => match words(error, ContextKind::PriorArg) {
            Some(other) => format!("{} 不能与 {other} 同时使用", argument()?),
            None => format!("{} 只能给出一次", argument()?),
        },
        ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues | ErrorKind::TooManyValues => {
            format!("{} 的取值个数不对", argument()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_found_in_arguments_that_make_no_sense() {
        let given = |words: &[&str]| language(words.iter().map(|word| (*word).to_owned()));
        assert_eq!(given(&["send", "--lang", "zh"]), Lang::Zh);
        assert_eq!(given(&["--lang=en", "--nonsense"]), Lang::En);
    }
}

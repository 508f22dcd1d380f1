//! The one binary: argument parsing, then `cli` (a person's commands) or `app` (a firm's).

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};
use strongroom::{app, cli};

/// Secure client file exchange for accounting firms · 会计机构与客户之间的安全文件往来
#[derive(Parser)]
#[command(name = "strongroom", version, infer_subcommands = false)]
#[command(after_help = "\
Exit status · 退出码: 0 done 完成 · 1 failed 失败 · 2 usage 用法 · 3 refused 被网关拒绝 ·
4 verification failed 验证失败 · 5 gateway away 网关不可用")]
struct Arguments {
    #[command(flatten)]
    global: cli::Global,
    #[command(subcommand)]
    command: Command,
}

/// Every command there is: a person's, then a firm's.
#[derive(clap::Subcommand)]
enum Command {
    #[command(flatten)]
    Person(cli::Command),
    #[command(flatten)]
    Firm(app::Command),
}

fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(Unread::Usage(error)) => return usage(&error),
        Err(Unread::Id(terminal, error)) => {
            terminal.fail(&error);
            return error.exit().into();
        }
    };
    cli::outlive_file_limits();
    match arguments.command {
        Command::Person(cli::Command::Completions(args)) => {
            let mut script = Vec::new();
            clap_complete::generate(
                args.shell,
                &mut Arguments::command(),
                "strongroom",
                &mut script,
            );
            match std::io::stdout().write_all(&script) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            }
        }
        Command::Person(command) => cli::run(&arguments.global, command).into(),
        Command::Firm(command) => app::run(&arguments.global, &command).into(),
    }
}

/// Why the command line was not read.
enum Unread {
    Usage(clap::Error),
    Id(cli::Terminal, cli::Error),
}

/// Reads the command line; ids that are cut short are completed where the profile can.
fn parse() -> Result<Arguments, Unread> {
    let mut typed: Vec<OsString> = std::env::args_os().collect();
    loop {
        let read = Arguments::command().try_get_matches_from(&typed);
        let error = match read.and_then(|matches| Arguments::from_arg_matches(&matches)) {
            Ok(arguments) => return Ok(arguments),
            Err(error) => error,
        };
        let (Some(argument), Some(value)) = (
            context_of(&error, ContextKind::InvalidArg),
            context_of(&error, ContextKind::InvalidValue),
        ) else {
            return Err(Unread::Usage(error));
        };
        match completed(&typed, &argument, &value)? {
            Some(whole) => {
                for word in typed.iter_mut().filter(|word| **word == *value) {
                    *word = OsString::from(&whole);
                }
            }
            None => return Err(Unread::Usage(error)),
        }
    }
}

fn context_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The whole id that `value` begins, where `argument` takes one.
fn completed(typed: &[OsString], argument: &str, value: &str) -> Result<Option<String>, Unread> {
    if !cli::prefix::is_one(value) || !typed.iter().any(|word| *word == *value) {
        return Ok(None);
    }
    // What could be read in spite of it: whose profile, and which command.
    let lenient = Arguments::command().ignore_errors(true).try_get_matches_from(typed);
    let Ok(matches) = lenient else { return Ok(None) };
    let Ok(global) = cli::Global::from_arg_matches(&matches) else { return Ok(None) };
    let command = matches.subcommand_name().unwrap_or_default();
    cli::prefix::whole(&cli::Context::new(&global), command, argument, value)
        .map_err(|error| Unread::Id(global.terminal(), error))
}

/// Says what is wrong with the command line: as JSON when it asks for that, for it could not be
/// read any further.
fn usage(error: &clap::Error) -> ExitCode {
    let asks_for_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let json = std::env::args_os().skip(1).any(|arg| arg == "--json");
    let arguments = std::env::args_os().skip(1).filter_map(|arg| arg.into_string().ok());
    let lang = cli::usage::language(arguments);
    let chinese = (lang == cli::Lang::Zh).then(|| cli::usage::in_chinese(error)).flatten();
    if json && !asks_for_help {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        let text = match chinese {
            Some(line) => format!("{line}（{text}）"),
            None => text.to_owned(),
        };
        let terminal = cli::Terminal { json: true, lang };
        terminal.fail(&cli::Error::new(cli::Word::Usage).about(text));
        return cli::Exit::Usage.into();
    }
    if let Some(line) = chinese
        && writeln!(std::io::stderr().lock(), "strongroom: {line}").is_err()
    {
        return ExitCode::FAILURE;
    }
    if error.print().is_err() {
        return ExitCode::FAILURE;
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => cli::Exit::Usage.into(),
    }
}

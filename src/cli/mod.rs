//! A person's commands: joining, sending, pulling, and a firm's daily work over HTTPS.
//!
//! Sees the gateway through `api` alone. Refuses to believe it: whatever counts is verified
//! against the pinned root key on this device. Invariant: a command exits with 0 only when what
//! was asked for has durably happened.

mod actions;
mod age_file;
pub mod args;
mod bars;
mod columns;
pub mod confirm;
pub mod directory;
pub mod error;
mod failure;
pub mod fetch;
pub mod firm;
pub mod gateway;
pub mod handover;
mod interrupt;
pub mod lang;
mod link_kind;
pub mod list;
pub mod log;
mod new_file;
pub mod open;
pub mod partners;
pub mod people;
pub mod prefix;
pub mod profile;
pub mod pull;
pub mod reading;
mod recall;
pub mod receipt;
pub mod receive;
pub mod recipients;
pub mod recovering;
mod revocation;
pub mod rewrap;
pub mod seal;
pub mod send;
pub mod shares;
mod signature;
mod since;
pub mod terminal;
pub mod usage;
pub mod who_saw;
pub mod words;

use std::path::PathBuf;

use crate::clock::Clock;

pub use args::{Command, Global};
pub use error::{Error, ErrorJson, Exit};
pub use failure::Failure;
pub use gateway::{Ask, Gateway, Session};
pub use interrupt::outlive_file_limits;
pub use lang::Lang;
pub use terminal::Terminal;
pub use words::Word;

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// Where it speaks.
    pub terminal: Terminal,
    /// The time.
    pub clock: Clock,
    profile: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl Context {
    /// The context of these global arguments.
    pub fn new(global: &Global) -> Self {
        Self {
            terminal: global.terminal(),
            clock: Clock::System,
            profile: global.profile.clone(),
            ca: global.ca.clone(),
        }
    }

    /// The profile folder: the one named, or the person's default.
    ///
    /// # Errors
    /// [`Word::NoTerminal`] when nothing says where.
    pub fn profile_dir(&self) -> Result<PathBuf, Error> {
        self.profile
            .clone()
            .or_else(profile::Profile::default_dir)
            .ok_or_else(|| Error::new(Word::NoTerminal).about("--profile DIR"))
    }

    /// The CA given with `--ca` (PEM).
    ///
    /// # Errors
    /// [`Word::NoSuchFile`], [`Word::CannotRead`].
    pub fn ca(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = &self.ca else { return Ok(None) };
        let pem = profile::read(path)?;
        pem.map(Some).ok_or_else(|| Error::new(Word::NoSuchFile).about_path(path))
    }

    /// The session of the profile.
    ///
    /// # Errors
    /// [`Word::NoProfile`], [`Word::ProfileDamaged`].
    pub fn session(&self) -> Result<Session, Error> {
        let profile = profile::Profile::open(&self.profile_dir()?)?;
        Session::open(profile, self.ca()?.as_deref(), self.clock.clone())
    }
}

/// Runs one command to its end and says how it ended.
pub fn run(global: &Global, command: Command) -> Exit {
    let context = Context::new(global);
    let done = match command {
        Command::Seal(args) => return off_line(&context, seal::run(&args)),
        Command::Open(args) => return off_line(&context, open::run(&args)),
        command => on_line(&context, command),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            if context.terminal.json || !error.is_reported() {
                context.terminal.fail(&error);
            }
            error.exit()
        }
    }
}

fn off_line(context: &Context, done: Result<(), Failure>) -> Exit {
    let Err(failure) = done else { return Exit::Done };
    let message = failure.message(context.terminal.lang == Lang::Zh);
    context.terminal.fail_with(failure.code(), message);
    match failure.status() {
        2 => Exit::Usage,
        4 => Exit::Unverified,
        _ => Exit::Failed,
    }
}

fn on_line(context: &Context, command: Command) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|e| Error::new(Word::Internal).about("runtime").because(e))?;
    let done = runtime.block_on(dispatch(context, command));
    // A thread that still reads a pipe must not hold up the end.
    runtime.shutdown_background();
    done
}

/// Whether a command speaks for the member, so that a rotation must be finished first.
fn needs_keys(command: &Command) -> bool {
    !matches!(
        command,
        Command::Join(_)
            | Command::Login(_)
            | Command::Logout
            | Command::Verify(_)
            | Command::Receipt(_)
            | Command::Receive(_)
            | Command::Completions(_)
    )
}

async fn dispatch(context: &Context, command: Command) -> Result<(), Error> {
    if needs_keys(&command) {
        people::finish_begun(context).await?;
    }
    match command {
        Command::Send(args) => send::run_send(context, args).await,
        Command::Pull(args) => pull::run(context, args).await,
        Command::Deliver(args) => send::run_deliver(context, args).await,
        Command::Join(args) => people::run_join(context, args).await,
        Command::Login(args) => people::run_login(context, args).await,
        Command::Logout => people::run_logout(context).await,
        Command::Whoami => people::run_whoami(context).await,
        Command::Sessions(args) => people::run_sessions(context, args).await,
        Command::List(args) => list::run(context, args).await,
        Command::Recall(args) => recall::run(context, args).await,
        Command::Fetch(args) => fetch::run_fetch(context, args).await,
        Command::Key(args) => fetch::run_key(context, args).await,
        Command::Recipients(args) => recipients::run(context, args).await,
        Command::Rewrap(args) => rewrap::run(context, args).await,
        Command::Verify(args) => receipt::run_verify(context, args).await,
        Command::Receipt(args) => receipt::run_page(context, args),
        Command::RequireWitness(args) => log::run_require(context, &args),
        Command::WhoSaw(args) => who_saw::run(context, args).await,
        Command::Client(args) => firm::run_client(context, args).await,
        Command::Invite(args) => firm::run_invite(context, args).await,
        Command::Assign(args) => firm::run_assign(context, args).await,
        Command::Handover(args) => handover::run(context, args).await,
        Command::Unassign(args) => firm::run_unassign(context, args).await,
        Command::Member(args) => firm::run_member(context, args).await,
        Command::Policy(args) => firm::run_policy(context, args).await,
        Command::Period(args) => firm::run_period(context, args).await,
        Command::Root(args) => firm::run_root(context, args).await,
        Command::Request(args) => firm::run_request(context, args).await,
        Command::Partner(args) => partners::run(context, args).await,
        Command::Share(args) => shares::run_share(context, args).await,
        Command::Authorise(args) => shares::run_authorise(context, args).await,
        Command::Withdraw(arg) => shares::run_withdraw(context, arg).await,
        Command::Revoke(arg) => shares::run_revoke(context, arg).await,
        Command::Unlock(arg) => shares::run_unlock(context, arg).await,
        Command::Shares => shares::run_shares(context).await,
        Command::Receive(args) => receive::run(context, args).await,
        Command::Completions(_) | Command::Seal(_) | Command::Open(_) => Ok(()),
    }
}

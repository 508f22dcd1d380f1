//! `assign` and `unassign`: who looks after a client. Signed, so that senders believe nobody
//! else; what this device can open is re-wrapped at once.

use serde::Serialize;

use crate::api::{Assigned, MemberState, MemberSummary, Submit};
use crate::cli::Context;
use crate::cli::args::category_parser;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::Session;
use crate::cli::lang::Lang;
use crate::cli::reading::Reading;
use crate::cli::rewrap::rewrap;
use crate::cli::words::Word;
use crate::envelope::statement::{Assignment, Category, Note, Role};
use crate::ids::{ClientId, MemberId};
use crate::trust::Directory;

/// How often others may be faster before it is given up.
pub const MAX_RACES: usize = 5;

/// Say who looks after a client · 分户
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom assign --client 3f07… --to 91ab…
  strongroom unassign --client 3f07… --to 91ab…")]
pub struct AssignArgs {
    /// The client · 客户
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
    /// The accountant · 会计
    #[arg(long, value_name = "MEMBER")]
    pub to: MemberId,
    /// Only for this category; others stay with whoever has them · 仅此类别
    #[arg(long, value_name = "CATEGORY", value_parser = category_parser())]
    pub category: Option<Category>,
}

#[derive(Serialize)]
struct Done {
    client: ClientId,
    category: Option<Category>,
    accountants: Vec<MemberId>,
    rewrapped: u64,
    pending: u64,
}

/// Refuses somebody whose changed key nobody has confirmed, before anything is sealed to them.
///
/// # Errors
/// [`Word::KeyChanged`], and those of asking.
pub async fn is_confirmed(session: &Session, member: MemberId) -> Result<(), Error> {
    if session.profile().info().role != Role::Lead {
        // The gateway says so too, and better.
        return Ok(());
    }
    directory::is_confirmed(&directory::fetch_people(session).await?, member)
}

/// Runs `assign`.
///
/// # Errors
/// [`Word::NotTheirBooks`], [`Word::NotAllowed`], [`Word::KeyChanged`], and those of asking.
pub async fn run_assign(context: &Context, args: AssignArgs) -> Result<(), Error> {
    let session = context.session()?;
    keeps_books(&session, args.to).await?;
    is_confirmed(&session, args.to).await?;
    change(context, &args, |accountants, member| {
        if !accountants.contains(&member) {
            accountants.push(member);
        }
    })
    .await
}

/// Refuses whom no client can be assigned to.
async fn keeps_books(session: &Session, member: MemberId) -> Result<(), Error> {
    let members: Vec<MemberSummary> = session.get("/members").await?;
    let fits = |m: &MemberSummary| {
        m.member == member
            && m.state == MemberState::Active
            && matches!(m.role, Role::Accountant | Role::Lead)
    };
    if members.iter().any(fits) {
        Ok(())
    } else {
        Err(Error::new(Word::NotTheirBooks).about(member))
    }
}

/// Runs `unassign`.
///
/// # Errors
/// As [`run_assign`].
pub async fn run_unassign(context: &Context, args: AssignArgs) -> Result<(), Error> {
    change(context, &args, |accountants, member| accountants.retain(|a| *a != member)).await
}

/// Makes `member` one of the accountants of `client`, in every category that has none of its own.
///
/// # Errors
/// As [`run_assign`].
pub async fn assign_to(
    session: &Session,
    client: ClientId,
    member: MemberId,
) -> Result<Assigned, Error> {
    is_confirmed(session, member).await?;
    let args = AssignArgs { client, to: member, category: None };
    sign_assignment(session, &args, |accountants, member| {
        if !accountants.contains(&member) {
            accountants.push(member);
        }
    })
    .await
}

async fn change(
    context: &Context,
    args: &AssignArgs,
    edit: impl Fn(&mut Vec<MemberId>, MemberId),
) -> Result<(), Error> {
    let session = context.session()?;
    let assigned = sign_assignment(&session, args, edit).await.map_err(super::unknown_client)?;
    // Whoever assigns often cannot open anything; then all of it is pending. They do not even ask:
    // the client would read of a refusal.
    let opens = assigned.accountants.contains(&session.profile().info().member);
    let (rewrapped, pending) = if opens {
        let (done, _) = rewrap(&Reading::new(&session)?, Some(args.client)).await?;
        (done.rewrapped, done.pending)
    } else {
        (0, assigned.pending)
    };
    let done = Done {
        client: args.client,
        category: args.category,
        accountants: assigned.accountants,
        rewrapped,
        pending,
    };
    let terminal = &context.terminal;
    terminal.result(&done, || {
        let ids: Vec<String> = done.accountants.iter().map(MemberId::to_string).collect();
        let ids = ids.join(", ");
        match terminal.lang {
            Lang::En => format!(
                "accountants: {ids}\nre-wrapped: {rewrapped}, for a device that can open them: \
                 {pending}"
            ),
            Lang::Zh => format!("会计：{ids}\n已补封：{rewrapped}，待能打开的设备补封：{pending}"),
        }
    })
}

/// Signs and submits the next assignment of a subject: the newest one, changed by `edit`.
///
/// # Errors
/// As [`run_assign`].
pub async fn sign_assignment(
    session: &Session,
    args: &AssignArgs,
    edit: impl Fn(&mut Vec<MemberId>, MemberId),
) -> Result<Assigned, Error> {
    for _ in 0..MAX_RACES {
        let directory = directory::fetch(session, Some(args.client)).await?;
        let submit = Submit { statement: next_assignment(session, &directory, args, &edit)? };
        match session.post("/assignments", &submit).await {
            Err(error) if error.word() == Word::ChainMoved => {}
            other => return other,
        }
    }
    Err(Error::new(Word::ChainMoved))
}

/// Signs the next assignment of a subject: the newest one in `directory`, changed by `edit`.
///
/// # Errors
/// [`Word::ProfileDamaged`], [`Word::BadKeyring`].
pub fn next_assignment(
    session: &Session,
    directory: &Directory,
    args: &AssignArgs,
    edit: impl Fn(&mut Vec<MemberId>, MemberId),
) -> Result<Note, Error> {
    let AssignArgs { client, to, category } = *args;
    // A category's first own assignment begins with whoever had it.
    let mut accountants = match category {
        Some(own) if directory.assignment_head(client, category).is_none() => {
            directory.assigned(client, own)
        }
        _ => directory.assigned_exactly(client, category).to_vec(),
    };
    edit(&mut accountants, to);
    accountants.retain(|member| directory.is_active(*member));
    let assignment = Assignment {
        root: directory.root().key_id(),
        client,
        category,
        accountants,
        prev: directory.assignment_head(client, category),
        time: session.clock().now(),
    };
    Ok(Note::sign(&assignment, &[&session.profile().keys()?.sign]))
}

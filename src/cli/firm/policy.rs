//! `policy`: what is allowed for a client. Restates the whole policy; what is not named stays.

use serde::Serialize;

use crate::api::{Assigned, Submit};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::Session;
use crate::cli::words::Word;
use crate::envelope::statement::{Category, Note, Policy, Role, YesNo};
use crate::ids::ClientId;
use crate::trust::{Directory, lead_may_sign, principal_may_sign};

/// How often others may be faster before it is given up.
const MAX_RACES: usize = 5;

/// Say what is allowed for a client · 设置客户策略
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom policy --client 3f07…                             (shows it 查看)
  strongroom policy --client 3f07… --on-arrival yes
  strongroom policy --client 3f07… --post-quantum yes --clerk-reads receipts,bank")]
pub struct PolicyArgs {
    /// The client · 客户
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
    /// Whether the gateway may seal documents while it receives them · 是否允许网关代为封存
    #[arg(long, value_name = "yes|no", value_parser = yes_no)]
    pub on_arrival: Option<YesNo>,
    /// Whether documents are sealed to post-quantum keys · 是否使用抗量子密钥
    #[arg(long, value_name = "yes|no", value_parser = yes_no)]
    pub post_quantum: Option<YesNo>,
    /// What the client's clerks may read, comma-joined; empty for nothing · 经办人可读类别，逗号分隔
    #[arg(long, value_name = "CATEGORIES")]
    pub clerk_reads: Option<String>,
}

fn yes_no(word: &str) -> Result<YesNo, String> {
    word.parse().map_err(|_| "yes or no".to_owned())
}

#[derive(Serialize)]
struct Done {
    client: ClientId,
    on_arrival: YesNo,
    post_quantum: YesNo,
    clerk_reads: Vec<Category>,
    pending: u64,
}

fn categories(text: &str) -> Result<Vec<Category>, Error> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(|_| Error::new(Word::BadCategories).about(text)))
        .collect()
}

/// Runs `policy`.
///
/// # Errors
/// [`Word::BadCategories`], [`Word::PolicyWider`], [`Word::PolicyPayroll`], [`Word::NotAllowed`],
/// and those of asking.
pub async fn run(context: &Context, args: PolicyArgs) -> Result<(), Error> {
    let changes =
        args.on_arrival.is_some() || args.post_quantum.is_some() || args.clerk_reads.is_some();
    let clerk_reads = args.clerk_reads.as_deref().map(categories).transpose()?;
    let session = context.session()?;
    let keys = session.profile().keys()?;
    for _ in 0..MAX_RACES {
        let directory =
            directory::fetch(&session, Some(args.client)).await.map_err(super::unknown_client)?;
        let mut policy = next(&directory, args.client, session.clock().now());
        policy.on_arrival = args.on_arrival.unwrap_or(policy.on_arrival);
        policy.post_quantum = args.post_quantum.unwrap_or(policy.post_quantum);
        if let Some(reads) = &clerk_reads {
            policy.reader_categories.clone_from(reads);
        }
        if !changes {
            return tell(context, args.client, policy, 0);
        }
        permitted(&session, &directory, &policy)?;
        let submit = Submit { statement: Note::sign(&policy, &[&keys.sign]) };
        let assigned: Assigned = match session.post("/policies", &submit).await {
            Err(error) if error.word() == Word::ChainMoved => continue,
            other => other?,
        };
        return tell(context, args.client, policy, assigned.pending);
    }
    Err(Error::new(Word::ChainMoved))
}

fn tell(context: &Context, client: ClientId, policy: Policy, pending: u64) -> Result<(), Error> {
    let done = Done {
        client,
        on_arrival: policy.on_arrival,
        post_quantum: policy.post_quantum,
        clerk_reads: policy.reader_categories,
        pending,
    };
    context.terminal.result(&done, || {
        let reads: Vec<&str> = done.clerk_reads.iter().map(|c| c.as_str()).collect();
        format!(
            "on-arrival {}  post-quantum {}  clerk-reads {}",
            done.on_arrival,
            done.post_quantum,
            reads.join(",")
        )
    })
}

/// Says beforehand what the gateway and every device would refuse to believe.
fn permitted(session: &Session, directory: &Directory, next: &Policy) -> Result<(), Error> {
    let info = session.profile().info();
    let client = next.client.ok_or_else(|| Error::new(Word::ClientNeeded))?;
    let before = directory.policy(next.client).map(|(_, policy)| policy);
    match info.role {
        Role::Principal if !principal_may_sign(before, next) => {
            let was = before.map(|policy| policy.on_arrival);
            let arrives = was != Some(YesNo::Yes) && next.on_arrival == YesNo::Yes;
            let option = if arrives { "--on-arrival yes" } else { "--post-quantum no" };
            Err(Error::new(Word::PolicyWider).about(client).about(option))
        }
        Role::Lead if !lead_may_sign(before, next) => {
            Err(Error::new(Word::PolicyPayroll).about(client))
        }
        _ => Ok(()),
    }
}

/// The policy of `client` as it stands, ready to be changed and signed as the next.
fn next(directory: &Directory, client: ClientId, now: crate::clock::Timestamp) -> Policy {
    match directory.policy(Some(client)) {
        Some((hash, policy)) => Policy { prev: Some(*hash), time: now, ..policy.clone() },
        None => Policy {
            root: directory.root().key_id(),
            client: Some(client),
            on_arrival: YesNo::No,
            post_quantum: YesNo::from(directory.is_post_quantum(client)),
            reader_categories: directory.clerk_categories(client),
            prev: None,
            time: now,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_read_from_a_list() {
        let read = |text| categories(text).map_err(|e| e.code().to_owned());
        assert_eq!(read("bank, tax"), Ok(vec![Category::Bank, Category::Tax]));
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("bank,payrol"), Err("bad_categories".into()));
    }
}

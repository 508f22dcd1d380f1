//! `policy`: what is allowed for a client. Restates the whole policy; what is not named stays.

use serde::Serialize;

use crate::api::{Assigned, Submit};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::words::Word;
use crate::envelope::statement::{Category, Note, Policy, YesNo};
use crate::ids::ClientId;
use crate::trust::Directory;

/// How often others may be faster before it is given up.
const MAX_RACES: usize = 5;

/// Say what is allowed for a client · 设置客户策略
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom policy --client 3f07… --on-arrival yes
  strongroom policy --client 3f07… --post-quantum yes --clerk-reads receipts,bank")]
pub struct PolicyArgs {
    /// The client
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
    /// Whether the gateway may seal documents while it receives them
    #[arg(long, value_name = "yes|no", value_parser = yes_no)]
    pub on_arrival: Option<YesNo>,
    /// Whether documents are sealed to post-quantum keys
    #[arg(long, value_name = "yes|no", value_parser = yes_no)]
    pub post_quantum: Option<YesNo>,
    /// What the client's clerks may read, comma-joined; empty for nothing
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
/// [`Word::NothingToChange`], [`Word::BadCategories`], [`Word::NotAllowed`], and those of asking.
pub async fn run(context: &Context, args: PolicyArgs) -> Result<(), Error> {
    if args.on_arrival.is_none() && args.post_quantum.is_none() && args.clerk_reads.is_none() {
        return Err(Error::new(Word::NothingToChange));
    }
    let clerk_reads = args.clerk_reads.as_deref().map(categories).transpose()?;
    let session = context.session()?;
    let keys = session.profile().keys()?;
    for _ in 0..MAX_RACES {
        let directory = directory::fetch(&session, Some(args.client)).await?;
        let mut policy = next(&directory, args.client, session.clock().now());
        policy.on_arrival = args.on_arrival.unwrap_or(policy.on_arrival);
        policy.post_quantum = args.post_quantum.unwrap_or(policy.post_quantum);
        if let Some(reads) = &clerk_reads {
            policy.reader_categories.clone_from(reads);
        }
        let submit = Submit { statement: Note::sign(&policy, &[&keys.sign]) };
        let assigned: Assigned = match session.post("/policies", &submit).await {
            Err(error) if error.word() == Word::ChainMoved => continue,
            other => other?,
        };
        let done = Done {
            client: args.client,
            on_arrival: policy.on_arrival,
            post_quantum: policy.post_quantum,
            clerk_reads: policy.reader_categories,
            pending: assigned.pending,
        };
        return context.terminal.result(&done, || {
            let reads: Vec<&str> = done.clerk_reads.iter().map(|c| c.as_str()).collect();
            format!(
                "on-arrival {}  post-quantum {}  clerk-reads {}",
                done.on_arrival,
                done.post_quantum,
                reads.join(",")
            )
        });
    }
    Err(Error::new(Word::ChainMoved))
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

//! The firm's root key on a lead's device: `root.age` in the profile, an age file sealed to the
//! lead's own recipient that holds the key's 32-byte seed. Only what needs the root opens it.
//! A copy for a second officer, or for a drawer, is the same file sealed to whoever keeps it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::{MemberState, MemberSummary};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::{Error, file_error};
use crate::cli::gateway::Session;
use crate::cli::profile::{self, Profile};
use crate::cli::words::Word;
use crate::envelope::statement::{Role, SigningKey};
use crate::envelope::{MemberKeys, Recipient, open_small, seal_small};
use crate::ids::{KeyId, MemberId};
use crate::secrets::Secret;
use crate::trust::Directory;

const FILE: &str = "root.age";

/// An age file that holds the root key's seed, for `root.age` in the profile of `recipient`.
///
/// # Errors
/// [`Word::Internal`] for a recipient that nothing can be sealed to.
pub fn seal_root(seed: &Secret<32>, recipient: &Recipient) -> Result<Vec<u8>, Error> {
    seal_small(seed.expose(), std::slice::from_ref(recipient))
        .map_err(|e| Error::new(Word::Internal).about(FILE).because(e))
}

/// The root key, where this profile has it and it is the pinned one.
pub(in crate::cli) fn root_key(profile: &Profile, keys: &MemberKeys) -> Result<SigningKey, Error> {
    Ok(SigningKey::from_seed(&root_seed(&profile.dir().join(FILE), profile, keys)?))
}

/// The seed of the pinned root key, from a file sealed to this member.
fn root_seed(path: &Path, profile: &Profile, keys: &MemberKeys) -> Result<Secret<32>, Error> {
    let damaged = || Error::new(Word::ProfileDamaged).about_path(path);
    let file = profile::read(path)?
        .ok_or_else(|| {
            Error::new(Word::NoSuchFile).about_path(path).advise(
                Word::NoSuchFile,
                "this device does not hold the firm's root key: run the command where it is kept, or take a copy first (strongroom root import FILE)",
                "本机没有机构的根密钥：请在保存根密钥的设备上运行，或先导入副本（strongroom root import 文件）",
            )
        })?;
    let seed = open_small(&file, &keys.identities()).map_err(|_| damaged())?;
    let seed = Secret::from_slice(&seed).ok_or_else(damaged)?;
    let pinned = SigningKey::from_seed(&seed).public() == profile.info().root;
    if pinned { Ok(seed) } else { Err(Error::new(Word::ForeignRoot)) }
}

/// The firm's root key: back it up, hand it to a second lead · 根密钥
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom root export --out my-root-backup.age
  strongroom root export --to 91ab… --out root-for-zhang.age   (91ab… is a lead 须为主管会计)
  strongroom root import root-for-zhang.age")]
pub struct RootArgs {
    /// What to do
    #[command(subcommand)]
    pub action: RootAction,
}

/// What can be done with the root key.
#[derive(Debug, clap::Subcommand)]
pub enum RootAction {
    /// Write a copy that one lead alone can open: a second one, or yourself · 导出
    #[command(after_help = "\
Example · 示例:
  strongroom root export --to 91ab… --out root-for-zhang.age
  strongroom root export --out my-root-backup.age")]
    Export {
        /// Which lead it is sealed to; yourself where nobody is named · 交给哪位主管会计，默认本人
        #[arg(long, value_name = "MEMBER")]
        to: Option<MemberId>,
        /// The file to write; nothing is overwritten · 写入的新文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take a copy into this profile · 导入
    #[command(after_help = "Example · 示例:\n  strongroom root import root-for-zhang.age")]
    Import {
        /// A file that `root export` wrote for you · root export 导出的文件
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Serialize)]
struct Copied {
    root: KeyId,
    member: MemberId,
    path: PathBuf,
}

/// Runs `root`.
///
/// # Errors
/// [`Word::NoSuchFile`] where this device has no root key, [`Word::NoSuchMember`], [`Word::NotALead`],
/// [`Word::ForeignRoot`], [`Word::ProfileDamaged`], and those of asking.
pub async fn run(context: &Context, args: RootArgs) -> Result<(), Error> {
    let session = context.session()?;
    let profile = session.profile();
    let (keys, info) = (profile.keys()?, profile.info());
    let (member, path, sealed) = match args.action {
        RootAction::Export { to, out } => {
            let seed = root_seed(&profile.dir().join(FILE), profile, &keys)?;
            let member = to.unwrap_or(info.member);
            let recipient = if member == info.member {
                keys.recipient()
            } else {
                match recipient_of(&directory::fetch(&session, None).await?, member)? {
                    Some(recipient) => recipient,
                    None => return Err(no_lead(&session, member).await?),
                }
            };
            (member, out, seal_root(&seed, &recipient)?)
        }
        RootAction::Import { file } => {
            let seed = root_seed(&file, profile, &keys)?;
            (info.member, profile.dir().join(FILE), seal_root(&seed, &keys.recipient())?)
        }
    };
    profile::write_new_private(&path, &sealed).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Error::new(Word::FileExists).about_path(&path),
        _ => file_error(Word::CannotWrite, &path, &e),
    })?;
    let done = Copied { root: info.root.key_id(), member, path };
    context.terminal.result(&done, || format!("{}  {}", done.root, done.path.display()))
}

/// The recipient on the card of an active lead, which nobody has to confirm first.
fn recipient_of(directory: &Directory, member: MemberId) -> Result<Option<Recipient>, Error> {
    directory::is_confirmed(directory, member)?;
    let recipient = directory
        .card(member)
        .filter(|_| {
            directory.is_active(member)
                && directory.is_in_force(member)
                && directory.holds(member, Role::Lead, None)
        })
        .and_then(|card| card.recipient.as_ref()?.to_string().parse().ok());
    Ok(recipient)
}

/// Why `member` does not get the root key.
async fn no_lead(session: &Session, member: MemberId) -> Result<Error, Error> {
    let members: Vec<MemberSummary> = session.get("/members").await?;
    let of_firm = |m: &MemberSummary| {
        m.member == member && m.state == MemberState::Active && !m.role.is_client_side()
    };
    let word = if members.iter().any(of_firm) { Word::NotALead } else { Word::NoSuchMember };
    Ok(Error::new(word).about(member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::profile::tests::new_profile;

    #[test]
    fn the_root_key_opens_on_its_leads_device_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        // The fixture's firm has its member's own key as root.
        let profile = new_profile(&dir.path().join("a"), 1, |_| ());
        let keys = profile.keys().expect("unlocks");
        let path = profile.dir().join(FILE);
        assert_eq!(root_key(&profile, &keys).expect_err("none").code(), "no_such_file");
        let seed = Secret::random();
        let other = seal_root(&seed, &keys.recipient()).expect("sealed");
        std::fs::write(&path, other).expect("written");
        assert_eq!(root_key(&profile, &keys).expect_err("not pinned").code(), "foreign_root");
        let stranger = MemberKeys::from_seed(&seed);
        let sealed = seal_root(&seed, &stranger.recipient()).expect("sealed");
        std::fs::write(&path, sealed).expect("written");
        assert_eq!(root_key(&profile, &keys).expect_err("not ours").code(), "profile_damaged");
    }
}
